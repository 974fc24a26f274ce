import type { NodeEvent } from "../../api/client.ts";
import type { Envelope } from "../envelope.ts";

/** The history's first entry for a message; its id is the message's own, so that it is stable. */
export function acceptedEvent(envelope: Envelope): NodeEvent {
  return {
    id: envelope.id,
    messageId: envelope.id,
    account: envelope.account,
    at: envelope.receivedAt,
    type: "accepted",
    sender: envelope.reversePath,
    recipients: envelope.recipients,
    sizeBytes: envelope.sizeBytes,
    relays: envelope.reservation?.relays ?? 0,
    ...(envelope.reservation?.ndr && { ndr: true }),
    messageIdField: envelope.messageIdField,
    origin: envelope.origin,
    policy: envelope.policy,
  };
}
