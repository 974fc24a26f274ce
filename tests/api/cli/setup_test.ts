/** `mailhop setup`: what it asks, and what it does without asking. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type Api, runOn, runTool, startApi } from "./harness.ts";

const PROMPTS = { account: "Username of the account: ", domain: "Domain that mail is sent from (empty: later): " };

async function startWithAlice(): Promise<Api> {
  const api = await startApi();
  await runOn(api, "account create alice --generate");
  return api;
}

const setUp = async (api: Api, options: string) => JSON.parse((await runOn(api, `setup ${options} --json`)).out);

Deno.test("setup: asks for account, domain and program, claims the domain, and shows records and settings", async () => {
  await using api = await startWithAlice();
  await runOn(api, "block buy alice");
  const { code, out, err } = await runOn(api, "setup", { typed: ["alice", "example.com", "thunderbird"] });
  assertEquals(code, 0, err);
  const asked = err.split("\n");
  assertEquals(asked.slice(0, 2), [PROMPTS.account, PROMPTS.domain]);
  assertStringIncludes(err, "Programs: thunderbird, outlook");
  const { domain } = await setUp(api, "alice --domain example.com --no-program");
  for (
    const words of [
      "Relays   none yet: a block was bought",
      "State   not verified",
      `Value   ${domain.record.value}`,
      "Publish this record, then run: mailhop domain verify alice example.com",
      "SPF    ",
      "Server    smtp.mailhop.test",
      "STARTTLS  port 25, 587, 2525",
      "TLS       port 465",
      "Username  alice",
      "# Thunderbird",
      "| User name             | `alice`",
    ]
  ) assertStringIncludes(out, words);
});

Deno.test("setup: run again, it goes on: the record that stands in the DNS verifies the claim", async () => {
  await using api = await startWithAlice();
  const first = await setUp(api, "alice --domain example.com --no-program");
  assertEquals(first.domain.verifiedAt, null);
  api.txt.set(first.domain.record.name, [first.domain.record.value]);
  const again = await setUp(api, "alice --domain example.com --no-program");
  assertEquals(again.domain.verifiedAt, "2026-11-23T12:00:00Z");
  const { out } = await runOn(api, "setup alice --domain example.com --no-program");
  assertStringIncludes(out, "example.com is alice's: no other account sends as it.");
});

Deno.test("setup: without a terminal nothing is asked: what was not said is wrong use", async () => {
  await using api = await startWithAlice();
  for (
    const [line, what] of [
      ["setup", "the account's username"],
      ["setup alice", "--domain or --no-domain"],
      ["setup alice --no-domain", "--program or --no-program"],
    ] as const
  ) {
    const { code, out, err } = await runOn(api, line);
    assertEquals([code, out], [2, ""]);
    assertStringIncludes(err, what);
  }
  const { code, out } = await runOn(api, "setup alice --no-domain --no-program");
  assertEquals(code, 0);
  assert(!out.includes("State"));
});

Deno.test("setup: an account's own key is asked for where no token is set, and not shown", async () => {
  await using api = await startWithAlice();
  const { key } = JSON.parse((await runOn(api, "key create alice laptop --scope manage --json")).out);
  const env = { MAILHOP_API_URL: api.url };
  const asked = await runTool("setup alice --domain example.com --no-program", { env, typed: [key] });
  assertEquals(asked.code, 0, asked.err);
  assertStringIncludes(asked.err, "Key of the account, or the operator's token (it is not shown): ");
  assert(!`${asked.out}${asked.err}`.includes(key));

  const options = "setup alice --no-domain --program msmtp --token-stdin";
  const read = await runTool(options, { env, stdin: `${key}\n` });
  assertEquals(read.code, 0, read.err);
  assertStringIncludes(read.out, "account default");
  const none = await runTool("setup alice --no-domain --no-program", { env });
  assertEquals(none.code, 2);
  assertStringIncludes(none.err, "No API token");
});

Deno.test("setup: a key that may only read claims nothing, and is told why; other accounts do not exist to it", async () => {
  await using api = await startWithAlice();
  await runOn(api, "account create bob --generate");
  const { key } = JSON.parse((await runOn(api, "key create alice monitoring --json")).out);
  const env = { MAILHOP_API_TOKEN: key };
  const claim = await runOn(api, "setup alice --domain example.com --no-program", { env });
  assertEquals(claim.code, 1);
  assertStringIncludes(claim.err, 'needs the scope "manage"');
  assertEquals((await runOn(api, "setup alice --no-domain --no-program", { env })).code, 0);
  assertEquals((await runOn(api, "setup bob --no-domain --no-program", { env })).code, 1);
});

Deno.test("setup: a program that there is no page for, and an account that there is not, are refused with what there is", async () => {
  await using api = await startWithAlice();
  const program = await runOn(api, "setup alice --no-domain --program pegasus");
  assertEquals(program.code, 1);
  assertStringIncludes(program.err, "The programs there are: thunderbird");
  const account = await runOn(api, "setup carol --no-domain --no-program");
  assertEquals(account.code, 1);
  assertStringIncludes(account.err, "mailhop account list");
});
