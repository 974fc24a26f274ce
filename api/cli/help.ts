/** The pieces of help texts that all commands share. */
import { lineBreak, type Message, message, text } from "@optique/core";

/** The examples below a command's help; a line that is not the tool's alone names it itself. */
export function examples(...lines: readonly string[]): Message {
  const written = lines.map((line) => line.includes("mailhop ") ? line : `mailhop ${line}`);
  return written.reduce<Message>(
    (all, line) => message`${all}${lineBreak()}  ${text(line)}`,
    message`Examples:`,
  );
}
