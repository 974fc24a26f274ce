/** A DNS for tests of the control plane: what stands in the maps, and nothing else. */
import type { MailDns } from "../../api/domain_check/mail_dns.ts";
import type { TxtAnswer } from "../../api/domain_proof.ts";

export interface StaticZone {
  readonly txt: { get(name: string): TxtAnswer | readonly string[] | undefined };
  readonly a?: ReadonlyMap<string, readonly string[]>;
  readonly mx?: ReadonlyMap<string, readonly { preference: number; exchange: string }[]>;
  readonly cname?: ReadonlyMap<string, readonly string[]>;
}

const NOTHING = { kind: "no-domain" } as const;

function answer<T>(records: readonly T[] | undefined) {
  return Promise.resolve(records === undefined ? NOTHING : { kind: "found" as const, records });
}

export function staticDns({ txt, a, mx, cname }: StaticZone): MailDns {
  return {
    txt: (name) => {
      const known = txt.get(name) ?? NOTHING;
      return Promise.resolve("kind" in known ? known : { kind: "found", records: known });
    },
    a: (name) => answer(a?.get(name)),
    aaaa: () => answer<string>(undefined),
    mx: (name) => answer(mx?.get(name)),
    cname: (name) => answer(cname?.get(name)),
  };
}

/** A service that sends from one address, which leads back to it. */
export const SERVICE = {
  name: "relay.example.org",
  hostname: "node1.example.org",
  namesOf: () => Promise.resolve(["node1.example.org"]),
  addresses: () => Promise.resolve(["192.0.2.1"]),
};
