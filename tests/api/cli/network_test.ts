import { assertEquals, assertStringIncludes } from "@std/assert";
import { runOn, startApi } from "./harness.ts";

Deno.test("network add, list, remove", async () => {
  await using api = await startApi();
  await runOn(api, "account create alice --generate");
  assertEquals((await runOn(api, "network list alice")).out, "No networks: alice relays with its password only.");
  assertEquals(
    (await runOn(api, "network add alice 192.0.2.7/32")).out,
    "192.0.2.7/32 may relay for alice without logging in.",
  );
  await runOn(api, "network add alice 2001:db8:7::/48");
  assertEquals(
    (await runOn(api, "network list alice")).out,
    [
      "NETWORK          ADDED",
      "192.0.2.7/32     2026-11-23T12:00:00Z",
      "2001:db8:7::/48  2026-11-23T12:00:00Z",
    ].join("\n"),
  );
  assertEquals(
    (await runOn(api, "network remove alice 192.0.2.7/32")).out,
    "192.0.2.7/32 may no longer relay for alice without logging in.",
  );
  const left = JSON.parse((await runOn(api, "network list alice --json")).out);
  assertEquals(left.items.map((item: { cidr: string }) => item.cidr), ["2001:db8:7::/48"]);
});

Deno.test("network add: a very wide one needs --force, and the refusal says so", async () => {
  await using api = await startApi();
  await runOn(api, "account create alice --generate");
  const { code, err } = await runOn(api, "network add alice 198.51.0.0/16");
  assertEquals(code, 1);
  assertStringIncludes(err, "add --force");
  assertEquals((await runOn(api, "network add alice 198.51.0.0/16 --force")).code, 0);
});

Deno.test("network add: one that belongs to an account already is refused with what to do", async () => {
  await using api = await startApi();
  await runOn(api, "account create alice --generate");
  await runOn(api, "account create bo --generate");
  await runOn(api, "network add alice 192.0.2.7/32");
  const { code, err } = await runOn(api, "network add bo 192.0.2.7/32");
  assertEquals(code, 1);
  assertStringIncludes(err, "alice has 192.0.2.7/32: take it away there first");
  assertStringIncludes(err, "mailhop network remove alice 192.0.2.7/32");
  const own = await runOn(api, "network add alice 192.0.2.7/32");
  assertEquals(own.err.split("\n").at(-1), "alice has 192.0.2.7/32 already");
});

Deno.test("network remove: one that is not there is refused", async () => {
  await using api = await startApi();
  await runOn(api, "account create alice --generate");
  const { code, err } = await runOn(api, "network remove alice 192.0.2.7/32");
  assertEquals(code, 1);
  assertStringIncludes(err, "The networks there are: mailhop network list alice");
});
