import { assertEquals } from "@std/assert";
import { NO_CAPABILITIES, parseCapabilities } from "../../../relay/delivery/capabilities.ts";

function ehlo(...lines: string[]) {
  return parseCapabilities({ code: 250, enhanced: null, lines: ["mx.example.net", ...lines] });
}

Deno.test("capabilities: keywords in any case, with parameters", () => {
  assertEquals(
    ehlo("pipelining", "Size 1000", "8BITMIME", "SMTPUTF8", "DSN", "STARTTLS", "LIMITS RCPTMAX=20 MAILMAX=5"),
    {
      pipelining: true,
      size: true,
      eightBitMime: true,
      smtputf8: true,
      dsn: true,
      startTls: true,
      maxRecipients: 20,
      maxMessages: 5,
    },
  );
});

Deno.test("capabilities: the server's own name is no keyword, and nonsense in LIMITS is no limit", () => {
  assertEquals(parseCapabilities({ code: 250, enhanced: null, lines: ["PIPELINING"] }), NO_CAPABILITIES);
  assertEquals(ehlo("LIMITS RCPTMAX=0 MAILMAX=many", "XPIPELINING"), NO_CAPABILITIES);
});
