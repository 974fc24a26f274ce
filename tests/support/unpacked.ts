/**
 * A mail server whose Debian package cannot stand beside Postfix: the package is unpacked in the cache (.ci/run does
 * it), and a test runs it in a root directory of its own, with its libraries, its users and nothing else.
 *
 * `await using root = await unpackedRoot("opensmtpd", {...})`. Only root can start it. There is no /dev in it but a file
 * in the place of /dev/null, and all names but localhost are unknown.
 */
import { dirname, join } from "@std/path";
import { needingFolders } from "./installed.ts";
import { type ProgramRun, runProgram } from "./program.ts";

const CACHE = join(Deno.env.get("HOME") ?? "/root", ".cache", "mailhop-tests");

export interface RootOptions {
  /** Directories of the package to take, as "usr/sbin". */
  readonly take: readonly string[];
  /** Files of this machine that its programs load, such as plug-ins. */
  readonly plugins?: readonly string[];
  /** Users beside root, each with a group of the same name and number. */
  readonly users: Readonly<Record<string, number>>;
  readonly directories: Readonly<Record<string, number>>;
}

export interface UnpackedRoot extends AsyncDisposable {
  /** Where a file of it is for this machine. */
  path(name: string): string;
  /** Writes a file; `owner` and `group` are numbers. */
  write(name: string, text: string, mode?: number, group?: number): Promise<void>;
  run(program: string, args: readonly string[], input?: string): Promise<ProgramRun>;
  /** Starts a server; its output is in `log`, and it ends with the root. */
  start(program: string, args: readonly string[]): { log(): string };
}

/** The directory of an unpacked package. */
export function unpacked(name: string): string {
  return join(CACHE, name);
}

/** The part of a test's definition that depends on whether the package is there, as `needing` has it. */
export function needingUnpacked(name: string, ...packages: string[]): { name: string; ignore: boolean } {
  const needs = needingFolders(name, ...packages.map(unpacked));
  if (needs.ignore || Deno.uid() === 0 || Deno.env.get("MAILHOP_TEST_REQUIRE") === "all") return needs;
  return { name: `${name} (only root can start it)`, ignore: true };
}

export async function unpackedRoot(name: string, options: RootOptions): Promise<UnpackedRoot> {
  const directory = await Deno.makeTempDir({ prefix: `mailhop-${name}-` });
  await Deno.chmod(directory, 0o755);
  const path = (name: string) => join(directory, name);
  const servers: Deno.ChildProcess[] = [];
  const root: UnpackedRoot = {
    path,
    async write(name, text, mode = 0o644, group = 0) {
      await Deno.mkdir(dirname(path(name)), { recursive: true });
      await Deno.writeTextFile(path(name), text);
      await Deno.chmod(path(name), mode);
      await Deno.chown(path(name), 0, group);
    },
    run: (program, args, input) => runProgram("chroot", [directory, program, ...args], input),
    start(program, args) {
      const server = new Deno.Command("/usr/sbin/chroot", {
        args: [directory, program, ...args],
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
      servers.push(server);
      let text = "";
      for (const stream of [server.stdout, server.stderr]) {
        stream.pipeThrough(new TextDecoderStream()).pipeTo(
          new WritableStream({ write: (part) => void (text += part) }),
        );
      }
      return { log: () => text };
    },
    async [Symbol.asyncDispose]() {
      for (const server of servers) {
        server.kill("SIGTERM");
        await server.status;
      }
      await Deno.remove(directory, { recursive: true });
    },
  };
  for (const [name, mode] of Object.entries({ tmp: 0o777, ...options.directories })) {
    await Deno.mkdir(path(name), { recursive: true });
    await Deno.chmod(path(name), mode);
  }
  await copyPrograms(unpacked(name), path, options);
  const users = Object.entries({ root: 0, ...options.users });
  await root.write("etc/passwd", users.map(([user, id]) => `${user}:x:${id}:${id}::/:/bin/false\n`).join(""));
  await root.write("etc/group", users.map(([user, id]) => `${user}:x:${id}:\n`).join(""));
  await root.write("etc/hosts", "127.0.0.1 localhost\n");
  await root.write("etc/nsswitch.conf", "hosts: files\n");
  await root.write("dev/null", "", 0o666);
  return root;
}

async function copyPrograms(from: string, path: (name: string) => string, options: RootOptions): Promise<void> {
  const programs = [...options.plugins ?? []];
  for (const folder of options.take) {
    await Deno.mkdir(path(folder), { recursive: true });
    for await (const { name, isFile, isSymlink } of Deno.readDir(join(from, folder))) {
      const file = join(from, folder, name);
      if (isSymlink) await Deno.symlink(await Deno.readLink(file), path(join(folder, name)));
      if (!isFile) continue;
      programs.push(file);
      await Deno.copyFile(file, path(join(folder, name)));
    }
  }
  const { output } = await runProgram("ldd", programs);
  const libraries = new Set([...output.matchAll(/(?:=> |^\s)(\/\S+)/gm)].map(([, library]) => library!));
  for (const file of [...libraries, ...options.plugins ?? []]) {
    await Deno.mkdir(dirname(path(file)), { recursive: true });
    await Deno.copyFile(file, path(file));
  }
}
