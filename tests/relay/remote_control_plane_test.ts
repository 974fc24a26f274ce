/** The control plane over HTTP: which address is asked, what is tried again, and what is not. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { openOrigin, type Origin, PROXY_VARIABLES } from "../../relay/direct_fetch.ts";
import { RemoteControlPlane, type RemoteControlPlaneOptions } from "../../relay/remote_control_plane.ts";
import { freePort } from "../support/free_port.ts";
import { eventually } from "../support/relay_process.ts";
import { UnreliableProxy } from "../support/unreliable_proxy.ts";

const HOST = "127.0.0.1";
/** Of the client's own making: paths count. */
const BASE = "http://control-plane.internal";
const RESERVE = `${BASE}/v1/node/reservations`, POLICY = `${BASE}/v1/node/policy`;
const POST = { method: "POST", body: "{}" };
const LOOK_BACK_MS = 50, TRY_MS = 300;

type Answer = (request: Request) => Response | Promise<Response>;

/** An address of the control plane, with what it was asked. */
function startApi(answer: Answer = () => new Response("here"), port = 0) {
  const asked: string[] = [];
  const server = Deno.serve({ hostname: HOST, port, onListen: () => {} }, async (request) => {
    asked.push(`${request.method} ${new URL(request.url).pathname} ${await request.text()}`.trim());
    return await answer(request);
  });
  return {
    url: `http://${HOST}:${server.addr.port}`,
    port: server.addr.port,
    asked,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

function remote(urls: readonly string[], options: Partial<RemoteControlPlaneOptions> = {}) {
  const uses: unknown[] = [];
  const plane = new RemoteControlPlane({
    origins: urls.map(openOrigin),
    monotonic: () => performance.now(),
    onNews: (_, { url }) => uses.push(url),
    onAnswer: () => {},
    lookBackMs: LOOK_BACK_MS,
    tryMs: TRY_MS,
    ...options,
  });
  const text = async (url: string, init: RequestInit = POST) => {
    const response = await plane.fetch(url, init);
    return `${response.status} ${await response.text()}`;
  };
  return { plane, text, uses, [Symbol.dispose]: () => plane[Symbol.dispose]() };
}

const nowhere = () => `http://${HOST}:${freePort()}`;

Deno.test("remote control plane: the preferred address is asked, with path, query, token and body as they are", async () => {
  const seen: unknown[] = [];
  await using first = startApi(({ url, headers }) => {
    seen.push([new URL(url).search, headers.get("authorization")]);
    return new Response("here");
  });
  await using second = startApi();
  using asked = remote([first.url, second.url]);
  assertEquals(await asked.text(RESERVE, { ...POST, headers: { authorization: "Bearer t" } }), "200 here");
  assertEquals(await asked.text(`${BASE}/v1/node/accounts/a%40b?x=1`, {}), "200 here");
  assertEquals(first.asked, ["POST /v1/node/reservations {}", "GET /v1/node/accounts/a%40b"]);
  assertEquals(seen, [["", "Bearer t"], ["?x=1", null]]);
  assertEquals([second.asked, asked.uses], [[], []]);
});

Deno.test("remote control plane: where nobody listens, and for 502, 503 and 504, the next address is asked, and kept", async () => {
  const unwell = [502, 503, 504].map((status) => startApi(() => new Response("", { status })));
  await using stack = new AsyncDisposableStack();
  for (const api of unwell) stack.use(api);
  await using last = startApi();
  using asked = remote([nowhere(), ...unwell.map(({ url }) => url), last.url], { lookBackMs: 60_000 });
  assertEquals(await asked.text(RESERVE), "200 here");
  assertEquals(await asked.text(RESERVE), "200 here");
  assertEquals(unwell.map(({ asked }) => asked.length), [1, 1, 1]);
  assertEquals([last.asked.length, asked.uses], [2, [last.url]]);
});

Deno.test("remote control plane: an address that says nothing is given up in time for the next one", async () => {
  await using api = startApi();
  await using behind = startApi();
  await using proxy = new UnreliableProxy(behind.port);
  proxy.stall();
  using asked = remote([`http://${HOST}:${proxy.port}`, api.url], { lookBackMs: 60_000 });
  const begun = performance.now();
  assertEquals(await asked.text(RESERVE), "200 here");
  const tookMs = performance.now() - begun;
  assert(tookMs >= TRY_MS && tookMs < 10 * TRY_MS, `${tookMs} ms`);
});

Deno.test("remote control plane: any other answer is the answer, redirects too", async () => {
  await using second = startApi();
  for (const status of [400, 401, 404, 500, 302]) {
    await using first = startApi(() => new Response("no", { status, headers: { location: second.url } }));
    using asked = remote([first.url, second.url]);
    assertEquals(await asked.text(RESERVE), `${status} no`);
  }
  assertEquals(second.asked, []);
});

Deno.test("remote control plane: what adds to counts is asked once; the next call goes elsewhere", async () => {
  const died: Answer = () => new Response("", { status: 503 });
  await using first = startApi(died);
  await using second = startApi();
  using asked = remote([first.url, second.url], { lookBackMs: 60_000 });
  assertEquals(await asked.text(POLICY), "503 ");
  assertEquals([first.asked.length, second.asked.length], [1, 0]);
  assertEquals(await asked.text(POLICY), "200 here");
  assertEquals([first.asked.length, second.asked.length], [1, 1]);
  using nobody = remote([nowhere()]);
  await assertRejects(() => nobody.text(POLICY), TypeError, "did not answer");
});

Deno.test("remote control plane: it goes back to the preferred address when that is ready", async () => {
  let ready = false;
  await using first = startApi(() => new Response("first", { status: ready ? 200 : 503 }));
  await using second = startApi(() => new Response("second"));
  using asked = remote([first.url, second.url]);
  assertEquals(await asked.text(RESERVE), "200 second");
  await eventually(
    () => first.asked.filter((call) => call === "GET /readyz").length > 1 ? true : undefined,
    "two looks",
  );
  assertEquals(asked.plane.origin, second.url);
  ready = true;
  await eventually(() => asked.plane.origin === first.url ? true : undefined, "the way back");
  assertEquals(await asked.text(RESERVE), "200 first");
  assertEquals(asked.uses, [second.url, first.url]);
});

Deno.test("remote control plane: nodes of the preferred address's own that let nobody in are no matter of others", async () => {
  let isBack = false;
  const ready = () =>
    Response.json({ checks: { database: "ok", listeners: "closed: all are drained" } }, { status: 503 });
  await using first = startApi(({ url }) =>
    isBack ? url.endsWith("/readyz") ? ready() : new Response("first") : new Response("", { status: 503 })
  );
  await using second = startApi(() => new Response("second"));
  using asked = remote([first.url, second.url]);
  assertEquals(await asked.text(RESERVE), "200 second");
  isBack = true;
  await eventually(() => asked.plane.origin === first.url ? true : undefined, "the way back");
  assertEquals(await asked.text(RESERVE), "200 first");
});

Deno.test("remote control plane: where all are unwell, what the last one said is the answer", async () => {
  await using api = startApi(() => new Response("database", { status: 503 }));
  using asked = remote([nowhere(), api.url]);
  assertEquals(await asked.text(RESERVE), "503 database");
});

Deno.test("remote control plane: a connection that is lost is tried again, also where there is one address", async () => {
  let calls = 0;
  const lossy: Origin = {
    url: "http://lossy",
    fetch: () =>
      ++calls === 1 ? Promise.reject(new TypeError("connection closed")) : Promise.resolve(new Response("here")),
    [Symbol.dispose]: () => {},
  };
  using asked = remote([], { origins: [lossy] });
  assertEquals([await asked.text(RESERVE), calls], ["200 here", 2]);
});

Deno.test("remote control plane: an answer without end is given up", async () => {
  const chunk = new Uint8Array(1024 * 1024);
  await using endless = startApi(() => new Response(new ReadableStream({ pull: (out) => out.enqueue(chunk) })));
  using asked = remote([endless.url], { tryMs: 10_000 });
  await assertRejects(
    () => asked.text(POLICY),
    TypeError,
    `the control plane did not answer at ${endless.url}: an answer has more than 33554432 octets`,
  );
});

Deno.test("direct fetch: no proxy of the environment is asked", async () => {
  await using api = startApi();
  const script = `import { openOrigin } from ${JSON.stringify(new URL("../../relay/direct_fetch.ts", import.meta.url))};
    using origin = openOrigin(${JSON.stringify(api.url)});
    console.log(await (await origin.fetch("/", {})).text(), Deno.env.get("HTTP_PROXY"));`;
  const proxy = nowhere();
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-config",
      "--allow-net",
      `--allow-env=${PROXY_VARIABLES.join()}`,
      `data:application/typescript,${encodeURIComponent(script)}`,
    ],
    env: Object.fromEntries(PROXY_VARIABLES.map((name) => [name, proxy])),
  }).output();
  assertEquals(new TextDecoder().decode(stdout), `here ${proxy}\n`, new TextDecoder().decode(stderr));
});
