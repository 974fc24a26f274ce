/**
 * One mail transaction in an open session: MAIL, RCPT for each recipient, DATA, content, and what came of it.
 *
 * Commands leave in one write where the server has PIPELINING (RFC 2920), else one by one; the replies are read by the
 * same code. After the verdict of the final dot nothing more is read, so a connection lost behind it costs nothing.
 */
import type { Content } from "../spool/types.ts";
import { mailCommand, type OutgoingEnvelope, rcptCommand } from "./commands.ts";
import { sendContent } from "./content_sender.ts";
import {
  isTooManyRecipients,
  mayWantTls,
  type Stage,
  type Verdict,
  verdictOfReply,
  verdictOfTrouble,
  verdictWithoutTls,
} from "./outcome.ts";
import { wordsOfReply } from "./remote_words.ts";
import { ConnectionLost } from "./reply_channel.ts";
import type { RemoteReply } from "./reply_reader.ts";
import type { SmtpSession } from "./smtp_session.ts";
import { troubleWords } from "./trouble_words.ts";

export interface TransactionReport {
  /** Parallel to the recipients; undefined: this transaction was full, the recipient belongs in another. */
  readonly verdicts: readonly (Verdict | undefined)[];
  /** Whether the session can take another transaction; if not, its channel is closed. */
  readonly alive: boolean;
  /** The session was gone before it answered anything: nothing was tried, and the verdicts mean nothing. */
  readonly stale: boolean;
}

/** 421 (RFC 5321 3.8): the server closes the connection, whatever was asked. */
class ServiceClosing extends Error {
  override readonly name = "ServiceClosing";
  constructor(readonly reply: RemoteReply) {
    super("the server closes the connection");
  }
}

/**
 * @param envelope needs SMTPUTF8 only where the session has it.
 * @throws what reading the content throws; the session is then closed, and the server has no complete message.
 */
export function transact(
  session: SmtpSession,
  envelope: OutgoingEnvelope,
  content: Content,
): Promise<TransactionReport> {
  return new Transaction(session, envelope, content).run();
}

class Transaction {
  readonly #verdicts: (Verdict | undefined)[];
  /** Recipients that the server takes, by index. */
  readonly #accepted: number[] = [];
  #stage: Stage = "mail";
  #answers = 0;
  #alive = false;

  constructor(
    private readonly session: SmtpSession,
    private readonly envelope: OutgoingEnvelope,
    private readonly content: Content,
  ) {
    this.#verdicts = envelope.recipients.map(() => undefined);
  }

