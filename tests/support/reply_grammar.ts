/** Whether what a server said is replies and nothing else, as RFC 5321 4.2 and RFC 2034 write them. */

/** RFC 5321 4.5.3.1.5, with CRLF. */
const MAX_LINE_OCTETS = 512;
const LINE = /^([2-5][0-5][0-9])([ -])(\P{Cc}*)$/u;
const STATUS = /^([245])\.\d{1,3}\.\d{1,3} \S/;
/** RFC 2034 4: what bears no status code. */
const WITHOUT_STATUS = new Set(["220", "334", "354"]);

/**
 * @param said octets, each a character. @param hostname what the reply to EHLO and HELO begins with.
 * @throws {Error} the line that is not well formed
 */
export function assertReplies(said: string, hostname: string): void {
  const lines = said.split("\r\n");
  if (lines.pop() !== "") throw new Error(`no CRLF at the end of ${JSON.stringify(said.slice(-100))}`);
  let before: { code: string; status: string | undefined; isHello: boolean } | undefined;
  for (const line of lines) {
    const [, code, separator, text] = LINE.exec(line) ?? [];
    if (code === undefined || text === undefined || line.length + 2 > MAX_LINE_OCTETS) {
      throw new Error(`not a line of a reply: ${JSON.stringify(line)}`);
    }
    const status = STATUS.exec(text)?.[1];
    const isHello = before?.isHello ?? (code === "250" && text === hostname);
    if (before !== undefined && before.code !== code) throw new Error(`the code changes inside a reply: ${line}`);
    if (!isHello && !WITHOUT_STATUS.has(code) && status !== code[0]) throw new Error(`no or another status: ${line}`);
    before = separator === "-" ? { code, status, isHello } : undefined;
  }
  if (before !== undefined) throw new Error(`a reply without an end: ${JSON.stringify(lines.at(-1))}`);
}
