/**
 * A node's policy, kept in line with the control plane's: asks every second what holds, takes it over between two
 * decisions, and tells what happened here: faults, what a shadow would have decided, recorded decisions.
 *
 * While the control plane cannot be reached, what held last goes on to hold. A module that failed here is not taken
 * over again until the control plane says something new.
 */
import { checkModule, LivePolicy, moduleHash, openModule, ownModule, type Parameters } from "../../policy/mod.ts";
import type { PolicyModule } from "../../policy/mod.ts";
import type { PolicyFaultReport, PolicyState } from "../../api/client.ts";
import type { ControlPlane } from "../control_plane.ts";
import type { DecisionRecorder } from "./recorder.ts";

export interface PolicyFollowerOptions {
  readonly controlPlane: Pick<ControlPlane, "policy" | "policyModule" | "decisions">;
  readonly recorder: DecisionRecorder;
  /** Those of this process's settings. */
  readonly parameters: Parameters;
  /** Epoch ms. */
  readonly now: () => number;
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

/** What the control plane would have this node decide by cannot be had. */
export class ModuleNotUsable extends Error {
  override readonly name = "ModuleNotUsable";
}

export class PolicyFollower implements AsyncDisposable {
  readonly live: LivePolicy;
  readonly #options: PolicyFollowerOptions;
  #version = 0;
  #faults: PolicyFaultReport[] = [];
  #running: Promise<void> | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(options: PolicyFollowerOptions) {
    const { recorder } = options;
    this.#options = options;
    this.live = new LivePolicy({
      parameters: options.parameters,
      now: options.now,
      later: (job) => void setTimeout(job),
      wants: (reason) => recorder.wants(reason),
      record: (decision) => recorder.record(decision),
      onFault: (module, { message }, shadow) => {
        this.#faults.push({ module, shadow, detail: message.slice(0, MAX_FAULT_CHARS) });
        options.onNews("a policy module failed, and decides no more here", { module, shadow, fault: message });
        // The others are to hear of it now.
        this.#follow();
      },
    });
  }

  /** Asks for the first time, so that nobody is let in by rules that do not hold; then again and again. */
  async start(): Promise<void> {
    this.#timer = setInterval(() => this.#follow(), FOLLOW_MS);
    this.#follow();
    await this.#running;
  }

  /** Ends; what was decided until then is handed over, if the control plane takes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
    this.#follow();
    await this.#running;
  }

  #follow(): void {
    this.#running ??= this.#exchange().catch(this.#options.onTrouble).finally(() => this.#running = undefined);
  }

  async #exchange(): Promise<void> {
    const { controlPlane, recorder } = this.#options;
    const faults = this.#faults.splice(0, MAX_FAULTS);
    let state;
    try {
      state = await controlPlane.policy({
        version: this.#version,
        module: this.live.module,
        shadow: this.live.shadow,
        faults,
        compared: this.live.shadowNews(),
        dropped: recorder.dropped,
      });
    } catch (error) {
      this.#faults.unshift(...faults);
      throw error;
    }
    if (state.version !== this.#version) await this.#takeOver(state);
    while (await recorder.handOver((chunk) => controlPlane.decisions(chunk)));
  }

  async #takeOver(state: PolicyState): Promise<void> {
    const { parameters, onNews } = this.#options;
    const { version, active, shadow } = state;
    const [module, beside] = [await this.#module(active), shadow === null ? null : await this.#module(shadow)];
    this.live.use(module, { ...parameters, ...state.parameters });
    this.live.useShadow(beside);
    this.#version = version;
    onNews("the policy has changed", { version, module: module.hash, shadow, parameters: state.parameters });
  }

  async #module(hash: string | null): Promise<PolicyModule> {
    if (hash === null || hash === ownModule().hash) return ownModule();
    const octets = await this.#options.controlPlane.policyModule(hash);
    const wrong = moduleHash(octets) === hash ? checkModule(octets) : ["Its octets are not those of the hash."];
    if (wrong.length > 0) throw new ModuleNotUsable(`module ${hash}: ${wrong.join(" ")}`);
    return openModule(octets);
  }
}
