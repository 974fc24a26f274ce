/**
 * Notices as mail: which of them a node is to send, to whom, in which words.
 *
 * A node takes some, stores them in its spool, and says so. One that does not say so in time is taken for dead, and
 * another node may take them, unless the history has the message meanwhile: its id is the notice's own, and what a node
 * has stored it tells the history of in the end, whatever becomes of it. So a notice goes out once, and again only if a
 * node has died, or was cut off, with it on its disk.
 */
import type { Kysely } from "kysely";
import { type NoticeContent, noticeWords, pageAddress } from "./notice_words.ts";
import { findAccounts } from "./store/accounts.ts";
import { exclusively } from "./store/dialect.ts";
import { findNoticesToMail, isNoticeMailDue, type ListedNotice, setMailDue } from "./store/notices.ts";
import type { Database } from "./store/schema.ts";
import { findSuppression } from "./store/suppressions.ts";
import type { NoticeMail } from "./wire.ts";

export interface NoticeMailSources {
  readonly db: Kysely<Database>;
  /** Where everybody finds the help pages; null: nowhere. */
  readonly help: { readonly url: string | null };
  readonly now: () => number;
}

/** A node that has taken notices stores them within this: a restart, or a control plane that is away, takes less. */
const CLAIM_MS = 10 * 60_000;
/** What could not be sent for so long is no news. */
const NEWS_MS = 24 * 3_600_000;

/**
 * @param stored ids of notices that the node has in its spool, or can never have there.
 * @param wanted so many more it takes at the most.
 * @returns those that it is to send.
 */
export async function takeNoticeMail(
  { db, help, now }: NoticeMailSources,
  stored: readonly string[],
  wanted: number,
): Promise<NoticeMail[]> {
  await setMailDue(db, stored, null);
  // Mostly there is none, and nobody need wait for anybody to find that out.
  if (wanted === 0 || !await isNoticeMailDue(db, now())) return [];
  return await exclusively(db, ["notice mail"], async (transaction) => {
    const at = now();
    const due = await findNoticesToMail(transaction, at, wanted);
    const addresses = await addressesOf(transaction, due);
    const mail = due.flatMap((notice): NoticeMail[] => {
      const { account } = notice, to = account === null ? undefined : addresses.get(account);
      const isNews = notice.mail === null && notice.at > at - NEWS_MS;
      return isNews && account !== null && to !== undefined ? [mailOf(notice, account, to, help.url)] : [];
    });
    const taken = new Set(mail.map(({ id }) => id));
    await setMailDue(transaction, [...taken], at + CLAIM_MS);
    await setMailDue(transaction, due.map(({ id }) => id).filter((id) => !taken.has(id)), null);
    return mail;
  });
}

/** The address of each account that has one, wants mail there, and whose server did not say that there is no such mailbox. */
async function addressesOf(db: Kysely<Database>, due: readonly ListedNotice[]): Promise<Map<string, string>> {
  const names = [...new Set(due.flatMap(({ account }) => account === null ? [] : [account]))];
  const addresses = new Map<string, string>();
  for (const { username, email, notice_mail } of await findAccounts(db, names)) {
    if (email === null || notice_mail === 0) continue;
    if (await findSuppression(db, username, email) === undefined) addresses.set(username, email);
  }
  return addresses;
}

function mailOf(notice: ListedNotice, account: string, to: string, helpUrl: string | null): NoticeMail {
  const { id, type, detail } = notice;
  const { title, text, page } = noticeWords({ type, detail: JSON.parse(detail) } as NoticeContent);
  const more = page === null || helpUrl === null ? [] : [`More about it: ${pageAddress(page, helpUrl)}`];
  const why =
    `This went to the address of account ${account}. To have no such mail, set noticeMail of the account to ` +
    "false, or ask the service's operator; the notices stay in the API.";
  return { id, account, to, subject: `${title} (${account})`, paragraphs: [text, ...more, why] };
}
