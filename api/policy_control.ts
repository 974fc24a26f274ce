/**
 * The policy of the whole service: what holds, who changed it, and what happens when a module fails somewhere.
 *
 * A change is a row in the database; nodes ask for it every second or two and take it over between two decisions. This
 * process asks its own policy for prices and caps, so it takes changes over too: its own at once, others' when a node
 * asks.
 */
import type { Kysely } from "kysely";
import {
  checkModule,
  LivePolicy,
  moduleHash,
  openModule,
  OWN_HASH,
  ownModule,
  type ParameterName,
  type Parameters,
  type PolicyModule,
} from "../policy/mod.ts";
import type { NoticeBoard } from "./notices.ts";
import { addComparisons, deleteComparisons } from "./store/policy_comparisons.ts";
import { changePolicy, currentPolicy, lastGoodModule, type PolicyChange } from "./store/policy_changes.ts";
import { findPolicyModule, insertPolicyModule, setModuleFailed } from "./store/policy_modules.ts";
import { putPolicyNode } from "./store/policy_nodes.ts";
import type { Database, PolicyChangeRow } from "./store/schema.ts";
import type { PolicyFaultReport, PolicyReport, PolicyState } from "./wire.ts";

export interface PolicyControlOptions {
  readonly db: Kysely<Database>;
  /** Makes what was committed before durable. */
  readonly sync: () => Promise<void>;
  /** Those of this process's settings. */
  readonly parameters: Parameters;
  readonly now: () => number;
  readonly notices: NoticeBoard;
  readonly log: (message: string, facts: Record<string, unknown>) => void;
}

/** A hash that names no module that was loaded. */
export class UnknownModule extends Error {
  override readonly name = "UnknownModule";
}

export class PolicyControl {
  /** Of this process. */
  readonly live: LivePolicy;
  readonly #options: PolicyControlOptions;
  #version = -1;
  /** Of modules in this process, that are not recorded yet: the database may be away. */
  #ownFaults: PolicyFaultReport[] = [];
  #recording: Promise<void> = Promise.resolve();

  /** Use `openPolicyControl`. */
  constructor(options: PolicyControlOptions) {
    this.#options = options;
    this.live = new LivePolicy({
      parameters: options.parameters,
      now: options.now,
      // Nothing runs beside, and nothing is recorded, in this process.
      monotonic: () => 0,
      later: () => {},
      wants: () => false,
      record: () => {},
      onFault: (module, { message }, shadow) => {
        this.#ownFaults.push({ module, shadow, detail: message });
        this.#recordOwnFaults().catch((error) => options.log("a fault could not be recorded yet", { error }));
      },
    });
  }

  /** Those of this process's settings. */
  get settings(): Parameters {
    return this.#options.parameters;
  }

