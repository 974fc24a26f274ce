/**
 * What goes on when the counters, the database, or the way to all of it is away: a node spends the leases that it has,
 * with what it remembers of accounts, and then puts clients off; what it accepted is charged once, and arrives once.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { AccountClient } from "../support/account_client.ts";
import { needing } from "../support/installed.ts";
import { readinessOf } from "../support/machines.ts";
import { startRegions, startRelayIn } from "../support/regions.ts";
import { eventually, type RelayProcess } from "../support/relay_process.ts";
import { UnreliableProxy } from "../support/unreliable_proxy.ts";

const ADDRESS = "127.0.3.1";
const BLOCKS = 40;
/** A relay takes it, and more is sent until there is a lease. */
const WARM_UP = 100;
const PUT_OFF = /^451 4\.3\.0 /;

Deno.test({
  ...needing("regions: counters, database and a region away, under load", "postgres", "redis-server"),
  fn: async (t) => {
    await using service = await startRegions([{ name: "one", roundTripMs: 1 }]);
    const { regions: [one], world, redis, postgres, nextHop } = service;
    const { api, relay } = one!;
    await using way = new UnreliableProxy(api.httpPort);
    await using other = await startRelayIn({ name: "two", api: { httpPort: way.port } }, world);
    for (
      const [path, body] of [
        ["/accounts", { username: "anna", password: "a password of some length" }],
        ["/accounts/anna/blocks", { quantity: BLOCKS }],
        ["/accounts/anna/networks", { cidr: `${ADDRESS}/32` }],
      ] as const
    ) assertEquals((await api.api("POST", path, body)).status, 201);
    const ledger = new Ledger();
    const day = new Date().toISOString().slice(0, 10);
    const leased = async () => Number(await redis.command("HGET", `mailhop:day:${day}:anna`, "leased"));

    await t.step(
      "counters away: leases are spent, then 451 at the end of the data; accounts are known as before",
      async () => {
        using client = await Sender.open(relay, ledger);
        await client.warmUp(leased);
        redis.freeze();
        const spent = await client.sendUntilPutOff();
        assert(spent > 0, "there was a lease to spend");
        assertEquals((await api.api("GET", "/accounts/anna")).status, 200);
        const quota = await api.api<{ type: string }>("GET", "/accounts/anna/quota");
        assertEquals([quota.status, quota.body.type], [503, "/problems/counters-unavailable"]);
        assertEquals(await readinessOf(api), { status: "not ready", database: "ok", counters: "does not answer" });
        redis.thaw();
        await client.sendUntilTaken();
      },
    );

    await t.step("database away: leases are spent by what is remembered of the account, then 451", async () => {
      using client = await Sender.open(relay, ledger);
      await client.warmUp(leased);
      await postgres.crash();
      const spent = await client.sendUntilPutOff();
      assert(spent > 0, "there was a lease to spend");
      await postgres.start();
      await client.sendUntilTaken();
    });

    await t.step("a region cut off: its nodes go on within their leases, the others as ever", async () => {
      using cutOff = await Sender.open(other, ledger);
      using connected = await Sender.open(relay, ledger);
      // It looks once a second whether the control plane, whose database was away, is back.
      for (const sender of [cutOff, connected]) await sender.sendUntilTaken();
      await cutOff.warmUp(leased);
      way.stall();
      const [spent] = await Promise.all([cutOff.sendUntilPutOff(), connected.send(WARM_UP)]);
      assert(spent > 0, "there was a lease to spend");
      way.resume();
      await cutOff.sendUntilTaken();
    });

    await t.step("afterwards each message that was accepted has arrived once, and is charged once", async () => {
      const arrived = () => nextHop.received.flatMap(({ recipients }) => recipients);
      await eventually(
        () => ledger.accepted.isSubsetOf(new Set(arrived())) || undefined,
        "all that was accepted to arrive",
        60_000,
      );
      assertEquals(arrived().length, ledger.accepted.size);
      await eventually(
        async () =>
          (await api.api<{ used: number }>("GET", "/accounts/anna/quota")).body.used === ledger.accepted.size ||
          undefined,
        "used relays to be what was accepted",
        60_000,
      );
    });
  },
});

class Ledger {
  readonly accepted = new Set<string>();
  #count = 0;

  next(): string {
    return `m${++this.#count}@example.net`;
  }
}

/** The account's client at a relay. */
class Sender implements Disposable {
  readonly #client: AccountClient;
  readonly #relay: RelayProcess;
  readonly #ledger: Ledger;

  private constructor(client: AccountClient, relay: RelayProcess, ledger: Ledger) {
    this.#client = client;
    this.#relay = relay;
    this.#ledger = ledger;
  }

  static async open(relay: RelayProcess, ledger: Ledger): Promise<Sender> {
    return new Sender(await AccountClient.open(relay.smtpPort, ADDRESS), relay, ledger);
  }

  /** Messages that are all accepted. */
  async send(count: number): Promise<void> {
    for (let n = 0; n < count; n++) assertMatch(await this.#sendOne(), /^250 /);
  }

  /** Messages that are all accepted, until some relays are leased. */
  async warmUp(leased: () => Promise<number>): Promise<void> {
    await eventually(
      async () => {
        await this.send(WARM_UP);
        return await leased() > 0 || undefined;
      },
      "a lease",
      60_000,
    );
  }

  /** @returns how many were accepted before. */
  async sendUntilPutOff(): Promise<number> {
    for (let accepted = 0;; accepted++) {
      const reply = await this.#sendOne();
      if (reply.startsWith("250")) continue;
      assertMatch(reply, PUT_OFF);
      return accepted;
    }
  }

  /** On a new connection each time: what is pipelined behind a refused MAIL is an error, and too many end a session. */
  async sendUntilTaken(): Promise<void> {
    const isTaken = async () => {
      using another = await Sender.open(this.#relay, this.#ledger);
      return (await another.#sendOne()).startsWith("250") || undefined;
    };
    await eventually(isTaken, "mail to be taken", 60_000);
  }

  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]();
  }

  async #sendOne(): Promise<string> {
    const recipient = this.#ledger.next();
    const { code, text } = await this.#client.send("anna@example.com", recipient);
    if (code === "250") this.#ledger.accepted.add(recipient);
    return text;
  }
}
