/**
 * Mail domains that can be claimed, in one exact form: lower-case A-labels without the final dot. Pure.
 *
 * A name beyond ASCII becomes what the DNS is asked for (RFC 5891 4.4); a name in ASCII stays as it is but for its case,
 * so that both sides of the wire compare the same text.
 */
import { domainToASCII } from "node:url";

/** Below it the owner publishes the record that proves a claim. */
export const PROOF_LABEL = "_mailhop";
/** RFC 1035 2.3.4: 255 octets on the wire are 253 characters of text; the proof's name has to fit as well. */
const MAX_DOMAIN_CHARACTERS = 253 - `${PROOF_LABEL}.`.length;
// RFC 1123 2.1; an underscore is in names that work. RFC 3696 2: the last label is not all digits, or it is an address.
const DOMAIN = /^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+(?!\d+$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])$/;
const BEYOND_ASCII = /[^\0-\x7f]/;

const EXPECTED = "expected a domain of two labels or more, such as example.com";

/** Reads "Example.COM.", "bücher.example". @returns the domain, or words for what was expected instead. */
export const parseDomain = (text: string): { readonly domain: string } | { readonly expected: string } => {
  const ascii = BEYOND_ASCII.test(text) ? domainToASCII(text) : text;
  const domain = ascii.toLowerCase().replace(/\.$/, "");
  if (domain.length > MAX_DOMAIN_CHARACTERS) return { expected: `${EXPECTED}, of ${MAX_DOMAIN_CHARACTERS} at most` };
  return DOMAIN.test(domain) ? { domain } : { expected: EXPECTED };
};

/** The domain and those it lies in, the longest first, down to two labels: a claim of any of them covers it. */
export const domainsAround = (domain: string): string[] => {
  const labels = domain.split(".");
  return labels.slice(0, -1).map((_, at) => labels.slice(at).join("."));
};
