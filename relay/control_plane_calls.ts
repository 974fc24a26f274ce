/**
 * How calls of the control plane are made: each has a deadline, and while it is known to be away they fail at once, but
 * for one at a time that finds out whether it still is. Every kind of trouble is a `ControlPlaneUnavailable`.
 */
import { AwayGate, type Passage } from "./away_gate.ts";

/** The control plane could not be asked, or it had trouble of its own, or it did not let this node in. */
export class ControlPlaneUnavailable extends Error {
  override readonly name: string = "ControlPlaneUnavailable";
}

/** It could not be asked, or had trouble of its own: what is remembered may stand in for it. */
export class ControlPlaneAway extends ControlPlaneUnavailable {
  override readonly name: string = "ControlPlaneAway";
}

/** It is known to be away, which was told when it became known, and is not asked just now. */
export class ControlPlaneStillAway extends ControlPlaneAway {
  override readonly name: string = "ControlPlaneStillAway";
}

/** So much so that it was not asked: nothing has happened there. */
export class ControlPlaneNotAsked extends ControlPlaneStillAway {
  override readonly name = "ControlPlaneNotAsked";
}

/** It does not know the relay token, of which `reach_of_control_plane.ts` tells the operator, for all nodes. */
export class TokenRefused extends ControlPlaneUnavailable {
  override readonly name = "TokenRefused";
}

/**
 * Whether an answer says that. A customer's wrong password is 401 as well, and so may be what somebody on the way says:
 * one that is about the token bears a challenge (RFC 9110 11.6.1).
 */
export function isTokenRefused({ status, headers }: Pick<Answer, "status" | "headers">): boolean {
  return status === 401 && headers.has("www-authenticate");
}

/** Leaves out that it is still away, and that it refuses the token: that was told. */
export function unlessTold(report: (error: unknown) => void): (error: unknown) => void {
  return (error) => error instanceof ControlPlaneStillAway || error instanceof TokenRefused || report(error);
}

/** A call that takes longer has failed: the client of the SMTP session would not wait much longer either. */
export const CALL_DEADLINE_MS = 10_000;
/** While it is away it is asked so often. */
const PROBE_PAUSE_MS = 1000;
/** Problems, by their stable names (api/problem.ts), of one who is there: it can do most of what it is asked. */
const THERE: ReadonlyMap<string, string> = new Map([
  ["/problems/busy", "the control plane is busy"],
  ["/problems/counters-unavailable", "the control plane cannot reach the counters"],
]);
/** It cannot do anything now, or somebody on the way to it says so. */
const AWAY: ReadonlySet<number> = new Set([502, 503, 504]);

export interface Answer {
  readonly ok: boolean;
  readonly status: number;
  readonly headers: Pick<Headers, "has">;
  json(): Promise<unknown>;
  text(): Promise<string>;
}

/** What a route answers when it could do what was asked. */
export type Body<A extends Answer> = Awaited<ReturnType<Extract<A, { readonly ok: true }>["json"]>>;

/** Hears whether it is there. */
export interface Reach {
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number;
  /** It is away, as this error has it. */
  readonly onAway: (error: unknown) => void;
  /** It is back, after so many ms. */
  readonly onBack: (awayMs: number) => void;
}

export class ControlPlaneCalls {
  readonly #gate: AwayGate;

  constructor(reach: Reach) {
    this.#gate = new AwayGate({ ...reach, pauseMs: PROBE_PAUSE_MS });
  }

  /** It is known to be away: most calls fail at once. */
  get isAway(): boolean {
    return this.#gate.isAway;
  }

  /** @param tells whether it is away, if this call fails. */
  async response<A extends Answer>(request: () => Promise<A>, tells = true): Promise<A> {
    const passage = this.#gate.enter();
    if (passage === null) throw new ControlPlaneNotAsked("the control plane is away");
    const failed = tells ? passage.failed : passage.abandoned;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const tooLate = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer in ${CALL_DEADLINE_MS} ms`)), CALL_DEADLINE_MS);
    });
    try {
      const response = await Promise.race([request(), tooLate]);
      if (response.status >= 500) return await troubled(response, { ...passage, failed });
      passage.answered();
      return response;
    } catch (cause) {
      if (cause instanceof ControlPlaneUnavailable) throw cause;
      const error = passage.isProbe
        ? new ControlPlaneStillAway("the control plane is away", { cause })
        : new ControlPlaneAway("the control plane did not answer", { cause });
      failed(error);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** It answered that it has trouble. @throws {ControlPlaneUnavailable} */
async function troubled(response: Answer, passage: Passage): Promise<never> {
  const { status } = response;
  const there = THERE.get(await problemOf(response));
  const isAway = AWAY.has(status) && there === undefined;
  const Trouble = isAway && passage.isProbe ? ControlPlaneStillAway : ControlPlaneAway;
  const error = new Trouble(`the control plane answered ${status}`);
  if (isAway) passage.failed(error);
  else passage.answered();
  // With logins that it has no time for, or without the counters, a password that was changed must not hold.
  throw there === undefined ? error : new ControlPlaneUnavailable(there);
}

/** The name of the problem that an answer bears; "" where it has none. */
export async function problemOf(response: Answer): Promise<string> {
  return String((await problemIn(response)).type ?? "");
}

/** For the log: what the answer says is wrong, and what to do. */
async function refusalOf(response: Answer): Promise<string> {
  const { detail } = await problemIn(response);
  return `the control plane answered ${response.status}${typeof detail === "string" ? `: ${detail}` : ""}`;
}

/** RFC 9457; nothing of it where the answer is of a proxy on the way. */
async function problemIn(response: Answer): Promise<{ readonly type?: unknown; readonly detail?: unknown }> {
  try {
    return await response.json() as object ?? {};
  } catch {
    return {};
  }
}

export async function body<A extends Answer>(response: A): Promise<Body<A>> {
  if (!response.ok) {
    const Trouble = isTokenRefused(response) ? TokenRefused : ControlPlaneUnavailable;
    throw new Trouble(await refusalOf(response));
  }
  try {
    return await response.json() as Body<A>;
  } catch (cause) {
    throw new ControlPlaneUnavailable("the control plane's answer is not JSON", { cause });
  }
}
