import { assertEquals } from "@std/assert";
import type { NodeEvent } from "../../api/client.ts";
import { accepted, attempt } from "./history_events.ts";
import { NOON, RELAY, startControlPlane, type TestControlPlane } from "./control_plane.ts";

const send = (api: TestControlPlane, ...items: NodeEvent[]) => api.nodeCall("events", { items });

const statusOf = async (api: TestControlPlane, id: string) =>
  (await api.request("GET", `/v1/messages/${id}`)).body.status;

const idsOf = async (api: TestControlPlane, query: string): Promise<string[]> =>
  (await api.request("GET", `/v1/messages?${query}`)).body.items.map((item: { id: string }) => item.id);

Deno.test("history: a message with its events, each attempt with the remote server's own words", async () => {
  await using api = await startControlPlane();
  await send(api, accepted("m1", ["bob@example.net"]), attempt("m1", "deferred", ["bob@example.net"]));
  await send(api, attempt("m1", "delivered", ["bob@example.net"], 2));
  const { body } = await api.request("GET", "/v1/messages/m1");
  const { events, ...message } = body;
  assertEquals(message, {
    id: "m1",
    account: "alice",
    sender: "Alice@example.com",
    recipients: [{ address: "bob@example.net", status: "delivered" }],
    receivedAt: "2026-11-23T12:00:00Z",
    sizeBytes: 4096,
    relays: 1,
    messageId: "<m1@example.com>",
    node: "n1",
    status: "delivered",
  });
  assertEquals(events.map(({ type }: NodeEvent) => type), ["accepted", "deferred", "delivered"]);
  assertEquals([events[0].origin.protocol, events[0].policy], ["ESMTPSA", "a".repeat(64)]);
  assertEquals(events[1], {
    id: "m1-deferred-bob@example.net-1",
    at: "2026-11-23T12:00:01Z",
    type: "deferred",
    recipients: ["bob@example.net"],
    host: "mx.example.net",
    address: "198.51.100.1",
    tls: "TLSv1.3",
    reply: "451 4.3.0 Later",
    attempt: 1,
    nextAttemptAt: "2026-11-23T12:01:00Z",
  });
  assertEquals((await api.request("GET", "/v1/messages/m2")).status, 404);
});

Deno.test("history: events that arrive again, together or apart, are stored once", async () => {
  await using api = await startControlPlane();
  const events = [accepted("m1", ["b@example.net"]), attempt("m1", "delivered", ["b@example.net"])];
  assertEquals((await send(api, ...events, ...events)).status, 200);
  assertEquals((await send(api, ...events)).status, 200);
  assertEquals((await api.request("GET", "/v1/messages/m1")).body.events.length, 2);
  assertEquals(await idsOf(api, ""), ["m1"]);
});

Deno.test("history: a call that tells of nothing is answered as any", async () => {
  await using api = await startControlPlane();
  assertEquals((await send(api)).status, 200);
});

Deno.test("history: the status of a message follows its recipients", async () => {
  await using api = await startControlPlane();
  const [a, b] = ["a@example.net", "b@example.net"];
  await send(api, accepted("m1", [a, b]));
  assertEquals(await statusOf(api, "m1"), "queued");
  await send(api, attempt("m1", "delivered", [a]));
  assertEquals(await statusOf(api, "m1"), "queued");
  await send(api, attempt("m1", "deferred", [b]));
  assertEquals(await statusOf(api, "m1"), "deferred");
  await send(api, attempt("m1", "bounced", [b], 2));
  assertEquals(await statusOf(api, "m1"), "partial");

  await send(api, accepted("m2", [a, b]), attempt("m2", "bounced", [a]), {
    ...attempt("m2", "bounced", [b]),
    type: "expired",
  } as NodeEvent);
  assertEquals(await statusOf(api, "m2"), "bounced");
  const skipped = (id: string, recipients: string[]) =>
    ({ ...attempt(id, "bounced", recipients, 3), type: "skipped" }) as NodeEvent;
  await send(api, accepted("m4", [a, b]), skipped("m4", [a]));
  assertEquals(await statusOf(api, "m4"), "queued");
  await send(api, attempt("m4", "delivered", [b]));
  assertEquals(await statusOf(api, "m4"), "partial");
  await send(api, accepted("m5", [a]), skipped("m5", [a]));
  assertEquals(await statusOf(api, "m5"), "skipped");
  await send(api, accepted("m3", [a]), { ...attempt("m3", "bounced", [a]), type: "expired" } as NodeEvent);
  assertEquals(await statusOf(api, "m3"), "expired");
});

Deno.test("history: a final outcome is not taken back by one that comes late", async () => {
  await using api = await startControlPlane();
  const to = ["a@example.net"];
  await send(api, accepted("m1", to), attempt("m1", "delivered", to, 2), attempt("m1", "deferred", to, 1));
  assertEquals(await statusOf(api, "m1"), "delivered");
  await send(api, attempt("m1", "deferred", to, 3));
  assertEquals(await statusOf(api, "m1"), "delivered");
});

Deno.test("history: a message of the relay's own, and what was returned with it", async () => {
  await using api = await startControlPlane();
  await send(
    api,
    accepted("dsn", ["alice@example.com"], { sender: "", relays: 0, origin: null, policy: null, messageIdField: null }),
    accepted("m1", ["b@example.net"]),
    {
      id: "e1",
      messageId: "m1",
      account: "alice",
      at: NOON + 1,
      type: "returned",
      recipients: ["b@example.net"],
      dsnId: "dsn",
    },
  );
  const { body } = await api.request("GET", "/v1/messages/dsn");
  assertEquals([body.sender, body.relays, body.messageId, body.events[0].origin], ["", 0, null, null]);
  assertEquals((await api.request("GET", "/v1/messages/m1")).body.events[1].dsnId, "dsn");
  assertEquals(await idsOf(api, "sender="), ["dsn"]);
});

