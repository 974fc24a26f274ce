/** A plain SMTP client for measurements: says a line, reads a reply, holds one small buffer. */

const REPLY_OCTETS = 1024;
const encoder = new TextEncoder();
const decoder = new TextDecoder();
/** A reply's last line, at the end of what was read. */
const WHOLE_REPLY = /(?:^|\n)(\d{3})(?: .*)?\r\n$/;

export class Client implements Disposable {
  #conn: Deno.TcpConn | Deno.TlsConn;

  private constructor(conn: Deno.TcpConn | Deno.TlsConn) {
    this.#conn = conn;
  }

  static async connect(port: number): Promise<Client> {
    const client = await Client.connectSilently(port);
    await client.reply("220");
    return client;
  }

  /** Says nothing and waits for nothing. */
  static async connectSilently(port: number): Promise<Client> {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port });
    conn.setNoDelay(true);
    return new Client(conn);
  }

  /**
   * TLS from the start. The handshake is a whole one: sessions are not resumed.
   * @param authority PEM.
   */
  static async connectTls(port: number, authority: string): Promise<Client> {
    const client = await Client.connectSilently(port);
    await client.#handshake(authority);
    await client.reply("220");
    return client;
  }

  async startTls(authority: string): Promise<void> {
    await this.say("STARTTLS", "220");
    await this.#handshake(authority);
  }

  /** With `Deno.connectTls` Nagle's algorithm would stay on, and each session wait for delayed ACKs. */
  async #handshake(authority: string): Promise<void> {
    const conn = await Deno.startTls(this.#conn as Deno.TcpConn, { hostname: "127.0.0.1", caCerts: [authority] });
    await conn.handshake();
    this.#conn = conn;
  }

  /** @throws {Error} a reply with another code */
  async say(line: string, code: string): Promise<void> {
    await this.write(encoder.encode(`${line}\r\n`));
    await this.reply(code);
  }

  async write(octets: Uint8Array): Promise<void> {
    for (let at = 0; at < octets.length;) at += await this.#conn.write(octets.subarray(at));
  }

  async reply(code: string): Promise<void> {
    let text = "";
    const buffer = new Uint8Array(REPLY_OCTETS);
    while (!WHOLE_REPLY.test(text)) {
      const length = await this.#conn.read(buffer);
      if (length === null) throw new Error(`closed; expected ${code} after "${text}"`);
      text += decoder.decode(buffer.subarray(0, length));
    }
    if (!text.startsWith(code)) throw new Error(`expected ${code}: ${text}`);
  }

  /** Hands one message in, right behind the greeting. @param content with its end mark. */
  async handIn(content: Uint8Array): Promise<void> {
    await this.begin();
    await this.content(content);
  }

  /** Up to where the content is awaited. */
  async begin(): Promise<void> {
    await this.say("EHLO client.test", "250");
    await this.say("MAIL FROM:<anna@customer.test>", "250");
    await this.say("RCPT TO:<ben@example.test>", "250");
    await this.say("DATA", "354");
  }

  /** @param content with its end mark. */
  async content(content: Uint8Array): Promise<void> {
    await this.write(content);
    await this.reply("250");
  }

  /** What the relay says or does next, whatever it is; null when it closes or has closed. */
  async hear(): Promise<string | null> {
    const buffer = new Uint8Array(REPLY_OCTETS);
    try {
      const length = await this.#conn.read(buffer);
      return length === null ? null : decoder.decode(buffer.subarray(0, length));
    } catch (error) {
      if (error instanceof Error) return null;
      throw error;
    }
  }

  [Symbol.dispose](): void {
    try {
      this.#conn.close();
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error; // an upgraded one has been taken over
    }
  }
}
