import { assert, assertEquals } from "@std/assert";
import { findPage } from "../../api/help/pages.ts";
import { helpPageOf, Reason, refusalOf, type Verdict } from "../../policy/mod.ts";

const HELP_URL = "https://smtp.example.net/help";
const MISSING: Verdict = { reason: Reason.SenderDomainMissing };

const textOf = (domain: string, helpUrl: string | null) =>
  refusalOf(MISSING, { stage: "mail", now: 0, domain, helpUrl })!.text;

Deno.test("wording: each help page that a refusal leads to is there", () => {
  const reasons = Object.values(Reason).filter((reason) => typeof reason === "number");
  const pages = reasons.map(helpPageOf).filter((page) => page !== null);
  assert(pages.length >= 12);
  for (const page of pages) assert(findPage(page) !== undefined, page);
});

Deno.test("wording: a page's address stands at the end of a refusal, where pages have one", () => {
  assertEquals(
    [textOf("a.test", HELP_URL), textOf("a.test", null)],
    [
      "Sender verify failed: domain a.test does not exist; check the spelling; see https://smtp.example.net/help/sender-verify",
      "Sender verify failed: domain a.test does not exist; check the spelling",
    ],
  );
});

Deno.test("wording: an address that would not fit is left out", () => {
  const domain = `${"a".repeat(400)}.test`;
  assertEquals(textOf(domain, HELP_URL), textOf(domain, null));
});
