/**
 * A mail client that sends what it is given, octet for octet: over TLS with AUTH PLAIN, one command at a time.
 *
 * `await using client = await OctetClient.open(relay, "anna", password)`. It verifies the relay's certificate by the
 * relay's own authority, and stuffs dots in the plainest way.
 */
import { encodeBase64 } from "@std/encoding";
import { join } from "@std/path";
import { fromLatin1, latin1 } from "./octets.ts";
import type { RelayProcess } from "./relay_process.ts";

/** For each reply. */
const REPLY_DEADLINE_MS = 30_000;

/** The authority that the relay made for itself: what a client has to trust. */
export function authorityFile(relay: RelayProcess): string {
  return join(relay.dataDir, "tls", "ca.pem");
}

export class OctetClient implements AsyncDisposable {
  readonly #conn: Deno.TlsConn;
  #unread = "";

  private constructor(conn: Deno.TlsConn) {
    this.#conn = conn;
  }

  static async open(relay: RelayProcess, username: string, password: string): Promise<OctetClient> {
    const caCerts = [await Deno.readTextFile(authorityFile(relay))];
    const client = new OctetClient(await Deno.connectTls({ hostname: "127.0.0.1", port: relay.smtpsPort, caCerts }));
    await client.#reply(220);
    await client.say("EHLO octets.test", 250);
    await client.say(`AUTH PLAIN ${encodeBase64(`\0${username}\0${password}`)}`, 235);
    return client;
  }

  /** Sends a command and gives the reply, which has to have this code. */
  async say(command: string, code: number): Promise<string> {
    await this.#write(latin1(`${command}\r\n`));
    return await this.#reply(code);
  }

  /** Sends a message and gives its id. `content` ends with CRLF or is empty. */
  async send(sender: string, recipients: readonly string[], content: Uint8Array): Promise<string> {
    await this.say(`MAIL FROM:<${sender}> BODY=8BITMIME SIZE=${content.length}`, 250);
    for (const recipient of recipients) await this.say(`RCPT TO:<${recipient}>`, 250);
    await this.say("DATA", 354);
    await this.#write(latin1(fromLatin1(content).replace(/(^|\r\n)\./g, "$1..") + ".\r\n"));
    const reply = await this.#reply(250);
    const [, id] = /queued as (\w+)/.exec(reply) ?? [];
    if (id === undefined) throw new Error(`no message id in: ${reply}`);
    return id;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.say("QUIT", 221);
    } finally {
      this.#conn.close();
    }
  }

  async #write(octets: Uint8Array): Promise<void> {
    for (let sent = 0; sent < octets.length;) sent += await this.#conn.write(octets.subarray(sent));
  }

  async #reply(code: number): Promise<string> {
    const timer = setTimeout(() => this.#conn.close(), REPLY_DEADLINE_MS);
    const buffer = new Uint8Array(4096);
    try {
      while (true) {
        const whole = /^(?:\d{3}-.*\r\n)*\d{3} .*\r\n/.exec(this.#unread)?.[0];
        if (whole !== undefined) {
          this.#unread = this.#unread.slice(whole.length);
          if (!whole.startsWith(`${code}`)) throw new Error(`expected ${code}: ${whole}`);
          return whole;
        }
        const length = await this.#conn.read(buffer);
        if (length === null) throw new Error(`the relay closed the connection; expected ${code}`);
        this.#unread += fromLatin1(buffer.subarray(0, length));
      }
    } finally {
      clearTimeout(timer);
    }
  }
}
