/** `mailhop setup` as a person at a terminal runs it, on another machine than the relay's: without its data directory. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { startDnsServer } from "../support/dns_server.ts";
import { needing } from "../support/installed.ts";
import { openAccount, startRelay } from "../support/relay_process.ts";
import { atTerminal } from "../support/terminal.ts";

const PROMPT = /: ?$/;

Deno.test({
  ...needing("setup at a terminal: a key that is not shown, then account, domain and program", "script"),
  async fn() {
    await using dns = startDnsServer({ "*": { MX: ["10 @"], A: ["192.0.2.1"] } });
    await using relay = await startRelay({ MAILHOP_DNS: dns.setting, MAILHOP_SERVICE_NAME: "smtp.relay.test" });
    await openAccount(relay, "anna");
    const made = await relay.api<{ key: string }>("POST", "/accounts/anna/keys", {
      label: "laptop",
      scopes: ["manage"],
    });
    const { key } = made.body;
    const command = `MAILHOP_API_URL=http://127.0.0.1:${relay.httpPort} MAILHOP_DATA_DIR=/nowhere ` +
      `"${Deno.execPath()}" task --quiet mailhop setup`;
    const screen = await atTerminal(command, [key, "anna", "customer.test", "thunderbird"], PROMPT);
    assertEquals(screen.includes(key), false, screen);
    const { body } = await relay.api<{ record: { value: string } }>("GET", "/accounts/anna/domains/customer.test");
    for (
      const words of [
        "Relays   150 relays a day",
        `Value   ${body.record.value}`,
        "Server    smtp.relay.test",
        `STARTTLS  port ${relay.smtpPort}`,
        "| Server name           | `smtp.relay.test`",
        "| User name             | `anna`",
      ]
    ) assertStringIncludes(screen, words);
  },
});
