import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { chunkToJson, encodeChunk, moduleHash, ownModule } from "../../../policy/mod.ts";
import { type Api, type Ran, runOn, startApi } from "./harness.ts";
import { decisionMaker } from "../../support/decisions.ts";
import { FAULTS, policyModule } from "../../support/policy_modules.ts";

const OWN = ownModule().hash;
const GOOD = policyModule();
const HASH = moduleHash(GOOD);
const LOOPING = policyModule({ before: FAULTS.loop });
/** The files of whoever runs the tool. */
const files = { "new.wasm": GOOD, "loop.wasm": LOOPING, "own.wasm": ownModule().octets, "text.txt": "policy" };

const run = (api: Api, line: string, circumstances = {}): Promise<Ran> =>
  runOn(api, line, { files, columns: 140, ...circumstances });

/** What the node "mx1" says of itself whenever it asks. */
const report = async (api: Api, version: number, module: string) => {
  const faults = { shadow: null, faults: [], compared: null, dropped: 0 };
  await api.node.v1.node.policy.$post({ json: { node: "mx1", version, module, ...faults } });
};

/** 200 connections: the n-th is the (n mod 100)th from its address, of which 50 are let in. */
async function recordConnections(api: Api): Promise<void> {
  const decide = decisionMaker();
  const decisions = Array.from(
    { length: 200 },
    (_, n) => decide("connection", { open: n + 1, fromAddress: (n % 100) + 1 }, { at: api.clock.now - 1000 + n }),
  );
  const chunk = { id: "chunk 1", ...chunkToJson(encodeChunk(decisions)) };
  await api.node.v1.node.decisions.$post({ json: { node: "mx1", chunks: [chunk] } });
}

Deno.test("policy show: the module, since when, what is set, and which nodes decide by it", async () => {
  await using api = await startApi();
  assertStringIncludes((await run(api, "policy show")).out, "No node has asked for the policy");
  await report(api, 0, OWN);
  await run(api, "policy set maxRecipients=50");
  const { code, out } = await run(api, "policy show");
  assertEquals([code, out], [
    0,
    [
      `Active     own (${OWN})`,
      "Since      the first start",
      `Last good  own (${OWN})`,
      "Set        maxRecipients 50",
      "Version    1",
      "",
      "NODE  MODULE        STATE    SEEN      DROPPED",
      `mx1   ${OWN.slice(0, 12)}  not yet  just now        0`,
    ].join("\n"),
  ]);
});

Deno.test("policy load: says that the check was passed, and waits until the nodes have taken it over", async () => {
  await using api = await startApi();
  await report(api, 0, OWN);
  let waits = 0;
  const pause = async () => {
    if (++waits === 2) await report(api, 1, HASH);
  };
  const { code, out } = await run(api, "policy load new.wasm", { pause });
  assertEquals([code, waits], [0, 2]);
  assertStringIncludes(out, `The module keeps the ABI and passes the self-test.\n\nActive     ${HASH}\n`);
  assertStringIncludes(out, `mx1   ${HASH.slice(0, 12)}  up to date`);
});

Deno.test("policy load: does not wait for ever for a node that does not answer", async () => {
  await using api = await startApi();
  await report(api, 0, OWN);
  let waits = 0;
  const { code, out } = await run(api, "policy load new.wasm", { pause: () => Promise.resolve(void waits++) });
  assertEquals([code, waits], [0, 20]);
  assertStringIncludes(out, "not yet");
});

Deno.test("policy load: a module that may not decide is refused with all that is wrong", async () => {
  await using api = await startApi();
  for (const [file, says] of [["loop.wasm", "no answer within 100 ms"], ["text.txt", "It is no WebAssembly module"]]) {
    const { code, err } = await run(api, `policy load ${file}`);
    assertEquals(code, 1);
    assertMatch(err, /^The module may not decide\n/);
    assertStringIncludes(err, says!);
  }
  assertEquals((await run(api, "policy load none.wasm")).code, 2);
  assertEquals((await run(api, "policy load none.wasm")).err, "none.wasm does not exist");
});

