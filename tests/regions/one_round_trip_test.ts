/** How often a client waits for what is far away: for its reservation once, though limits and counters are two places. */
import { assert, assertEquals } from "@std/assert";
import { AccountClient } from "../support/account_client.ts";
import { needing } from "../support/installed.ts";
import { startRegions } from "../support/regions.ts";

const ADDRESS = "127.0.5.1";
const ROUND_TRIP_MS = 200;
/** The first one finds nothing remembered; of the others the quickest counts, for the machine is busy. Too few for a lease. */
const MESSAGES = 7;
/** Twice would be two of them at least. */
const MOST_ROUND_TRIPS = 1.8;

Deno.test({
  ...needing(
    "regions: a message waits for limits and counters far away once, not for one after the other",
    "postgres",
    "redis-server",
  ),
  fn: async () => {
    await using service = await startRegions([{ name: "far", roundTripMs: ROUND_TRIP_MS }]);
    const { api, relay } = service.regions[0]!;
    for (
      const [path, body] of [
        ["/accounts", { username: "anna", password: "a password of some length" }],
        ["/accounts/anna/blocks", { quantity: 1 }],
        ["/accounts/anna/networks", { cidr: `${ADDRESS}/32` }],
      ] as const
    ) assertEquals((await api.api("POST", path, body)).status, 201);
    using client = await AccountClient.open(relay.smtpPort, ADDRESS);
    const waits: number[] = [];
    for (let n = 0; n < MESSAGES; n++) {
      const { code, text, ms } = await client.send("anna@example.com", `m${n}@example.net`);
      assertEquals(code, "250", text);
      waits.push(ms);
    }
    const least = Math.min(...waits.slice(1));
    assert(least < MOST_ROUND_TRIPS * ROUND_TRIP_MS, `waits of ${waits.map(Math.round)} ms`);
  },
});
