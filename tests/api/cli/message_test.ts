import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { NodeEvent } from "../../../api/client.ts";
import { type Api, NOW, runOn, startApi } from "./harness.ts";

const MINUTE_MS = 60 * 1000;
const TLS = "TLSv1.3 TLS_AES_128_GCM_SHA256";

const report = (api: Api, items: NodeEvent[]) => api.node.v1.node.events.$post({ json: { node: "n1", items } });

const accepted = (messageId: string, at: number, more: Partial<NodeEvent & { type: "accepted" }> = {}): NodeEvent => ({
  id: `${messageId}-accepted`,
  messageId,
  account: "alice",
  at,
  type: "accepted",
  sender: "alice@example.com",
  recipients: ["bob@example.net", "carol@example.org"],
  sizeBytes: 10_240,
  relays: 2,
  messageIdField: "<1@example.com>",
  origin: { address: "192.0.2.1", helo: "laptop.example.com", protocol: "ESMTPSA", tls: TLS },
  policy: "a".repeat(64),
  ...more,
});

const history: NodeEvent[] = [
  accepted("M1", NOW),
  {
    id: "M1-1",
    messageId: "M1",
    account: "alice",
    at: NOW + 1000,
    type: "delivered",
    recipients: ["bob@example.net"],
    host: "mx.example.net",
    address: "192.0.2.25",
    tls: TLS,
    tlsVerdict: "MTA-STS: the certificate is verified",
    reply: "250 2.0.0 Ok: queued as 4F1",
    attempt: 1,
    nextAttemptAt: null,
  },
  {
    id: "M1-2",
    messageId: "M1",
    account: "alice",
    at: NOW + 2000,
    type: "deferred",
    recipients: ["carol@example.org"],
    host: "mx.example.org",
    address: "2001:db8::25",
    tls: null,
    reply: "451 4.7.1 Greylisted\r\n\x1b[2J try later",
    attempt: 1,
    nextAttemptAt: NOW + 5 * MINUTE_MS,
  },
  {
    id: "M1-3",
    messageId: "M1",
    account: "alice",
    at: NOW + 5 * MINUTE_MS,
    type: "deferred",
    recipients: ["carol@example.org"],
    host: null,
    address: null,
    tls: null,
    reply: "the DNS lookup of example.org failed",
    attempt: 2,
    nextAttemptAt: null,
  },
  {
    id: "M1-4",
    messageId: "M1",
    account: "alice",
    at: NOW + 6 * MINUTE_MS,
    type: "expired",
    recipients: ["carol@example.org"],
    reply: "not delivered within 5 days",
  },
  {
    id: "M1-5",
    messageId: "M1",
    account: "alice",
    at: NOW + 6 * MINUTE_MS,
    type: "returned",
    recipients: ["carol@example.org"],
    dsnId: "M2",
  },
];

Deno.test("message show: the message, then its history as a time line with the remote servers' own words", async () => {
  await using api = await startApi();
  await report(api, history);
  const { code, out } = await runOn(api, "message show M1", { now: NOW + 2 * MINUTE_MS });
  assertEquals(code, 0);
  assertEquals(
    out,
    `Message     M1
Status      partial
Account     alice
From        alice@example.com
To          bob@example.net (delivered)
To          carol@example.org (expired)
Received    2026-11-23T12:00:00Z by n1
Size        10,240 bytes, 2 relays
Message-ID  <1@example.com>

2026-11-23T12:00:00Z  accepted   bob@example.net, carol@example.org
                                 from 192.0.2.1 (laptop.example.com), ESMTPSA, TLSv1.3 TLS_AES_128_GCM_SHA256

2026-11-23T12:00:01Z  delivered  bob@example.net
                                 attempt 1 at mx.example.net [192.0.2.25], TLSv1.3 TLS_AES_128_GCM_SHA256
                                 MTA-STS: the certificate is verified
                                 250 2.0.0 Ok: queued as 4F1

2026-11-23T12:00:02Z  deferred   carol@example.org
                                 attempt 1 at mx.example.org [2001:db8::25], without TLS
                                 451 4.7.1 Greylisted\\x0d\\x0a\\x1b[2J try later
                                 next attempt 2026-11-23T12:05:00Z (in 3 minutes)

2026-11-23T12:05:00Z  deferred   carol@example.org
                                 attempt 2 reached no server
                                 the DNS lookup of example.org failed

2026-11-23T12:06:00Z  expired    carol@example.org
                                 not delivered within 5 days

2026-11-23T12:06:00Z  returned   carol@example.org
                                 the sender is told by message M2`,
  );
  assertEquals(JSON.parse((await runOn(api, "message show M1 --json")).out).events.length, history.length);
});

