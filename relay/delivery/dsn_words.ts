/** The part of a DSN that people read: what happened to whom, in whose words, and what they can do. Pure. */
import type { Ending } from "./round_outcome.ts";

export interface FailureStory {
  readonly serviceName: string;
  /** The original's id, for support. */
  readonly messageId: string;
  readonly receivedAt: number;
  readonly failed: readonly Ending[];
}

/** RFC 5322 2.1.1 asks for 78 characters in a line; what cannot be broken stays longer. */
const LINE_CHARACTERS = 76;

/** Lines without line ends. */
export function failureLines({ serviceName, messageId, receivedAt, failed }: FailureStory): string[] {
  return [
    ...wrapped(`This is the mail relay ${serviceName}. It took your message at ${utc(receivedAt)}, but:`),
    "",
    ...failed.flatMap(recipientLines),
    ...wrapped(
      "The relay will not try these recipients again. The header of your message is attached. If you ask for help, " +
        `name this id: ${messageId}`,
    ),
  ];
}

function recipientLines(ending: Ending): string[] {
  const { forwardPath, host, address, status, attempts, verdict } = ending;
  const server = host === null
    ? `the server of ${domainOf(forwardPath)}`
    : `the server of ${domainOf(forwardPath)} (${host}${address === null || address === host ? "" : ` [${address}]`})`;
  const tried = attempts === 1 ? "" : ` It was tried ${attempts} times.`;
  const said = verdict.fromRemote ? `because ${server} said:` : "because:";
  const opening = status === "expired"
    ? `could not be delivered to ${forwardPath} in all the time the relay tries.${tried} At last ` +
      (verdict.fromRemote ? `${server} said:` : "this stood in the way:")
    : `could not be delivered to ${forwardPath}, ${said}`;
  return [
    ...wrapped(`It ${opening}`),
    "",
    ...wrapped(verdict.reply, "    "),
    "",
    ...wrapped(`What you can do: ${adviceFor(ending)}`),
    "",
  ];
}

function domainOf(forwardPath: string): string {
  return forwardPath.slice(forwardPath.lastIndexOf("@") + 1);
}

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

function adviceFor({ status, verdict }: Ending): string {
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

function utc(time: number): string {
  return new Date(time).toISOString().replace(/\.\d+Z$/, "Z");
}

/** Breaks at spaces. */
function wrapped(text: string, indent = ""): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && indent.length + line.length + 1 + word.length > LINE_CHARACTERS) {
      lines.push(indent + line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  lines.push(indent + line);
  return lines;
}
