/** What the log's lines look like: as LogTape's own formatter writes them, whatever stands in them. */
import { assert, assertEquals } from "@std/assert";
import { jsonLinesFormatter, type LogRecord } from "@logtape/logtape";
import fc from "fast-check";
import { logLine } from "../../relay/log_lines.ts";

const text = fc.oneof(fc.string(), fc.string({ unit: "binary" }), fc.constantFrom("\x7f", "\x9b31m", '"\\', "\u2028"));
const plain = fc.oneof(text, fc.double(), fc.integer(), fc.boolean(), fc.constantFrom(null, undefined));
const nested = fc.oneof(
  fc.bigInt(),
  fc.date({ noInvalidDate: true }),
  fc.array(plain),
  fc.constantFrom(new Error("no", { cause: new TypeError("why") }), () => 1, Symbol("s"), { toJSON: () => "x" }),
);
const record: fc.Arbitrary<LogRecord> = fc.record({
  category: fc.array(text, { minLength: 1, maxLength: 2 }),
  level: fc.constantFrom("info", "warning", "error"),
  timestamp: fc.date({ noInvalidDate: true }).map(Number),
  message: fc.oneof(fc.tuple(text), fc.tuple(text, plain, text)),
  rawMessage: text,
  properties: fc.dictionary(text, fc.oneof({ weight: 5, arbitrary: plain }, nested)),
});

Deno.test("log: a line is what LogTape's formatter makes of the record", () => {
  fc.assert(fc.property(record, (each) => assertEquals(logLine(each), jsonLinesFormatter(each))), { numRuns: 2000 });
});

Deno.test("log: what became of a recipient is one JSON object in one line, whatever the server said", () => {
  const line = logLine({
    category: ["mailhop"],
    level: "info",
    timestamp: 0,
    message: ["bounced"],
    rawMessage: "bounced",
    properties: { messageId: "01", tls: null, attempts: 1, reply: "550 no\r\n\x1b[2J\x9b" },
  });
  assert(!/\p{Cc}/u.test(line.trimEnd()));
  assertEquals(JSON.parse(line), {
    "@timestamp": "1970-01-01T00:00:00.000Z",
    level: "INFO",
    message: "bounced",
    logger: "mailhop",
    properties: { messageId: "01", tls: null, attempts: 1, reply: "550 no\r\n\x1b[2J\x9b" },
  });
});
