/** Events of alice's messages, as a node tells them. */
import type { NodeEvent } from "../../api/client.ts";
import type { Teller } from "../../api/history.ts";
import { NOON } from "./control_plane.ts";

/** A node that speaks for itself alone. */
export const N1: Teller = { node: "n1", speaksFor: () => Promise.resolve(false) };

export const accepted = (messageId: string, recipients: string[], more: Partial<NodeEvent> = {}): NodeEvent => ({
  id: `${messageId}-accepted`,
  messageId,
  account: "alice",
  at: NOON,
  type: "accepted",
  sender: "Alice@example.com",
  recipients,
  sizeBytes: 4096,
  relays: recipients.length,
  messageIdField: `<${messageId}@example.com>`,
  origin: { address: "192.0.2.1", helo: "laptop", protocol: "ESMTPSA", tls: "TLSv1.3" },
  policy: "a".repeat(64),
  ...more,
} as NodeEvent);

export const attempt = (
  messageId: string,
  type: "delivered" | "deferred" | "bounced",
  recipients: string[],
  number = 1,
): NodeEvent => ({
  id: `${messageId}-${type}-${recipients.join("-")}-${number}`,
  messageId,
  account: "alice",
  at: NOON + number * 1000,
  type,
  recipients,
  host: "mx.example.net",
  address: "198.51.100.1",
  tls: "TLSv1.3",
  reply: type === "delivered" ? "250 2.0.0 Ok" : "451 4.3.0 Later",
  attempt: number,
  nextAttemptAt: type === "deferred" ? NOON + 60_000 : null,
});
