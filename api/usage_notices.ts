/**
 * What an account's use of its day makes true. Pure, so that looking costs a reservation no question to the database:
 * the answer to it has all figures.
 *
 * Looked at is how the day stands, not what changed it: what could not be said at its moment, since the database was
 * away or blocks were cancelled meanwhile, is said with the next reservation.
 */
import type { NoticeContent, NoticeFacts } from "./notice_words.ts";
import { nextMidnight, rfc3339 } from "./utc_day.ts";

export interface DayUse {
  /** Epoch ms, of the day in question. */
  readonly now: number;
  /** Relays used and allowed. */
  readonly used: number;
  readonly limit: number;
  /** Relays used by non-delivery reports; null: not known. */
  readonly ndr: number | null;
}

const WARNING_PERCENT = 80;
/** Of the day's relays: a report now and then is nothing unusual, and less than this uses up nobody's day. */
const NDR_PERCENT = 10;
const NDR_FLOOR_RELAYS = 10;

const isShare = (part: number, percent: number, whole: number): boolean => part * 100 >= percent * whole;

export const usageNotices = (use: DayUse): NoticeContent[] => {
  const { now, used, limit, ndr } = use;
  if (limit === 0) return [];
  const detail = { used, limit, resetsAt: rfc3339(nextMidnight(now)) };
  const notices: NoticeContent[] = [];
  if (used >= limit) notices.push({ type: "quota-100", detail });
  else if (isShare(used, WARNING_PERCENT, limit)) notices.push({ type: "quota-80", detail });
  if (ndr !== null && ndr >= NDR_FLOOR_RELAYS && isShare(ndr, NDR_PERCENT, limit)) notices.push(ndrNotice(use, ndr));
  return notices;
};

export const ndrNotice = ({ now, limit }: DayUse, ndr: number): NoticeContent & { readonly type: "ndr-share" } => {
  const detail: NoticeFacts["ndr-share"] = { ndr, limit, of: "day", resetsAt: rfc3339(nextMidnight(now)) };
  return { type: "ndr-share", detail };
};
