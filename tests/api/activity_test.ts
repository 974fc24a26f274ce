/** What the control plane tells nodes of an account's day and habit, and how NDRs are counted and limited. */
import { assertEquals } from "@std/assert";
import { NOON, startControlPlane, type TestControlPlane } from "./control_plane.ts";

const DAY_MS = 86_400_000;

const accepted = (id: string, at: number, recipients: string[], relays = recipients.length) => ({
  ...{ id, messageId: id, account: "alice", at, type: "accepted", sender: "a@example.com", recipients },
  ...{ sizeBytes: 1, relays, messageIdField: null, origin: null, policy: null },
});
const ended = (id: string, at: number, type: "delivered" | "bounced", recipients: string[]) => ({
  ...{ id: `${id} ${type}`, messageId: id, account: "alice", at, type, recipients },
  ...{ host: null, address: null, tls: null, reply: "", attempt: 1, nextAttemptAt: null },
});
const facts = async (api: TestControlPlane) =>
  (await api.request("GET", "/v1/node/accounts/alice", undefined, "relay-token")).body.account;

const withAlice = async (): Promise<TestControlPlane> => {
  const api = await startControlPlane();
  await api.account("alice");
  await api.blocks("alice", 10);
  return api;
};

Deno.test("activity: distinct recipients, and what became of them; the relay's own messages are nobody's", async () => {
  await using api = await withAlice();
  const items = [
    accepted("m1", NOON, ["b@example.net", "c@example.net"]),
    accepted("m2", NOON, ["B@example.net"]),
    accepted("dsn", NOON, ["x@example.net"], 0),
    ended("m1", NOON, "delivered", ["b@example.net"]),
    ended("m1", NOON, "bounced", ["c@example.net"]),
    ended("dsn", NOON, "delivered", ["x@example.net"]),
  ];
  await api.nodeCall("events", { items });
  await api.nodeCall("events", { items });
  assertEquals((await facts(api)).today, { recipients: 2, outcomes: 2, refused: 1 });
  api.clock.now += DAY_MS;
  assertEquals((await facts(api)).today, { recipients: 0, outcomes: 0, refused: 0 });
});

Deno.test("habit: days with mail, the busiest of them, and the share refused; today and what is over four weeks ago do not count", async () => {
  await using api = await withAlice();
  const use = async (day: number, relays: number, recipients: number, refused: number) => {
    api.clock.now = NOON + day * DAY_MS;
    const id = `m${day}`;
    await api.nodeCall("reservations", { items: [{ id, username: "alice", relays, ndr: false }] });
    const addresses = Array.from({ length: recipients }, (_, n) => `r${n}@example.net`);
    await api.nodeCall("events", {
      items: [
        accepted(id, api.clock.now, addresses),
        ended(id, api.clock.now, "bounced", addresses.slice(0, refused)),
        ended(id, api.clock.now, "delivered", addresses.slice(refused)),
      ].filter(({ recipients }) => recipients.length > 0),
    });
  };
  await use(0, 900, 50, 50);
  await use(2, 10, 4, 1);
  await use(3, 30, 8, 2);
  await use(29, 500, 20, 0);
  assertEquals((await facts(api)).habit, { days: 2, relays: 30, recipients: 8, refusedPercent: 25 });
  api.clock.now += DAY_MS;
  assertEquals((await facts(api)).habit, { days: 3, relays: 500, recipients: 20, refusedPercent: 9 });
});

const reserve = async (api: TestControlPlane, id: string, relays: number, ndr: boolean) =>
  (await api.nodeCall("reservations", { items: [{ id, username: "alice", relays, ndr }] })).body.items[0];
const quota = async (api: TestControlPlane) => {
  const { used, ndr, ndrLimit } = (await api.request("GET", "/v1/accounts/alice/quota")).body;
  return { used, ndr, ndrLimit };
};

Deno.test("NDRs: counted apart in the day's usage, and given back with their reservation", async () => {
  await using api = await withAlice();
  await reserve(api, "r1", 5, true);
  await reserve(api, "r2", 7, false);
  assertEquals(await quota(api), { used: 12, ndr: 5, ndrLimit: null });
  await api.nodeCall("refunds", { items: [{ id: "r1", username: "alice", day: "2026-11-23", relays: 5 }] });
  assertEquals(await quota(api), { used: 7, ndr: 0, ndrLimit: null });
  await api.nodeCall("settlements", {
    items: [{ id: "lost", username: "alice", day: "2026-11-23", relays: 3, ndr: true }],
  });
  assertEquals(await quota(api), { used: 10, ndr: 3, ndrLimit: null });
});

Deno.test("NDRs: limited to the account's share of the day; other mail may use the rest", async () => {
  await using api = await withAlice();
  const patched = await api.request("PATCH", "/v1/accounts/alice", { ndr: { choice: "limit", sharePercent: 1 } });
  assertEquals(patched.body.ndr, { choice: "limit", sharePercent: 1 });
  const first = await reserve(api, "r1", 14, true);
  assertEquals([first.granted, first.ndr], [true, { used: 0, limit: 15 }]);
  const over = await reserve(api, "r2", 2, true);
  assertEquals([over.granted, over.ndr, over.used, over.limit], [false, { used: 14, limit: 15 }, 14, 1500]);
  const again = await reserve(api, "r1", 14, true);
  assertEquals([again.granted, again.ndr], [true, { used: 0, limit: 15 }]);
  assertEquals((await reserve(api, "r3", 1486, false)).granted, true);
  assertEquals((await reserve(api, "r4", 1, true)).granted, false);
  assertEquals(await quota(api), { used: 1500, ndr: 14, ndrLimit: 15 });
});

Deno.test("accounts: the brake's release is a time, and what is done with NDRs is checked", async () => {
  await using api = await withAlice();
  const released = await api.request("POST", "/v1/accounts/alice/brake/release", {});
  assertEquals(released.body.brakeReleasedUntil, "2026-11-24T12:15:00Z");
  assertEquals((await facts(api)).brakeReleasedUntil, api.clock.now + DAY_MS);
  const status = async (body: unknown) => (await api.request("PATCH", "/v1/accounts/alice", body)).status;
  assertEquals(
    [
      await status({}),
      await status({ ndr: { choice: "drop" } }),
      await status({ ndr: { choice: "limit", sharePercent: 0 } }),
    ],
    [400, 400, 400],
  );
  assertEquals(await status({ ndr: { choice: "limit" } }), 200);
  assertEquals((await facts(api)).ndr, { choice: "limit", sharePercent: null });
});