Deno.test("policy load --shadow, activate, rollback, shadow stop: each is in the history", async () => {
  await using api = await startApi();
  assertStringIncludes(
    (await run(api, "policy load new.wasm --shadow")).out,
    `Shadow     ${HASH}\nCompared   0 decisions`,
  );
  assertStringIncludes((await run(api, `policy activate ${HASH}`)).out, `Active     ${HASH}`);
  assertStringIncludes((await run(api, "policy rollback")).out, `Active     own (${OWN})`);
  assertEquals((await run(api, "policy shadow stop")).out, "No module runs beside the active one.");
  const short = HASH.slice(0, 12);
  assertEquals((await run(api, "policy history")).out.split("\n").map((line) => line.trim()), [
    "VERSION  AT                    WHO       WHAT       ACTIVE        SHADOW        DETAIL",
    "4  2026-11-23T12:00:00Z  operator  shadow     own",
    "3  2026-11-23T12:00:00Z  operator  roll back  own",
    `2  2026-11-23T12:00:00Z  operator  activate   ${short}`,
    `1  2026-11-23T12:00:00Z  operator  shadow     own           ${short}`,
  ]);
  await using fresh = await startApi();
  const nothing = await run(fresh, "policy rollback");
  assertEquals(nothing.code, 1);
  assertStringIncludes(nothing.err, "There is no module to go back to");
  const unknown = await run(api, `policy activate ${"0".repeat(64)}`);
  assertEquals(unknown.code, 1);
  assertStringIncludes(unknown.err, "mailhop policy history");
});

Deno.test("policy set, unset: shows what holds now; a mistake is said with what was meant", async () => {
  await using api = await startApi();
  assertEquals(
    (await run(api, "policy set maxRecipients=50 brakeFloorRelays=300")).out,
    [
      "NAME              VALUE  SETTINGS  MEANING",
      "maxRecipients        50       100  recipients: of one message",
      "brakeFloorRelays    300       150  relays: of a day that are never too many",
    ].join("\n"),
  );
  assertStringIncludes((await run(api, "policy unset maxRecipients")).out, "maxRecipients    100       100");
  const { code, err } = await run(api, "policy set recipients=3");
  assertEquals(code, 1);
  assertStringIncludes(err, "there is no parameter recipients: did you mean maxRecipients?");
  assertStringIncludes((await run(api, "policy set maxRecipients=0")).err, "expected a whole number from 1 to 1000");
  for (const line of ["policy set", "policy set maxRecipients", "policy set maxRecipients=many", "policy unset"]) {
    assertEquals((await run(api, line)).code, 2, line);
  }
  assertEquals((await run(api, "policy parameters")).out.split("\n").length, 19);
});

Deno.test("policy explain: the outcome, the price, and each rule's say", async () => {
  await using api = await startApi();
  await run(api, "account create alice --generate");
  await run(api, "block buy alice");
  const line = "policy explain alice alice@example.com bob@example.net --size 10MB";
  const { code, out } = await run(api, line);
  assertEquals([code, out], [
    0,
    [
      "Outcome  451 4.7.1 Temporary local error: service activates at 2026-11-23T12:15:00Z (in 15 minutes)",
      "Price    2 relays",
      "At       2026-11-23T12:00:00Z",
      `Module   own (${OWN})`,
      "",
      "STAGE  ABOUT              RULE              VERDICT",
      "mail   alice@example.com  authentication    accepted",
      "                          size              accepted",
      "                          standing          accepted",
      "                          relays            block-pending, activatesAt 2026-11-23T12:15:00Z",
      "                          brake             accepted",
      "                          domain-ownership  accepted",
      "                          sender-domain     accepted",
    ].join("\n"),
  ]);
  const later = (await run(api, `${line} --at 2026-11-23T12:15:00Z`)).out;
  assertStringIncludes(later, "Outcome     accepted\nPrice       2 relays\nRecipients  1 of 1 accepted\n");
  assertEquals(JSON.parse((await run(api, `${line} --json`)).out).price, 2);
  assertStringIncludes((await run(api, "policy explain alice <> bob@example.net")).out, "mail");
});

Deno.test("policy explain: what cannot be asked is refused", async () => {
  await using api = await startApi();
  assertStringIncludes((await run(api, "policy explain nobody <> bob@example.net")).err, "mailhop account list");
  assertStringIncludes(
    (await run(api, "policy explain alice alice bob@example.net")).err,
    "sender: expected an address",
  );
  for (const line of ["policy explain alice <>", "policy explain alice <> bob@example.net --size much"]) {
    assertEquals((await run(api, line)).code, 2, line);
  }
});

Deno.test("policy replay: with the active module nothing would change", async () => {
  await using api = await startApi();
  await recordConnections(api);
  const { code, out, statuses } = await run(api, "policy replay --since 1h");
  assertEquals([code, out], [0, "200 decisions decided again in 0.0 s; none would change."]);
  assertEquals(statuses, ["[████████████████████] 200 of 200 decisions", ""]);
});

Deno.test("policy replay: with a parameter changed, exactly what that parameter decides would change", async () => {
  await using api = await startApi();
  await recordConnections(api);
  const line = "policy replay --since 1h --set maxConnectionsPerAddress=60";
  assertEquals(
    (await run(api, line)).out,
    [
      "STAGE       WAS                                WOULD BE                                              COUNT  EXAMPLE",
      "connection  too-many-connections-from-address  too-many-connections-from-address with other figures     80  2026-11-23T11:59:59Z",
      "connection  too-many-connections-from-address  accepted                                                 20  2026-11-23T11:59:59Z",
      "",
      "200 decisions decided again in 0.0 s; 100 would change.",
    ].join("\n"),
  );
  const { differences, ...totals } = JSON.parse((await run(api, `${line} --json`)).out);
  assertEquals(totals, { decisions: 200, changed: 100, ms: 0 });
  assertEquals(differences[1], {
    ...{ stage: "connection", was: "too-many-connections-from-address", would: "accepted", count: 20 },
    example: { at: "2026-11-23T11:59:59Z", account: null },
  });
});

