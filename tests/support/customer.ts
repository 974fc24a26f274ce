/**
 * A customer with an account, a relay to hand mail to, and one next hop that records all that the relay sends on.
 *
 * `await using customer = await Customer.start()`. Every domain exists in the DNS it has.
 */
import { assertEquals, assertMatch } from "@std/assert";
import { startDnsServer } from "./dns_server.ts";
import { endOf, eventAbout } from "./history.ts";
import { NextHopServer, type Received } from "./next_hop_server.ts";
import { eventually, openAccount, type RelayProcess, startRelay } from "./relay_process.ts";

/** Version and cipher of a session that nobody could read. */
const TLS = /^TLSv1\.[23] TLS_|^TLSv1\.[23] ECDHE/;

export class Customer implements AsyncDisposable {
  readonly username = "anna";
  readonly address = "anna@customer.test";
  private constructor(
    readonly relay: RelayProcess,
    readonly hop: NextHopServer,
    readonly password: string,
    private readonly resources: AsyncDisposableStack,
  ) {}

  /** @param environment settings of the relay beside those that lead all its mail to the next hop. */
  static async start(environment: Record<string, string> = {}): Promise<Customer> {
    await using resources = new AsyncDisposableStack();
    const dns = resources.use(startDnsServer({ "*": { MX: ["10 @"], A: ["127.0.0.1"] } }));
    const hop = resources.use(await NextHopServer.start());
    const relay = resources.use(
      await startRelay({ MAILHOP_DNS: dns.setting, MAILHOP_ROUTES: `*=127.0.0.1:${hop.port}`, ...environment }),
    );
    return new Customer(relay, hop, await openAccount(relay, "anna"), resources.move());
  }

  arrived(recipient: string): Promise<Received> {
    const look = () => this.hop.received.find(({ recipients }) => recipients.includes(recipient));
    return eventually(look, `mail for ${recipient} at the next hop`);
  }

  /** The message with this id came in over TLS with AUTH, and its history says so. */
  async assertSubmittedSecurely(id: string, helo: string, recipient: string): Promise<void> {
    const history = await endOf(this.relay, id);
    assertEquals([history.account, history.sender, history.status], [this.username, this.address, "delivered"]);
    const { origin } = eventAbout(history, "accepted", recipient);
    assertEquals({ ...origin, tls: null }, { address: "127.0.0.1", helo, protocol: "ESMTPSA", tls: null });
    assertMatch(origin!.tls ?? "none", TLS);
    const { host, address, reply, attempt } = eventAbout(history, "delivered", recipient);
    assertEquals([host, address, reply, attempt], ["127.0.0.1", "127.0.0.1", "250 2.0.0 Queued", 1]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.resources.disposeAsync();
  }
}
