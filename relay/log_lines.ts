/**
 * The lines of the log, as LogTape's `jsonLinesFormatter` writes them.
 *
 * Nearly all are plain: a message without placeholders and properties that are text, numbers or nothing. Those are
 * written here in one go, which costs half of what LogTape's formatter does; all others are its own work.
 */
import { jsonLinesFormatter, type LogRecord } from "@logtape/logtape";

/** What JSON.stringify leaves in a string though a terminal takes it for a command: DEL and the C1 controls. */
const CONTROL = /[\x7f-\x9f]/;

/** @param record its time is in whole ms. */
export function logLine(record: LogRecord): string {
  const { level, message: [message, ...values], category, properties, timestamp } = record;
  if (level !== "info" || typeof message !== "string" || values.length > 0 || !isFlat(properties)) {
    return jsonLinesFormatter(record);
  }
  const time = isoTime(timestamp);
  const words = `"message":${JSON.stringify(message)},"logger":${JSON.stringify(category.join("."))}`;
  const line = `{"@timestamp":"${time}","level":"INFO",${words},"properties":${JSON.stringify(properties)}}\n`;
  return CONTROL.test(line) ? jsonLinesFormatter(record) : line;
}

/** As `Date.toISOString`, which costs as much as all the rest, and differs in three digits from a moment ago. */
function isoTime(at: number): string {
  const second = Math.floor(at / 1000);
  if (second !== lastSecond.at) lastSecond = { at: second, text: new Date(second * 1000).toISOString().slice(0, -4) };
  return `${lastSecond.text}${String(at - second * 1000).padStart(3, "0")}Z`;
}

/** Up to the decimal point, which is in it. */
let lastSecond = { at: NaN, text: "" };

function isFlat(properties: Record<string, unknown>): boolean {
  for (const key in properties) {
    const value = properties[key];
    if (value !== null && value !== undefined && !FLAT.has(typeof value)) return false;
  }
  return true;
}

const FLAT: ReadonlySet<string> = new Set(["string", "number", "boolean"]);