Deno.test("policy replay: with another module, from its file; and with what the API has", async () => {
  await using api = await startApi();
  await recordConnections(api);
  const changed = async (line: string) => JSON.parse((await run(api, `policy replay ${line} --json`)).out).changed;
  assertEquals(await changed("--since 1h --module new.wasm"), 100);
  assertEquals(await changed("--since 1h --module own.wasm"), 0);
  await run(api, "policy load new.wasm");
  assertEquals(await changed("--since 1h"), 100);
  // Of the 200, those of the last 950 ms.
  assertEquals(await changed("--since 2026-11-23T11:59:59.050Z"), 100);
  assertEquals(await changed("--since 2026-11-23T11:59:59.050Z --until 2026-11-23T11:59:59.060Z"), 10);
});

Deno.test("policy replay: a module that may not decide, or fails on what was recorded, is refused", async () => {
  await using api = await startApi();
  await recordConnections(api);
  const { code, err } = await run(api, "policy replay --since 1h --module loop.wasm");
  assertEquals(code, 1);
  assertStringIncludes(err, "no answer within 100 ms");
  // The self-test knows connections that are the first, and ones beyond any number.
  const trapping = policyModule({
    before: `(if (f64.eq (f64.load offset=272 (global.get $base)) (f64.const 7)) (then ${FAULTS.trap}))`,
  });
  const failed = await run(api, "policy replay --since 1h --module trap.wasm", { files: { "trap.wasm": trapping } });
  assertEquals(failed.code, 1);
  assertStringIncludes(failed.err, "It fails on what was recorded: trap: unreachable.");
  // The progress is taken away before the refusal is shown.
  assertEquals(failed.statuses.at(-1), "");
});

Deno.test("policy replay: wrong use is said before anything is fetched", async () => {
  await using api = await startApi();
  for (
    const [line, says] of [
      ["policy replay", "--since"],
      ["policy replay --since soon", "Expected an age"],
      ["policy replay --since 1h --set colour=1", "There is no parameter colour"],
      ["policy replay --since 1h --set maxRecipients=0", "expected a whole number from 1 to 1000"],
      ["policy replay --since 1h --module none.wasm", "none.wasm does not exist"],
    ] as const
  ) {
    const { code, err } = await run(api, line);
    assertEquals(code, 2, line);
    assertStringIncludes(err, says);
  }
});

Deno.test("notice list: what nodes reported", async () => {
  await using api = await startApi();
  assertEquals((await run(api, "notice list")).out, "No notices.");
  await run(api, "policy load new.wasm --shadow");
  const faults = [{ module: HASH, shadow: true, detail: "trap: unreachable" }];
  await api.node.v1.node.policy.$post({
    json: { node: "mx1", version: 1, module: OWN, shadow: null, faults, compared: null, dropped: 0 },
  });
  const { out } = await run(api, "notice list");
  assertMatch(out, /^2026-11-23T12:00:00Z {2}policy-fault\n {2}A policy module failed\./);
  assertStringIncludes(out.replaceAll(/\s+/g, " "), `Module ${HASH} failed at mx1: trap: unreachable.`);
  await run(api, "account create alice --generate");
  assertEquals((await run(api, "notice list --account alice")).out, "No notices.");
});

Deno.test("account ndr, account release, quota: what an account chose is shown", async () => {
  await using api = await startApi();
  await run(api, "account create alice --generate");
  assertStringIncludes(
    (await run(api, "account ndr alice limit --share 10")).out,
    "Reports  limited to 10 % of the day",
  );
  assertStringIncludes((await run(api, "quota alice")).out, "Reports    0 of them for non-delivery reports, at most 0");
  assertStringIncludes((await run(api, "account ndr alice limit")).out, "the service's share of the day");
  assertStringIncludes((await run(api, "account ndr alice refuse")).out, "Reports  refused");
  assertEquals((await run(api, "account ndr alice count")).out.includes("Reports"), false);
  assertStringIncludes(
    (await run(api, "account release alice --hours 3")).out,
    "Brake    released until 2026-11-23T15:00:00Z",
  );
  for (const line of ["account ndr alice refuse --share 10", "account ndr alice sometimes", "account ndr alice"]) {
    assertEquals((await run(api, line)).code, 2, line);
  }
  assertEquals((await run(api, "account release nobody")).code, 1);
});
