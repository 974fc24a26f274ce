import { assertEquals } from "@std/assert";
import type { LogLevel, LogRecord } from "@logtape/logtape";
import { gatheringSink } from "../../relay/log_sink.ts";

const record = (level: LogLevel, message: string, properties: Record<string, unknown> = {}): LogRecord => (
  { category: ["mailhop"], level, message: [message], rawMessage: message, timestamp: 0, properties }
);
const format = ({ level, message: [message], properties }: LogRecord) => {
  const lines = properties.lines === undefined ? "" : ` (${properties.lines})`;
  return `${level} ${message}${lines}\n`;
};

Deno.test("lines are written together, in their order, and a warning takes those before it along at once", async () => {
  const written: string[] = [];
  await using sink = gatheringSink({
    format,
    write: (octets) => {
      written.push(new TextDecoder().decode(octets));
      return Promise.resolve(octets.length);
    },
  });
  sink(record("info", "one"));
  sink(record("info", "two"));
  assertEquals(written, []);
  sink(record("warning", "three"));
  assertEquals(written, ["info one\ninfo two\nwarning three\n"]);
});

Deno.test("what waits is written at the end, in as many writes as it takes", async () => {
  let written = "";
  {
    await using sink = gatheringSink({
      format,
      write: (octets) => {
        written += new TextDecoder().decode(octets.subarray(0, 4));
        return Promise.resolve(Math.min(4, octets.length));
      },
    });
    sink(record("info", "one"));
    sink(record("info", "two"));
  }
  assertEquals(written, "info one\ninfo two\n");
});

Deno.test("a reader that takes nothing holds up nobody: lines without room are left out, and counted", async () => {
  const written: string[] = [];
  const stalled = Promise.withResolvers<void>();
  const long = "x".repeat(1 << 20);
  {
    await using sink = gatheringSink({
      format,
      write: async (octets) => {
        await stalled.promise;
        written.push(new TextDecoder().decode(octets));
        return octets.length;
      },
    });
    for (let n = 0; n < 10; n++) sink(record("info", long));
    stalled.resolve();
  }
  const lines = written.join("").trimEnd().split("\n");
  assertEquals(lines.at(-1), `warning lines of the log were left out (${10 - (lines.length - 1)})`);
  assertEquals(lines.length < 10, true);
});
