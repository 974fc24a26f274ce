/** The real process, with the rights that its task gives it and no more. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { moduleHash } from "../../../policy/mod.ts";
import { policyModule } from "../../support/policy_modules.ts";
import { type Api, startApi } from "./harness.ts";

const main = fromFileUrl(new URL("../../../api/cli/main.ts", import.meta.url));
const config = fromFileUrl(new URL("../../../deno.json", import.meta.url));

async function mailhop(api: Api, args: readonly string[], { stdin = "", cwd }: { stdin?: string; cwd: string }) {
  const process = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--cached-only",
      "--no-prompt",
      `--config=${config}`,
      "--allow-net",
      "--allow-read",
      "--allow-env=MAILHOP_API_URL,MAILHOP_API_TOKEN,MAILHOP_DATA_DIR",
      main,
      ...args,
    ],
    cwd,
    env: { MAILHOP_API_URL: api.url, NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const input = process.stdin.getWriter();
  await input.write(new TextEncoder().encode(stdin));
  await input.close();
  const { code, stdout, stderr } = await process.output();
  return { code, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
}

Deno.test("process: with the token file in ./data, an account is made and refused the second time", async () => {
  await using api = await startApi();
  const cwd = await Deno.makeTempDir();
  try {
    await Deno.mkdir(join(cwd, "data"));
    await Deno.writeTextFile(join(cwd, "data", "admin-token"), `${api.token}\n`);
    const args = ["account", "create", "alice", "--password-stdin", "--json"];
    const first = await mailhop(api, args, { stdin: "correct horse\n", cwd });
    assertEquals({ code: first.code, err: first.err }, { code: 0, err: "" });
    assertEquals(JSON.parse(first.out).username, "alice");
    const second = await mailhop(api, args, { stdin: "correct horse\n", cwd });
    assertEquals({ code: second.code, out: second.out }, { code: 1, out: "" });
    assertStringIncludes(second.err, "The username is taken");
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
});

Deno.test("process: a module is read from its file, checked and loaded; and the recorded decisions are decided again", async () => {
  await using api = await startApi();
  const cwd = await Deno.makeTempDir();
  try {
    await Deno.mkdir(join(cwd, "data"));
    await Deno.writeTextFile(join(cwd, "data", "admin-token"), `${api.token}\n`);
    await Deno.writeFile(join(cwd, "new.wasm"), policyModule());
    const loaded = await mailhop(api, ["policy", "load", "new.wasm"], { cwd });
    assertEquals({ code: loaded.code, err: loaded.err }, { code: 0, err: "" });
    assertStringIncludes(loaded.out, `Active     ${moduleHash(policyModule())}`);
    // "--since" counts from this process's clock; nothing was recorded.
    for (const args of [[], ["--module", "new.wasm"]]) {
      const replayed = await mailhop(api, ["policy", "replay", "--since", "1h", ...args], { cwd });
      assertEquals({ code: replayed.code, err: replayed.err }, { code: 0, err: "" });
      assertStringIncludes(replayed.out, "0 decisions decided again");
    }
    const missing = await mailhop(api, ["policy", "load", "none.wasm"], { cwd });
    assertEquals([missing.code, missing.err], [2, "none.wasm does not exist\n"]);
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
});
