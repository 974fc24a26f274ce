import { assertEquals, assertStringIncludes } from "@std/assert";
import { type Api, runOn, startApi } from "./harness.ts";

interface Key {
  readonly selector: string;
  readonly record: { readonly name: string; readonly value: string };
}

const listOf = async (api: Api): Promise<{ items: Key[]; next: null }> =>
  JSON.parse((await runOn(api, "dkim list alice example.com --json")).out);
const keysOf = async (api: Api): Promise<Key[]> => (await listOf(api)).items;

async function withClaim(): Promise<Api> {
  const api = await startApi();
  await runOn(api, "account create alice --generate");
  const { record } = JSON.parse((await runOn(api, "domain claim alice example.com --json")).out);
  api.txt.set(record.name, [record.value]);
  return api;
}

Deno.test("dkim create: refused for a claim that is not verified, with the next step", async () => {
  await using api = await withClaim();
  const refused = await runOn(api, "dkim create alice example.com");
  assertEquals(refused.code, 1);
  assertStringIncludes(refused.err, "mailhop domain verify alice example.com");
});

Deno.test("dkim: create shows the records, rotate begins to sign, delete ends it", async () => {
  await using api = await withClaim();
  await runOn(api, "domain verify alice example.com");
  assertEquals(
    (await runOn(api, "dkim list alice example.com")).out,
    "No keys. Make them with: mailhop dkim create alice example.com",
  );
  assertEquals(await listOf(api), { items: [], next: null });
  const created = await runOn(api, "dkim create alice example.com");
  const [rsa, ed25519] = await keysOf(api);
  assertEquals([created.code, created.out], [
    0,
    [
      `Selector   ${rsa!.selector}`,
      "Algorithm  rsa-sha256",
      "State      new: does not sign yet",
      `Name       ${rsa!.record.name}`,
      "Type       TXT",
      `Value      ${rsa!.record.value}`,
      "",
      `Selector   ${ed25519!.selector}`,
      "Algorithm  ed25519-sha256",
      "State      new: does not sign yet",
      `Name       ${ed25519!.record.name}`,
      "Type       TXT",
      `Value      ${ed25519!.record.value}`,
      "",
      "Publish the records of the new keys. A value of more than 255 characters goes into a zone file as several quoted",
      "strings. Then run: mailhop dkim rotate alice example.com",
    ].join("\n"),
  ]);
  const early = await runOn(api, "dkim rotate alice example.com");
  assertEquals(early.code, 1);
  assertStringIncludes(early.err, `No TXT record has the new key: ${rsa!.record.name}, ${ed25519!.record.name}`);
  for (const { record } of [rsa!, ed25519!]) api.txt.set(record.name, [record.value]);
  assertStringIncludes(
    (await runOn(api, "dkim rotate alice example.com")).out,
    "State      signs since 2026-11-23T12:00:00Z",
  );
  assertEquals(
    (await runOn(api, `dkim delete alice example.com ${rsa!.selector}`)).out,
    `${rsa!.selector} of example.com signs no more, within five minutes.`,
  );
  assertEquals((await keysOf(api)).map(({ selector }) => selector), [ed25519!.selector]);
  const gone = await runOn(api, `dkim delete alice example.com ${rsa!.selector}`);
  assertStringIncludes(gone.err, "mailhop dkim list alice example.com");
});
