/** What the sender of a message that failed can do. Pure. */
import type { Ending } from "./round_outcome.ts";

/** What to do, by RFC 3463 status code: the first entry whose prefix fits. */
const ADVICE: readonly (readonly [prefix: string, advice: string])[] = [
  ["5.1.10", "this domain takes no mail at all; ask the recipient for another address."],
  ["5.1.2", "check the part of the address behind the @ for a slip of the pen."],
  ["5.1.7", "check your own address in your mail program's settings: the recipient's server did not like it."],
  ["5.1.8", "check your own address in your mail program's settings: the recipient's server did not like it."],
  ["5.1.", "check the address for a slip of the pen, or ask the recipient for the right one."],
  ["5.2.2", "the mailbox is full; reach the recipient in another way, and send the message again later."],
  ["5.2.3", "the message is too big for this mailbox; send a smaller one, or a link to the file."],
  ["5.2.", "the mailbox exists but takes no mail; reach the recipient in another way."],
  ["5.3.4", "the message is too big for this server; send a smaller one, or a link to the file."],
  ["5.4.", "the recipient's domain is set up wrongly; tell the recipient in another way."],
  ["5.6.7", "use an address without letters beyond a to z, if you or the recipient have one."],
  ["5.6.", "send the message in another format, for example as plain text with fewer attachments."],
  ["5.7.", "the recipient's server refuses it by its own rules; the words above, or its postmaster, can say which."],
];

export function adviceFor({ status, verdict }: Ending): string {
  if (verdict.byOperator) return "ask the operator of this relay, and name the id below.";
  if (status === "expired" && verdict.status === "4.4.5" && !verdict.fromRemote) {
    return "send the message again later, or reach the recipient in another way: too much other mail went to that server.";
  }
  if (status === "expired") {
    return "check the part of the address behind the @; if it is right, the recipient's server has a lasting trouble: " +
      "reach the recipient in another way, or send the message again later.";
  }
  return ADVICE.find(([prefix]) =>
    verdict.status === prefix || (prefix.endsWith(".") && verdict.status.startsWith(prefix))
  )
    ?.[1] ??
    "read the words above; they are all that the server said. Its postmaster, or the recipient, may know more.";
}
