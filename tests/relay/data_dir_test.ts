import { assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { type AdminToken, obtainAdminToken } from "../../relay/admin_token.ts";
import { type DataDir, openDataDir } from "../../relay/data_dir.ts";

const ones = (length: number) => new Uint8Array(length).fill(255);

async function withTemporary(test: (path: string) => Promise<void>): Promise<void> {
  const parent = await Deno.makeTempDir();
  try {
    await test(join(parent, "data"));
  } finally {
    await Deno.remove(parent, { recursive: true });
  }
}

async function opened(path: string): Promise<DataDir> {
  const result = await openDataDir({ path, pid: 4711 });
  if (!result.ok) throw new Error(result.why);
  return result.dataDir;
}

async function tokenIn(path: string, given: string | null = null, randomBytes = ones): Promise<AdminToken> {
  const token = await obtainAdminToken({ path, given, randomBytes });
  if (typeof token === "string") throw new Error(token);
  return token;
}

async function refusal(path: string): Promise<string> {
  const result = await openDataDir({ path, pid: 4711 });
  if (!result.ok) return result.why;
  result.dataDir[Symbol.dispose]();
  return "";
}

Deno.test("data directory: made for its owner only, the token too", () =>
  withTemporary(async (path) => {
    using dataDir = await opened(path);
    await tokenIn(path);
    const mode = async (name: string) => (await Deno.stat(join(path, name))).mode! & 0o777;
    assertEquals([await mode("."), await mode("admin-token")], [0o700, 0o600]);
    assertEquals(dataDir.warnings, []);
  }));

Deno.test("operator's token: it has 256 random bits and is the same at the next start", () =>
  withTemporary(async (path) => {
    const token = `${"_".repeat(42)}8`, file = join(path, "admin-token");
    using _dataDir = await opened(path);
    assertEquals(await tokenIn(path), { token, file, isNew: true });
    assertEquals(await tokenIn(path, null, (length) => new Uint8Array(length)), { token, file, isNew: false });
  }));

Deno.test("operator's token: one of the settings wins, and is not written down", () =>
  withTemporary(async (path) => {
    using _dataDir = await opened(path);
    assertEquals(await tokenIn(path, "from-settings"), { token: "from-settings", file: null, isNew: false });
    assertEquals([...Deno.readDirSync(path)].map(({ name }) => name), ["lock"]);
  }));

Deno.test("operator's token: an empty file, as a crash leaves it, is filled; any other text is refused", () =>
  withTemporary(async (path) => {
    using _dataDir = await opened(path);
    const file = join(path, "admin-token");
    await Deno.writeTextFile(file, "two words\n");
    const refused = await obtainAdminToken({ path, given: null, randomBytes: ones });
    assertMatch(String(refused), /admin-token holds no token: remove it/);
    await Deno.writeTextFile(file, "\n");
    assertEquals((await tokenIn(path)).isNew, true);
  }));

Deno.test("data directory: held by one process at a time, and the other one is named", () =>
  withTemporary(async (path) => {
    {
      using _held = await opened(path);
      assertEquals(await refusal(path), `the data directory ${path} is in use by another process (4711)`);
    }
    assertEquals(await refusal(path), "");
  }));

Deno.test("data directory: the lock goes with its process, however that ends", () =>
  withTemporary(async (path) => {
    const module = new URL("../../relay/data_dir.ts", import.meta.url);
    const script = `import { openDataDir } from ${JSON.stringify(module)};
      const opened = await openDataDir({ path: Deno.args[0], pid: Deno.pid });
      console.log(opened.ok); setInterval(() => {}, 1000);`;
    await Deno.mkdir(path, { mode: 0o700 });
    const scriptFile = join(path, "holder.ts");
    await Deno.writeTextFile(scriptFile, script);
    const config = new URL("../../deno.json", import.meta.url).pathname;
    const holder = new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-check", "--cached-only", "--config", config, "-A", scriptFile, path],
      stdout: "piped",
    }).spawn();
    const output = holder.stdout.getReader();
    assertEquals(new TextDecoder().decode((await output.read()).value), "true\n");
    assertEquals(await refusal(path), `the data directory ${path} is in use by another process (${holder.pid})`);
    holder.kill("SIGKILL");
    await holder.status;
    await output.cancel();
    assertEquals(await refusal(path), "");
  }));

Deno.test("data directory: what stands in the way is said", () =>
  withTemporary(async (path) => {
    await Deno.writeTextFile(path, "a file");
    assertMatch(await refusal(path), /^the data directory .* cannot be used: /);
    assertMatch(await refusal(join(path, "below")), /^the data directory .* cannot be used: /);
  }));

Deno.test({
  name: "data directory: one that Deno keeps programs out of, /proc for one, is an answer too",
  permissions: { read: true, write: true },
  async fn() {
    const why = "no program of Deno's gets there: choose another";
    assertEquals(await refusal("/proc/mailhop"), `the data directory /proc/mailhop cannot be used: ${why}`);
  },
});

Deno.test("data directory: one that others may enter is warned about", () =>
  withTemporary(async (path) => {
    await Deno.mkdir(path);
    await Deno.chmod(path, 0o755);
    using dataDir = await opened(path);
    assertEquals(dataDir.warnings, [`Other users of this machine may enter the data directory: chmod 700 ${path}`]);
  }));
