/** The part of a DSN that people read: what happened to whom, in whose words, and what they can do. Pure. */
import { wrapped } from "../protocol/mail_text.ts";
import { adviceFor } from "./dsn_advice.ts";
import type { DsnAction } from "./dsn_duty.ts";
import type { ReturnedContent } from "./returned_content.ts";
import type { Ending } from "./round_outcome.ts";

export interface Story {
  readonly serviceName: string;
  /** The original's id, for support. */
  readonly messageId: string;
  readonly receivedAt: number;
  readonly action: DsnAction;
  /** At least one; all of this action. */
  readonly endings: readonly Ending[];
  /** Epoch ms: when the relay gives up on those that are delayed. */
  readonly retryUntil: number;
  /** What is attached. */
  readonly returned: ReturnedContent["kind"];
}

export function subjectOf({ action, endings }: Pick<Story, "action" | "endings">): string {
  switch (action) {
    case "failed":
      return `Your message could not be delivered to ${endings.length === 1 ? "its recipient" : "some recipients"}`;
    case "delayed":
      return "Your message is late: the relay is still trying to deliver it";
    case "relayed":
      return "Your message was handed over to the recipient's server";
  }
}

/** Lines without line ends. */
export function storyLines(story: Story): string[] {
  const { serviceName, messageId, receivedAt, action, endings, returned } = story;
  return [
    ...wrapped(
      `This is the mail relay ${serviceName}. It took your message at ${utc(receivedAt)}${OPENING[action]}:`,
    ),
    "",
    ...endings.flatMap((ending) => recipientLines(action, ending)),
    ...wrapped(
      `${closing(story)} ${returned === "message" ? "Your message" : "The header of your message"} is attached. ` +
        `If you ask for help, name this id: ${messageId}`,
    ),
  ];
}

const OPENING: Readonly<Record<DsnAction, string>> = {
  failed: ", but",
  delayed: ", and has not been able to deliver it yet",
  relayed: ". You asked to be told what becomes of it",
};

function closing({ action, retryUntil }: Story): string {
  switch (action) {
    case "failed":
      return "The relay will not try these recipients again.";
    case "delayed":
      return `There is no need to send it again: the relay goes on trying until ${utc(retryUntil)}.`;
    case "relayed":
      return "The relay has done its part, and will not report on these recipients again.";
  }
}

function recipientLines(action: DsnAction, ending: Ending): string[] {
  switch (action) {
    case "failed":
      return [...failureLines(ending), ...wrapped(`What you can do: ${adviceFor(ending)}`), ""];
    case "delayed":
      return quoting(
        `It could not be delivered to ${ending.forwardPath} so far.${tries(ending)} The last time`,
        ending,
      );
    case "relayed":
      return [
        ...quoting(`It was handed over for ${ending.forwardPath}:`, ending),
        ...wrapped(
          "This server does not report what it does with a message. If you hear nothing more, take it that it arrived.",
        ),
        "",
      ];
  }
}

function failureLines(ending: Ending): string[] {
  const { forwardPath, status } = ending;
  return status === "expired"
    ? quoting(
      `It could not be delivered to ${forwardPath} in all the time the relay tries.${tries(ending)} At last`,
      ending,
    )
    : quoting(`It could not be delivered to ${forwardPath}, because`, ending, "of this:");
}

function tries({ attempts }: Ending): string {
  return attempts === 1 ? "" : ` It was tried ${attempts} times.`;
}

/** What happened, and the words of the server, or ours where it said none. */
function quoting(
  what: string,
  { forwardPath, host, address, verdict }: Ending,
  otherwise = "this stood in the way:",
): string[] {
  const at = host === null ? "" : ` (${host}${address === null || address === host ? "" : ` [${address}]`})`;
  const who = verdict.fromRemote ? `the server of ${domainOf(forwardPath)}${at} said:` : otherwise;
  return [...wrapped(`${what} ${who}`), "", ...wrapped(verdict.reply, "    "), ""];
}

function domainOf(forwardPath: string): string {
  return forwardPath.slice(forwardPath.lastIndexOf("@") + 1);
}

function utc(time: number): string {
  return new Date(time).toISOString().replace(/\.\d+Z$/, "Z");
}
