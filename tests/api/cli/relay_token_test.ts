import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { runOn, startApi } from "./harness.ts";

Deno.test("relay-token create, list, delete", async () => {
  await using api = await startApi();
  assertEquals(
    (await runOn(api, "relay-token list")).out,
    "No tokens. Make one with: mailhop relay-token create <label>",
  );
  const made = await runOn(api, "relay-token create relay-fra-1");
  assertMatch(made.out, /^Token id-\d{6} for relay-fra-1, shown this once: mhr_[0-9a-f]{32}\nIt is that machine's/);
  const [, id] = /(id-\d+)/.exec(made.out)!;
  assertEquals(
    (await runOn(api, "relay-token list")).out,
    [
      "ID         LABEL        CREATED               LAST USED",
      `${id}  relay-fra-1  2026-11-23T12:00:00Z  not yet`,
    ].join("\n"),
  );
  assertEquals((await runOn(api, `relay-token delete ${id}`)).out, `The token ${id} holds no longer.`);
  assertStringIncludes((await runOn(api, `relay-token delete ${id}`)).err, "mailhop relay-token list");
  assertStringIncludes((await runOn(api, "relay-token create edge --node n9")).err, "mailhop node list");
});
