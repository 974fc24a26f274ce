/** What notices tell an account to do is something that it can do. */
import { assertStringIncludes } from "@std/assert";
import { type NoticeContent, noticeWords } from "../../api/notice_words.ts";

const AT = "2026-11-24T00:00:00Z";
const WITH_TOO_FEW_RELAYS: readonly NoticeContent[] = [
  { type: "quota-80", detail: { used: 120, limit: 150, resetsAt: AT } },
  { type: "quota-100", detail: { used: 150, limit: 150, resetsAt: AT } },
  { type: "block-ended", detail: { block: "b", quantity: 1, limit: 150, endedAt: AT } },
  { type: "block-ended", detail: { block: "b", quantity: 1, limit: 0, endedAt: AT } },
];

Deno.test("notice words: another block is asked for at the operator, for no key of an account may buy one", () => {
  for (const notice of WITH_TOO_FEW_RELAYS) {
    assertStringIncludes(noticeWords(notice).text, "ask the service's operator for another block", notice.type);
  }
});
