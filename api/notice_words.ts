/**
 * What each notice says: a title, what happened and what to do next, and the help page that says more. Pure.
 *
 * Stored are a type and facts, so the words may be improved later. They are ASCII, for they go out as mail, and there is
 * nothing in them that a customer or a stranger has written.
 */
import { type Braked, brakedWords } from "../policy/mod.ts";

/** The facts of each type. Times are RFC 3339 in UTC. */
export interface NoticeFacts {
  /** Four fifths of the day's relays are used. */
  "quota-80": { used: number; limit: number; resetsAt: string };
  /** All are used, or so many that a message, which needed `need`, was refused. */
  "quota-100": { used: number; limit: number; need?: number; resetsAt: string };
  /** Non-delivery reports have used so many relays of the day, or all of the share that the account gives them. */
  "ndr-share": { ndr: number; limit: number; of: "day" | "share"; resetsAt: string };
  /** The account's day is far beyond its habit. */
  "brake": Pick<Braked, "measure" | "used" | "limit"> & { resetsAt: string };
  /** Blocks have begun to count, or have ceased to; `limit` is what the account may use a day since. */
  "block-activated": { block: string; quantity: number; limit: number; activatedAt: string };
  "block-ended": { block: string; quantity: number; limit: number; endedAt: string };
  /** A module of the policy failed. */
  "policy-fault": { node: string; module: string; shadow: boolean; detail: string };
}

export type NoticeType = keyof NoticeFacts;

export const NOTICE_TYPES = [
  ...["quota-80", "quota-100", "ndr-share", "brake", "block-activated", "block-ended", "policy-fault"] as const,
] satisfies NoticeType[];

/** A notice by its type, with the facts of that type. */
export type NoticeContent = { [Type in NoticeType]: { readonly type: Type; readonly detail: NoticeFacts[Type] } }[
  NoticeType
];

export interface NoticeWords {
  readonly title: string;
  readonly text: string;
  /** Name of the help page; null: there is none. */
  readonly page: string | null;
}

type Wording = { readonly [Type in NoticeType]: (facts: NoticeFacts[Type]) => NoticeWords };

const wording: Wording = {
  "quota-80": ({ used, limit, resetsAt }) => ({
    title: "Four fifths of today's relays are used",
    text:
      `${used} of the day's ${limit} relays are used. Once all are, mail is refused for the time being (451) until ` +
      `${resetsAt}. If more is to go today, ${ASK_FOR_BLOCK} in good time. ${NOT_YOU}`,
    page: "quota",
  }),
  "quota-100": ({ used, limit, need, resetsAt }) => ({
    title: used < limit ? "Mail was refused: too few relays are left today" : "Today's relays are used up",
    text:
      `${used} of the day's ${limit} relays are used${
        used < limit && need !== undefined ? `, and a message needed ${need} more` : ""
      }. What does not fit is refused for the time being (451) until ${resetsAt}; a mail server keeps it and sends it ` +
      `then, and nothing more is charged. If it is to go today, ${ASK_FOR_BLOCK}. ${NOT_YOU}`,
    page: "quota",
  }),
  "ndr-share": ({ ndr, limit, of, resetsAt }) => ({
    title: "Non-delivery reports use up your relays",
    text: `${ndr} of ${of === "day" ? `the day's ${limit} relays` : `the ${limit} relays that you give them`} were ` +
      "used by non-delivery reports. Your own mail server sends them, for mail to users that it does not have, mostly " +
      "to forged senders. Turn on recipient filtering on that server. Until it works, have your account limit these " +
      `reports to a share of the day, or refuse them. The count starts again at ${resetsAt}.`,
    page: "recipient-filtering",
  }),
  "brake": ({ resetsAt, ...measured }) => ({
    title: "Mail is held back: today is far beyond this account's habit",
    text: `${capitalized(brakedWords(measured))}. That is how a stolen password looks, so mail is refused for the ` +
      "time being (451). If it is not you who sends, change the password now, and look at the message history. If it " +
      `is you, ask the service's operator to release the account; otherwise it ends at ${resetsAt}.`,
    page: "acceptable-use",
  }),
  "block-activated": ({ quantity, limit, activatedAt }) => ({
    title: quantity === 1 ? "A block is active" : `${quantity} blocks are active`,
    text: `${blocks(quantity)} since ${activatedAt}. The account may use ${limit} relays a day now. There is nothing ` +
      "that you have to do.",
    page: "relays",
  }),
  "block-ended": ({ quantity, limit, endedAt }) => ({
    title: quantity === 1 ? "A block has ended" : `${quantity} blocks have ended`,
    text: `${blocks(quantity)} until ${endedAt}. ${
      limit > 0
        ? `The account may use ${limit} relays a day now. If that is too little, ${ASK_FOR_BLOCK}.`
        : `No block counts for the account now, so its mail is refused. To go on, ${ASK_FOR_BLOCK}.`
    }`,
    page: "relays",
  }),
  "policy-fault": ({ node, module, shadow, detail }) => ({
    title: "A policy module failed",
    text: `Module ${module} failed at ${node}: ${detail}. ${
      shadow ? "It ran beside the active one, and does so no more." : "The last good module decides now, everywhere."
    } See: mailhop policy show`,
    page: null,
  }),
};

/** Blocks are the operator's to sell: no key of an account may buy one. */
const ASK_FOR_BLOCK = "ask the service's operator for another block";
const NOT_YOU =
  "If you have not sent that much, look at the message history: a mail server may send non-delivery reports, or " +
  "somebody else may have the password.";

/** The words for a notice. */
export function noticeWords({ type, detail }: NoticeContent): NoticeWords {
  // The table's type pairs each type with its own facts; TypeScript cannot follow that through an index.
  return (wording[type] as (facts: NoticeFacts[NoticeType]) => NoticeWords)(detail);
}

/** Where a help page is: for everybody, if the service has such an address; else on the API's own port. */
export function pageAddress(page: string, helpUrl: string | null): string {
  return `${helpUrl ?? "/help"}/${page}`;
}

function blocks(quantity: number): string {
  return quantity === 1 ? "A block has counted" : `${quantity} blocks have counted`;
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
