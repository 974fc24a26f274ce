/** Policies from a real HTTPS server that behaves well, and badly. */
import { assertEquals, assertMatch } from "@std/assert";
import { createResolver } from "../../../relay/dns/resolver.ts";
import { fetchPolicy, type PolicyFetch } from "../../../relay/mta_sts/policy_fetch.ts";
import { issue, makeRoot, serverPair } from "../../support/certificates.ts";
import { startDnsServer } from "../../support/dns_server.ts";

const POLICY = "version: STSv1\r\nmode: enforce\r\nmx: mx.example.com\r\nmax_age: 604800\r\n";
const HEADERS = { "content-type": "text/plain; charset=utf-8" };
const root = await makeRoot();
const pair = await serverPair(await issue(root, { names: ["localhost"] }));

/** Asks a server that answers so, under the name of the policy's host. @returns the answer, and the paths asked for. */
async function ask(
  answer: (request: Request) => Response | Promise<Response>,
  changes: Partial<PolicyFetch> = {},
  authority = root,
) {
  const asked: string[] = [];
  const options = { ...pair, hostname: "127.0.0.1", port: 0, onListen: () => {} };
  await using server = Deno.serve(options, (request) => {
    asked.push(new URL(request.url).pathname);
    return answer(request);
  });
  await using dns = startDnsServer({ "mta-sts.example.com": { A: ["127.0.0.1"] } });
  await using resolver = createResolver([dns], { attemptTimeoutMs: 1000, totalTimeoutMs: 1000 });
  using client = Deno.createHttpClient({ caCerts: [authority.pem] });
  const policy = await fetchPolicy("example.com", {
    // The system's resolver knows no name of the tests.
    fetch: (url, init) =>
      fetch(url.replace("//mta-sts.example.com/", `//localhost:${server.addr.port}/`), { ...init, client }),
    resolver,
    allowPrivate: true,
    timeoutMs: 10_000,
    ...changes,
  });
  return { policy, asked };
}

Deno.test("MTA-STS fetch: the policy from its well-known place", async () => {
  assertEquals(await ask(() => new Response(POLICY, { headers: HEADERS })), {
    policy: { mode: "enforce", maxAgeSeconds: 604_800, mx: ["mx.example.com"] },
    asked: ["/.well-known/mta-sts.txt"],
  });
});

Deno.test("MTA-STS fetch: a redirect is not followed", async () => {
  const { policy, asked } = await ask(() =>
    new Response(null, { status: 302, headers: { location: "/elsewhere", ...HEADERS } })
  );
  assertEquals([policy, asked.length], ["was answered with HTTP status 302", 1]);
});

Deno.test("MTA-STS fetch: nothing but 200 and text/plain will do", async () => {
  assertEquals(
    (await ask(() => new Response(POLICY, { status: 404, headers: HEADERS }))).policy,
    "was answered with HTTP status 404",
  );
  assertEquals(
    (await ask(() => new Response(POLICY, { headers: { "content-type": "text/html" } }))).policy,
    "is not text/plain",
  );
  assertEquals(
    (await ask(() => new Response("hello", { headers: HEADERS }))).policy,
    "cannot be used: it is not of version STSv1",
  );
});

Deno.test("MTA-STS fetch: 64 KiB at the most, of a policy that never ends, too", async () => {
  const full = POLICY + `x: ${"y".repeat(64 * 1024 - POLICY.length - 3)}`;
  assertEquals(typeof (await ask(() => new Response(full, { headers: HEADERS }))).policy, "object");
  assertEquals((await ask(() => new Response(`${full}z`, { headers: HEADERS }))).policy, "has more than 65536 octets");
  const endless = () =>
    new ReadableStream({ pull: (controller) => controller.enqueue(new TextEncoder().encode("x: y\r\n")) });
  assertEquals((await ask(() => new Response(endless(), { headers: HEADERS }))).policy, "has more than 65536 octets");
});

Deno.test("MTA-STS fetch: a server that never answers is left", async () => {
  const silent = async ({ signal }: Request) => {
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    return new Response(null);
  };
  const { policy } = await ask(silent, { timeoutMs: 200 });
  assertEquals(policy, "could not be fetched (The operation was aborted due to timeout)");
});

Deno.test("MTA-STS fetch: the time that its host's look-up takes is part of its own", async () => {
  const slow = {
    a: async () => {
      await new Promise((resolve) => setTimeout(resolve, 300));
      return { kind: "found", records: ["127.0.0.1"] } as const;
    },
    aaaa: () => Promise.resolve({ kind: "no-data" } as const),
  };
  const answer = () => new Response(POLICY, { headers: HEADERS });
  assertEquals(await ask(answer, { resolver: slow, timeoutMs: 200 }), {
    policy: "could not be fetched (The operation was aborted due to timeout)",
    asked: [],
  });
});

Deno.test("MTA-STS fetch: a certificate that cannot be verified is trouble", async () => {
  const { policy, asked } = await ask(() => new Response(POLICY, { headers: HEADERS }), {}, await makeRoot());
  assertMatch(String(policy), /^could not be fetched \(.*certificate/i);
  assertEquals(asked, []);
});

Deno.test("MTA-STS fetch: a host with a private address, or none, is not asked", async () => {
  const answer = () => new Response(POLICY, { headers: HEADERS });
  assertEquals(await ask(answer, { allowPrivate: false }), {
    policy: "could not be fetched (mta-sts.example.com has the address 127.0.0.1)",
    asked: [],
  });
  const none = {
    a: () => Promise.resolve({ kind: "no-data" } as const),
    aaaa: () => Promise.resolve({ kind: "no-data" } as const),
  };
  assertEquals(
    (await ask(answer, { resolver: none })).policy,
    "could not be fetched (mta-sts.example.com has no address that could be looked up)",
  );
});
