/** A claim's whole way through the started service: its own resolver looks the record up, its nodes know of it. */
import { assertEquals } from "@std/assert";
import { Dialogue, plainResponse } from "../support/dialogue.ts";
import { startDnsServer } from "../support/dns_server.ts";
import { startRelay } from "../support/relay_process.ts";

interface Claim {
  readonly status: string;
  readonly record: { readonly name: string; readonly value: string };
}

const PASSWORD = "correct horse";

Deno.test("domains: claimed, verified by DNS, and no other account sends as it", async () => {
  await using dns = await startDnsServer({
    "claimed.example": { MX: ["10 mx.claimed.example"] },
    "mx.claimed.example": { A: ["192.0.2.1"] },
  });
  await using relay = await startRelay({ MAILHOP_DNS: dns.setting, MAILHOP_ALLOW_PLAINTEXT_AUTH: "true" });
  for (const username of ["anna", "bo"]) {
    await relay.api("POST", "/accounts", { username, password: PASSWORD });
    await relay.api("POST", `/accounts/${username}/blocks`, { quantity: 1 });
  }
  const claim = await relay.api<Claim>("POST", "/accounts/bo/domains", { domain: "claimed.example" });
  const verify = async () => (await relay.api<Claim>("POST", "/accounts/bo/domains/claimed.example/verify")).status;
  assertEquals(await verify(), 422);
  const { name, value } = claim.body.record;
  dns.zone[name] = { TXT: [value] };
  // The look-up is not from the cache, which has just learned that there is no such record.
  assertEquals(await verify(), 200);

  const mailAs = async (username: string): Promise<string> => {
    using client = await Dialogue.connect(relay.smtpPort);
    await client.reply();
    for (const command of ["EHLO client.test", `AUTH PLAIN ${plainResponse(username, PASSWORD)}`]) {
      await client.send(`${command}\r\n`);
      await client.reply();
    }
    await client.send("MAIL FROM:<me@claimed.example>\r\n");
    return (await client.reply())[0]!.slice(0, 9);
  };
  assertEquals([await mailAs("anna"), await mailAs("bo")], ["550 5.7.1", "250 2.1.0"]);
  assertEquals(await relay.stop(), 0);
});
