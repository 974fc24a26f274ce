/**
 * The control plane's part of a process: the API on its database, and what it does from time to time.
 *
 * One of the composition roots: it knows relay and API. A process in role `relay` does not load it.
 */
import type { Logger } from "@logtape/logtape";
import { join } from "@std/path";
import { monotonicUlid } from "@std/ulid";
import { type ControlPlane, createControlPlane, DatabaseUnusable } from "../api/main.ts";
import type { ControlPlaneOptions } from "../api/main.ts";
import { addressFacts } from "./admission/address_facts.ts";
import { CannotStart } from "./cannot_start.ts";
import { CONTROL_DATABASE } from "./data_dir.ts";
import type { createResolver } from "./dns/resolver.ts";
import { describe } from "./error_words.ts";
import { namesOf } from "./names_of.ts";
import { startPeriodicWork } from "./periodic_work.ts";
import type { PlaneSettings } from "./settings.ts";

/** A claimed domain is looked at again daily, within this time of being due. */
const DOMAIN_RECHECK_MS = 3_600_000;
/** What is pruned was kept for days: an hour more does not matter. */
const PRUNE_MS = 3_600_000;
/** That blocks count is said within this. */
const BLOCK_NOTICE_MS = 5000;

export interface ControlPlaneSurroundings
  extends
    Pick<ControlPlaneOptions, "adminToken" | "relayToken" | "parameters" | "examineMachine" | "readiness" | "figures"> {
  readonly settings: PlaneSettings;
  readonly resolver: ReturnType<typeof createResolver>;
  /** From which addresses mail leaves, as the world sees them. */
  readonly outgoingAddresses: () => Promise<readonly string[]>;
  /** The ports that the help pages name. */
  readonly ports: { readonly starttls: readonly number[]; readonly tls: readonly number[] };
  /** Epoch ms. */
  readonly now: () => number;
  readonly log: Logger;
}

/** Ends with `closing`. @throws {CannotStart} its database cannot be used. */
export async function startControlPlane(
  surroundings: ControlPlaneSurroundings,
  closing: AsyncDisposableStack,
): Promise<ControlPlane> {
  const { settings, resolver, now, log, ports } = surroundings;
  const controlPlane = await opened({
    ...surroundings,
    database: settings.database ?? join(settings.dataDir, CONTROL_DATABASE),
    counters: settings.counters,
    activationDelayMs: settings.activationDelayMs,
    keepDecisionsMs: settings.keepDecisionsMs,
    keepHistoryMs: settings.keepHistoryMs,
    newId: () => monotonicUlid(now()),
    resolveTxt: (name) => resolver.fresh().txt(name),
    addresses: addressFacts(resolver, settings.routes),
    service: {
      name: settings.serviceName,
      hostname: settings.hostname,
      addresses: surroundings.outgoingAddresses,
      namesOf: (address) => namesOf(address, settings.dns),
    },
    mailDns: () => resolver.fresh(),
    help: {
      name: settings.serviceName,
      starttlsPorts: ports.starttls,
      tlsPorts: ports.tls,
      delayWarningMs: settings.delayWarningMs,
      expiryMs: settings.expiryMs,
      url: settings.helpUrl,
    },
    log: (message, facts) => log.error(message, { ...facts, error: String(facts.error ?? "") }),
  });
  closing.defer(() => controlPlane.close());
  closing.use(startPeriodicWork({
    work: (closing) => controlPlane.prune(closing),
    everyMs: PRUNE_MS,
    onTrouble: (error) => log.error("what is too old could not be deleted", { error: describe(error) }),
  }));
  closing.use(startPeriodicWork({
    work: controlPlane.recheckDomains,
    everyMs: DOMAIN_RECHECK_MS,
    onTrouble: (error) => log.error("claimed domains could not be looked at again", { error: describe(error) }),
  }));
  closing.use(startPeriodicWork({
    work: (closing) => controlPlane.sayBlocks(closing),
    everyMs: BLOCK_NOTICE_MS,
    onTrouble: (error) => log.error("blocks could not be looked at for notices", { error: describe(error) }),
  }));
  return controlPlane;
}

async function opened(options: ControlPlaneOptions): Promise<ControlPlane> {
  try {
    return await createControlPlane(options);
  } catch (error) {
    if (error instanceof DatabaseUnusable) throw new CannotStart(error.message, { cause: error });
    throw error;
  }
}
