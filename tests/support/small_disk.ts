/** A file system of its own with little room, in memory: `using disk = SmallDisk.mount(96)`. It needs root. */

export class SmallDisk implements Disposable {
  readonly path = Deno.makeTempDirSync({ prefix: "mailhop-disk-" });

  private constructor(mebibytes: number) {
    run("mount", "-t", "tmpfs", "-o", `size=${mebibytes}m`, "mailhop-test", this.path);
  }

  /** @throws where mounting is not possible. */
  static mount(mebibytes: number): SmallDisk {
    return new SmallDisk(mebibytes);
  }

  /** More or less room, for what is on it as well. */
  resize(mebibytes: number): void {
    run("mount", "-o", `remount,size=${mebibytes}m`, this.path);
  }

  [Symbol.dispose](): void {
    run("umount", this.path);
    Deno.removeSync(this.path);
  }
}

/** The part of a test's definition that depends on whether this process may mount; as `needing` for programs. */
export function needingMounts(name: string): { name: string; ignore: boolean } {
  if (Deno.env.get("MAILHOP_TEST_REQUIRE") === "all") return { name, ignore: false };
  try {
    using _ = SmallDisk.mount(1);
    return { name, ignore: false };
  } catch {
    return { name: `${name} (mounting is not possible)`, ignore: true };
  }
}

function run(program: string, ...args: string[]): void {
  const { success, stderr } = new Deno.Command(program, { args, stderr: "piped" }).outputSync();
  if (!success) throw new Error(`${program}: ${new TextDecoder().decode(stderr)}`);
}
