/** A database that is far away: what a node says of many accounts at once waits for it as if it were said of one. */
import { assert, assertEquals } from "@std/assert";
import type { NodeEvent } from "../../api/client.ts";
import type { DatabaseLocation } from "../../api/store/database.ts";
import { testsOnPostgres } from "../support/postgres.ts";
import { GOOD_WAY, UnreliableProxy } from "../support/unreliable_proxy.ts";
import { ACTIVATION_DELAY_MS, NOON, startControlPlane, type TestControlPlane } from "./control_plane.ts";
import { accepted, attempt } from "./history_events.ts";

const test = await testsOnPostgres();
/** Long beside what a busy machine takes for the call itself. */
const ROUND_TRIP_MS = 200;
const ACCOUNTS = Array.from({ length: 50 }, (_, n) => `account${n}`);
/** A call is some nine statements, one after another; with one for each account it would be over fifty. */
const MOST_ROUND_TRIPS = 30;
const LEASED = 16;

test("a database far away: calls about fifty accounts wait for it no oftener than calls about one", async (postgres) => {
  await using database = await postgres.newDatabase();
  await openAccounts(database.location);
  await using way = new UnreliableProxy(database.location.port, { ...GOOD_WAY, latencyMs: ROUND_TRIP_MS / 2 });
  await using far = await startControlPlane({
    database: { ...database.location, port: way.port },
    now: NOON + ACTIVATION_DELAY_MS,
  });
  // It has connections then.
  await call(far, "leases", { items: [], held: ACCOUNTS.slice(0, 1) });
  const roundTrips = async (name: string, body: Record<string, unknown>) => {
    const begun = performance.now();
    const answer = await call(far, name, body);
    const count = (performance.now() - begun) / ROUND_TRIP_MS;
    assert(count < MOST_ROUND_TRIPS, `${name}: ${count} round trips`);
    return answer;
  };
  const each = <Item>(make: (username: string) => Item): Item[] => ACCOUNTS.map(make);
  const { items } = await roundTrips("reservations", {
    items: each((username) => ({ id: `lease-${username}`, username, relays: LEASED, ndr: false, lease: true })),
  });
  assertEquals(items.filter(({ granted }: { granted: boolean }) => granted).length, ACCOUNTS.length);
  const day = items[0].day;
  await roundTrips("settlements", {
    items: each((username) => (
      { id: `paid-${username}`, username, relays: 2, day, ndr: false, lease: `lease-${username}` }
    )),
  });
  await roundTrips("leases", {
    items: each((username) => ({ id: `lease-${username}`, username, day, relays: 5 })),
    held: [],
  });
  await roundTrips("events", { items: ACCOUNTS.flatMap(eventsOf) });

  for (const username of ACCOUNTS.slice(0, 3)) {
    const { used, recipients, outcomes, refused } =
      (await far.request("GET", `/v1/accounts/${username}/usage`)).body.items[0];
    assertEquals([used, recipients, outcomes, refused], [2, 2, 2, 1]);
  }
});

const eventsOf = (account: string): NodeEvent[] =>
  [
    accepted(`m-${account}`, [`${account}@example.net`, "friend@example.net"]),
    attempt(`m-${account}`, "delivered", ["friend@example.net"]),
    { ...attempt(`m-${account}`, "bounced", [`${account}@example.net`]), badAddress: true } as NodeEvent,
  ].map((event) => ({ ...event, account }));

async function openAccounts(database: DatabaseLocation): Promise<void> {
  await using near = await startControlPlane({ database });
  for (const username of ACCOUNTS) {
    await near.account(username);
    await near.request("POST", `/v1/accounts/${username}/blocks`, { quantity: 1 });
  }
}

async function call(plane: TestControlPlane, name: string, body: Record<string, unknown>) {
  const answer = await plane.nodeCall(name, body);
  assertEquals(answer.status, 200, JSON.stringify(answer.body));
  return answer.body;
}
