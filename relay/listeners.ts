/**
 * Binds the ports of a node: plain ones with STARTTLS, and those where TLS begins with the connection.
 *
 * A port that was asked for and cannot be bound is an error; a default one is left out, with the reason.
 */
import type { Listen, Settings } from "./settings.ts";

export interface BoundListener {
  readonly listener: Deno.Listener;
  readonly hostname: string;
  readonly port: number;
  readonly tls: boolean;
}

export interface LeftOut {
  readonly hostname: string;
  readonly port: number;
  readonly why: string;
}

export interface BoundListeners {
  readonly bound: readonly BoundListener[];
  readonly leftOut: readonly LeftOut[];
}

/** A port that was asked for could not be bound. */
export class PortUnavailable extends Error {
  override readonly name = "PortUnavailable";
}

/** @throws {PortUnavailable}; what was bound by then is closed. */
export function bindListeners(settings: Pick<Settings, "smtpListen" | "smtpsListen">): BoundListeners {
  const bound: BoundListener[] = [], leftOut: LeftOut[] = [];
  const covered = ({ hostname, port }: Listen) => {
    return hostname === "0.0.0.0" && bound.some((other) => other.hostname === "::" && other.port === port);
  };
  const bind = (listen: Listen, tls: boolean) => {
    if (covered(listen)) return;
    const { hostname, port, asked } = listen;
    try {
      const listener = Deno.listen({ hostname, port });
      bound.push({ listener, hostname, port: (listener.addr as Deno.NetAddr).port, tls });
    } catch (error) {
      const why = reason(error);
      if (asked || why === undefined) {
        for (const { listener } of bound) listener.close();
        throw why === undefined ? error : new PortUnavailable(`${hostname} port ${port}: ${why}`, { cause: error });
      }
      leftOut.push({ hostname, port, why });
    }
  };
  for (const listen of ipv6First(settings.smtpListen)) bind(listen, false);
  for (const listen of ipv6First(settings.smtpsListen)) bind(listen, true);
  return { bound, leftOut };
}

/** A listener on `::` takes IPv4 connections as well, where the machine has IPv6 at all; so it comes first. */
function ipv6First(listens: readonly Listen[]): Listen[] {
  return [...listens].sort((a, b) => Number(b.hostname === "::") - Number(a.hostname === "::"));
}

/** Why a port could not be bound, where it is the machine's or the operator's business. */
function reason(error: unknown): string | undefined {
  if (error instanceof Deno.errors.PermissionDenied) return "needs more rights (ports below 1024 need root)";
  if (error instanceof Deno.errors.AddrInUse) return "in use by another program";
  if (error instanceof Deno.errors.AddrNotAvailable) return "this machine does not have the address";
  // No IPv6 on this machine: the operating system's words.
  if (error instanceof Error && /address family not supported/i.test(error.message)) return "not supported here";
  return undefined;
}
