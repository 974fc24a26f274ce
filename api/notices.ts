/**
 * The board of notices: whoever finds that something has become true says it here. It stands once, however often and at
 * however many control planes it is said, and of what stands there already this process knows without asking.
 */
import type { Kysely } from "kysely";
import type { NoticeContent, NoticeType } from "./notice_words.ts";
import { insertNotices } from "./store/notices.ts";
import type { Database } from "./store/schema.ts";

/** What becomes true once: an account's day, a block. */
export type Notice = NoticeContent & {
  /** null: for the operator alone. */
  readonly account: string | null;
  /** Two notices of the same words here are one. */
  readonly once: string;
};

export interface NoticeBoard {
  /** @returns those that are new. */
  say(notices: readonly Notice[]): Promise<Notice[]>;
}

export interface NoticeBoardOptions {
  readonly db: Kysely<Database>;
  readonly now: () => number;
  readonly newId: () => string;
}

/** Notices that are known to stand, about 100 octets each. The oldest are forgotten first, and asked for again. */
const MAX_KNOWN = 10_000;

/** By what a notice that is said once a day for an account is known. */
export const dailyOnce = (type: NoticeType, account: string, day: string): string => `${type} ${account} ${day}`;

export const dailyNotice = (account: string, day: string, content: NoticeContent): Notice => (
  { ...content, account, once: dailyOnce(content.type, account, day) }
);

export const createNoticeBoard = ({ db, now, newId }: NoticeBoardOptions): NoticeBoard => {
  const known = new Set<string>();
  const remember = (once: string) => {
    known.add(once);
    for (const oldest of known) {
      if (known.size <= MAX_KNOWN) break;
      known.delete(oldest);
    }
  };
  return {
    async say(notices) {
      const unknown = [
        ...new Map(notices.filter(({ once }) => !known.has(once)).map((notice) => [notice.once, notice])).values(),
      ];
      if (unknown.length === 0) return [];
      const at = now();
      const inserted = await insertNotices(
        db,
        unknown.map(({ account, type, detail, once }) => ({
          ...{ id: newId(), at, account, type, detail: JSON.stringify(detail), once },
          mail_due_at: account === null ? null : at,
        })),
      );
      for (const { once } of unknown) remember(once);
      return unknown.filter(({ once }) => inserted.has(once));
    },
  };
};
