/**
 * Writes the mail of a notice. Pure.
 *
 * It comes from the null reverse path, so nothing is ever returned for it, and says that nobody wrote it (RFC 3834 5).
 * Its ids are made from the notice's, so that mail which had to be sent twice is the same mail to whoever gets it.
 */
import type { NoticeMail } from "../../api/client.ts";
import { mailDate, wrapped } from "../protocol/mail_text.ts";
import { type Mailbox, parsePath } from "../protocol/path.ts";
import type { NewMessage } from "../spool/types.ts";

export interface NoticeSender {
  /** The name that customers know; answers go to its postmaster. */
  readonly serviceName: string;
  readonly now: number;
}

/** No field and no line can be more than it was meant to be. */
const PLAIN = /^[ -~]*$/;
/** RFC 5322 2.1.1, with "Subject: " before it. */
const MAX_SUBJECT = 900;
const encoder = new TextEncoder();

/** null: it cannot be written, for its address or its words are none that a mail has. */
export function noticeMessage(
  { id, account, to, subject, paragraphs }: NoticeMail,
  { serviceName, now }: NoticeSender,
): NewMessage | null {
  const mailbox = mailboxOf(to);
  if (mailbox === null || subject.length > MAX_SUBJECT) return null;
  if (![subject, ...paragraphs].every((text) => PLAIN.test(text))) return null;
  const messageIdField = `<${id}@${serviceName}>`;
  const content = encoder.encode(
    [
      `From: Mail relay <postmaster@${serviceName}>`,
      `To: <${mailbox.address}>`,
      `Subject: ${subject}`,
      `Date: ${mailDate(now)}`,
      `Message-ID: ${messageIdField}`,
      "Auto-Submitted: auto-generated", // RFC 3834 5
      "MIME-Version: 1.0",
      "Content-Type: text/plain; charset=us-ascii",
      "Content-Transfer-Encoding: 7bit",
      ...paragraphs.flatMap((text) => ["", ...wrapped(text)]),
    ].map((line) => `${line}\r\n`).join(""),
  );
  return {
    content,
    envelope: {
      ...{ id, account, reversePath: "", recipients: [mailbox.address], body: "7BIT", smtputf8: false },
      ...{ dsnRequest: null, sizeBytes: content.length, receivedAt: now, reservation: null, origin: null },
      ...{ policy: null, messageIdField },
    },
  };
}

/** null: it is no address, or one that not every server takes. */
function mailboxOf(address: string): Mailbox | null {
  const path = parsePath(`<${address}>`, 0);
  return path.kind === "mailbox" && path.end === address.length + 2 && !path.mailbox.utf8 ? path.mailbox : null;
}