Deno.test("history: what the operator did to a recipient is its status; what was released waits again", async () => {
  await using api = await startControlPlane();
  const [bob, carol] = ["bob@example.net", "carol@example.net"] as const;
  const byOperator = (type: "held" | "released" | "deleted", recipients: string[]): NodeEvent => ({
    ...{ id: `m1-${type}-${recipients}`, messageId: "m1", account: "alice", at: NOON + 60_000, type, recipients },
    reason: type === "held" ? "spam?" : null,
  });
  await send(api, accepted("m1", [bob, carol]), byOperator("held", [bob, carol]));
  assertEquals(await statusOf(api, "m1"), "held");
  await send(api, byOperator("released", [bob]), byOperator("deleted", [carol]));
  assertEquals(await statusOf(api, "m1"), "deferred");
  await send(api, attempt("m1", "delivered", [bob], 2), attempt("m1", "delivered", [carol], 3));
  const { body } = await api.request("GET", "/v1/messages/m1");
  assertEquals(body.recipients.map(({ status }: { status: string }) => status), ["delivered", "deleted"]);
  assertEquals(body.status, "partial");
  assertEquals(body.events.find((event: NodeEvent) => event.type === "held").reason, "spam?");
  await send(api, accepted("m2", [bob]), { ...byOperator("deleted", [bob]), id: "m2-deleted", messageId: "m2" });
  assertEquals(await statusOf(api, "m2"), "deleted");
});

Deno.test("history: what the operator had returned is no refusal by a server", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  const to = Array.from({ length: 4 }, (_, n) => `user${n}@example.net`);
  await send(api, accepted("m1", to), { ...attempt("m1", "bounced", to, 0), byOperator: true } as NodeEvent);
  const facts = (await api.request("GET", "/v1/node/accounts/alice", undefined, RELAY)).body.account;
  assertEquals([facts.today.outcomes, facts.today.refused], [0, 0]);
});

Deno.test("messages: found by account, sender, recipient, Message-ID, status and time, the newest first", async () => {
  await using api = await startControlPlane();
  const at = (minutes: number) => NOON + minutes * 60_000;
  await send(
    api,
    accepted("m1", ["bob@example.net"], { at: at(0) }),
    accepted("m2", ["Carol@example.net"], { at: at(1), account: "zoe", sender: "zoe@example.org" }),
    accepted("m3", ["bob@example.net", "carol@example.net"], { at: at(2) }),
    attempt("m3", "deferred", ["bob@example.net"]),
  );
  assertEquals(await idsOf(api, ""), ["m3", "m2", "m1"]);
  assertEquals(await idsOf(api, "account=zoe"), ["m2"]);
  await api.account("ana");
  assertEquals(await idsOf(api, "account=ana"), []);
  const nobodys = await api.request("GET", "/v1/messages?account=anna");
  assertEquals([nobodys.status, nobodys.body.detail], [404, "There is no account of that name"]);
  assertEquals(await idsOf(api, "sender=alice@EXAMPLE.com"), ["m3", "m1"]);
  assertEquals(await idsOf(api, "recipient=carol@example.net"), ["m3", "m2"]);
  assertEquals(await idsOf(api, "messageId=m1@example.com"), ["m1"]);
  assertEquals(await idsOf(api, "messageId=%3Cm1@example.com%3E"), ["m1"]);
  assertEquals(await idsOf(api, "status=deferred"), ["m3"]);
  assertEquals(await idsOf(api, "since=2026-11-23T12:01:00Z"), ["m3", "m2"]);
  assertEquals(await idsOf(api, "until=2026-11-23T12:01:00Z"), ["m1"]);
  assertEquals(await idsOf(api, "recipient=bob@example.net&since=2026-11-23T13:01:00%2B01:00"), ["m3"]);
  const refused = await api.request("GET", "/v1/messages?since=yesterday&status=lost&cursor=%21");
  assertEquals(refused.body.errors.map((error: { field: string }) => error.field).toSorted(), [
    "cursor",
    "since",
    "status",
  ]);
});

Deno.test("messages: paged without gap or repetition where several came in the same millisecond", async () => {
  await using api = await startControlPlane();
  const ids = Array.from({ length: 7 }, (_, n) => `m${n}`);
  await send(api, ...ids.map((id) => accepted(id, ["b@example.net"])));
  const seen: string[] = [];
  let cursor = "";
  do {
    const { body } = await api.request("GET", `/v1/messages?limit=3${cursor && `&cursor=${cursor}`}`);
    seen.push(...body.items.map((item: { id: string }) => item.id));
    cursor = body.next;
  } while (cursor !== null);
  assertEquals(seen, ids.toReversed());
});

Deno.test("history: a full batch of messages to 100 recipients each", async () => {
  await using api = await startControlPlane();
  const to = Array.from({ length: 100 }, (_, n) => `user${n}@example.net`);
  const ids = Array.from({ length: 256 }, (_, n) => `m${n}`);
  const batch = ids.flatMap((id) => [accepted(id, to), { ...attempt(id, "delivered", to), id: `${id}-delivered` }]);
  assertEquals((await send(api, ...batch)).status, 200);
  assertEquals((await idsOf(api, "status=delivered&recipient=user99@example.net&limit=200")).length, 200);
  assertEquals((await send(api, ...batch, accepted("one more", to))).status, 400);
});
