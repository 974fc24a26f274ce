/** Our words for what went wrong with a remote server, as they stand in the history, the log and a DSN. Pure. */
import type { Stage } from "./outcome.ts";
import { cleanWords } from "./remote_words.ts";
import type { RemoteAddress } from "./smtp_session.ts";

const DURING: Readonly<Record<Stage, string>> = {
  connect: "",
  greeting: " before its greeting",
  ehlo: " at EHLO",
  mail: " at MAIL",
  rcpt: " at RCPT",
  data: " at DATA",
  content: " while it was sent the message",
  end: " at the end of the message, before it said whether it takes it",
};

/** "mx.example.net [192.0.2.1] closed the connection at RCPT". */
export function troubleWords({ name, address }: RemoteAddress, why: string, stage: Stage): string {
  const host = name === address ? `[${address}]` : `${name} [${address}]`;
  return cleanWords(`${host} ${why}${DURING[stage]}`);
}
