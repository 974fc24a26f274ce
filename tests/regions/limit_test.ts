/**
 * Three regions that have the counters 1, 40 and 120 ms away, two of them by ways that lose requests and answers:
 * whatever their relays are sent at once, an account's day is used up to its last relay and not beyond.
 */
import { assert, assertEquals } from "@std/assert";
import { AccountClient } from "../support/account_client.ts";
import { needing } from "../support/installed.ts";
import { type Regions, startRegions } from "../support/regions.ts";
import { eventually } from "../support/relay_process.ts";
import { repeatable, sizeOf } from "../support/size.ts";

const ACCOUNTS = { ci: 6, large: 100 };
const LIMIT = 150;
/** In each of three regions, so that an account tries more than it may. */
const TRIED = 80;
const BAD_WAY = { cutPerMille: 10, holdPerMille: 20, holdMs: 100 };
/** A lease is back long before: its node has been idle for five seconds, or has asked and heard, and has told its settlements. */
const LEASES_BACK_MS = 60_000;
const ARRIVAL_DEADLINE_MS = 120_000;

Deno.test({
  ...needing("regions: what is accepted for an account is its limit, no more and no less", "postgres", "redis-server"),
  fn: repeatable(import.meta.filename, async () => {
    await using service = await startRegions([
      { name: "near", roundTripMs: 1 },
      { name: "far", roundTripMs: 40, way: BAD_WAY },
      { name: "farthest", roundTripMs: 120, way: BAD_WAY },
    ], { MAILHOP_BLOCK_RELAYS: String(LIMIT) });
    const accounts = Array.from({ length: sizeOf(ACCOUNTS) }, (_, n) => `account${n}`);
    await openAccounts(service, accounts);

    const accepted = new Map(accounts.map((name) => [name, [] as string[]]));
    await Promise.all(
      accounts.flatMap((name) =>
        service.regions.map(({ name: region, relay }) =>
          send(relay.smtpPort, name, addressOf(accounts, name), TRIED, `${name}.${region}`, accepted.get(name)!)
        )
      ),
    );
    const atOnce = accounts.map((name) => accepted.get(name)!.length);
    assert(atOnce.every((count) => count <= LIMIT), `accepted at once: ${atOnce}`);

    // What was put off because another region had leased it is tried again, as mail servers do.
    await eventually(
      async () => await leased(service, accounts) === 0 || undefined,
      "all leases to be back, and what was spent of them settled",
      LEASES_BACK_MS,
    );
    for (const name of accounts) {
      for (const { relay, name: region } of service.regions) {
        const left = LIMIT + 1 - accepted.get(name)!.length;
        await send(
          relay.smtpPort,
          name,
          addressOf(accounts, name),
          left,
          `${name}.${region}.again`,
          accepted.get(name)!,
        );
      }
    }
    for (const name of accounts) {
      assertEquals(accepted.get(name)!.length, LIMIT, name);
      await eventually(
        async () => {
          const { body } = await service.regions[0]!.api.api<{ used: number }>("GET", `/accounts/${name}/quota`);
          return body.used === LIMIT || undefined;
        },
        `${name} to have used its day`,
      );
    }
    const cuts = service.regions.map(({ toRedis }) => toRedis.cuts);
    assert(cuts[1]! > 0 && cuts[2]! > 0, `cuts: ${cuts}`);
    const acknowledged = new Set([...accepted.values()].flat());
    const arrived = () => new Set(service.nextHop.received.flatMap(({ recipients }) => recipients));
    await eventually(
      () => acknowledged.isSubsetOf(arrived()) || undefined,
      "all that was accepted to arrive",
      ARRIVAL_DEADLINE_MS,
    );
    assertEquals(arrived().size, acknowledged.size);
  }),
});

const addressOf = (accounts: readonly string[], name: string): string =>
  `127.0.${1 + Math.floor(accounts.indexOf(name) / 250)}.${1 + accounts.indexOf(name) % 250}`;

async function openAccounts({ regions: [first] }: Regions, accounts: readonly string[]): Promise<void> {
  for (const username of accounts) {
    const requests = [
      ["/accounts", { username, password: "a password of some length" }],
      [`/accounts/${username}/blocks`, { quantity: 1 }],
      [`/accounts/${username}/networks`, { cidr: `${addressOf(accounts, username)}/32` }],
    ] as const;
    for (const [path, body] of requests) assertEquals((await first!.api.api("POST", path, body)).status, 201);
  }
}

/** Relays that are leased and not settled, of all accounts. */
async function leased({ redis }: Regions, accounts: readonly string[]): Promise<number> {
  const day = new Date().toISOString().slice(0, 10);
  const each = await Promise.all(accounts.map((name) => redis.command("HGET", `mailhop:day:${day}:${name}`, "leased")));
  return each.reduce((sum, relays) => sum + Number(relays), 0);
}

/** Sends so many messages, or until one is put off; adds the recipients of those that were accepted. */
async function send(port: number, name: string, from: string, count: number, prefix: string, accepted: string[]) {
  using client = await AccountClient.open(port, from);
  for (let n = 0; n < count; n++) {
    const recipient = `${prefix}.${n}@example.net`;
    const { code, text } = await client.send(`${name}@example.com`, recipient);
    if (code === "250") accepted.push(recipient);
    else if (text.startsWith("451 4.7.1 Daily relay quota exceeded")) return;
    // The way was cut three times in a row.
    else assert(text.startsWith("451 4.3.0 "), text);
  }
}
