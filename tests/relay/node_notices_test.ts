/** Notices of a real node: from mail that crosses a threshold to the mail that tells the account. */
import { assertEquals, assertMatch } from "@std/assert";
import { delay } from "@std/async/delay.js";
import type { Received } from "../support/next_hop_server.ts";
import {
  ACTIVATION_DELAY_MS,
  DATA,
  FORGOTTEN_MS,
  MINUTE_MS,
  startTestNode,
  type TestNode,
  type TestNodeOptions,
} from "../support/node.ts";
import { needingPostgres, startPostgres } from "../support/postgres.ts";

const ADDRESS = "anna@example.net";
const POLL_MS = 20;
/** Longer than a node that took a notice is waited for. */
const CLAIM_MS = 10 * MINUTE_MS;

interface Notice {
  readonly id: string;
  readonly type: string;
  readonly help: string | null;
  readonly mail: string | null;
}

interface History {
  readonly status: string;
  readonly relays: number;
  readonly sender: string;
  readonly events: readonly { readonly type: string; readonly ndr?: true }[];
}

async function withAnna(options: TestNodeOptions = {}): Promise<TestNode> {
  const node = await startTestNode(options);
  await node.account("anna", { blocks: 1 });
  await node.api("PATCH", "/anna", { email: ADDRESS });
  return node;
}

/** A message to so many; `outcome` is the reply to its data, or to its MAIL. */
async function send(node: TestNode, recipients: number): Promise<void> {
  using client = await node.login("anna");
  const rcpt = Array.from(
    { length: recipients },
    (_, n) => `C: RCPT TO:<r${n}@example.net>\nS: 250 2.1.5 Recipient OK`,
  );
  await client.play(`C: MAIL FROM:<anna@example.com>\nS: 250 2.1.0 Sender OK\n${rcpt.join("\n")}`);
  await client.play(`${DATA}\nC: From: anna@example.com\nC:\nC: Hello\nC: .\nS: 250 2.0.0 OK: queued as …`);
}

const noticesOf = async (node: TestNode): Promise<readonly Notice[]> =>
  (await node.api<{ items: Notice[] }>("GET", "/anna/notices")).items;

const toAnna = ({ received }: TestNode["nextHop"]): Received[] =>
  received.filter(({ recipients }) => recipients.includes(ADDRESS));

/** Resolves when so many notices have arrived at the account's address. */
const arrived = (node: TestNode, count: number) => node.nextHop.until((server) => toAnna(server).length >= count);

async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  while (true) {
    const found = await look();
    if (found !== undefined) return found;
    await delay(POLL_MS);
  }
}

const historyWhen = (node: TestNode, id: string, status: string): Promise<History> =>
  until(async () => {
    const history = await node.v1<History>("GET", `/messages/${id}`).catch(() => undefined);
    return history?.status === status ? history : undefined;
  });

