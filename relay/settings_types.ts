/**
 * What a process is told, by part: the control plane's, the relay nodes', and where a control plane elsewhere is. Each
 * role is made of parts, and each composition is given its own alone.
 */
import type { DatabaseServer } from "./database_url.ts";
import type { Destinations, HostPort, Routes, SourceAddresses } from "./settings_grammar.ts";

/** An address and port to listen on. */
export interface Listen extends HostPort {
  /** Whether failing to bind ends the start; a default that fails is warned about and left out. */
  readonly asked: boolean;
}

/** What every process needs to know. */
export interface SharedSettings {
  /** This node's own name, in greeting, EHLO and Received. */
  readonly hostname: string;
  /** The name that customers know: client settings, certificate, SPF include. */
  readonly serviceName: string;
  readonly region: string;
  /** As it was given: relative to the working directory unless absolute. */
  readonly dataDir: string;
  /** The control plane does not listen there; its help pages name the ports. */
  readonly smtpListen: readonly Listen[];
  readonly smtpsListen: readonly Listen[];
  /** Never empty. */
  readonly httpListen: readonly Listen[];
  /** The help pages as everybody finds them, under the public URL; null: nowhere. */
  readonly helpUrl: string | null;
  /** null: the system's resolvers. */
  readonly dns: readonly HostPort[] | null;
  readonly routes: Routes;
  /** Age of a message from which on its sender is warned of the delay, once. */
  readonly delayWarningMs: number;
  /** Age of a message at which it is given up. */
  readonly expiryMs: number;
}

/** Of the control plane. */
export interface PlaneSettings extends SharedSettings {
  /** null: SQLite in the data directory. */
  readonly database: DatabaseServer | null;
  /** Upstash Redis, where the day's counters are; null: they are in the database. */
  readonly counters: { readonly url: string; readonly token: string } | null;
  /** null: the one kept in the data directory. */
  readonly adminToken: string | null;
  /** The token that all nodes may use; null: remote ones need one of their machine. */
  readonly relayToken: string | null;
  /** From the purchase of a block to its activation. */
  readonly activationDelayMs: number;
  /** Relays a day in one block. */
  readonly blockRelays: number;
  /** How long recorded decisions are kept. */
  readonly keepDecisionsMs: number;
  /** How long messages with their history are kept, and notices. */
  readonly keepHistoryMs: number;
}

/** Of the relay nodes. Nothing of it is a secret. */
export interface NodeSettings extends SharedSettings {
  /** The operator's own PEM files; null: a pair made in the data directory. */
  readonly tlsFiles: { readonly certificate: string; readonly key: string } | null;
  readonly allowPlaintextAuth: boolean;
  /** Addresses of this machine from which mail leaves, by family; null: the system chooses. */
  readonly sourceAddresses: SourceAddresses;
  /** What single destinations are given, of connections and messages. */
  readonly destinations: Destinations;
  /** The port of hosts found by MX. */
  readonly mxPort: number;
  readonly allowPrivateNextHops: boolean;
  /** Whether mail of domains without keys is signed in the service's name. */
  readonly dkimService: boolean;
  /** Open SMTP connections of this process. */
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
  /** The longest wait for a whole command. */
  readonly commandTimeoutMs: number;
  /** The longest wait for the next block of a message. */
  readonly dataTimeoutMs: number;
  /** Octets a second that a message has to come with, on the whole. */
  readonly minDataRate: number;
  /** Messages on one connection. */
  readonly maxMessagesPerConnection: number;
  /** Commands in error, and commands that lead nowhere, in one session. */
  readonly maxErrors: number;
  readonly maxJunkCommands: number;
  /** Whether Received keeps the client's address and name to itself. */
  readonly hideClientAddress: boolean;
  /** Failed logins within the policy's window, for an account and for an address prefix. */
  readonly maxAuthFailures: number;
  /** Of the decisions that accept, how many are recorded, in percent. */
  readonly decisionSamplePercent: number;
  /** Relay nodes in this process. */
  readonly workers: number;
}

/** The control plane, where it is elsewhere. */
export interface RemoteSettings {
  /** Origins, the preferred one first. */
  readonly urls: readonly string[];
  readonly token: string;
}

/** Each role has the parts that it is made of. */
export type Settings =
  | { readonly role: "all"; readonly plane: PlaneSettings; readonly nodes: NodeSettings }
  | { readonly role: "api"; readonly plane: PlaneSettings }
  | { readonly role: "relay"; readonly nodes: NodeSettings; readonly remote: RemoteSettings };
