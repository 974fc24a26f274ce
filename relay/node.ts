/**
 * A relay node: SMTP server and admission on top of a spool shard. It owns sockets and its own shard, nothing else; all
 * it knows of accounts comes through the control plane's client.
 *
 * Order of a start: the shard is recovered and delivers, then clients are let in.
 */
import type { Policy } from "../policy/mod.ts";
import { Admission } from "./admission/admission.ts";
import type { LoginThrottle } from "./admission/login_throttle.ts";
import { SenderDomains } from "./admission/sender_domains.ts";
import { edgeRules, type EdgeSettings } from "./edge_settings.ts";
import { describe } from "./error_words.ts";
import { openShard, type ShardOptions } from "./shard.ts";
import type { ConnectionContext } from "./smtp/connection.ts";
import type { ConnectionLimits } from "./smtp/connection_limits.ts";
import { SmtpServer } from "./smtp/server.ts";

export interface NodeOptions extends ShardOptions {
  readonly settings: ShardOptions["settings"] & EdgeSettings;
  readonly policy: Policy;
  readonly throttle: LoginThrottle;
  readonly limits: ConnectionLimits;
  /** The server's side of STARTTLS. */
  readonly secure: ConnectionContext["secure"];
}

export interface Node {
  /** Lets clients in; `tls` says that TLS begins with the connection. The listener is closed by the drain. */
  serve(listener: Deno.Listener, tls: boolean): void;
  /** No new connections; transactions in flight end within `graceMs`; what is accepted stays in the spool. */
  drain(graceMs: number): Promise<void>;
}

export async function startNode(options: NodeOptions): Promise<Node> {
  const { settings, policy, resolver, now, monotonic, log } = options;
  const shard = await openShard(options);
  const server = new SmtpServer({
    ...edgeRules(settings, policy.parameters),
    admission: new Admission({
      controlPlane: shard.controlPlane,
      policy,
      resolver,
      throttle: options.throttle,
      senderDomains: new SenderDomains(),
      isRouted: (domain) => settings.routes.rest !== null || settings.routes.domains.has(domain),
      now,
      monotonic,
    }),
    spool: shard.spool,
    secure: options.secure,
    now,
    newId: options.newId,
    monotonic,
    limits: options.limits,
    onTrouble: (messageId, error) => log.error("trouble at the edge", { messageId, error: describe(error) }),
  });
  return {
    serve: (listener, tls) => server.serve(listener, tls),
    async drain(graceMs) {
      // What is accepted meanwhile stays in the spool.
      await Promise.all([server.drain(graceMs), shard.stopDelivering()]);
      await shard.close();
    },
  };
}
