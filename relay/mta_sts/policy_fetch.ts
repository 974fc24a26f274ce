/**
 * Fetches a domain's MTA-STS policy over HTTPS (RFC 8461 3.3).
 *
 * Bounded in time and octets, and no redirect is followed. The certificate of the policy's host is `fetch`'s business.
 * A host with an address of this machine or a private network is not asked: the name is chosen by whoever has the
 * recipient's domain. (Between this look-up and the one of `fetch` it may change; without a certificate for the name
 * nothing comes of that.)
 */
import { rootWords } from "../error_words.ts";
import { specialAddress } from "../dns/special_addresses.ts";
import type { Resolver } from "../dns/types.ts";
import { parsePolicy, type StsPolicy } from "./policy.ts";

/** The part of the global `fetch` that is needed. */
export type FetchPolicy = (url: string, init: RequestInit) => Promise<Response>;

export interface PolicyFetch {
  readonly fetch: FetchPolicy;
  readonly resolver: Pick<Resolver, "a" | "aaaa">;
  /** Whether a private or other special address will do. */
  readonly allowPrivate: boolean;
  /** For all of it, less what the look-up of the host took; mail of the domain may wait meanwhile. */
  readonly timeoutMs: number;
}

/** RFC 8461 3.3 proposes a minute; a sound server needs a second, and a silent one holds up others' fetches. */
export const FETCH_TIMEOUT_MS = 10_000;
/** RFC 8461 3.3 proposes it. */
const MAX_OCTETS = 64 * 1024;

/** @returns the policy, or words for what went wrong, to be read behind "its policy". Does not throw. */
export async function fetchPolicy(domain: string, options: PolicyFetch): Promise<StsPolicy | string> {
  const host = `mta-sts.${domain}`;
  const signal = AbortSignal.timeout(options.timeoutMs);
  const obstacle = await obstacleTo(host, options);
  if (obstacle !== null) return obstacle;
  try {
    const response = await options.fetch(`https://${host}/.well-known/mta-sts.txt`, {
      // 3.3: HTTP 3xx is not followed, nor is a cache used.
      redirect: "manual",
      cache: "no-store",
      signal,
    });
    if (response.status === 200 && isText(response)) return await readPolicy(response);
    await response.body?.cancel();
    return response.status === 200 ? "is not text/plain" : `was answered with HTTP status ${response.status}`;
  } catch (error) {
    // Whatever fetch throws is the network's or the server's doing.
    return `could not be fetched (${rootWords(error)})`;
  }
}

async function obstacleTo(host: string, { resolver, allowPrivate }: PolicyFetch): Promise<string | null> {
  const answers = await Promise.all([resolver.a(host), resolver.aaaa(host)]);
  const addresses = answers.flatMap((answer) => answer.kind === "found" ? answer.records : []);
  if (addresses.length === 0) return `could not be fetched (${host} has no address that could be looked up)`;
  if (allowPrivate) return null;
  const special = addresses.find((address) => specialAddress(address) !== null);
  return special === undefined ? null : `could not be fetched (${host} has the address ${special})`;
}

/** RFC 8461 3.2 guards against places where anybody can upload other kinds of files. */
function isText(response: Response): boolean {
  return /^text\/plain\s*(?:;|$)/i.test(response.headers.get("content-type") ?? "");
}

async function readPolicy(response: Response): Promise<StsPolicy | string> {
  const decoder = new TextDecoder();
  let text = "";
  let octets = 0;
  // Leaving the loop early cancels the rest.
  for await (const chunk of response.body ?? []) {
    octets += chunk.length;
    if (octets > MAX_OCTETS) return `has more than ${MAX_OCTETS} octets`;
    text += decoder.decode(chunk, { stream: true });
  }
  const policy = parsePolicy(text);
  return typeof policy === "string" ? `cannot be used: ${policy}` : policy;
}