Deno.test("message show: a message that the relay made has the null reverse path and no origin", async () => {
  await using api = await startApi();
  await report(api, [accepted("M2", NOW, { sender: "", origin: null, policy: null, relays: 0, messageIdField: null })]);
  const { out } = await runOn(api, "message show M2");
  assertStringIncludes(out, "From        <>\n");
  assertStringIncludes(out, "0 relays");
  assertStringIncludes(out, "made by the relay");
});

Deno.test("message show: an unknown id is refused with where ids are found", async () => {
  await using api = await startApi();
  const { code, err } = await runOn(api, "message show nothing");
  assertEquals(code, 1);
  assertStringIncludes(err, "mailhop message list --since 24h");
});

Deno.test("message list: a table, the newest first", async () => {
  await using api = await startApi();
  assertEquals((await runOn(api, "message list")).out, "No such messages.");
  await report(api, [
    ...history,
    accepted("M3", NOW + MINUTE_MS, { account: "bo", sender: "bo@example.com", recipients: ["bob@example.net"] }),
  ]);
  assertEquals(
    (await runOn(api, "message list")).out,
    [
      "RECEIVED              ID  STATUS   ACCOUNT  FROM               TO",
      "2026-11-23T12:01:00Z  M3  queued   bo       bo@example.com     bob@example.net",
      "2026-11-23T12:00:00Z  M1  partial  alice    alice@example.com  bob@example.net and 1 other",
    ].join("\n"),
  );
});

Deno.test("message list: each filter finds what it should", async () => {
  await using api = await startApi();
  await report(api, [
    ...history,
    accepted("OLD", NOW - 48 * 60 * MINUTE_MS, { account: "bo", sender: "bo@example.com", messageIdField: "<2@x>" }),
  ]);
  const found = async (filters: string) =>
    JSON.parse((await runOn(api, `message list --json ${filters}`)).out).items.map((item: { id: string }) => item.id);
  assertEquals(await found(""), ["M1", "OLD"]);
  assertEquals(await found("--since 24h"), ["M1"]);
  assertEquals(await found("--until 24h"), ["OLD"]);
  assertEquals(await found("--since 2026-11-21T00:00:00Z --until 2026-11-22"), ["OLD"]);
  assertEquals(await found("--account bo"), ["OLD"]);
  assertEquals(await found("--sender alice@example.com"), ["M1"]);
  assertEquals(await found("--recipient carol@example.org"), ["M1", "OLD"]);
  assertEquals(await found("--message-id <2@x>"), ["OLD"]);
  assertEquals(await found("--status partial"), ["M1"]);
  assertEquals(await found("--status bounced"), []);
});

Deno.test("message list: says how to go on; --cursor does, --all needs not", async () => {
  await using api = await startApi();
  await report(api, Array.from({ length: 205 }, (_, at) => accepted(`M${String(at).padStart(3, "0")}`, NOW + at)));
  const first = await runOn(api, "message list --limit 2");
  assertEquals(first.out.split("\n").length, 5);
  const cursor = /There are more: add --cursor (\S+) or --all$/.exec(first.out)?.[1] ?? "";
  const second = await runOn(api, `message list --limit 2 --cursor ${cursor}`);
  assertMatch(second.out.split("\n")[1]!, / {2}M202 {2}/);
  const all = JSON.parse((await runOn(api, "message list --all --json")).out);
  assertEquals([all.items.length, all.next], [205, null]);
  const wrong = await runOn(api, "message list --cursor nonsense");
  assertEquals(wrong.code, 1);
  assertStringIncludes(wrong.err, "cursor: ");
});