Deno.test("notice: four fifths of the day by real mail; it arrives from <>, says so, costs nothing, and comes once", async () => {
  await using node = await withAnna();
  await send(node, 100);
  assertEquals(await noticesOf(node), []);
  await send(node, 20);
  await arrived(node, 1);
  const [notice] = await noticesOf(node);
  assertEquals(notice!.type, "quota-80");
  const [mail] = toAnna(node.nextHop);
  assertEquals([mail!.mailFrom, mail!.recipients], ["", [ADDRESS]]);
  const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(mail!.content)?.[1];
  assertEquals(field("To"), `<${ADDRESS}>`);
  assertEquals(field("Auto-Submitted"), "auto-generated");
  assertEquals(field("Message-ID"), `<${notice!.id}@relay.test>`);
  assertMatch(mail!.content, /120 of the day's 150 relays are used\./);
  const history = await historyWhen(node, notice!.id, "delivered");
  assertEquals([history.relays, history.sender], [0, ""]);
  assertEquals(await node.used("anna"), 120);
  // The next one is of its own kind, and no other comes with it.
  await send(node, 30);
  await arrived(node, 2);
  assertEquals((await noticesOf(node)).map(({ type }) => type), ["quota-100", "quota-80"]);
  assertEquals(await node.used("anna"), 150);
});

Deno.test("notice: mail that was refused for quota, though some relays are left, is told of", async () => {
  await using node = await withAnna();
  await send(node, 60);
  using client = await node.login("anna");
  const rcpt = Array.from({ length: 90 }, (_, n) => `C: RCPT TO:<r${n}@example.net>\nS: 250 2.1.5 Recipient OK`);
  await client.play(`C: MAIL FROM:<anna@example.com>\nS: 250 2.1.0 Sender OK\n${rcpt.join("\n")}`);
  await client.play(
    "C: RCPT TO:<last@example.net>\nS: 451 4.7.1 Daily relay quota exceeded: 60 of 150 used, this needs 91; …",
  );
  await arrived(node, 1);
  assertMatch(toAnna(node.nextHop)[0]!.content, /60 of the day's 150 relays are used, and a message needed 91\s+more/);
});

Deno.test("notice: a block that begins to count, by the clock", async () => {
  await using node = await withAnna();
  await node.buy("anna", 1);
  node.pass(ACTIVATION_DELAY_MS - 1);
  await node.sayBlocks();
  node.pass(1);
  await node.sayBlocks();
  await arrived(node, 2);
  const texts = toAnna(node.nextHop).map(({ content }) =>
    /use (\d+) relays a day now/.exec(content.replaceAll(/\s+/g, " "))?.[1]
  );
  assertEquals(texts.toSorted(), ["150", "300"]);
  assertEquals(await node.used("anna"), 0);
});

Deno.test("notice: non-delivery reports by real mail: counted in the history, and told with the cure when the share is used up", async () => {
  await using node = await withAnna();
  await node.api("PATCH", "/anna", { ndr: { choice: "limit", sharePercent: 2 } });
  using client = await node.login("anna");
  const report = (outcome: string) => `
    C: MAIL FROM:<>
    S: 250 2.1.0 Sender OK
    C: RCPT TO:<forged@example.net>
    S: 250 2.1.5 Recipient OK
    ${DATA}
    C: Content-Type: multipart/report; report-type=delivery-status; boundary=x
    C: From: MAILER-DAEMON@example.com
    C:
    C: --x
    C: .
    S: ${outcome}
  `;
  for (let n = 0; n < 3; n++) await client.play(report("250 2.0.0 OK: …"));
  await client.play(report("451 4.7.1 Non-delivery reports have used 3 of their 3 relays, this needs 1; …"));
  await arrived(node, 1);
  const [notice] = await noticesOf(node);
  assertEquals([notice!.type, notice!.help], ["ndr-share", "/help/recipient-filtering"]);
  assertMatch(
    toAnna(node.nextHop)[0]!.content.replaceAll(/\s+/g, " "),
    /3 of the 3 relays that you give them were used by non-delivery reports\..* Turn on recipient filtering/,
  );
  const { items } = await node.v1<{ items: { id: string }[] }>("GET", "/messages?recipient=forged@example.net");
  for (const { id } of items) assertEquals((await historyWhen(node, id, "delivered")).events[0]!.ndr, true);
  const history = await historyWhen(node, notice!.id, "delivered");
  assertEquals(history.events[0]!.ndr, undefined);
});

Deno.test("notice: the brake, by real mail: told to the account and to the operator, and in the quota until it is released", async () => {
  await using node = await withAnna();
  await node.v1("PATCH", "/policy/parameters", { brakeHabitDays: 1, brakeFloorRelays: 3 });
  await until(async () => {
    const { nodes } = await node.v1<{ nodes: { upToDate: boolean }[] }>("GET", "/policy");
    return (nodes.length > 0 && nodes.every(({ upToDate }) => upToDate)) || undefined;
  });
  await send(node, 1);
  node.pass(24 * 60 * MINUTE_MS);
  await send(node, 3);
  node.pass(FORGOTTEN_MS);
  using client = await node.login("anna");
  await client.play("C: MAIL FROM:<anna@example.com>\nS: 451 4.7.1 Far beyond this account's habit: 4 relays today, …");
  await arrived(node, 1);
  assertMatch(toAnna(node.nextHop)[0]!.content, /^Subject: Mail is held back: .* \(anna\)\r$/m);
  const [notice] = (await node.v1<{ items: Notice[] }>("GET", "/notices")).items;
  assertEquals([notice!.type, notice!.help], ["brake", "/help/acceptable-use"]);
  const quota = () =>
    node.api<{ brake: { held: { used: number; limit: number } | null }; advice: { type: string }[] }>(
      "GET",
      "/anna/quota",
    );
  const { brake, advice } = await quota();
  assertEquals([brake.held!.used, brake.held!.limit, advice.map(({ type }) => type)], [4, 3, ["brake"]]);
  await node.api("POST", "/anna/brake/release", { hours: 1 });
  assertEquals((await quota()).advice, []);
  await client.play("C: MAIL FROM:<anna@example.com>\nS: 250 2.1.0 Sender OK");
});

Deno.test("notice: where its mail bounces nobody is told, and the address gets no more", async () => {
  await using node = await withAnna();
  node.nextHop.script = (input) => input === `RCPT TO:<${ADDRESS}>` ? "550 5.1.1 No such user" : undefined;
  await send(node, 100);
  await send(node, 20);
  const { id } = await until(async () => (await noticesOf(node))[0]);
  const { events } = await historyWhen(node, id, "bounced");
  assertEquals(events.map(({ type }) => type), ["accepted", "bounced"]);
  await send(node, 30);
  const other = await until(async () => (await noticesOf(node)).find(({ type }) => type === "quota-100"));
  node.nextHop.script = () => undefined;
  // What comes later is sent later: by then the other one would have been.
  await node.account("bo", { blocks: 1 });
  await node.api("PATCH", "/bo", { email: "bo@example.net" });
  await node.sayBlocks();
  await node.nextHop.until(({ received }) => received.some(({ recipients }) => recipients.includes("bo@example.net")));
  assertEquals((await noticesOf(node)).find(({ id }) => id === other.id)!.mail, null);
  assertEquals(await node.used("anna"), 150);
});

Deno.test("notice: a node that drains takes none, and the mail goes when it serves again", async () => {
  await using node = await withAnna();
  const [facts] = await until(async () => {
    const { items } = await node.v1<{ items: { node: string; state: string }[] }>("GET", "/nodes");
    return items[0]?.state === "serving" ? items : undefined;
  });
  await node.v1("PATCH", `/nodes/${facts!.node}`, { drain: true });
  await until(async () => {
    const { items } = await node.v1<{ items: { state: string }[] }>("GET", "/nodes");
    return items[0]?.state === "draining" || undefined;
  });
  await node.sayBlocks();
  const calls: string[] = [];
  node.link.loses = (path) => {
    calls.push(path);
    return false;
  };
  // In the time of four of these it would have asked for notices once, at least.
  await until(() => Promise.resolve(calls.filter((path) => path === "/v1/node/queue").length >= 4 || undefined));
  assertEquals([calls.includes("/v1/node/notices"), toAnna(node.nextHop)], [false, []]);
  await node.v1("PATCH", `/nodes/${facts!.node}`, { drain: false });
  await arrived(node, 1);
});

Deno.test("notice: a node that dies with it stored, and says so to nobody, does not send it twice", async () => {
  const directory = await Deno.makeTempDir({ prefix: "mailhop-notices-" });
  await using _ = { [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }) };
  const places = { database: `${directory}/control.db`, directory: `${directory}/spool` };
  let id: string, now: number;
  {
    await using node = await withAnna(places);
    const lost = Promise.withResolvers<void>();
    // All that it says of the notice once it is stored is lost on the way.
    node.link.loses = (path, body) => {
      const tells = path === "/v1/node/notices" ? !body.includes('"stored":[]') : path === "/v1/node/events";
      if (tells && path === "/v1/node/notices") lost.resolve();
      return tells;
    };
    await node.sayBlocks();
    await lost.promise;
    await arrived(node, 1);
    id = (await noticesOf(node))[0]!.id;
    now = node.clock.now;
  }
  // Started again, it tells the history; and when it is taken for dead, there is nothing left to send.
  await using node = await startTestNode({ ...places, now });
  await historyWhen(node, id, "delivered");
  node.pass(CLAIM_MS);
  await node.account("bo", { blocks: 1 });
  await node.api("PATCH", "/bo", { email: "bo@example.net" });
  await node.sayBlocks();
  await node.nextHop.until(({ received }) => received.some(({ recipients }) => recipients.includes("bo@example.net")));
  assertEquals(toAnna(node.nextHop), []);
});

Deno.test("notice: one that a node took, and died before it had it, is sent by another one in time", async () => {
  await using node = await withAnna();
  node.link.loses = (path) => path === "/v1/node/notices";
  await node.sayBlocks();
  const [taken] = await node.takeNotices("another");
  assertEquals(taken!.to, ADDRESS);
  node.link.loses = () => false;
  node.pass(CLAIM_MS - 1);
  assertEquals(await node.takeNotices("a third one"), []);
  node.pass(1);
  await arrived(node, 1);
  await historyWhen(node, taken!.id, "delivered");
});

Deno.test({
  ...needingPostgres("notice: of two control planes with a node each, on one database, one sends it"),
  async fn() {
    await using postgres = await startPostgres();
    await using place = await postgres.newDatabase();
    const { location: database } = place;
    await using one = await withAnna({ database });
    await using other = await startTestNode({ database, now: one.clock.now });
    await send(one, 70);
    await Promise.all([send(one, 25), send(other, 25)]);
    await Promise.all([send(one, 15), send(other, 15)]);
    await Promise.all([one.sayBlocks(), other.sayBlocks()]);
    const sent = await until(async () => {
      const notices = await noticesOf(one);
      return notices.length === 3 && notices.every(({ mail }) => mail !== null) ? notices : undefined;
    });
    for (const { id } of sent) await historyWhen(one, id, "delivered");
    const ids = [one, other].flatMap(({ nextHop }) => toAnna(nextHop))
      .map(({ content }) => /^Message-ID: <(.*)@relay\.test>$/m.exec(content.replaceAll("\r", ""))![1]!);
    assertEquals(ids.toSorted(), sent.map(({ id }) => id).toSorted());
    assertEquals(await one.used("anna"), 150);
  },
});
