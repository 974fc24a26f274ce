/**
 * The proof that a domain is an account's: a TXT record with the claim's token, which only who runs the domain's DNS can
 * publish. It stands below a label of its own, where nothing else is.
 */
import { PROOF_LABEL } from "./domain_name.ts";

/** What the DNS says of a name's TXT records; `failed`: it could not be found out. One record's strings are joined. */
export type TxtAnswer =
  | { readonly kind: "found"; readonly records: readonly string[] }
  | { readonly kind: "no-data" }
  | { readonly kind: "no-domain" }
  | { readonly kind: "failed"; readonly why: string };

/** Looks TXT records up now, not in a cache. It does not throw for what the network or a server does. */
export type ResolveTxt = (name: string) => Promise<TxtAnswer>;

export interface Proof {
  readonly name: string;
  readonly value: string;
}

/** The record to publish. */
export const proofOf = ({ domain, token }: { readonly domain: string; readonly token: string }): Proof => ({
  name: `${PROOF_LABEL}.${domain}`,
  value: `mailhop-verification=${token}`,
});

export type ProofCheck =
  | { readonly kind: "found" }
  /** `records`: how many others there are. */
  | { readonly kind: "missing"; readonly records: number }
  | { readonly kind: "failed"; readonly why: string };

/** Whether the record is published. Other TXT records beside it do not matter (several accounts may try). */
export const checkProof = async (resolveTxt: ResolveTxt, { name, value }: Proof): Promise<ProofCheck> => {
  const answer = await resolveTxt(name);
  if (answer.kind === "failed") return answer;
  const records = answer.kind === "found" ? answer.records : [];
  // People copy a blank along with the value.
  return records.some((record) => record.trim() === value)
    ? { kind: "found" }
    : { kind: "missing", records: records.length };
};
