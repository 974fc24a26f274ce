/** The searches that support makes of a history, each with its name. */
import type { MessageFilter } from "../../api/store/message_search.ts";
import type { AcceptedEvent } from "../../api/client.ts";
import {
  POPULAR_ACCOUNT,
  POPULAR_CONTACT,
  POPULAR_RECIPIENT,
  POPULAR_SENDER,
  RARE_ACCOUNT,
  RARE_SENDER,
} from "./mail_history.ts";

const DAY_MS = 86_400_000;
const STATUSES = ["queued", "deferred", "delivered", "bounced", "expired", "partial"] as const;

/** What the searches are about: the message in the middle, and an address that is in few messages. */
export interface Landmarks {
  readonly middle: Pick<AcceptedEvent, "messageId" | "at" | "messageIdField"> | undefined;
  readonly rareRecipient: string;
}

/** @param landmarks of a history of which all events were made. */
export function historySearches({ middle, rareRecipient }: Landmarks): [string, MessageFilter][] {
  if (middle === undefined) throw new Error("the history has not been made yet");
  const time = { since: middle.at - DAY_MS, until: middle.at };
  const behind = { receivedAt: middle.at, id: middle.messageId };
  const single: [string, MessageFilter][] = [
    ["popular sender", { sender: POPULAR_SENDER }],
    ["rare sender", { sender: RARE_SENDER }],
    ["null sender", { sender: "" }],
    ["unknown sender", { sender: "nobody@nowhere.example" }],
    ["popular recipient", { recipient: POPULAR_RECIPIENT }],
    ["a contact", { recipient: POPULAR_CONTACT }],
    ["rare recipient", { recipient: rareRecipient }],
    ["Message-ID field", { messageIdField: middle.messageIdField! }],
    ...STATUSES.map((status): [string, MessageFilter] => [`status ${status}`, { status }]),
  ];
  const within = (name: string, more: MessageFilter) =>
    single.map(([what, filter]): [string, MessageFilter] => [`${what}, ${name}`, { ...filter, ...more }]);
  return [
    ["no filter", {}],
    ["no filter, a day", time],
    ["no filter, deep page", { behind }],
    ["popular account", { account: POPULAR_ACCOUNT }],
    ["rare account", { account: RARE_ACCOUNT }],
    ["popular account, deep page", { account: POPULAR_ACCOUNT, behind }],
    ["popular sender, deep page", { sender: POPULAR_SENDER, behind }],
    ["popular recipient, deep page", { recipient: POPULAR_RECIPIENT, behind }],
    ["popular recipient, popular sender", { recipient: POPULAR_RECIPIENT, sender: POPULAR_SENDER }],
    ["popular recipient, status expired", { recipient: POPULAR_RECIPIENT, status: "expired" }],
    ...single,
    ...within("a day", time),
    ...within("popular account", { account: POPULAR_ACCOUNT }),
    ...within("rare account", { account: RARE_ACCOUNT }),
  ];
}
