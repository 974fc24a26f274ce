/**
 * What the process's main thread and a node's thread say to each other. All of it can be cloned; calls of the control
 * plane go over a port of their own (`port_fetch.ts`).
 */
import type { Snapshot } from "../metrics/node_metrics.ts";
import type { Endpoint } from "../listeners.ts";
import type { NodeSettings } from "../settings.ts";
import type { ConnectionTable } from "../smtp/connection_counts.ts";
import type { Certificate } from "../tls/certificate.ts";

/** What all nodes of a process are given. */
export interface CommonTask {
  readonly settings: NodeSettings;
  /** Where the directories of all shards are. */
  readonly spoolDirectory: string;
  readonly endpoints: readonly Endpoint[];
  readonly relayToken: string;
  readonly connections: ConnectionTable;
}

export interface Task extends CommonTask {
  /** The node's number, from 0; that of its shard, too. */
  readonly node: number;
  readonly certificate: Certificate;
  /** Answers what is fetched of the control plane. */
  readonly controlPlane: MessagePort;
}

/** A login that other nodes are to take into account; one that failed counts for the policy's window. */
export type LoginNews =
  & { readonly username: string; readonly address: string }
  & ({ readonly succeeded: true } | { readonly windowMs: number });

export type ToNode =
  /** The first one, once. */
  | { readonly is: "start"; readonly task: Task }
  | { readonly is: "certificate"; readonly certificate: Certificate }
  | { readonly is: "login"; readonly news: LoginNews }
  /** To be answered with the node's figures and the same number. */
  | { readonly is: "metrics"; readonly ask: number }
  | { readonly is: "drain"; readonly graceMs: number };

export type FromNode =
  /** Clients are let in. */
  | { readonly is: "up" }
  /** A port cannot be had; the node has given up. */
  | { readonly is: "no-port"; readonly why: string }
  /** Its spool is of a newer version of this program; the node has given up. */
  | { readonly is: "no-spool"; readonly why: string }
  | { readonly is: "login"; readonly news: LoginNews }
  /** Its spool takes no mail, and why; null: it does again. */
  | { readonly is: "spool"; readonly trouble: string | null }
  /** Whether clients are let in by any of its listeners; at first they are not. */
  | { readonly is: "doors"; readonly open: boolean }
  | { readonly is: "metrics"; readonly ask: number; readonly metrics: Snapshot }
  | { readonly is: "drained" };
