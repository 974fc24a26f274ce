import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { runOn, startApi } from "./harness.ts";

Deno.test("key create, list, delete", async () => {
  await using api = await startApi();
  await runOn(api, "account create alice --generate");
  assertEquals((await runOn(api, "key list alice")).out, "No keys. Make one with: mailhop key create alice <label>");
  const made = await runOn(api, "key create alice monitoring");
  assertEquals(made.code, 0);
  assertMatch(
    made.out,
    /^Key {2}monitoring\nId {3}id-\d{6}\nMay {2}read\n\nThe key, shown this once: mhk_[0-9a-f]{32}$/,
  );
  const [, first] = /(id-\d+)/.exec(made.out)!;
  const { id: second } = JSON.parse((await runOn(api, "key create alice website --scope manage --json")).out);
  assertEquals(
    (await runOn(api, "key list alice")).out,
    [
      "ID         LABEL       MAY     CREATED               LAST USED",
      `${first}  monitoring  read    2026-11-23T12:00:00Z  not yet`,
      `${second}  website     manage  2026-11-23T12:00:00Z  not yet`,
    ].join("\n"),
  );
  assertEquals((await runOn(api, `key delete alice ${first}`)).out, `The key ${first} holds no longer.`);
  const again = await runOn(api, `key delete alice ${first}`);
  assertEquals(again.code, 1);
  assertStringIncludes(again.err, "mailhop key list alice");
});

Deno.test("key create: the tool works with the key for its account, and says what else is needed where it does not", async () => {
  await using api = await startApi();
  for (const name of ["alice", "bob"]) await runOn(api, `account create ${name} --generate`);
  const { key } = JSON.parse((await runOn(api, "key create alice website --json")).out);
  const run = (line: string) => runOn(api, line, { env: { MAILHOP_API_TOKEN: key } });
  assertEquals((await run("quota alice")).code, 0);
  const refused = await run("domain claim alice example.com");
  assertEquals(refused.code, 1);
  assertStringIncludes(refused.err, 'The key needs the scope "manage" for this');
  assertStringIncludes((await run("block buy alice 1")).err, "This is for the operator alone");
  assertStringIncludes((await run("account show bob")).err, "There is no account of that name");
});
