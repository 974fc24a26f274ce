/**
 * A mail client that speaks scripts over a real socket: `C:` lines are sent as they stand, `S:` lines are what has to
 * come back.
 *
 *     using client = await Dialogue.connect(port);
 *     await client.play(`
 *       S: 220 relay.test ESMTP MailHop
 *       C: NOOP
 *       S: 250 2.0.0 OK
 *     `);
 *
 * In an `S:` line "…" stands for anything. `C:` lines behind one another are sent without waiting (RFC 2920).
 */
import { assert, assertEquals } from "@std/assert";

const LF = 10;
const WILDCARD = "…";
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class Dialogue implements Disposable {
  readonly #conn: Deno.TcpConn;
  #unread = new Uint8Array(0);
  #closed = false;
  readonly #transcript: string[] = [];

  private constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
  }

  static async connect(port: number): Promise<Dialogue> {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port });
    conn.setNoDelay(true);
    return new Dialogue(conn);
  }

  async play(script: string): Promise<void> {
    for (const line of script.split("\n").map((line) => line.trim()).filter((line) => line !== "")) {
      const [who, text] = [line.slice(0, 2), line.slice(3)];
      if (who === "C:") await this.send(`${text}\r\n`);
      else if (who === "S:") await this.#expect(text);
      else throw new TypeError(`neither C: nor S: in "${line}"`);
    }
  }

  async send(octets: string | Uint8Array): Promise<void> {
    if (typeof octets === "string") this.#transcript.push(`C: ${octets.trimEnd()}`);
    let rest = typeof octets === "string" ? encoder.encode(octets) : octets;
    while (rest.length > 0) rest = rest.subarray(await this.#conn.write(rest));
  }

  /** The next reply, its lines without their ends. @throws {Deno.errors.UnexpectedEof} */
  async reply(): Promise<string[]> {
    const lines: string[] = [];
    do lines.push(await this.#line()); while (lines.at(-1)![3] === "-");
    return lines;
  }

  /** Resolves when the server has closed, having said nothing more. */
  async ended(): Promise<void> {
    const rest = await this.#conn.read(new Uint8Array(512));
    assert(rest === null && this.#unread.length === 0, this.#said("the server said more"));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#conn.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #expect(expected: string): Promise<void> {
    const line = await this.#line();
    const [start, ...others] = expected.split(WILDCARD);
    let at = line.startsWith(start!) ? start!.length : -1;
    for (const part of others) {
      if (at < 0) break;
      const found = part === "" ? line.length : line.indexOf(part, at);
      at = found < 0 ? -1 : found + part.length;
    }
    if (at !== line.length) assertEquals(line, expected, this.#said("not what was expected"));
  }

  async #line(): Promise<string> {
    let lf: number;
    while ((lf = this.#unread.indexOf(LF)) < 0) {
      const buffer = new Uint8Array(4096);
      const octets = await this.#conn.read(buffer);
      if (octets === null) throw new Deno.errors.UnexpectedEof(this.#said("the server closed"));
      this.#unread = Uint8Array.from([...this.#unread, ...buffer.subarray(0, octets)]);
    }
    const line = decoder.decode(this.#unread.subarray(0, lf + 1));
    this.#unread = this.#unread.slice(lf + 1);
    assert(line.endsWith("\r\n"), this.#said(`a reply line without CRLF: ${JSON.stringify(line)}`));
    this.#transcript.push(`S: ${line.slice(0, -2)}`);
    return line.slice(0, -2);
  }

  #said(what: string): string {
    return `${what}, after:\n${this.#transcript.slice(-8).map((line) => line.slice(0, 120)).join("\n")}`;
  }
}

/** The initial response of AUTH PLAIN (RFC 4616). */
export function plainResponse(username: string, password: string): string {
  return encoder.encode(`\0${username}\0${password}`).toBase64();
}
