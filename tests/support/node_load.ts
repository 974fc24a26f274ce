/** What a node that a test plays says of what it has to do. */
import type { QueueReport } from "../../api/client.ts";

type Load = Pick<QueueReport, "load" | "leases">;

export const BUSY_NODE: Load = {
  load: { connections: 1200, inDelivery: 34, acceptedPerMinute: 5678, loopDelayMs: 12 },
  leases: { held: 3, accounts: 2, relaysLeft: 412 },
};

export const IDLE_NODE: Load = {
  load: { connections: 0, inDelivery: 0, acceptedPerMinute: 0, loopDelayMs: 0 },
  leases: { held: 0, accounts: 0, relaysLeft: 0 },
};
