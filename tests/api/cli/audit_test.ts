import { assertEquals, assertMatch } from "@std/assert";
import { runOn, startApi } from "./harness.ts";

Deno.test("audit list: who, what and with which outcome, the newest first", async () => {
  await using api = await startApi();
  assertEquals((await runOn(api, "audit list")).out, "Nothing was changed.");
  await runOn(api, "account create alice --generate");
  const { id, key } = JSON.parse((await runOn(api, "key create alice website --json")).out);
  api.clock.now += 1000;
  await runOn(api, "domain claim alice example.com", { env: { MAILHOP_API_TOKEN: key } });
  const [head, ...rows] = (await runOn(api, "audit list")).out.split("\n");
  assertMatch(head!, /^AT +WHO +WHAT +OUTCOME +REQUEST$/);
  assertEquals(rows.map((row) => row.replace(/ +[0-9a-f]{32}$/, "").split(/ {2,}/)), [
    ["2026-11-23T12:00:01Z", `key website (${id})`, "POST /v1/accounts/alice/domains", "403"],
    ["2026-11-23T12:00:00Z", "operator", "POST /v1/accounts/alice/keys", "201"],
    ["2026-11-23T12:00:00Z", "operator", "POST /v1/accounts", "201"],
  ]);
  const ofAlice = await runOn(api, "audit list --account alice --since 2026-11-23T12:00:01Z --json");
  assertEquals(JSON.parse(ofAlice.out).items.length, 1);
});
