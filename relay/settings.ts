/**
 * The settings of one process, read once from its environment.
 *
 * `readSettings` is pure: it is given the environment as a record and the machine's name, and answers with frozen
 * settings or with every mistake it found, one line each, in which no secret is shown. The table of variables, their
 * defaults and their meaning is `settings_table.ts`; how a value is written is `settings_grammar.ts`.
 */

/** An address and port to listen on. */
export interface Listen {
  /** An IP address or a host name, IPv6 without brackets. */
  readonly hostname: string;
  readonly port: number;
  /** Whether failing to bind ends the start; a default that fails is warned about and left out. */
  readonly asked: boolean;
}

/** A host to connect to; IPv6 without brackets. */
export interface HostPort {
  readonly hostname: string;
  readonly port: number;
}

/** Static next hops (`MAILHOP_ROUTES`). */
export interface Routes {
  /** By recipient domain, in lower case. */
  readonly domains: ReadonlyMap<string, HostPort>;
  /** `*`: where all the rest goes; null: by MX. */
  readonly rest: HostPort | null;
}

export interface Settings {
  /** The control plane and the SMTP node in one process; the other roles of the contract are not in this version. */
  readonly role: "all";
  /** This node's own name, in greeting, EHLO and Received. */
  readonly hostname: string;
  /** The name that customers know: client settings, certificate, SPF include. */
  readonly serviceName: string;
  readonly region: string;
  /** As it was given; relative to the working directory unless absolute. */
  readonly dataDir: string;
  readonly smtpListen: readonly Listen[];
  readonly smtpsListen: readonly Listen[];
  /** Never empty. */
  readonly httpListen: readonly Listen[];
  /** The operator's own PEM files; null: a pair made in the data directory. */
  readonly tlsFiles: { readonly certificate: string; readonly key: string } | null;
  readonly allowPlaintextAuth: boolean;
  /** null: the one kept in the data directory. */
  readonly adminToken: string | null;
  /** The token that remote nodes may use; null: none may. */
  readonly relayToken: string | null;
  /** null: the system's resolvers. */
  readonly dns: readonly HostPort[] | null;
  readonly routes: Routes;
  /** The port of hosts found by MX. */
  readonly mxPort: number;
  readonly allowPrivateNextHops: boolean;
  /** Open SMTP connections of this process. */
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
  /** Failed logins in ten minutes, for an account and for an address prefix. */
  readonly maxAuthFailures: number;
  /** From the purchase of a block to its activation. */
  readonly activationDelayMs: number;
  /** Relays a day in one block. */
  readonly blockRelays: number;
  readonly workers: number;
}
