/** Puts a shard's follower of the operator's jobs together from the shard's spool and delivery. */
import type { Delivery } from "../delivery/delivery.ts";
import { operatorReturn } from "../delivery/operator_return.ts";
import { returnedFor } from "../delivery/returned_content.ts";
import { QueueFollower, type QueueFollowerOptions } from "./follower.ts";

export interface FollowOptions
  extends Omit<QueueFollowerOptions, "retryDestinations" | "suspended" | "returned" | "sleep"> {
  readonly delivery: Pick<Delivery, "retryDestinations" | "suspendedDestinations">;
  /** In the DSN about what is returned. */
  readonly serviceName: string;
}

export function followQueue({ delivery, serviceName, ...options }: FollowOptions): QueueFollower {
  const { now, newId, onTrouble } = options;
  return new QueueFollower({
    ...options,
    retryDestinations: () => delivery.retryDestinations(),
    suspended: () => delivery.suspendedDestinations(),
    returned: async (message, places, reason) => {
      const returned = await returnedFor(message, "failed", onTrouble);
      return operatorReturn(message, places, reason, { serviceName, now: now(), newId, returned, retryUntil: now() });
    },
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  });
}
