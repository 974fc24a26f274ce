/**
 * The SMTP edge with nothing real behind it: a scripted admission, a spool in memory, clocks that stand still.
 *
 *     await using edge = startEdge({ tls: true });
 *     using client = await Dialogue.connect(edge.port);
 */
import { defaultParameters, ModulePolicy, ownModule, refusalOf } from "../../policy/mod.ts";
import { reply } from "../../relay/protocol/reply.ts";
import { type ConnectionContext } from "../../relay/smtp/connection.ts";
import { ConnectionCounts, newConnectionTable } from "../../relay/smtp/connection_counts.ts";
import type { SessionRules } from "../../relay/smtp/session_types.ts";
import { SmtpServer } from "../../relay/smtp/server.ts";
import { MemorySpool } from "./memory_spool.ts";
import { type Script, ScriptedAdmission } from "./scripted_admission.ts";
import { testRules } from "./session_dialogue.ts";

export const NOW = Date.parse("2026-11-23T12:00:00Z");

export interface EdgeContext extends ConnectionContext {
  readonly admission: ScriptedAdmission;
  readonly spool: MemorySpool;
  /** What was reported as trouble. */
  readonly troubles: unknown[];
  /** The monotonic clock: set it to let time pass, in ms. */
  monotonicMs: number;
}

/** The first message is "MESSAGE-1". A handshake is left out: the connection goes on as it is. */
export function edgeContext(script: Partial<Script> = {}, rules: Partial<SessionRules> = {}): EdgeContext {
  let messages = 0;
  const troubles: unknown[] = [];
  const allRules = { ...testRules, ...rules };
  return {
    rules: allRules,
    timing: { commandTimeoutMs: 5 * 60_000, dataTimeoutMs: 3 * 60_000, minDataRate: 512 },
    hostname: allRules.hostname,
    hideClient: false,
    maxMessageBytes: allRules.maxMessageBytes,
    admission: new ScriptedAdmission(script),
    spool: new MemorySpool(),
    troubles,
    monotonicMs: 0,
    secure: (conn) => Promise.resolve({ conn, tls: "TLSv1.3" }),
    now: () => NOW,
    monotonic() {
      return this.monotonicMs;
    },
    newId: () => `MESSAGE-${++messages}`,
    onTrouble: (_, error) => troubles.push(error),
  };
}

export interface Edge extends AsyncDisposable {
  readonly server: SmtpServer;
  readonly port: number;
  readonly context: EdgeContext;
  /** As the server's; the clock stands still, so the grace ends only if it is set on. */
  drain(graceMs: number): Promise<void>;
}

export interface EdgeOptions {
  readonly maxConnections?: number;
  readonly maxConnectionsPerAddress?: number;
  readonly script?: Partial<Script>;
  readonly rules?: Partial<SessionRules>;
  /** Connections count as TLS from their start. */
  readonly tls?: boolean;
  readonly hostname?: string;
}

export function startEdge(options: EdgeOptions = {}): Edge {
  const { maxConnections = 100, maxConnectionsPerAddress = 100 } = options;
  const policy = new ModulePolicy(ownModule(), { ...defaultParameters, maxConnections, maxConnectionsPerAddress });
  const connection: Script["connection"] = (facts) => {
    const refused = refusalOf(policy.decide("connection", facts), { stage: "connection", now: NOW });
    return refused && reply(refused.code, refused.status, refused.text);
  };
  const context = edgeContext({ connection, ...options.script }, options.rules);
  const server = new SmtpServer(
    Object.assign(context, {
      connections: new ConnectionCounts(newConnectionTable(1, 100, 1), 0),
    }),
  );
  const listener = Deno.listen({ hostname: options.hostname ?? "127.0.0.1", port: 0 });
  server.serve(listener, options.tls ?? false);
  let drained: Promise<void> | undefined;
  const drain = (graceMs: number) => drained ??= server.drain(graceMs);
  return { server, port: (listener.addr as Deno.NetAddr).port, context, drain, [Symbol.asyncDispose]: () => drain(0) };
}
