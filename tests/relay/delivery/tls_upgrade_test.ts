/** TLS to a next hop: a server that floods is held back while nobody reads. */
import { assert, assertEquals } from "@std/assert";
import { createServer, type Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { DeadlineWatch } from "../../../relay/delivery/deadlines.ts";
import type { OctetStream } from "../../../relay/delivery/reply_channel.ts";
import { upgradeToTls } from "../../../relay/delivery/tls_upgrade.ts";
import { SELF_SIGNED } from "../../support/self_signed.ts";

const FLOOD_OCTETS = 32 * 1024 * 1024;
/** Two reads of the largest size, and the handshake. */
const MOST_TAKEN = 3 * 64 * 1024;
/** On another connection: while it goes back and forth, an upgrade that reads ahead would take the whole flood. */
const ROUND_TRIPS = 2000;

/** A connection that counts what is taken from it. */
class Counted implements OctetStream {
  taken = 0;
  constructor(private readonly conn: Deno.Conn) {}
  async read(into: Uint8Array): Promise<number | null> {
    const octets = await this.conn.read(into);
    this.taken += octets ?? 0;
    return octets;
  }
  write(octets: Uint8Array): Promise<number> {
    return this.conn.write(octets);
  }
  close(): void {
    this.conn.close();
  }
}

Deno.test("TLS to a next hop: one that floods is held back by TCP until it is read from", async () => {
  using echoes = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const server = createServer((socket: Socket) => {
    const secured = new TLSSocket(socket, { isServer: true, ...SELF_SIGNED });
    // The client goes in the middle of it.
    for (const each of [socket, secured]) each.on("error", () => {});
    secured.on("secure", () => secured.write(new Uint8Array(FLOOD_OCTETS)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const plain = new Counted(await Deno.connect({ hostname: "127.0.0.1", port }));
  const client = { serverName: null, authorities: undefined, seconds: 60 };
  const { stream } = await upgradeToTls(plain, client, new DeadlineWatch());

  await goBackAndForth(echoes, ROUND_TRIPS);
  assert(plain.taken <= MOST_TAKEN, `${plain.taken} octets were taken`);

  const before = plain.taken;
  const buffer = new Uint8Array(64 * 1024);
  for (let read = 0; read < FLOOD_OCTETS;) read += await stream.read(buffer) ?? 0;
  assert(plain.taken - before > FLOOD_OCTETS - MOST_TAKEN);
  assertEquals(buffer.every((octet) => octet === 0), true);
  stream.close();
  await new Promise((resolve) => server.close(resolve));
});

async function goBackAndForth(listener: Deno.TcpListener, times: number): Promise<void> {
  using near = await Deno.connect({ hostname: "127.0.0.1", port: (listener.addr as Deno.NetAddr).port });
  using far = await listener.accept();
  const octet = new Uint8Array(1);
  for (let time = 0; time < times; time++) {
    await near.write(octet);
    await far.read(octet);
    await far.write(octet);
    await near.read(octet);
  }
}
