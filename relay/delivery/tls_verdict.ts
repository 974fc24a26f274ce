/**
 * What a policy for TLS (MTA-STS, RFC 8461) makes of a session: whether it may be used, and the words for the history.
 *
 * Pure. A policy that is only tested lets everything through, and says what would have been held back.
 */
import { ownVerdict, type Verdict } from "./outcome.ts";

export interface TlsPolicy {
  readonly mode: "testing" | "enforce";
  /** Whether the policy names the host; in mode enforce it does. */
  readonly named: boolean;
}

/** A session as a policy sees it. */
export type TlsState =
  /** `certificate`: what is wrong with it in words, to be read behind "its certificate"; null: nothing. */
  | { readonly kind: "tls"; readonly certificate: string | null }
  /** STARTTLS is not offered, or not to be had now. */
  | { readonly kind: "plain" }
  | { readonly kind: "handshake-failed" };

export type TlsJudgement =
  /** Words for the history; null where there is no policy. */
  | { readonly kind: "usable"; readonly words: string | null }
  | { readonly kind: "unusable"; readonly verdict: Verdict };

/** @param host the server's name, as it is to be read. */
export function judgeTls(policy: TlsPolicy | undefined, state: TlsState, host: string): TlsJudgement {
  if (policy === undefined) return { kind: "usable", words: null };
  const obstacle = obstacleTo(policy, state);
  if (policy.mode === "testing") {
    const words = obstacle === null ? VERIFIED : `would be held back: ${obstacle.text}`;
    return { kind: "usable", words: `MTA-STS (testing): ${words}` };
  }
  if (obstacle === null) return { kind: "usable", words: `MTA-STS: ${VERIFIED}` };
  // RFC 8461 5: never for good; the next host may be right, and so may this one later.
  const words = `451 ${obstacle.status} MTA-STS: ${host} is not sent to: ${obstacle.text}`;
  return { kind: "unusable", verdict: ownVerdict("deferred", obstacle.status, words, false) };
}

const VERIFIED = "the certificate is verified";

function obstacleTo({ named }: TlsPolicy, state: TlsState): { status: string; text: string } | null {
  if (!named) return { status: "4.7.5", text: "the policy does not name this host" };
  switch (state.kind) {
    case "plain":
      return { status: "4.7.4", text: "it does not offer TLS" };
    case "handshake-failed":
      return { status: "4.7.5", text: "the TLS handshake failed" };
    case "tls":
      return state.certificate === null ? null : { status: "4.7.5", text: `its certificate ${state.certificate}` };
  }
}
