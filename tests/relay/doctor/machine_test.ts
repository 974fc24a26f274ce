/** What the doctor says of the machine: against real servers on loopback, and a real disk. */
import { assertEquals, assertMatch } from "@std/assert";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { clockFinding } from "../../../relay/doctor/clock.ts";
import { diskFinding, judgeSyncs } from "../../../relay/doctor/disk.ts";
import { examine } from "../../../relay/doctor/examination.ts";
import { port25Finding } from "../../../relay/doctor/port25.ts";

const NOON = Date.parse("2026-11-23T12:00:00Z");
/** RFC 4330 4. */
const NTP_EPOCH_SECONDS = 2_208_988_800;

/** A server that greets everybody with a line. */
function greeter(line: string) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    for await (const conn of listener) {
      await conn.write(new TextEncoder().encode(line));
      conn.close();
    }
  })();
  return {
    target: { name: line.slice(0, 3), address: "127.0.0.1", port: listener.addr.port },
    async [Symbol.asyncDispose]() {
      listener.close();
      await serving;
    },
  };
}

Deno.test("port 25: one server that greets is enough; one that refuses, or is not there, is none", async () => {
  await using good = greeter("220 mx.example.net ESMTP\r\n");
  await using bad = greeter("554 no\r\n");
  const nobody = { name: "nobody", address: "127.0.0.1", port: 1 };
  const open = await port25Finding([bad.target, nobody, good.target]);
  assertEquals([open.verdict, open.words], ["good", "Mail servers greet: 220."]);
  const closed = await port25Finding([bad.target, nobody]);
  assertEquals(closed.verdict, "bad");
  assertMatch(closed.words, /None of 554, nobody could be reached/);
  assertEquals((await port25Finding([])).verdict, "unknown");
});

Deno.test("port 25: with a next hop for all mail it is not needed, and no server is looked for", async () => {
  const dataDir = await Deno.makeTempDir();
  const findings = await examine({
    ...{ serviceName: "relay.test", dataDir, routesAll: true, now: () => NOON, monotonic: () => performance.now() },
    certificate: () => ({ certificate: { cert: "", key: "" }, own: false }),
    resolver: {
      mx: () => Promise.reject(new Error("nobody is asked")),
      a: () => Promise.resolve({ kind: "no-domain" }),
    },
  });
  await Deno.remove(dataDir);
  assertEquals(findings[0], {
    ...{ what: "port 25", verdict: "good" },
    words: "It is not needed: MAILHOP_ROUTES has a next hop for all mail.",
  });
});

/** A time server whose clock shows `at` (epoch ms). */
async function timeServer(at: number) {
  const socket = createSocket("udp4");
  socket.on("message", (_, { port, address }) => {
    const answer = new Uint8Array(48);
    const view = new DataView(answer.buffer);
    view.setUint32(40, Math.floor(at / 1000) + NTP_EPOCH_SECONDS);
    view.setUint32(44, Math.floor((at % 1000) / 1000 * 2 ** 32));
    socket.send(answer, port, address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return { address: "127.0.0.1", port: socket.address().port, [Symbol.dispose]: () => socket.close() };
}

for (
  const [ahead, verdict, words] of [
    [500, "good", /within 0\.5 s/],
    [60_000, "bad", /60\.0 s behind/],
    [-3_600_000, "bad", /3600\.0 s ahead/],
  ] as const
) {
  Deno.test(`clock: a time server that is ${ahead} ms ahead of it: ${verdict}`, async () => {
    using server = await timeServer(NOON + ahead);
    const finding = await clockFinding(server, () => NOON);
    assertEquals(finding.verdict, verdict);
    assertMatch(finding.words, words);
  });
}

Deno.test("clock: without a time server nothing is said", async () => {
  assertEquals((await clockFinding(null, () => NOON)).verdict, "unknown");
});

Deno.test("disk: its syncs are measured, and nothing is left behind", async () => {
  const directory = await Deno.makeTempDir();
  let now = 0;
  const finding = await diskFinding(directory, () => now += 1.5);
  assertEquals(finding, { what: "disk", verdict: "good", words: "A sync takes 1.5 ms." });
  assertEquals([...Deno.readDirSync(directory)], []);
  await Deno.remove(directory);
  assertEquals((await diskFinding(directory, () => now)).verdict, "bad");
});

Deno.test("disk: too fast to be true, and slow", () => {
  assertEquals(judgeSyncs([0.001, 0.002, 9]).verdict, "warning");
  assertMatch(judgeSyncs([0.001, 0.002, 9]).words, /2 µs: too little to be true/);
  assertEquals(judgeSyncs([0.02]).verdict, "good");
  assertMatch(judgeSyncs([30]).words, /30\.0 ms: each message waits/);
});
