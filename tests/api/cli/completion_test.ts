/** `mailhop completion …`: what shells are given. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { runTool } from "./harness.ts";

const TOOL = fromFileUrl(new URL("../../../api/cli/main.ts", import.meta.url));

for (const shell of ["bash", "zsh", "fish"]) {
  Deno.test(`completion: a script for ${shell}, and how a line may go on`, async () => {
    assertStringIncludes((await runTool(`completion ${shell}`)).out, "mailhop");
    const { code, out } = await runTool(`completion ${shell} queue re`);
    assertEquals(code, 0);
    assertMatch(out, /^retry.*release/s);
    assertStringIncludes((await runTool(`completion ${shell} setup --`)).out, "--domain");
  });
}

Deno.test("completion: another shell is wrong use, and the message names those there are", async () => {
  const { code, err } = await runTool("completion csh");
  assertEquals(code, 2);
  assertStringIncludes(err, "bash");
});

Deno.test("completion: bash completes a command as it is typed", async () => {
  // As its user has it: `mailhop` is a function or a script that runs the tool.
  const script = `
    mailhop() { "${Deno.execPath()}" run -A --cached-only --quiet "${TOOL}" "$@"; }
    eval "$(mailhop completion bash)"
    COMP_WORDS=(mailhop queue ho) COMP_CWORD=2 COMP_LINE="mailhop queue ho" COMP_POINT=16
    _mailhop
    echo "\${COMPREPLY[@]}"
  `;
  const { stdout } = await new Deno.Command("bash", { args: ["-c", script], stdout: "piped", stderr: "null" }).output();
  assertEquals(new TextDecoder().decode(stdout).trim(), "hold");
});
