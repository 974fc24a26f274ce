/** An open session with one remote server, ready for transactions; and how it is ended. */
import type { Capabilities } from "./capabilities.ts";
import type { StageSeconds } from "./deadlines.ts";
import { ConnectionLost, type ReplyChannel } from "./reply_channel.ts";
import type { TlsPolicy } from "./tls_verdict.ts";

/** One host of a next hop. */
export interface RemoteHost {
  /** Its name, for SNI and the history; a literal address where it has no name. */
  readonly name: string;
  readonly port: number;
  /** What TLS has to be like; undefined: as it can be had. */
  readonly tlsPolicy?: TlsPolicy | undefined;
}

/** One of its addresses. */
export interface RemoteAddress extends RemoteHost {
  /** The literal IP address that is dialled. */
  readonly address: string;
}

export interface SmtpSession {
  readonly remote: RemoteAddress;
  /** Protocol and cipher; null on a plain connection. */
  readonly tls: string | null;
  /** What became of the policy for TLS; null where there is none. */
  readonly tlsVerdict: string | null;
  /** Why it is in plain although the server offers TLS, in words; undefined where it is not so. */
  readonly missedTls?: string | undefined;
  readonly capabilities: Capabilities;
  readonly channel: ReplyChannel;
  readonly seconds: StageSeconds;
  /** Transactions begun. */
  transactions: number;
  /** A transaction was left open: RSET comes before the next. */
  needsReset: boolean;
  /** The last transaction was refused for what may be welcome with TLS, which this session has not. */
  wantsTls: boolean;
}

/** Ends a session in good order: QUIT, a short wait for the answer, close. */
export async function quit({ channel, seconds }: SmtpSession): Promise<void> {
  try {
    await channel.sendText("QUIT\r\n", seconds.quit);
    await channel.receive(seconds.quit);
  } catch (error) {
    // Whether the server still listens makes no difference to anything that was delivered.
    if (!(error instanceof ConnectionLost)) throw error;
  } finally {
    channel.close();
  }
}
