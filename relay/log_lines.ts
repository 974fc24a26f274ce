/**
 * The lines of the log, as LogTape's `jsonLinesFormatter` writes them.
 *
 * Nearly all are plain: a message without placeholders and properties that are text, numbers or nothing. Those are
 * written here in one go, which costs half of what LogTape's formatter does; all others are its own work.
 */
import { jsonLinesFormatter, type LogRecord } from "@logtape/logtape";

/** What JSON.stringify leaves in a string though a terminal takes it for a command: DEL and the C1 controls. */
const CONTROL = /[\x7f-\x9f]/;

export function logLine(record: LogRecord): string {
  const { level, message: [message, ...values], category, properties, timestamp } = record;
  if (level !== "info" || typeof message !== "string" || values.length > 0 || !isFlat(properties)) {
    return jsonLinesFormatter(record);
  }
  const time = new Date(timestamp).toISOString();
  const words = `"message":${JSON.stringify(message)},"logger":${JSON.stringify(category.join("."))}`;
  const line = `{"@timestamp":"${time}","level":"INFO",${words},"properties":${JSON.stringify(properties)}}\n`;
  return CONTROL.test(line) ? jsonLinesFormatter(record) : line;
}

function isFlat(properties: Record<string, unknown>): boolean {
  for (const key in properties) {
    const value = properties[key];
    if (typeof value === "string" || typeof value === "number" || value === null || value === undefined) continue;
    if (typeof value !== "boolean") return false;
  }
  return true;
}