  async run(): Promise<TransactionReport> {
    const reused = this.session.transactions++ > 0;
    let stale = false;
    try {
      await this.#converse();
      this.#alive = true;
    } catch (error) {
      stale = reused && this.#answers === 0 && wasGone(error);
      this.#decideRest(this.#verdictOf(error));
    } finally {
      if (!this.#alive) this.session.channel.close();
    }
    return { verdicts: this.#verdicts, alive: this.#alive, stale };
  }

  async #converse(): Promise<void> {
    const { session, envelope } = this;
    const { channel, seconds } = session;
    const { pipelining } = session.capabilities;
    const rcptCommands = envelope.recipients.map((_, at) => rcptCommand(envelope, at, session.capabilities));
    const commands = [mailCommand(envelope, session.capabilities), ...rcptCommands];
    const reset = session.needsReset ? "RSET\r\n" : "";
    if (pipelining) await channel.sendText(`${reset}${commands.join("")}DATA\r\n`, seconds.block);

    if (session.needsReset) await this.#ask(reset, seconds.command);
    session.needsReset = false;
    const refusal = this.#verdictOfCommand("mail", await this.#ask(commands[0]!, seconds.mail));
    if (refusal !== null) this.#decideRest(refusal);
    // Without PIPELINING there is no more to say; with it, the answers to what was said are still to come.
    if (refusal !== null && !pipelining) return;
    session.needsReset = refusal === null;
    this.#stage = "rcpt";
    for (let at = 0; at < envelope.recipients.length; at++) {
      const reply = await this.#ask(commands[at + 1]!, seconds.rcpt);
      if (refusal === null) this.#onRcpt(at, reply);
    }
    if (this.#accepted.length === 0 && !pipelining) return;
    this.#stage = "data";
    await this.#onData(await this.#ask("DATA\r\n", seconds.data));
  }

  #onRcpt(at: number, reply: RemoteReply): void {
    const verdict = this.#verdictOfCommand("rcpt", reply);
    if (verdict === null) {
      this.#accepted.push(at);
      this.session.wantsTls = false;
    } else if (this.#accepted.length === 0 || !isTooManyRecipients(reply)) this.#verdicts[at] = verdict;
  }

  #verdictOfCommand(stage: "mail" | "rcpt", reply: RemoteReply): Verdict | null {
    const { missedTls } = this.session;
    // Once it takes a recipient in plain, what it refuses is not refused for that.
    if (missedTls === undefined || this.#accepted.length > 0 || !mayWantTls(reply)) return verdictOfReply(stage, reply);
    this.session.wantsTls = true;
    return verdictWithoutTls(missedTls, wordsOfReply(reply));
  }

  async #onData(reply: RemoteReply): Promise<void> {
    const { channel, seconds } = this.session;
    const refusal = verdictOfReply("data", reply);
    if (refusal !== null) return this.#decideAccepted(refusal);
    // While nothing of the content is sent, another host may still be asked.
    channel.checkStep();
    this.session.needsReset = false;
    if (this.#accepted.length === 0) {
      // RFC 2920 3.1: DATA was taken although no recipient was; the message is ended before it began.
      await channel.sendText(".\r\n", seconds.block);
      await channel.receive(seconds.end);
      return;
    }
    this.#stage = "content";
    await this.#sendContent();
    const end = verdictOfReply("end", await this.#receive(seconds.end));
    if (end !== null) this.#decideAccepted(end);
  }

  async #sendContent(): Promise<void> {
    const { channel, seconds } = this.session;
    try {
      await sendContent(channel, this.content, seconds.block, () => this.#stage = "end");
    } catch (error) {
      if (!(error instanceof ConnectionLost)) throw error;
      // A server that has had enough may have said why before it closed; where it did not, this throws the same again.
      const verdict = verdictOfReply(this.#stage === "end" ? "end" : "data", await this.#receive(seconds.quit));
      if (verdict !== null) this.#decideAccepted(verdict);
      throw error;
    }
  }

  /**
   * Sends the command unless the whole group has gone out already, and waits for its reply; it is there at once where
   * the answers to a group came together.
   */
  #ask(command: string, seconds: number): RemoteReply | Promise<RemoteReply> {
    const { channel, capabilities } = this.session;
    if (!capabilities.pipelining) return this.#sendAndReceive(command, seconds);
    const reply = channel.received();
    return reply === undefined ? this.#receive(seconds) : this.#answer(reply);
  }

  async #sendAndReceive(command: string, seconds: number): Promise<RemoteReply> {
    await this.session.channel.sendText(command, seconds);
    return await this.#receive(seconds);
  }

  async #receive(seconds: number): Promise<RemoteReply> {
    return this.#answer(await this.session.channel.receive(seconds));
  }

  #answer(reply: RemoteReply): RemoteReply {
    if (reply.code === 421) throw new ServiceClosing(reply);
    this.#answers++;
    return reply;
  }

  #verdictOf(error: unknown): Verdict {
    if (error instanceof ServiceClosing) return verdictOfReply("mail", error.reply)!;
    if (!(error instanceof ConnectionLost)) throw error;
    return verdictOfTrouble(this.#stage, troubleWords(this.session.remote, error.message, this.#stage));
  }

  #decideAccepted(verdict: Verdict): void {
    for (const at of this.#accepted) this.#verdicts[at] = verdict;
  }

  #decideRest(verdict: Verdict): void {
    for (let at = 0; at < this.#verdicts.length; at++) this.#verdicts[at] ??= verdict;
  }
}

/** Whether the server ended the session, or had ended it, instead of being slow to answer. */
function wasGone(error: unknown): boolean {
  return error instanceof ServiceClosing || (error instanceof ConnectionLost && !error.timedOut);
}
