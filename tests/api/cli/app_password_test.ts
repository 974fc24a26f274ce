import { assertEquals, assertStringIncludes } from "@std/assert";
import { runOn, startApi } from "./harness.ts";

Deno.test("app-password create, list, delete", async () => {
  await using api = await startApi();
  await runOn(api, "account create alice --generate");
  assertEquals(
    (await runOn(api, "app-password list alice")).out,
    "None: alice logs in with the account's own password.",
  );
  const made = await runOn(api, "app-password create alice phone");
  const [, id, password] = /^Password (\S+) of alice for phone, shown this once: (\S+)$/.exec(made.out)!;
  await api.node.v1.node.login.$post({ json: { username: "alice", password: password!, address: "192.0.2.7" } });
  assertEquals(
    (await runOn(api, "app-password list alice")).out,
    [
      "ID         LABEL  CREATED               LAST USED             FROM",
      `${id}  phone  2026-11-23T12:00:00Z  2026-11-23T12:00:00Z  192.0.2.7`,
    ].join("\n"),
  );
  assertStringIncludes((await runOn(api, `app-password delete alice ${id}`)).out, `the password ${id}`);
  const again = await runOn(api, `app-password delete alice ${id}`);
  assertEquals(again.code, 1);
  assertStringIncludes(again.err, "mailhop app-password list alice");
});
