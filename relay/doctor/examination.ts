/** What the doctor looks at on the machine itself: the way out, the certificate, the clock, the disk. */
import type { Resolver } from "../dns/types.ts";
import type { Certificate } from "../tls/certificate.ts";
import { certificateFinding } from "./certificate.ts";
import { clockFinding, type TimeServer } from "./clock.ts";
import { diskFinding } from "./disk.ts";
import type { Finding } from "../../api/client.ts";
import { port25Finding, PORT_25_NOT_NEEDED, type Target, WELL_KNOWN } from "./port25.ts";

export interface Patient {
  readonly serviceName: string;
  readonly dataDir: string;
  /** Whether no mail goes by MX. */
  readonly routesAll: boolean;
  /** The one that is shown now, and whether the relay made it itself. */
  readonly certificate: () => { readonly certificate: Certificate; readonly own: boolean };
  readonly resolver: Pick<Resolver, "mx" | "a">;
  /** Epoch ms. */
  readonly now: () => number;
  /** Ms of a steady clock. */
  readonly monotonic: () => number;
}

/** A control plane whose relays are elsewhere. */
export interface ControlPlaneMachine extends Pick<Patient, "now" | "monotonic"> {
  /** Of its database; null: that is elsewhere. */
  readonly dataDir: string | null;
  readonly resolver: Pick<Resolver, "a">;
}

const TIME_SERVERS = "pool.ntp.org";
const NTP_PORT = 123;
const SMTP_PORT = 25;

export async function examine(
  { serviceName, dataDir, routesAll, certificate, resolver, now, monotonic }: Patient,
): Promise<Finding[]> {
  const shown = certificate();
  return [
    ...await Promise.all([
      routesAll ? PORT_25_NOT_NEEDED : wellKnownHosts(resolver).then(port25Finding),
      timeServer(resolver).then((server) => clockFinding(server, now)),
      diskFinding(dataDir, monotonic),
    ]),
    certificateFinding(shown.certificate, serviceName, shown.own, now()),
  ];
}

export function examineControlPlane({ dataDir, resolver, now, monotonic }: ControlPlaneMachine): Promise<Finding[]> {
  return Promise.all([
    timeServer(resolver).then((server) => clockFinding(server, now)),
    ...(dataDir === null ? [] : [diskFinding(dataDir, monotonic)]),
  ]);
}

async function wellKnownHosts(resolver: Patient["resolver"]): Promise<Target[]> {
  const found = await Promise.all(WELL_KNOWN.map(async (domain): Promise<Target[]> => {
    const mx = await resolver.mx(domain);
    const host = mx.kind === "found"
      ? mx.records.toSorted((a, b) => a.preference - b.preference)[0]?.exchange
      : undefined;
    const address = host === undefined ? undefined : await firstAddress(resolver, host);
    return address === undefined ? [] : [{ name: domain, address, port: SMTP_PORT }];
  }));
  return found.flat();
}

async function timeServer(resolver: Pick<Resolver, "a">): Promise<TimeServer | null> {
  const address = await firstAddress(resolver, TIME_SERVERS);
  return address === undefined ? null : { address, port: NTP_PORT };
}

async function firstAddress(resolver: Pick<Resolver, "a">, name: string): Promise<string | undefined> {
  const answer = await resolver.a(name);
  return answer.kind === "found" ? answer.records[0] : undefined;
}
