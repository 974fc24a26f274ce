/** Text that an engine might not take as it is, or put in another order. */
import { assertEquals } from "@std/assert";
import { PASSWORD, RELAY, startControlPlane } from "./control_plane.ts";

/** PostgreSQL has no NUL in a text; no engine has half a character. */
const ODD = ["a\0b", "\0", "a\ud800b", "ä\u{1f4ef}", "'; drop table account; --", "%_\\"];

Deno.test("odd text: a name that cannot be one is a wrong login and finds nothing", async () => {
  await using api = await startControlPlane();
  await api.account("ab");
  for (const username of ODD) {
    const login = { username, password: PASSWORD, address: "192.0.2.1" };
    assertEquals((await api.request("POST", "/v1/node/login", login, RELAY)).status, 401);
    const path = `/v1/accounts/${encodeURIComponent(username.toWellFormed())}`;
    assertEquals((await api.request("GET", path)).status, 404);
  }
});

Deno.test("odd text: an event is taken whatever remote servers and clients have written in it", async () => {
  await using api = await startControlPlane();
  for (const [n, text] of ODD.entries()) {
    const base = { messageId: `m${n}`, account: text, at: api.clock.now, recipients: [text] };
    const items = [
      {
        ...{ ...base, id: "1", type: "accepted", sender: text, sizeBytes: 1, relays: 1, messageIdField: text },
        ...{ origin: { address: text, helo: text, protocol: text, tls: text }, policy: null },
      },
      {
        ...{ ...base, id: "2", type: "bounced", host: text, address: text, tls: text, reply: text },
        ...{ attempt: 1, nextAttemptAt: null, badAddress: true },
      },
    ];
    assertEquals((await api.nodeCall("events", { items })).status, 200);
    const { status, body } = await api.request("GET", `/v1/messages/m${n}`);
    assertEquals([status, body.status, body.events.length], [200, "bounced", 2]);
  }
});

Deno.test("odd text: accounts whose names an engine may keep as one are in the same call", async () => {
  await using api = await startControlPlane();
  const items = ["a\ud800", "a\udbff", "a\ufffd"].flatMap((account, n) => {
    const base = { messageId: `m${n}`, account, at: api.clock.now, recipients: ["b@example.test"] };
    return [
      {
        ...{ ...base, id: `a${n}`, type: "accepted", sender: "", sizeBytes: 1, relays: 1, messageIdField: null },
        ...{ origin: { address: "192.0.2.1", helo: "", protocol: "SMTP", tls: null }, policy: null },
      },
      {
        ...{ ...base, id: `b${n}`, type: "bounced", host: "mx", address: "192.0.2.2", tls: null, reply: "550 no" },
        ...{ attempt: 1, nextAttemptAt: null, badAddress: true },
      },
    ];
  });
  assertEquals((await api.nodeCall("events", { items })).status, 200);
  for (const n of [0, 1, 2]) assertEquals((await api.request("GET", `/v1/messages/m${n}`)).body.status, "bounced");
});

Deno.test("odd text: names are listed in the order of their octets", async () => {
  await using api = await startControlPlane();
  const names = ["a-b", "a.b", "a0", "a_b", "aa", "ab", "b"];
  for (const name of names.toReversed()) await api.account(name);
  const listed = (await api.request("GET", "/v1/accounts")).body.items;
  assertEquals(listed.map(({ username }: { username: string }) => username), names);
});
