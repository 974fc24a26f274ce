/**
 * The SMTP ports of a process: plain ones with STARTTLS, and those where TLS begins with the connection.
 *
 * They are found out once: each is bound and let go again, and a port that another program has, even one that would
 * share it (SO_REUSEPORT), is noticed. A port that was asked for and cannot be had is an error; a default one is left
 * out, with the reason. Then each node listens on all of them, and the system spreads the connections over the nodes.
 */
import { reachedAddress } from "./dns/special_addresses.ts";
import type { Listen, NodeSettings } from "./settings.ts";

/** An address and port that can be listened on; the port is never 0. */
export interface Endpoint {
  readonly hostname: string;
  readonly port: number;
  readonly tls: boolean;
}

export interface LeftOut {
  readonly hostname: string;
  readonly port: number;
  readonly why: string;
}

export interface Endpoints {
  readonly open: readonly Endpoint[];
  readonly leftOut: readonly LeftOut[];
}

/** A port that was asked for could not be bound. */
export class PortUnavailable extends Error {
  override readonly name = "PortUnavailable";
}

const REMEDY = "name another one in MAILHOP_SMTP_LISTEN or MAILHOP_SMTPS_LISTEN";

/** @throws {PortUnavailable} with what the operator can do. */
export function findEndpoints(settings: Pick<NodeSettings, "smtpListen" | "smtpsListen">): Endpoints {
  using bound = new DisposableStack();
  const open: Endpoint[] = [], leftOut: LeftOut[] = [];
  const covered = ({ hostname, port }: Listen) => {
    return hostname === "0.0.0.0" && open.some((other) => other.hostname === "::" && other.port === port);
  };
  const bind = (listen: Listen, tls: boolean) => {
    if (covered(listen)) return;
    const { hostname, port, asked } = listen;
    try {
      // All stay bound until the last one is, so that the same port is not found free twice.
      const listener = bound.use(Deno.listen({ hostname, port }));
      open.push({ hostname, port: listener.addr.port, tls });
    } catch (error) {
      const why = reason(error);
      if (why === undefined) throw error;
      if (asked) throw new PortUnavailable(`${hostname} port ${port}: ${why}; ${REMEDY}`, { cause: error });
      leftOut.push({ hostname, port, why });
    }
  };
  for (const listen of ipv6First(settings.smtpListen)) bind(listen, false);
  for (const listen of ipv6First(settings.smtpsListen)) bind(listen, true);
  return { open, leftOut };
}

/** Each port once, in ascending order. */
export function portsOf(places: readonly { readonly port: number }[]): number[] {
  return [...new Set(places.map(({ port }) => port))].toSorted((one, other) => one - other);
}

/** @throws {PortUnavailable} when the port has been taken since it was found free. */
export function listenOn({ hostname, port }: Endpoint): Deno.TcpListener {
  try {
    return Deno.listen({ hostname, port, reusePort: true });
  } catch (error) {
    const why = reason(error);
    if (why === undefined) throw error;
    throw new PortUnavailable(`${hostname} port ${port}: ${why}`, { cause: error });
  }
}

/** Whether this process listens at an address, however that is spelt: mail for it would come back. */
export function ownEndpoints(
  endpoints: readonly Pick<Endpoint, "hostname" | "port">[],
): (address: string, port: number) => boolean {
  const ports = new Set(endpoints.map(({ port }) => port));
  const loopbackPorts = new Set(endpoints.filter(({ hostname }) => isLoopback(hostname)).map(({ port }) => port));
  const addresses = new Set([
    ...endpoints.map(({ hostname }) => oneSpelling(hostname)),
    ...Deno.networkInterfaces().map(({ address }) => oneSpelling(address)),
  ]);
  return (address, port) =>
    ports.has(port) && (addresses.has(oneSpelling(address)) || (loopbackPorts.has(port) && isLoopback(address)));
}

/** The same text for each spelling of an address, as for `::ffff:192.0.2.1` and `192.0.2.1`. */
function oneSpelling(address: string): string {
  return reachedAddress(address)?.join(".") ?? address;
}

/** All of 127/8 and ::1; and the unspecified address, on which loopback is listened on and which is dialled as it. */
function isLoopback(address: string): boolean {
  const octets = reachedAddress(address);
  if (octets?.length === 4) return octets[0] === 127 || octets[0] === 0;
  return octets !== null && octets.subarray(0, 15).every((octet) => octet === 0) && octets[15]! <= 1;
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
