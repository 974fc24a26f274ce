/** Addresses that failed for good: how they are remembered, listed, cleared, and what a node is told of them. */
import { assertEquals } from "@std/assert";
import { addressKey } from "../../api/address_key.ts";
import type { AttemptEvent } from "../../api/client.ts";
import { accepted } from "./history_events.ts";
import { NOON, RELAY, startControlPlane, type TestControlPlane } from "./control_plane.ts";

const PATH = "/v1/accounts/alice/suppressions";
const REPLY = "550 5.1.1 No such user";

async function withAccounts(): Promise<TestControlPlane> {
  const api = await startControlPlane();
  for (const name of ["alice", "bob"]) await api.account(name);
  await api.nodeCall("events", { items: ["m1", "m2"].map((id) => accepted(id, ["bob@example.net"])) });
  return api;
}

let events = 0;

/** A bounce of alice's, for a bad address unless told otherwise. */
const bounce = (recipients: string[], more: Partial<AttemptEvent> = { badAddress: true }): AttemptEvent => ({
  id: `event-${++events}`,
  messageId: "m1",
  account: "alice",
  at: NOON,
  type: "bounced",
  recipients,
  host: "mx.example.net",
  address: "198.51.100.1",
  tls: null,
  reply: REPLY,
  attempt: 1,
  nextAttemptAt: null,
  ...more,
});

const send = (api: TestControlPlane, ...items: AttemptEvent[]) => api.nodeCall("events", { items });
const listed = async (api: TestControlPlane): Promise<string[]> =>
  (await api.request("GET", PATH)).body.items.map(({ address }: { address: string }) => address);
const asked = async (api: TestControlPlane, address: string, account = "alice") =>
  (await api.request("POST", "/v1/node/suppressions", { items: [{ account, address }] }, RELAY)).body.items[0];

Deno.test("suppression: an address that its server does not know is remembered for the account, with the words", async () => {
  await using api = await withAccounts();
  await send(api, bounce(["Bob@Example.net", "carol@example.org"]));
  const { body } = await api.request("GET", PATH);
  assertEquals(body, {
    items: [
      { address: "Bob@Example.net", reply: REPLY, messageId: "m1", failedAt: "2026-11-23T12:00:00Z" },
      { address: "carol@example.org", reply: REPLY, messageId: "m1", failedAt: "2026-11-23T12:00:00Z" },
    ],
    next: null,
  });
  assertEquals((await api.request("GET", "/v1/accounts/bob/suppressions")).body.items, []);
});

Deno.test("suppression: other bounces are not remembered, nor what was only deferred", async () => {
  await using api = await withAccounts();
  await send(api, bounce(["bob@example.net"], { reply: "550 5.7.1 Blocked" }));
  await send(api, bounce(["bob@example.net"], { badAddress: true, type: "deferred" }));
  assertEquals(await listed(api), []);
});

Deno.test("suppression: failed again, it has the new words; told again by a node, nothing changes", async () => {
  await using api = await withAccounts();
  const first = bounce(["bob@example.net"]);
  await send(api, first);
  await send(
    api,
    bounce(["BOB@example.net"], { badAddress: true, at: NOON + 1000, reply: "550 5.1.1 Gone", messageId: "m2" }),
  );
  await send(api, first);
  assertEquals((await api.request("GET", PATH)).body.items, [
    { address: "bob@example.net", reply: "550 5.1.1 Gone", messageId: "m2", failedAt: "2026-11-23T12:00:01Z" },
  ]);
});

Deno.test("suppression: nothing is remembered for a message that no node has told of", async () => {
  await using api = await withAccounts();
  await send(api, bounce(["bob@example.net"], { badAddress: true, messageId: "m3" }));
  assertEquals(await listed(api), []);
});

Deno.test("suppression: one or all are cleared", async () => {
  await using api = await withAccounts();
  await send(api, bounce(["a@example.net", "b@example.net", "c@example.net"]));
  assertEquals((await api.request("DELETE", `${PATH}?address=B@EXAMPLE.NET`)).body, { cleared: 1 });
  assertEquals(await listed(api), ["a@example.net", "c@example.net"]);
  assertEquals((await api.request("DELETE", `${PATH}?address=b@example.net`)).status, 404);
  assertEquals((await api.request("DELETE", PATH)).body, { cleared: 2 });
  assertEquals((await api.request("DELETE", PATH)).body, { cleared: 0 });
});

Deno.test("suppression: listed page by page", async () => {
  await using api = await withAccounts();
  await send(api, bounce(["c@example.net", "a@example.net", "b@example.net"]));
  const { body } = await api.request("GET", `${PATH}?limit=2`);
  assertEquals([body.items.length, body.next], [2, "b@example.net"]);
  const rest = await api.request("GET", `${PATH}?limit=2&cursor=${body.next}`);
  assertEquals([rest.body.items.length, rest.body.next], [1, null]);
});

Deno.test("suppression: a node is told by the account's choice, which is to refuse unless it says otherwise", async () => {
  await using api = await withAccounts();
  await send(api, bounce(["bob@bücher.example"]));
  const facts = { reply: REPLY, failedAt: NOON };
  assertEquals(await asked(api, "BOB@xn--bcher-kva.example"), { choice: "refuse", ...facts });
  assertEquals(await asked(api, "bob@bücher.example", "bob"), null);
  assertEquals(await asked(api, "carol@bücher.example"), null);
  assertEquals((await api.request("GET", `${PATH}/choice`)).body, { choice: "refuse" });
  assertEquals((await api.request("PUT", `${PATH}/choice`, { choice: "skip" })).body, { choice: "skip" });
  assertEquals(await asked(api, "bob@bücher.example"), { choice: "skip", ...facts });
  assertEquals((await api.request("PUT", `${PATH}/choice`, { choice: "off" })).body, { choice: "off" });
  assertEquals(await asked(api, "bob@bücher.example"), null);
  assertEquals((await api.request("GET", `${PATH}/choice`)).body, { choice: "off" });
  assertEquals((await api.request("PUT", `${PATH}/choice`, { choice: "maybe" })).status, 400);
});

Deno.test("suppression: events of an account that is no more are taken all the same", async () => {
  await using api = await withAccounts();
  const { status } = await send(api, { ...bounce(["bob@example.net"]), account: "gone" });
  assertEquals([status, (await api.request("GET", "/v1/accounts/gone/suppressions")).status], [200, 404]);
});

Deno.test("suppression: one form for an address, whatever it is written like", () => {
  assertEquals(addressKey("Bob.Smith@Example.NET."), "bob.smith@example.net");
  assertEquals(addressKey('"b@b"@example.net'), '"b@b"@example.net');
  assertEquals(addressKey("jörg@BÜCHER.example"), "jörg@xn--bcher-kva.example");
  assertEquals(addressKey("bob@[192.0.2.1]"), "bob@[192.0.2.1]");
  assertEquals(addressKey("Postmaster"), "postmaster");
});
