/** Notices: when each is said, that it is said once, what it says, and who is to send it as mail. */
import { assertEquals, assertMatch } from "@std/assert";
import { sql } from "kysely";
import { openDatabase } from "../../api/store/database.ts";
import { keptDatabase } from "./database.ts";
import {
  ACTIVATION_DELAY_MS,
  MINUTE_MS,
  NOON,
  PASSWORD,
  startControlPlane,
  type TestControlPlane,
  type TestOptions,
} from "./control_plane.ts";

const HOUR_MS = 60 * MINUTE_MS;
const NEVER = new AbortController().signal;
const ADDRESS = "anna@example.net";

interface Shown {
  readonly id: string;
  readonly type: string;
  readonly title: string;
  readonly text: string;
  readonly help: string | null;
  readonly detail: Record<string, unknown>;
  readonly mail: string | null;
}

/** With an account "anna" that has an address and a block that counts. */
async function withAnna(options: TestOptions = {}): Promise<TestControlPlane> {
  const api = await startControlPlane(options);
  await api.request("POST", "/v1/accounts", { username: "anna", password: PASSWORD, email: ADDRESS });
  await api.blocks("anna", 1);
  return api;
}

let reservations = 0;
async function reserve(api: TestControlPlane, relays: number, ndr = false): Promise<void> {
  const id = `r${++reservations}`;
  const { status } = await api.nodeCall("reservations", { items: [{ id, username: "anna", relays, ndr }] });
  assertEquals(status, 200);
}

const noticesOf = async (api: TestControlPlane, query = ""): Promise<Shown[]> =>
  (await api.request("GET", `/v1/accounts/anna/notices${query}`)).body.items;

const typesOf = async (api: TestControlPlane): Promise<string[]> =>
  (await noticesOf(api)).map(({ type }) => type).toReversed();

const take = async (api: TestControlPlane, stored: readonly string[] = [], wanted = 16) =>
  (await api.nodeCall("notices", { stored, wanted })).body.items;

/** As a node tells of a message that it has stored. */
const accepted = (api: TestControlPlane, id: string) =>
  api.nodeCall("events", {
    items: [{
      ...{ id, messageId: id, account: "anna", at: api.clock.now, type: "accepted", sender: "" },
      ...{ recipients: [ADDRESS], sizeBytes: 1, relays: 0, messageIdField: null, origin: null, policy: null },
    }],
  });