  /** What holds now, taken over by this process too. */
  async current(): Promise<PolicyChangeRow> {
    await this.#recordOwnFaults();
    const row = await currentPolicy(this.#options.db);
    await this.#takeOver(row);
    return row;
  }

  /** Takes a node's report, and says what it is to decide by. */
  async report(report: PolicyReport): Promise<PolicyState> {
    const { db, now } = this.#options;
    const { node, version, module, shadow, dropped, faults, compared } = report;
    for (const fault of faults) await this.#faulted(node, fault);
    if (compared !== null) await addComparisons(db, compared);
    await putPolicyNode(db, { node, version, module, shadow, dropped, seen_at: now() });
    const { relaysPerBlock } = this.#options.parameters;
    return { ...stateOf(await this.current()), relaysPerBlock };
  }

  /** Keeps a module that was checked. @returns what is wrong with it, each in a sentence; empty: it is kept. */
  async load(octets: Uint8Array<ArrayBuffer>): Promise<string[]> {
    const wrong = checkModule(octets);
    const hash = moduleHash(octets);
    if (wrong.length > 0 || hash === OWN_HASH) return wrong;
    await insertPolicyModule(this.#options.db, { hash, octets, loaded_at: this.#options.now(), failed_at: null });
    return [];
  }

  /** @param hash null: the program's own. @throws {UnknownModule} */
  async activate(who: string, hash: string | null): Promise<PolicyChangeRow> {
    const module = await this.module(hash);
    return await this.#change(who, "activate", (current) => ({
      active: module.own ? null : module.hash,
      // It need not run beside itself.
      shadow: current.shadow === module.hash ? null : current.shadow,
    }));
  }

  /** @param hash null: none is to run beside the active one. @throws {UnknownModule} */
  async shadow(who: string, hash: string | null): Promise<PolicyChangeRow> {
    if (hash !== null) {
      await this.module(hash);
      await deleteComparisons(this.#options.db, hash);
    }
    return await this.#change(who, "shadow", () => ({ shadow: hash }));
  }

  /** Goes back to the last good module. @returns null: there is none but the active one. */
  async rollBack(who: string): Promise<PolicyChangeRow | null> {
    const current = await this.current();
    const previous = await lastGoodModule(this.#options.db, current);
    if (previous === current.active) return null;
    return await this.#change(who, "roll back", () => ({ active: previous }));
  }

  /** @param values by name; null: that of the settings again. Within their bounds. */
  async setParameters(
    who: string,
    values: { readonly [Name in ParameterName]?: number | null | undefined },
  ): Promise<PolicyChangeRow> {
    const changed = Object.entries(values).filter(([, value]) => value !== undefined);
    const detail = changed.map(([name, value]) => `${name} ${value ?? "as in the settings"}`).join(", ");
    return await this.#change(who, "parameters", ({ parameters }) => {
      const set = Object.entries({ ...JSON.parse(parameters), ...Object.fromEntries(changed) });
      return { parameters: JSON.stringify(Object.fromEntries(set.filter(([, value]) => value !== null))), detail };
    });
  }

  /** What holds with the parameters of a row: those set over those of this process's settings. */
  parametersOf(row: Pick<PolicyChangeRow, "parameters">): Parameters {
    return { ...this.#options.parameters, ...JSON.parse(row.parameters) };
  }

  /** The module of a hash; null: the program's own. @throws {UnknownModule} */
  async module(hash: string | null): Promise<PolicyModule> {
    if (hash === null || hash === OWN_HASH) return ownModule();
    const octets = await findPolicyModule(this.#options.db, hash);
    if (octets === undefined) throw new UnknownModule(`there is no module ${hash}`);
    return openModule(octets);
  }

  async #change(
    who: string,
    what: PolicyChange["what"],
    change: (current: PolicyChangeRow) => Partial<PolicyChange>,
  ): Promise<PolicyChangeRow> {
    const { db, now } = this.#options;
    const row = await changePolicy(
      db,
      (current) => Promise.resolve({ at: now(), who, what, detail: null, ...change(current) }),
    );
    await this.#takeOver(row);
    return row;
  }

  /** The last good module takes over everywhere; several nodes may say the same, and only the first changes anything. */
  async #faulted(who: string, { module, shadow, detail }: PolicyFaultReport): Promise<void> {
    const { db, sync, now, notices, log } = this.#options;
    log("a policy module failed", { node: who, module, shadow, detail });
    const row = await changePolicy(db, async (current, transaction) => {
      const fault = { at: now(), who, what: "fault", detail } as const;
      if (shadow) return current.shadow === module ? { ...fault, shadow: null } : null;
      if (current.active !== module) return null;
      await setModuleFailed(transaction, module, now());
      return { ...fault, active: await lastGoodModule(transaction, current) };
    });
    await notices.say([{
      ...{ account: null, type: "policy-fault", detail: { node: who, module, shadow, detail } },
      once: `policy-fault ${module} ${row.version}`,
    }]);
    await sync();
    await this.#takeOver(row);
  }

  /** One run behind the other: when it resolves, what an earlier run was about is recorded too. */
  #recordOwnFaults(): Promise<void> {
    // Whoever asked for the earlier run has its error, and the fault is still there for this one.
    this.#recording = this.#recording.catch(() => {}).then(() => this.#recordEach());
    return this.#recording;
  }

  async #recordEach(): Promise<void> {
    for (let fault = this.#ownFaults.shift(); fault !== undefined; fault = this.#ownFaults.shift()) {
      try {
        await this.#faulted("control plane", fault);
      } catch (error) {
        this.#ownFaults.unshift(fault);
        throw error;
      }
    }
  }

  async #takeOver(row: PolicyChangeRow): Promise<void> {
    if (row.version <= this.#version) return;
    const module = await this.module(row.active);
    // A newer one may have come meanwhile.
    if (row.version <= this.#version) return;
    this.#version = row.version;
    this.live.use(module, this.parametersOf(row));
  }
}

export async function openPolicyControl(options: PolicyControlOptions): Promise<PolicyControl> {
  const control = new PolicyControl(options);
  await control.current();
  return control;
}

export function stateOf(
  { version, active, shadow, parameters }: PolicyChangeRow,
): Omit<PolicyState, "relaysPerBlock"> {
  return { version, active, shadow, parameters: JSON.parse(parameters) };
}
