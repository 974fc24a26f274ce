/**
 * A node's policy, kept in line with the control plane's: asks every second what holds, takes it over between two
 * decisions, and tells what happened here: faults, what a shadow would have decided, recorded decisions.
 *
 * While the control plane cannot be reached, what held last goes on to hold; at the start that is the program's own
 * module, and without the control plane nobody gets further than that. A module that failed here, or that cannot be used
 * here, is told as a fault, and is not taken over again until the control plane says something new.
 */
import {
  checkModule,
  LivePolicy,
  moduleHash,
  openModule,
  OWN_HASH,
  ownModule,
  type Parameters,
  type PolicyModule,
  type Reason,
} from "../../policy/mod.ts";
import type { PolicyFaultReport, PolicyState } from "../../api/client.ts";
import type { ControlPlane } from "../control_plane.ts";
import type { DecisionRecorder } from "./recorder.ts";

export interface PolicyFollowerOptions {
  readonly controlPlane: Pick<ControlPlane, "policy" | "policyModule" | "decisions">;
  readonly recorder: DecisionRecorder;
  /** Hears the reason of each decision. */
  readonly onDecision: (reason: Reason) => void;
  /** Those of this process's settings. */
  readonly parameters: Parameters;
  /** Epoch ms. */
  readonly now: () => number;
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number;
  readonly onTrouble: (error: unknown) => void;
  /** A change was taken over, or a module failed, in words, with its facts. */
  readonly onNews: (message: string, facts: Record<string, unknown>) => void;
}

/** A change reaches every session within this and the time of a call or two. */
export const FOLLOW_MS = 1000;
/** Of what happened; the control plane takes no longer words. */
const MAX_FAULT_CHARS = 1000;
/** Reported at once: a node has two modules that can fail. */
const MAX_FAULTS = 16;

export class PolicyFollower implements AsyncDisposable {
  readonly live: LivePolicy;
  readonly #options: PolicyFollowerOptions;
  #version = 0;
  #relaysPerBlock: number | undefined;
  #faults: PolicyFaultReport[] = [];
  #following: Promise<void> | undefined;
  #handingOver: Promise<void> | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(options: PolicyFollowerOptions) {
    const { recorder, onDecision } = options;
    this.#options = options;
    this.live = new LivePolicy({
      parameters: options.parameters,
      now: options.now,
      monotonic: options.monotonic,
      later: (job) => void setTimeout(job),
      wants: (reason, account) => {
        onDecision(reason);
        return recorder.wants(reason, account);
      },
      record: (decision) => recorder.record(decision),
      onFault: (module, { message }, shadow) => {
        this.#failed(module, shadow, message);
        // The others are to hear of it now.
        this.#follow();
      },
    });
  }

  /** Asks for the first time before anybody is let in, then again and again. */
  async start(): Promise<void> {
    this.#timer = setInterval(() => {
      this.#follow();
      this.#handOver();
    }, FOLLOW_MS);
    this.#follow();
    await this.#following;
  }

  /** Ends; what was decided until then is handed over, if the control plane takes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all([this.#following, this.#handingOver]);
    this.#follow();
    this.#handOver();
    await Promise.all([this.#following, this.#handingOver]);
  }

  #follow(): void {
    this.#following ??= this.#exchange().catch(this.#options.onTrouble).finally(() => this.#following = undefined);
  }

  /** By itself: a control plane that is slow to take decisions must not keep the policy from being followed. */
  #handOver(): void {
    const { controlPlane, recorder, onTrouble } = this.#options;
    const all = async () => {
      while (await recorder.handOver((chunk) => controlPlane.decisions(chunk)));
    };
    this.#handingOver ??= all().catch(onTrouble).finally(() => this.#handingOver = undefined);
  }

  async #exchange(): Promise<void> {
    const { controlPlane, recorder } = this.#options;
    const faults = this.#faults.slice(0, MAX_FAULTS);
    const compared = this.live.shadowNews();
    const state = await controlPlane.policy({
      version: this.#version,
      module: this.live.module,
      shadow: this.live.shadow,
      faults,
      compared,
      dropped: recorder.dropped,
    });
    this.#faults.splice(0, faults.length);
    if (compared !== null) this.live.shadowTold(compared);
    const changed = state.version !== this.#version || state.relaysPerBlock !== this.#relaysPerBlock;
    if (changed) await this.#takeOver(state);
  }

  async #takeOver({ version, active, shadow, relaysPerBlock, parameters }: PolicyState): Promise<void> {
    const { live } = this;
    const wanted = active ?? OWN_HASH;
    const module = wanted === live.module ? null : await this.#module(wanted, false);
    const beside = shadow === null || shadow === live.shadow ? null : await this.#module(shadow, true);
    live.use(module, { ...this.#options.parameters, relaysPerBlock, ...parameters });
    if (shadow !== live.shadow) live.useShadow(beside);
    this.#relaysPerBlock = relaysPerBlock;
    if (version === this.#version) return;
    this.#version = version;
    this.#options.onNews("the policy has changed", { version, module: live.module, shadow: live.shadow, parameters });
  }

  /** null: it cannot be used here, which is told as a fault. @throws {ControlPlaneUnavailable} */
  async #module(hash: string, shadow: boolean): Promise<PolicyModule | null> {
    if (hash === OWN_HASH) return ownModule();
    const octets = await this.#options.controlPlane.policyModule(hash);
    const wrong = moduleHash(octets) === hash ? checkModule(octets) : ["Its octets are not those of the hash."];
    if (wrong.length === 0) return openModule(octets);
    this.#failed(hash, shadow, wrong.join(" "));
    return null;
  }

  #failed(module: string, shadow: boolean, fault: string): void {
    this.#faults.push({ module, shadow, detail: fault.slice(0, MAX_FAULT_CHARS) });
    this.#options.onNews("a policy module failed, and decides no more here", { module, shadow, fault });
  }
}
