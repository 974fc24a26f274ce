/** A relay whose control plane is away, hangs, or does not know it: the real processes, and what a client meets. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { issue, makeRoot, serverPair } from "../support/certificates.ts";
import { Dialogue, plainResponse } from "../support/dialogue.ts";
import { freePort } from "../support/free_port.ts";
import { edgeSettings, fixedPlace, readinessOf, startApi, startEdge, startWorld, urlOf } from "../support/machines.ts";
import { eventually, openAccount } from "../support/relay_process.ts";
import { UnreliableProxy } from "../support/unreliable_proxy.ts";
import { StartProcess } from "../support/start_process.ts";

/** A login that was checked so long ago is asked anew, where there is somebody to ask. */
const LOGIN_FRESH_MS = 5000;
/** Of a call, and some room on a busy machine. */
const FIRST_ANSWER_MS = 15_000;
/** A call that waits for an answer that does not come waits for longer. */
const DEADLINE_MS = 9_000;
const AWAY = "454 4.7.0 Accounts cannot be looked up now: try again in a minute";

async function hello(port: number): Promise<Dialogue> {
  const client = await Dialogue.connect(port);
  await client.reply();
  await client.play("C: EHLO client.test");
  await client.reply();
  return client;
}

/** What a login is answered with, and how long that took. */
async function login(port: number, username: string, password: string): Promise<{ reply: string; tookMs: number }> {
  using client = await hello(port);
  const begun = performance.now();
  await client.play(`C: AUTH PLAIN ${plainResponse(username, password)}`);
  const [reply = ""] = await client.reply();
  return { reply, tookMs: performance.now() - begun };
}

const envelope = (to: string) => `
  C: MAIL FROM:<anna@example.com>
  S: 250 …
  C: RCPT TO:<${to}@example.net>
  S: 250 …
`;
const message = (to: string, reply: string) => `
  ${envelope(to)}
  C: DATA
  S: 354 …
  C: From: anna@example.com
  C:
  C: text
  C: .
  S: ${reply}
`;

