/** The dry run: what would happen, and that nothing does. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { Rule } from "../../../policy/assembly/rule.ts";
import { Stage } from "../../../policy/assembly/stage.ts";
import { Reason } from "../../../policy/mod.ts";
import { MISSING } from "../../support/addresses.ts";
import { FAULTS, GOOD, onTrigger, policyModule, refusing, TRIGGER_BYTES } from "../../support/policy_modules.ts";
import { ADMIN, startControlPlane, type TestControlPlane } from "../control_plane.ts";

const MB = 1_048_576;
const MESSAGE = { account: "alice", sender: "alice@example.com", recipients: ["bob@example.net"], size: 1000 };

const evaluate = (api: TestControlPlane, changes: Record<string, unknown> = {}) =>
  api.request("POST", "/v1/policy/evaluate", { ...MESSAGE, ...changes });

const withAlice = async () => {
  const api = await startControlPlane();
  await api.account("alice");
  await api.blocks("alice", 1);
  return api;
};

const load = (api: TestControlPlane, octets: Uint8Array<ArrayBuffer>) =>
  api.app.request("/v1/policy", { method: "PUT", headers: { authorization: `Bearer ${ADMIN}` }, body: octets });

Deno.test("dry run: an ordinary message is accepted, at its price, and each rule has its say", async () => {
  await using api = await withAlice();
  const { status, body } = await evaluate(api, { size: 20 * MB, recipients: ["bob@example.net", "eve@example.net"] });
  assertEquals(status, 200);
  assertEquals(
    [body.at, body.module.own, body.price, body.accepted, body.outcome],
    ["2026-11-23T12:15:00Z", true, 6, ["bob@example.net", "eve@example.net"], null],
  );
  assertEquals(body.steps.map(({ stage, subject }: Record<string, unknown>) => [stage, subject]), [
    ["mail", "alice@example.com"],
    ["recipient", "bob@example.net"],
    ["recipient", "eve@example.net"],
    ["message", null],
    ["author", "alice@example.com"],
    ["quota", null],
  ]);
  assertEquals(body.steps[0].rules.map(({ rule, reason }: Record<string, unknown>) => [rule, reason]), [
    ["authentication", "accepted"],
    ["size", "accepted"],
    ["standing", "accepted"],
    ["relays", "accepted"],
    ["brake", "accepted"],
    ["domain-ownership", "accepted"],
    ["sender-domain", "accepted"],
  ]);
});

Deno.test("dry run: it changes nothing", async () => {
  await using api = await withAlice();
  await evaluate(api, { size: 50 * MB });
  await evaluate(api, { recipients: Array.from({ length: 1000 }, (_, n) => `r${n}@example.net`) });
  assertEquals(await api.used("alice"), 0);
  assertEquals((await api.request("GET", "/v1/policy/decisions")).body, { items: [], next: null, total: 0 });
  assertEquals((await api.request("GET", "/v1/policy")).body.version, 0);
});

Deno.test("dry run: a refusal comes with its reason, its data and the reply that the client would get", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  assertEquals((await evaluate(api)).body.outcome, {
    ...{ stage: "mail", subject: "alice@example.com", reason: "no-block", data: {} },
    reply: { code: 550, status: "5.7.1", text: "No relay blocks on this account" },
  });
  await api.request("POST", "/v1/accounts/alice/blocks", { quantity: 1 });
  const pending = (await evaluate(api)).body.outcome;
  assertEquals([pending.reason, pending.data], ["block-pending", { activatesAt: "2026-11-23T12:15:00Z" }]);
  assertStringIncludes(pending.reply.text, "service activates at 2026-11-23T12:15:00Z (in 15 minutes)");
  // What it will be is known: a block has its moment.
  assertEquals((await evaluate(api, { at: "2026-11-23T12:15:00Z" })).body.outcome, null);
});

Deno.test("dry run: recipients are judged one by one, and those that are accepted count for the next", async () => {
  await using api = await withAlice();
  api.domains.set("nowhere.example", MISSING);
  await api.request("PATCH", "/v1/policy/parameters", { maxRecipients: 2 });
  const recipients = ["a@nowhere.example", "b@example.net", "c@example.net", "d@example.net"];
  const { body } = await evaluate(api, { recipients });
  const judged = body.steps.filter(({ stage }: { stage: string }) => stage === "recipient");
  assertEquals(
    judged.map(({ reason, reply }: { reason: string; reply: { code: number } | null }) => [
      reason,
      reply?.code ?? null,
    ]),
    [["recipient-domain-missing", 550], ["accepted", null], ["accepted", null], ["too-many-recipients", 452]],
  );
  // The message goes to those that are left, and costs what they do.
  assertEquals([body.accepted, body.price, body.outcome], [["b@example.net", "c@example.net"], 2, null]);
  const none = (await evaluate(api, { recipients: ["a@nowhere.example"] })).body;
  assertEquals([none.accepted, none.outcome.reason, none.outcome.subject], [
    [],
    "recipient-domain-missing",
    "a@nowhere.example",
  ]);
});

Deno.test("dry run: the quota is that of the day in question", async () => {
  await using api = await withAlice();
  const item = { id: "1", username: "alice", relays: 149, ndr: false };
  await api.nodeCall("reservations", { items: [item] });
  const refused = (await evaluate(api, { size: 10 * MB })).body.outcome;
  assertEquals([refused.stage, refused.reason], ["mail", "quota-exceeded"]);
  assertEquals(refused.data, {
    ...{ used: 149, limit: 150, need: 2, resetsAt: "2026-11-24T00:00:00Z", pendingActivatesAt: null },
  });
  assertEquals((await evaluate(api, { size: 10 * MB, at: "2026-11-24T00:00:00Z" })).body.outcome, null);
  assertEquals((await evaluate(api, { size: 10 * MB, at: "2026-11-24T01:00:00+01:00" })).body.outcome, null);
});

Deno.test("dry run: domains are looked up, and belong to whom they belong to", async () => {
  await using api = await withAlice();
  await api.account("bo");
  api.domains.set("typo.example", MISSING);
  assertEquals((await evaluate(api, { sender: "alice@typo.example" })).body.outcome.reason, "sender-domain-missing");

  await api.request("POST", "/v1/accounts/bo/domains", { domain: "bo.example" });
  const { record } = (await api.request("GET", "/v1/accounts/bo/domains/bo.example")).body;
  api.txt.set(record.name, { kind: "found", records: [record.value] });
  await api.request("POST", "/v1/accounts/bo/domains/bo.example/verify");
  const { reason, reply } = (await evaluate(api, { sender: "alice@mail.BO.example" })).body.outcome;
  assertEquals([reason, reply.code], ["domain-of-another-account", 550]);
  assertStringIncludes(reply.text, "mail.bo.example");
});

Deno.test("dry run: the null reverse path has no domain to look up", async () => {
  await using api = await withAlice();
  const { body } = await evaluate(api, { sender: "" });
  assertEquals(body.outcome, null);
  assertEquals(body.steps.map(({ stage }: { stage: string }) => stage), ["mail", "recipient", "message", "quota"]);
});

Deno.test("dry run: an account that is suspended", async () => {
  await using api = await withAlice();
  await api.request("PATCH", "/v1/accounts/alice", { status: "suspended" });
  assertEquals((await evaluate(api)).body.outcome.reason, "account-suspended");
});

Deno.test("dry run: the brake holds an account back that is far beyond its habit, until it is released", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  await api.blocks("alice", 10);
  const used = (day: string, relays: number) => ({ id: day, username: "alice", day, relays, ndr: false });
  const habit = ["2026-11-18", "2026-11-19", "2026-11-20"].map((day) => used(day, 100));
  await api.nodeCall("settlements", { items: [...habit, used("2026-11-23", 300)] });
  const { reason, data, reply } = (await evaluate(api)).body.outcome;
  assertEquals([reason, reply.code], ["braked", 451]);
  assertEquals(data, { measure: "relays", used: 301, limit: 300, resetsAt: "2026-11-24T00:00:00Z" });
  await api.request("POST", "/v1/accounts/alice/brake/release", { hours: 1 });
  assertEquals((await evaluate(api)).body.outcome, null);
});

Deno.test("dry run: somebody else's module answers for itself, by its own rules", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  await load(api, policyModule({ before: onTrigger(refusing(Reason.Braked)) }));
  const { body } = await evaluate(api);
  assertEquals([body.module.own, body.outcome, body.price], [false, null, 1]);
  assertEquals(body.steps[0].rules.map(({ rule }: { rule: string }) => rule), ["authentication", "domain-ownership"]);
});

Deno.test("dry run: a module that fails is answered with 500, and the live one goes on", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  await load(api, policyModule({ before: onTrigger(FAULTS.loop) }));
  const { status, body } = await evaluate(api, { size: TRIGGER_BYTES });
  assertEquals([status, body.type], [500, "/problems/policy-fault"]);
  assertStringIncludes(body.detail, "no answer within 100 ms");
  assertEquals((await api.request("GET", "/v1/policy")).body.active.own, false);
  assertEquals((await evaluate(api)).status, 200);
});

Deno.test("dry run: a module whose rules do not come to an end is answered with 500", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  await load(api, policyModule({ rules: { ...GOOD.rules, [Stage.Recipient]: Array(101).fill(Rule.LineEndings) } }));
  const { status, body } = await evaluate(api);
  assertEquals([status, body.detail], [500, "nonsense: over 100 rules"]);
});

Deno.test("dry run: what cannot be asked is refused, each field with what was expected", async () => {
  await using api = await withAlice();
  assertEquals((await evaluate(api, { account: "nobody" })).status, 404);
  for (
    const [changes, field] of [
      [{ sender: "alice" }, "sender"],
      [{ sender: "<alice@example.com>" }, "sender"],
      [{ sender: "alice@example.com> SIZE=1" }, "sender"],
      [{ recipients: [] }, "recipients"],
      [{ recipients: ["bob@example.net", "bob@"] }, "recipients.1"],
      [{ recipients: Array(1001).fill("bob@example.net") }, "recipients"],
      [{ size: -1 }, "size"],
      [{ size: 1.5 }, "size"],
      [{ size: 2 ** 53 }, "size"],
      [{ at: "noon" }, "at"],
      [{ at: "2026-11-22T23:59:59Z" }, "at"],
      [{ at: "9999-12-31T23:59:59Z" }, "at"],
      [{ dry: true }, "dry"],
    ] as const
  ) {
    const { status, body } = await evaluate(api, changes);
    assertEquals([status, body.errors?.[0].field], [400, field], JSON.stringify(changes).slice(0, 80));
  }
});
