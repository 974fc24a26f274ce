/**
 * All help pages, in the order in which the index shows them: what users ask first comes first.
 *
 * To add one: write pages/<name>.md with a heading and a first paragraph that says what it is about, and name it here.
 * A name is part of an address that replies and people link to: it stays.
 */
import acceptableUse from "./pages/acceptable-use.md" with { type: "text" };
import appleMail from "./pages/apple-mail.md" with { type: "text" };
import certificate from "./pages/certificate.md" with { type: "text" };
import curl from "./pages/curl.md" with { type: "text" };
import dns from "./pages/dns.md" with { type: "text" };
import errors from "./pages/errors.md" with { type: "text" };
import exchange from "./pages/exchange.md" with { type: "text" };
import exim from "./pages/exim.md" with { type: "text" };
import gmail from "./pages/gmail.md" with { type: "text" };
import late from "./pages/late.md" with { type: "text" };
import msmtp from "./pages/msmtp.md" with { type: "text" };
import mutt from "./pages/mutt.md" with { type: "text" };
import nodemailer from "./pages/nodemailer.md" with { type: "text" };
import notices from "./pages/notices.md" with { type: "text" };
import opensmtpd from "./pages/opensmtpd.md" with { type: "text" };
import outlook from "./pages/outlook.md" with { type: "text" };
import php from "./pages/php.md" with { type: "text" };
import postfix from "./pages/postfix.md" with { type: "text" };
import python from "./pages/python.md" with { type: "text" };
import quota from "./pages/quota.md" with { type: "text" };
import recipientFiltering from "./pages/recipient-filtering.md" with { type: "text" };
import recipients from "./pages/recipients.md" with { type: "text" };
import relays from "./pages/relays.md" with { type: "text" };
import senderVerify from "./pages/sender-verify.md" with { type: "text" };
import sendmail from "./pages/sendmail.md" with { type: "text" };
import swaks from "./pages/swaks.md" with { type: "text" };
import thunderbird from "./pages/thunderbird.md" with { type: "text" };
import tooBig from "./pages/too-big.md" with { type: "text" };
import { type Rendered, renderMarkdown } from "./markdown.ts";

export interface HelpPage extends Rendered {
  /** The last part of its address. */
  readonly name: string;
  /** As it was written: Markdown with {{names}}. */
  readonly text: string;
}

export interface Section {
  readonly title: string;
  /** Questions are shown with their summaries, programs by name alone. */
  readonly kind: "questions" | "programs";
  readonly pages: readonly HelpPage[];
}

const section = (title: string, kind: Section["kind"], texts: Readonly<Record<string, string>>): Section => ({
  title,
  kind,
  pages: Object.entries(texts).map(([name, text]) => ({ name, text, ...renderMarkdown(text) })),
});

export const SECTIONS: readonly Section[] = [
  section("An error message", "questions", {
    errors,
    "sender-verify": senderVerify,
    quota,
    "recipient-filtering": recipientFiltering,
    "too-big": tooBig,
    recipients,
    late,
    certificate,
  }),
  section("The service", "questions", {
    relays,
    notices,
    dns,
    "acceptable-use": acceptableUse,
  }),
  section("Mail programs", "programs", {
    thunderbird,
    outlook,
    "apple-mail": appleMail,
    gmail,
    mutt,
  }),
  section("Mail servers", "programs", {
    postfix,
    exim,
    opensmtpd,
    sendmail,
    exchange,
  }),
  section("Scripts and applications", "programs", {
    msmtp,
    swaks,
    curl,
    python,
    nodemailer,
    php,
  }),
];

const BY_NAME: ReadonlyMap<string, HelpPage> = new Map(
  SECTIONS.flatMap(({ pages }) => pages.map((page) => [page.name, page])),
);

export function findPage(name: string): HelpPage | undefined {
  return BY_NAME.get(name);
}
