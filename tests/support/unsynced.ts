/**
 * A power failure for tests: a process runs with `unsynced.c` preloaded and is killed; `restore` makes the directory
 * that the disk would have, without what was not synced. It needs gcc.
 */
import { join } from "@std/path";
import { compiled } from "./compiled.ts";
import { newDirectory } from "./spool_on_disk.ts";

/** Compiles the library; resolves to its path. */
export const compileUnsynced = (): Promise<string> => compiled("unsynced.c", newDirectory());

export class UnsyncedDirectory {
  readonly #library: string;
  readonly #kept = newDirectory();
  readonly #directory: string;

  /** All that is in the directory now counts as synced. */
  constructor(library: string, directory: string) {
    this.#library = library;
    this.#directory = directory;
    this.#keepAll(directory);
  }

  /** Of the process whose syncs count. */
  get env(): Record<string, string> {
    return { LD_PRELOAD: this.#library, UNSYNCED_WATCHED: this.#directory, UNSYNCED_KEPT: this.#kept };
  }

  /** A new directory with what was synced; the process must be dead. */
  restore(): string {
    const restored = newDirectory();
    this.#restore(Deno.statSync(this.#directory).ino!, restored);
    return restored;
  }

  #keepAll(directory: string): void {
    const lines: string[] = [];
    for (const { name, isDirectory } of Deno.readDirSync(directory)) {
      const path = join(directory, name);
      const { ino } = Deno.statSync(path);
      lines.push(`${ino} ${isDirectory ? "d" : "f"} ${name}\n`);
      if (isDirectory) this.#keepAll(path);
      else Deno.copyFileSync(path, join(this.#kept, `${ino}`));
    }
    Deno.writeTextFileSync(join(this.#kept, `${Deno.statSync(directory).ino}.d`), lines.join(""));
  }

  #restore(inode: number, to: string): void {
    for (const line of readIfThere(join(this.#kept, `${inode}.d`)).split("\n").slice(0, -1)) {
      const [, entry, kind, name] = /^(\d+) ([df]) (.*)$/.exec(line)!;
      const path = join(to, name!);
      if (kind === "d") {
        Deno.mkdirSync(path);
        this.#restore(Number(entry), path);
      } else copyOrEmpty(join(this.#kept, entry!), path);
    }
  }
}

function readIfThere(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return ""; // a directory that was never synced has no names
    throw error;
  }
}

function copyOrEmpty(from: string, to: string): void {
  try {
    Deno.copyFileSync(from, to);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    Deno.writeFileSync(to, new Uint8Array(0)); // the name is durable, the octets are not
  }
}
