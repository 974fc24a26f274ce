/** A node's `fetch` of the control plane that counts each call, and how long its answer took. */
import type { Fetch } from "../../api/client.ts";
import type { CallOutcome, NodeMetrics } from "./node_metrics.ts";

/** What stands before the name of a route; what is behind the name may be a customer's. */
const ROUTE = /\/v1\/node\/([a-z-]+)/;
const BAD_REQUEST = 400, SERVER_ERROR = 500;

/** @param monotonic milliseconds of a monotonic clock. */
export function measuredFetch(fetch: Fetch, metrics: Pick<NodeMetrics, "called">, monotonic: () => number): Fetch {
  return async (input, init) => {
    const route = ROUTE.exec(input instanceof Request ? input.url : `${input}`)?.[1] ?? "other";
    const begun = monotonic();
    let outcome: CallOutcome = "lost";
    try {
      const response = await fetch(input, init);
      outcome = outcomeOf(response.status);
      return response;
    } finally {
      metrics.called(route, outcome, monotonic() - begun);
    }
  };
}

function outcomeOf(status: number): CallOutcome {
  if (status >= SERVER_ERROR) return "failed";
  return status >= BAD_REQUEST ? "refused" : "answered";
}
