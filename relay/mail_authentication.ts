/** Puts together what a shard signs with, and what it knows of recipients' policies for TLS. */
import type { Logger } from "@logtape/logtape";
import { join } from "@std/path";
import { authorDomains } from "./admission/author_domains.ts";
import type { ControlPlane } from "./control_plane.ts";
import { Signer } from "./dkim/signer.ts";
import { SigningKeys } from "./dkim/signing_keys.ts";
import { asciiDomain } from "./dns/names.ts";
import type { Resolver } from "./dns/types.ts";
import { describe } from "./error_words.ts";
import { StsPolicies } from "./mta_sts/policies.ts";
import { FETCH_TIMEOUT_MS, fetchPolicy } from "./mta_sts/policy_fetch.ts";
import { PolicyFile, readPolicies } from "./mta_sts/policy_file.ts";
import type { NodeSettings } from "./settings.ts";

export interface SignerSurroundings {
  readonly settings: Pick<NodeSettings, "serviceName" | "dkimService">;
  readonly controlPlane: ControlPlane;
  /** Epoch ms. */
  readonly now: () => number;
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number;
  readonly log: Logger;
}

export function createSigner({ settings, controlPlane, now, monotonic, log }: SignerSurroundings): Signer {
  return new Signer({
    keys: new SigningKeys({
      ask: (question) => controlPlane.dkimKeys(question),
      monotonic,
      onUnusable: (domain, selector, error) =>
        log.error("a key to sign with cannot be used", { domain, selector, error: describe(error) }),
    }),
    authorDomains,
    serviceDomain: settings.dkimService ? asciiDomain(settings.serviceName) : null,
    now,
    log,
  });
}

export interface PolicySurroundings {
  readonly settings: Pick<NodeSettings, "allowPrivateNextHops">;
  /** Where they are kept. */
  readonly directory: string;
  readonly resolver: Resolver;
  /** Epoch ms. */
  readonly now: () => number;
  readonly log: Logger;
}

export interface OpenPolicies {
  readonly policies: StsPolicies;
  /** Resolves when all that is known is in its file. */
  written(): Promise<void>;
}

const POLICY_FILE = "mta-sts.json";

export async function openPolicies(
  { settings, directory, resolver, now, log }: PolicySurroundings,
): Promise<OpenPolicies> {
  const path = join(directory, POLICY_FILE);
  const onTrouble = (error: unknown) => log.error("trouble with the file of policies", { error: describe(error) });
  const file = new PolicyFile(path, onTrouble);
  const fetchOptions = { fetch, resolver, allowPrivate: settings.allowPrivateNextHops, timeoutMs: FETCH_TIMEOUT_MS };
  const policies = new StsPolicies({
    resolver,
    fetchPolicy: (domain) => fetchPolicy(domain, fetchOptions),
    now,
    kept: await readPolicies(path, onTrouble),
    onChange: (known) => file.save(known),
    onTrouble: (domain, why, kept) => log.warn("an MTA-STS policy {why}", { domain, why, kept }),
  });
  return { policies, written: () => file.written() };
}
