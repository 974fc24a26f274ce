import { assertEquals, assertThrows } from "@std/assert";
import { type Endpoint, findEndpoints, listenOn, ownEndpoints, PortUnavailable } from "../../relay/listeners.ts";

const HOST = "127.0.0.1";

function listening(reusePort: boolean): Deno.TcpListener {
  return Deno.listen({ hostname: HOST, port: 0, reusePort });
}

for (const reusePort of [false, true]) {
  const others = reusePort ? "another program that would share it" : "another program";
  Deno.test(`listeners: a port that ${others} has ends the start if it was asked for, else it is left out`, () => {
    using taken = listening(reusePort);
    const { port } = taken.addr;
    assertThrows(
      () => findEndpoints({ smtpListen: [{ hostname: HOST, port, asked: true }], smtpsListen: [] }),
      PortUnavailable,
      `${HOST} port ${port}: in use by another program`,
    );
    assertEquals(findEndpoints({ smtpListen: [{ hostname: HOST, port, asked: false }], smtpsListen: [] }), {
      open: [],
      leftOut: [{ hostname: HOST, port, why: "in use by another program" }],
    });
  });
}

Deno.test("listeners: port 0 becomes a free one, which several nodes then listen on", async () => {
  const anyPort = [{ hostname: HOST, port: 0, asked: true }];
  const { open } = findEndpoints({ smtpListen: anyPort, smtpsListen: anyPort });
  assertEquals(open.map(({ tls }) => tls), [false, true]);
  const nodes = [0, 1].map(() => listenOn(open[0]!));
  const accepted = [0, 0];
  const accepting = nodes.map(async (node, at) => {
    for await (const conn of node) {
      accepted[at]!++;
      conn.close();
    }
  });
  while (accepted.includes(0)) {
    using conn = await Deno.connect(open[0]!);
    await conn.read(new Uint8Array(1));
  }
  for (const node of nodes) node.close();
  await Promise.all(accepting);
});

Deno.test("listeners: 0.0.0.0 is left to [::], which takes IPv4 as well", () => {
  using free = listening(false);
  const { port } = free.addr;
  free[Symbol.dispose]();
  const everywhere = ["0.0.0.0", "::"].map((hostname) => ({ hostname, port, asked: true }));
  assertEquals(findEndpoints({ smtpListen: everywhere, smtpsListen: [] }).open, [{ hostname: "::", port, tls: false }]);
});

Deno.test("listeners: a port that was taken since is told as such", () => {
  using taken = listening(false);
  const endpoint: Endpoint = { hostname: HOST, port: taken.addr.port, tls: false };
  assertThrows(() => listenOn(endpoint), PortUnavailable, "in use by another program");
});

Deno.test("listeners: an address of this machine with a port of ours is our own", () => {
  const isOwn = ownEndpoints([{ hostname: "0.0.0.0", port: 25 }, { hostname: "198.51.100.1", port: 25 }]);
  assertEquals([isOwn(HOST, 25), isOwn(HOST, 26), isOwn("198.51.100.1", 25), isOwn("198.51.100.2", 25)], [
    true,
    false,
    true,
    false,
  ]);
});

Deno.test("listeners: our own address is known in every spelling, and carried in an IPv6 address", () => {
  const isOwn = ownEndpoints([{ hostname: "203.0.113.5", port: 25 }, { hostname: "2001:db8::5", port: 25 }]);
  for (
    const address of [
      "::ffff:203.0.113.5",
      "::ffff:cb00:7105",
      "0:0:0:0:0:ffff:cb00:7105",
      "64:ff9b::cb00:7105",
      "2002:cb00:7105::1",
      "2001:db8:0::0:5",
    ]
  ) assertEquals([isOwn(address, 25), isOwn(address, 26)], [true, false], address);
  for (const address of ["::ffff:203.0.113.6", "64:ff9b::cb00:7106", "2001:db8::6"]) {
    assertEquals(isOwn(address, 25), false, address);
  }
});

Deno.test("listeners: all of loopback is our own where loopback or every address is listened on", () => {
  for (const hostname of ["0.0.0.0", "::", "127.0.0.1", "::1"]) {
    const isOwn = ownEndpoints([{ hostname, port: 25 }, { hostname: "203.0.113.5", port: 26 }]);
    for (const address of ["127.0.0.1", "127.9.9.9", "::ffff:127.0.0.2", "::1", "0.0.0.0", "::"]) {
      assertEquals(isOwn(address, 25), true, `${address} of ${hostname}`);
    }
    assertEquals([isOwn("127.9.9.9", 26), isOwn("127.9.9.9", 27), isOwn("128.0.0.1", 25)], [false, false, false]);
  }
});
