/** Whether the keys that sign the domain's mail are published, so that the signatures verify (RFC 6376). */
import { checkDkimRecord, dkimRecordOf } from "../dkim_key.ts";
import type { ResolveTxt } from "../domain_proof.ts";
import type { PublicKeyRow } from "../store/dkim_keys.ts";
import type { Check, Verdict } from "./verdict.ts";

export async function checkDkim(keys: readonly PublicKeyRow[], resolveTxt: ResolveTxt): Promise<Check> {
  const used = keys.filter(({ state }) => state !== "retired");
  const checks = await Promise.all(used.map(async (key) => ({ key, check: await checkDkimRecord(resolveTxt, key) })));
  const published = checks.filter(({ check }) => check.kind === "found").map(({ key }) => key);
  const missing = checks.filter(({ check }) => check.kind !== "found").map(({ key }) => key);
  const failed = checks.some(({ check }) => check.kind === "failed");
  const [verdict, words] = judge(used, published, failed);
  return { verdict, words, found: published.map(dkimRecordOf), publish: missing.map(dkimRecordOf) };
}

function judge(used: readonly PublicKeyRow[], published: readonly PublicKeyRow[], failed: boolean): [Verdict, string] {
  const active = used.filter(({ state }) => state === "active");
  if (used.length === 0) return ["warning", "There are no keys, so mail is not signed. Make keys for the domain."];
  if (failed) return ["unknown", "The DNS could not be asked for the keys' records."];
  if (active.length === 0) {
    return published.length > 0
      ? ["warning", "The new keys are published: have them looked up (rotate), and they sign."]
      : ["warning", "The keys do not sign yet: publish their records, then have them looked up (rotate)."];
  }
  return active.every((key) => published.includes(key))
    ? ["good", `Mail is signed with ${active.length === 1 ? "a key" : "keys"} that the domain publishes.`]
    : ["bad", "Mail is signed with a key that is not published, so the signature fails. Publish its record again."];
}
