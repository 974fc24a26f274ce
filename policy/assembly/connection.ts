/**
 * Whether one more connection is let in. The host has counted it already, over all its nodes, so of several that race
 * the last one sees all the others.
 */
import { ADDRESS_CONNECTIONS, MAX_ADDRESS_CONNECTIONS, MAX_CONNECTIONS, OPEN_CONNECTIONS } from "./layout.ts";
import { atMost } from "./limits.ts";
import { Reason } from "./reason.ts";

export function openConnections(): Reason {
  return atMost(load<f64>(MAX_CONNECTIONS), load<f64>(OPEN_CONNECTIONS), Reason.TooManyConnections);
}

export function connectionsFromAddress(): Reason {
  const limit = load<f64>(MAX_ADDRESS_CONNECTIONS);
  return atMost(limit, load<f64>(ADDRESS_CONNECTIONS), Reason.TooManyConnectionsFromAddress);
}
