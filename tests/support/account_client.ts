/**
 * An SMTP client of one of many accounts: it needs no password, for it comes from an address of loopback that is the
 * account's network. Messages are sent one after another over a connection.
 */
import { connect, type Socket } from "node:net";

/** What became of a message: the code of the reply that decided. */
export type Outcome = { readonly code: string; readonly text: string; readonly ms: number };

export class AccountClient implements Disposable {
  readonly #socket: Socket;
  #input = "";
  #waiting: PromiseWithResolvers<void> | undefined;
  #ended: Error | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding("latin1").setNoDelay(true);
    socket.on("data", (text: string) => {
      this.#input += text;
      this.#waiting?.resolve();
    });
    const end = (error?: Error) => {
      this.#ended ??= error ?? new Error("the connection has ended");
      this.#waiting?.resolve();
    };
    socket.on("error", end).on("close", () => end());
  }

  /** @param from an address of 127.0.0.0/8. */
  static async open(port: number, from: string): Promise<AccountClient> {
    const client = new AccountClient(connect({ host: "127.0.0.1", port, localAddress: from }));
    await client.#reply();
    client.#socket.write("EHLO client.test\r\n");
    await client.#reply();
    return client;
  }

  /** Sends a message. @throws {Error} the connection has ended; whether the message was accepted is not known then. */
  async send(sender: string, recipient: string): Promise<Outcome> {
    const begun = performance.now();
    const outcome = (reply: string): Outcome => (
      { code: reply.slice(0, 3), text: reply, ms: performance.now() - begun }
    );
    this.#socket.write(`MAIL FROM:<${sender}>\r\nRCPT TO:<${recipient}>\r\nDATA\r\n`);
    const replies = [await this.#reply(), await this.#reply(), await this.#reply()];
    const refused = replies.find((reply) => !/^[23]/.test(reply));
    if (refused !== undefined) {
      this.#socket.write("RSET\r\n");
      await this.#reply();
      return outcome(refused);
    }
    this.#socket.write(`From: ${sender}\r\nSubject: ${recipient}\r\n\r\nHello\r\n.\r\n`);
    return outcome(await this.#reply());
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  async #reply(): Promise<string> {
    for (;;) {
      const [reply] = /^(?:\d{3}-.*\r\n)*\d{3} .*\r\n/.exec(this.#input) ?? [];
      if (reply !== undefined) {
        this.#input = this.#input.slice(reply.length);
        return reply;
      }
      if (this.#ended !== undefined) throw this.#ended;
      this.#waiting = Promise.withResolvers();
      await this.#waiting.promise;
    }
  }
}
