import { assertEquals, assertStringIncludes } from "@std/assert";
import { type Api, runOn, startApi } from "./harness.ts";

const NAME = "_mailhop.example.com";

/** The value that the domain's DNS has to show. */
const valueOf = async (api: Api, username: string): Promise<string> =>
  JSON.parse((await runOn(api, `domain show ${username} example.com --json`)).out).record.value;

Deno.test("domain claim: shows the record to publish and the next step", async () => {
  await using api = await startApi();
  await runOn(api, "account create alice --generate");
  assertEquals(
    (await runOn(api, "domain list alice")).out,
    "No domains. Claim one with: mailhop domain claim alice <domain>",
  );
  const { code, out } = await runOn(api, "domain claim alice Example.COM");
  assertEquals([code, out], [
    0,
    [
      "Domain  example.com",
      "State   not verified",
      `Name    ${NAME}`,
      "Type    TXT",
      `Value   ${await valueOf(api, "alice")}`,
      "",
      "Publish this record, then run: mailhop domain verify alice example.com",
    ].join("\n"),
  ]);
});

Deno.test("domain verify: refused until the record is there; then listed, shown and removed", async () => {
  await using api = await startApi();
  await runOn(api, "account create alice --generate");
  await runOn(api, "domain claim alice example.com");
  const refused = await runOn(api, "domain verify alice example.com");
  assertEquals(refused.code, 1);
  assertStringIncludes(refused.err, `${NAME} has no TXT record ${await valueOf(api, "alice")}`);
  assertStringIncludes(refused.err, "run it again");
  api.txt.set(NAME, [await valueOf(api, "alice")]);
  assertEquals(
    (await runOn(api, "domain verify alice example.com")).out,
    "example.com is alice's: no other account sends as it.",
  );
  assertEquals(
    (await runOn(api, "domain list alice")).out,
    "DOMAIN       STATE\nexample.com  verified 2026-11-23T12:00:00Z",
  );
  assertEquals((await runOn(api, "domain remove alice example.com")).out, "alice claims example.com no longer.");
  const gone = await runOn(api, "domain show alice example.com");
  assertEquals(gone.code, 1);
  assertStringIncludes(gone.err, "mailhop domain list alice");
});

Deno.test("domain show: a verdict on each record, and what is to be published, unbroken, to be copied", async () => {
  await using api = await startApi();
  await runOn(api, "account create alice --generate");
  await runOn(api, "domain claim alice example.com");
  const { out } = await runOn(api, "domain show alice example.com", { columns: 60 });
  assertStringIncludes(
    out,
    [
      "MX     good     example.com can take answers and bounces.",
      "SPF    bad      example.com has no SPF record. Publish one.",
      "                publish: example.com TXT",
      "                v=spf1 include:relay.example.org ~all",
      "DKIM   warning  There are no keys, so mail is not signed.",
      "                Make keys for the domain.",
    ].join("\n"),
  );
  assertStringIncludes(out, "v=DMARC1; p=none; rua=mailto:postmaster@example.com");
});

Deno.test("domain claim: of a domain that is another account's is refused", async () => {
  await using api = await startApi();
  for (const name of ["alice", "bo"]) await runOn(api, `account create ${name} --generate`);
  await runOn(api, "domain claim alice example.com");
  api.txt.set(NAME, [await valueOf(api, "alice")]);
  await runOn(api, "domain verify alice example.com");
  for (const line of ["domain claim bo example.com", "domain claim bo mail.example.com"]) {
    const { code, err } = await runOn(api, line);
    assertEquals(code, 1);
    assertStringIncludes(err, "The domain belongs to another account");
  }
});

Deno.test("domain claim: what is no domain is refused with what was expected", async () => {
  await using api = await startApi();
  await runOn(api, "account create alice --generate");
  const { code, err } = await runOn(api, "domain claim alice localhost");
  assertEquals(code, 1);
  assertStringIncludes(err, "expected a domain of two labels or more");
});