async function temporaryPlace() {
  const path = await Deno.makeTempDir({ prefix: "mailhop-away-" });
  return { settings: fixedPlace(path), [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

Deno.test("control plane stopped: who is remembered goes on, others get 454, the queue is delivered; later the history has it", async () => {
  await using world = await startWorld();
  await using place = await temporaryPlace();
  const started = await startApi(place.settings);
  const password = await openAccount(started, "anna");
  await openAccount(started, "bob");
  await using edge = await startEdge([urlOf(started)], world);
  const begun = Promise.withResolvers<void>(), away = Promise.withResolvers<void>();
  world.nextHop.script = async (input) => {
    if (input.startsWith("MAIL")) {
      begun.resolve();
      await away.promise;
    }
    return undefined;
  };
  {
    using client = await hello(edge.smtpPort);
    await client.play(`C: AUTH PLAIN ${plainResponse("anna", password)}\nS: 235 …\n${message("before", "250 …")}`);
  }
  // Whether it is signed is asked of the control plane before.
  await begun.promise;
  assertEquals(await started.stop(), 0);
  away.resolve();
  await eventually(() => world.nextHop.received.length > 0 ? true : undefined, "the mail from before");
  await new Promise((resolve) => setTimeout(resolve, LOGIN_FRESH_MS));

  const remembered = await login(edge.smtpPort, "anna", password);
  assertEquals(remembered.reply, "235 2.7.0 Authenticated");
  assert(remembered.tookMs < DEADLINE_MS, `it waited for a deadline: ${remembered.tookMs} ms`);
  assertEquals((await login(edge.smtpPort, "anna", "wrong")).reply, AWAY);
  assertEquals((await login(edge.smtpPort, "bob", "password of bob")).reply, AWAY);
  using client = await hello(edge.smtpPort);
  await client.play(`C: AUTH PLAIN ${plainResponse("anna", password)}\nS: 235 …\n${envelope("meanwhile")}`);
  const { status, ...checks } = await eventually(async () => {
    const readiness = await readinessOf(edge);
    return readiness["control plane"] === "ok" ? undefined : readiness;
  }, "the relay to say that it is alone");
  assertEquals(status, "ready");
  assertMatch(checks["control plane"]!, /^away for \d+ s: clients that are remembered are served$/);

  await using api = await startApi(place.settings);
  const history = async () =>
    (await api.api<{ items: { status: string }[] }>("GET", "/messages?account=anna")).body.items
      .map(({ status }) => status);
  await eventually(async () => (await history()).join() === "delivered" ? true : undefined, "the history");
  assertEquals((await api.api<{ used: number }>("GET", "/accounts/anna/quota")).body.used, 1);
  assertEquals((await login(edge.smtpPort, "bob", "password of bob")).reply, "235 2.7.0 Authenticated");
  await client.play(`C: RSET\nS: 250 …\n${message("after", "250 …")}`);
});

Deno.test("control plane that hangs: one call waits for its deadline, then who is remembered is served at once", async () => {
  await using world = await startWorld();
  await using api = await startApi();
  const password = await openAccount(api, "anna");
  await using proxy = new UnreliableProxy(api.httpPort);
  await using edge = await startEdge([urlOf({ httpPort: proxy.port })], world);
  assertEquals((await login(edge.smtpPort, "anna", password)).reply, "235 2.7.0 Authenticated");
  proxy.stall();
  await eventually(
    () => edge.output().includes("the control plane is away") ? true : undefined,
    "the relay to notice",
    2 * FIRST_ANSWER_MS,
  );
  for (let time = 0; time < 5; time++) {
    const { reply, tookMs } = await login(edge.smtpPort, "anna", password);
    assertEquals(reply, "235 2.7.0 Authenticated");
    assert(tookMs < DEADLINE_MS, `it waited for a deadline: ${tookMs} ms`);
  }
  proxy.resume();
  await eventually(
    () => edge.output().includes("the control plane is back") ? true : undefined,
    "the way back",
    2 * FIRST_ANSWER_MS,
  );
  assertStringIncludes((await login(edge.smtpPort, "anna", "wrong")).reply, "535 5.7.8");
});

Deno.test("control plane that hangs, with a second address: within seconds everybody is served", async () => {
  await using world = await startWorld();
  await using api = await startApi();
  const password = await openAccount(api, "anna");
  await using proxy = new UnreliableProxy(api.httpPort);
  await using edge = await startEdge([urlOf({ httpPort: proxy.port }), urlOf(api)], world);
  assertEquals((await login(edge.smtpPort, "anna", "wrong")).reply.slice(0, 3), "535");
  proxy.stall();
  const { reply, tookMs } = await login(edge.smtpPort, "anna", password);
  assertEquals(reply, "235 2.7.0 Authenticated");
  assert(tookMs < FIRST_ANSWER_MS, `${tookMs} ms`);
  const { "control plane": reach } = await readinessOf(edge);
  assertEquals(reach, "ok");
});

Deno.test("a relay whose token is not known serves nobody, and says why; nobody is told that the password is wrong", async () => {
  await using world = await startWorld();
  await using api = await startApi();
  const password = await openAccount(api, "anna");
  await using place = await temporaryPlace();
  const httpPort = freePort();
  const settings: Record<string, string> = {
    ...edgeSettings([urlOf(api)], world),
    ...place.settings,
    MAILHOP_HOSTNAME: "edge.test",
    MAILHOP_RELAY_TOKEN: "not-the-token-of-the-tests",
    MAILHOP_HTTP_LISTEN: `127.0.0.1:${httpPort}`,
  };
  await using edge = StartProcess.spawn(settings);
  await edge.printed("MailHop Outbound has started as edge.test, a relay, and is not ready\n");
  const refused = "refuses the token in MAILHOP_RELAY_TOKEN (mailhop relay-token create makes another one)";
  assertStringIncludes(edge.output, `  Not ready           control plane: ${refused}\n`);
  assertEquals(await readinessOf({ httpPort }), {
    status: "not ready",
    nodes: "ok",
    listeners: "ok",
    spool: "ok",
    "control plane": refused,
    clock: "ok",
  });
  const smtpPort = Number(settings.MAILHOP_SMTP_LISTEN!.split(":")[1]);
  assertEquals((await login(smtpPort, "anna", password)).reply, AWAY);
  assertEquals(edge.errors.split(`the control plane ${refused}`).length - 1, 1, "said in the log, once");
  const { body } = await api.api<{ token: string }>("POST", "/relay-tokens", { label: "edge-1" });
  assertEquals(await edge.stop(), 0);

  await using own = StartProcess.spawn({ ...settings, MAILHOP_RELAY_TOKEN: body.token });
  await own.printed("is ready as edge.test, a relay");
  assertEquals((await readinessOf({ httpPort })).status, "ready");
  assertEquals((await login(smtpPort, "anna", password)).reply, "235 2.7.0 Authenticated");
});

/** What an operator puts before the control plane: a web server with a certificate for localhost. */
async function startFront(to: string) {
  const root = await makeRoot();
  const pair = await serverPair(await issue(root, { names: ["localhost"] }));
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, ...pair, onListen: () => {} },
    (request) => {
      const { pathname, search } = new URL(request.url);
      return fetch(`${to}${pathname}${search}`, request);
    },
  );
  return { url: `https://localhost:${server.addr.port}`, authority: root.pem, close: () => server.shutdown() };
}

Deno.test("control plane behind HTTPS: asked with an authority of one's own, and told nothing without", async () => {
  await using world = await startWorld();
  await using place = await temporaryPlace();
  await using api = await startApi();
  const password = await openAccount(api, "anna");
  const front = await startFront(urlOf(api));
  const authorityFile = `${place.settings.MAILHOP_DATA_DIR}/authority.pem`;
  await Deno.writeTextFile(authorityFile, front.authority);
  {
    await using edge = await startEdge([front.url], world, { DENO_CERT: authorityFile });
    assertEquals((await login(edge.smtpPort, "anna", password)).reply, "235 2.7.0 Authenticated");
  }
  await using stranger = StartProcess.spawn({ ...edgeSettings([front.url], world), ...place.settings });
  await stranger.printed(", a relay, and is not ready");
  const httpPort = Number(place.settings.MAILHOP_HTTP_LISTEN!.split(":")[1]);
  assertEquals((await readinessOf({ httpPort }))["control plane"], "not reached yet");
  assertEquals(await stranger.stop(), 0);
  await front.close();
});

Deno.test("a relay that is told what is the control plane's does not start, and shows no secret", async () => {
  await using world = await startWorld();
  await using place = await temporaryPlace();
  await using start = StartProcess.spawn({
    ...edgeSettings(["https://api.example.net"], world),
    ...place.settings,
    DATABASE_URL: "postgres://m:canary@db.example.net/d",
    MAILHOP_ADMIN_TOKEN: "canary",
  });
  assertEquals(await start.exitCode, 2);
  assertEquals(
    start.complaints.toSorted(),
    ["DATABASE_URL", "MAILHOP_ADMIN_TOKEN"].map((name) =>
      `${name} (value not shown): expected not to be set: the role relay has no use for it`
    ),
  );
});
