/** Counters in Upstash Redis. */
export { createUpstashCounters } from "./counters.ts";
export { UpstashStore } from "./store.ts";