Deno.test("notices: at 80 % and at 100 % of the day, not before, and each once", async () => {
  await using api = await withAnna();
  await reserve(api, 119);
  assertEquals(await typesOf(api), []);
  await reserve(api, 1);
  await reserve(api, 29);
  assertEquals(await typesOf(api), ["quota-80"]);
  await reserve(api, 1);
  await reserve(api, 1);
  assertEquals(await typesOf(api), ["quota-80", "quota-100"]);
  const [full, nearly] = await noticesOf(api);
  assertEquals(nearly!.detail, { used: 120, limit: 150, resetsAt: "2026-11-24T00:00:00Z" });
  assertMatch(nearly!.text, /^120 of the day's 150 relays are used\./);
  assertEquals([nearly!.help, full!.help, full!.title], ["/help/quota", "/help/quota", "Today's relays are used up"]);
});

Deno.test("notices: a message that goes from under 80 % to all says the one that matters", async () => {
  await using api = await withAnna();
  await reserve(api, 150);
  assertEquals(await typesOf(api), ["quota-100"]);
});

Deno.test("notices: again on the next day", async () => {
  await using api = await withAnna();
  await reserve(api, 150);
  api.clock.now += 12 * HOUR_MS;
  await reserve(api, 150);
  assertEquals(await typesOf(api), ["quota-100", "quota-100"]);
});

Deno.test("notices: where blocks were cancelled under what was used, the next relay says it", async () => {
  await using api = await startControlPlane();
  await api.account("anna");
  await api.blocks("anna", 1);
  const second = (await api.request("POST", "/v1/accounts/anna/blocks", { quantity: 1 })).body.id;
  api.clock.now += ACTIVATION_DELAY_MS;
  await reserve(api, 130);
  assertEquals(await typesOf(api), []);
  await api.request("DELETE", `/v1/accounts/anna/blocks/${second}`);
  await reserve(api, 1);
  assertEquals(await typesOf(api), ["quota-80"]);
});

Deno.test("notices: a tenth of the day for non-delivery reports, with advice; fewer are nothing unusual", async () => {
  await using api = await withAnna();
  await reserve(api, 14, true);
  assertEquals(await typesOf(api), []);
  await reserve(api, 1, true);
  assertEquals(await typesOf(api), ["ndr-share"]);
  const [notice] = await noticesOf(api);
  assertMatch(
    notice!.text,
    /^15 of the day's 150 relays were used by non-delivery reports\..*Turn on recipient filtering/,
  );
  assertEquals(notice!.help, "/help/recipient-filtering");
});

Deno.test("notices: a block that begins to count, and one that ends, each once and at its time", async () => {
  await using api = await startControlPlane();
  await api.account("anna");
  const { id, activatesAt } = (await api.request("POST", "/v1/accounts/anna/blocks", { quantity: 2 })).body;
  api.clock.now = NOON + ACTIVATION_DELAY_MS - 1;
  await api.sayBlocks(NEVER);
  assertEquals(await typesOf(api), []);
  api.clock.now += 1;
  for (let times = 0; times < 2; times++) await api.sayBlocks(NEVER);
  const [begun] = await noticesOf(api);
  assertEquals(begun!.detail, { block: id, quantity: 2, limit: 300, activatedAt: activatesAt });
  await api.request("DELETE", `/v1/accounts/anna/blocks/${id}?at=2026-11-23T18:00:00Z`);
  await api.sayBlocks(NEVER);
  assertEquals(await typesOf(api), ["block-activated"]);
  api.clock.now = NOON + 6 * HOUR_MS;
  for (let times = 0; times < 2; times++) await api.sayBlocks(NEVER);
  assertEquals(await typesOf(api), ["block-activated", "block-ended"]);
  const [ended] = await noticesOf(api);
  assertEquals(ended!.detail, { block: id, quantity: 2, limit: 0, endedAt: "2026-11-23T18:00:00Z" });
});

Deno.test("notices: what began to count while nobody looked for a day is no news, nor a purchase taken back before", async () => {
  await using api = await startControlPlane();
  await api.account("anna");
  const { id } = (await api.request("POST", "/v1/accounts/anna/blocks", { quantity: 1 })).body;
  await api.request("DELETE", `/v1/accounts/anna/blocks/${id}`);
  api.clock.now += ACTIVATION_DELAY_MS;
  await api.sayBlocks(NEVER);
  await api.request("POST", "/v1/accounts/anna/blocks", { quantity: 1 });
  api.clock.now += 24 * HOUR_MS;
  await api.sayBlocks(NEVER);
  assertEquals(await typesOf(api), []);
});

Deno.test("blocks: cancelled at the end of a period, they count until then to the millisecond", async () => {
  await using api = await withAnna();
  const { items: [block] } = (await api.request("GET", "/v1/accounts/anna/blocks")).body;
  const cancel = (at: string) => api.request("DELETE", `/v1/accounts/anna/blocks/${block.id}?at=${at}`);
  const limit = async () => (await api.request("GET", "/v1/accounts/anna/quota")).body.limit;
  const end = async () => (await api.request("GET", "/v1/accounts/anna/blocks")).body.items[0].cancelledAt;
  assertEquals((await cancel("2026-12-23T00:00:00Z")).status, 204);
  assertEquals([await limit(), await end()], [150, "2026-12-23T00:00:00Z"]);
  // Sooner is possible, later is not.
  assertEquals((await cancel("2026-12-01T00:00:00Z")).status, 204);
  const later = await cancel("2026-12-31T00:00:00Z");
  assertEquals([later.status, later.body.type], [409, "/problems/ends-earlier"]);
  assertEquals(later.body.detail, "It ends at 2026-12-01T00:00:00Z already: a cancellation makes no block last longer");
  assertEquals(await end(), "2026-12-01T00:00:00Z");
  api.clock.now = Date.parse("2026-12-01T00:00:00Z") - 1;
  assertEquals(await limit(), 150);
  api.clock.now += 1;
  assertEquals(await limit(), 0);
  // It has ended: that is not taken back, nor is it moved.
  api.clock.now += HOUR_MS;
  assertEquals((await cancel("2027-01-01T00:00:00Z")).status, 409);
  assertEquals((await api.request("DELETE", `/v1/accounts/anna/blocks/${block.id}`)).status, 204);
  assertEquals([await limit(), await end()], [0, "2026-12-01T00:00:00Z"]);
  assertEquals((await cancel("yesterday")).status, 400);
});

Deno.test("blocks: an end in the past is now", async () => {
  await using api = await withAnna();
  const { items: [{ id }] } = (await api.request("GET", "/v1/accounts/anna/blocks")).body;
  await api.request("DELETE", `/v1/accounts/anna/blocks/${id}?at=2026-11-01T00:00:00Z`);
  const { items: [{ cancelledAt }] } = (await api.request("GET", "/v1/accounts/anna/blocks")).body;
  assertEquals(cancelledAt, "2026-11-23T12:15:00Z");
});

Deno.test("notices: the account's own key and the operator see them page by page, another account's key does not", async () => {
  await using api = await withAnna();
  await api.account("bo");
  await reserve(api, 120);
  await reserve(api, 30);
  const keyOf = async (username: string) =>
    (await api.request("POST", `/v1/accounts/${username}/keys`, { label: "x" })).body.key as string;
  const first = await api.request("GET", "/v1/accounts/anna/notices?limit=1", undefined, await keyOf("anna"));
  assertEquals(first.body.items.map(({ type }: Shown) => type), ["quota-100"]);
  const second = await api.request("GET", `/v1/accounts/anna/notices?limit=1&cursor=${first.body.next}`);
  assertEquals([second.body.items[0].type, second.body.next], ["quota-80", null]);
  assertEquals((await api.request("GET", "/v1/accounts/anna/notices", undefined, await keyOf("bo"))).status, 404);
  assertEquals((await api.request("GET", "/v1/accounts/nobody/notices")).status, 404);
  assertEquals((await api.request("GET", "/v1/notices")).body.items.length, 2);
});

Deno.test("notice mail: to the account's address, with the words and the link, taken by one node and then by none", async () => {
  await using api = await withAnna();
  await reserve(api, 120);
  const [mail, ...others] = await take(api);
  const [{ id }] = await noticesOf(api) as [Shown];
  assertEquals([mail.id, mail.account, mail.to, others], [id, "anna", ADDRESS, []]);
  assertEquals(mail.subject, "Four fifths of today's relays are used (anna)");
  assertMatch(mail.paragraphs[0], /^120 of the day's 150 relays are used\./);
  assertEquals(await take(api), []);
  await take(api, [id]);
  api.clock.now += HOUR_MS;
  assertEquals(await take(api), []);
});

Deno.test("notice mail: a node that took it and says nothing more is taken for dead, and another one takes it", async () => {
  await using api = await withAnna();
  await reserve(api, 120);
  const [{ id }] = await take(api);
  api.clock.now += 10 * MINUTE_MS - 1;
  assertEquals(await take(api), []);
  api.clock.now += 1;
  assertEquals((await take(api)).map((mail: { id: string }) => mail.id), [id]);
});

Deno.test("notice mail: what a dead node had stored is known by the history, and is not sent once more", async () => {
  await using api = await withAnna();
  await reserve(api, 120);
  const [{ id }] = await take(api);
  assertEquals((await noticesOf(api))[0]!.mail, null);
  await accepted(api, id);
  assertEquals((await noticesOf(api))[0]!.mail, id);
  api.clock.now += 10 * MINUTE_MS;
  assertEquals(await take(api), []);
});

Deno.test("notice mail: none without an address, none where it is turned off, none to an address that has failed for good", async () => {
  await using api = await startControlPlane();
  await api.account("anna");
  await api.blocks("anna", 1);
  const tomorrow = async () => {
    api.clock.now += 24 * HOUR_MS;
    await reserve(api, 120);
    return (await take(api)).length;
  };
  assertEquals(await tomorrow(), 0);
  const patch = (change: Record<string, unknown>) => api.request("PATCH", "/v1/accounts/anna", change);
  assertEquals((await patch({ email: ADDRESS })).body.email, ADDRESS);
  // What was said before there was an address stays where it is.
  assertEquals(await take(api), []);
  assertEquals(await tomorrow(), 1);
  assertEquals((await patch({ noticeMail: false })).body.noticeMail, false);
  assertEquals(await tomorrow(), 0);
  await patch({ noticeMail: true });
  await accepted(api, "m1");
  await api.nodeCall("events", {
    items: [{
      ...{ id: "m1-bounced", messageId: "m1", account: "anna", at: api.clock.now, type: "bounced" },
      ...{ recipients: [ADDRESS.toUpperCase()], host: null, address: null, tls: null, reply: "550 5.1.1 none" },
      ...{ badAddress: true, attempt: 1, nextAttemptAt: null },
    }],
  });
  assertEquals(await tomorrow(), 0);
  assertEquals((await noticesOf(api)).length, 4);
});

Deno.test("notice mail: the address is the operator's to change, mail on or off the account's", async () => {
  await using api = await withAnna();
  const { key } = (await api.request("POST", "/v1/accounts/anna/keys", { label: "x", scopes: ["manage"] })).body;
  const patch = async (change: unknown) => (await api.request("PATCH", "/v1/accounts/anna", change, key)).status;
  assertEquals([await patch({ noticeMail: false }), await patch({ email: "eve@example.net" })], [200, 403]);
  for (const email of ["anna@example.net\r\nBcc: eve@example.net", "anna", "a@b@c", "<anna@example.net>", " a@b.cd"]) {
    assertEquals((await api.request("PATCH", "/v1/accounts/anna", { email })).status, 400, email);
  }
});

Deno.test("notice mail: what could not be sent for a day is no news", async () => {
  await using api = await withAnna();
  await reserve(api, 120);
  api.clock.now += 24 * HOUR_MS;
  assertEquals(await take(api), []);
});

Deno.test("notice mail: a node takes no more than it wants, the longest waiting first", async () => {
  await using api = await withAnna();
  await reserve(api, 120);
  api.clock.now += 1;
  await reserve(api, 30);
  const ids = (await noticesOf(api)).map(({ id }) => id).toReversed();
  const taken = async (wanted: number) => (await take(api, [], wanted)).map(({ id }: { id: string }) => id);
  assertEquals([await taken(0), await taken(1), await taken(16)], [[], [ids[0]], [ids[1]]]);
});

Deno.test("notices: where the database does not take one, the relays are granted all the same, and the next one says it", async () => {
  await using kept = await keptDatabase();
  await using api = await withAnna({ database: kept.location });
  await using beside = await openDatabase(kept.location);
  await sql`alter table notice rename to notice_away`.execute(beside.db);
  await reserve(api, 120);
  assertEquals((await api.request("GET", "/v1/accounts/anna/usage")).body.items[0].used, 120);
  assertEquals(api.logged, ["a notice could not be kept"]);
  await sql`alter table notice_away rename to notice`.execute(beside.db);
  await reserve(api, 1);
  assertEquals((await noticesOf(api)).map(({ detail }) => detail.used), [121]);
});
