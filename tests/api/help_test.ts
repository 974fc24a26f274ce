import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Reason, refusalOf, type Verdict } from "../../policy/mod.ts";
import { replies } from "../../relay/protocol/replies.ts";
import { attributes, texts } from "../support/html.ts";
import { startControlPlane, type TestControlPlane } from "./control_plane.ts";

const get = async ({ app }: TestControlPlane, path: string) => {
  const response = await app.request(path);
  return { status: response.status, headers: response.headers, text: await response.text() };
};

/** The addresses of all help pages: what can be reached from the index. */
const pagesOf = async (api: TestControlPlane): Promise<string[]> => {
  const index = await get(api, "/help");
  const links = attributes(index.text, "href").filter((href) => /^\/help\/[a-z-]+$/.test(href));
  assert(links.length >= 25, `${links}`);
  return ["/help", ...links];
};

Deno.test("help: every page has a title and one heading, and is complete by itself", async (t) => {
  await using api = await startControlPlane();
  for (const path of await pagesOf(api)) {
    await t.step(path, async () => {
      const { status, headers, text } = await get(api, path);
      assertEquals([status, headers.get("content-type")], [200, "text/html; charset=UTF-8"]);
      const [title] = texts(text, "title"), headings = texts(text, "h1");
      assertEquals([headings.length, title], [1, `${headings[0]} – smtp.mailhop.test`]);
      assertEquals(text.match(/\{\{\w|\bundefined\b|\bNaN\b|\[object/), null);
      assertEquals(text.match(/<(script|style|img|iframe|object|embed|base)\b|\sstyle=|\son[a-z]+="/i), null);
      const ids = attributes(text, "id");
      assertEquals(ids.length, new Set(ids).size, `${ids}`);
    });
  }
});

Deno.test("help: every link and fragment leads somewhere, on this server", async () => {
  await using api = await startControlPlane();
  const links = new Set<string>();
  for (const path of await pagesOf(api)) {
    for (const href of attributes((await get(api, path)).text, "href")) {
      links.add(new URL(href, `http://x${path}`).href);
    }
  }
  for (const link of links) {
    const { host, pathname, search, hash } = new URL(link);
    assertEquals(host, "x", link);
    const { status, text } = await get(api, pathname + search);
    assertEquals(status, 200, link);
    if (hash !== "") assert(attributes(text, "id").includes(hash.slice(1)), link);
  }
});

Deno.test("help, docs: with a slash behind they are where they are without", async () => {
  await using api = await startControlPlane();
  for (const [path, there] of [["/help/?user=anna", "/help?user=anna"], ["/docs/", "/docs"]] as const) {
    const { status, headers } = await api.app.request(path);
    assertEquals([status, headers.get("location")], [301, there]);
  }
});

Deno.test("help: nothing runs, is loaded from elsewhere or is framed", async () => {
  await using api = await startControlPlane();
  for (const path of ["/help", "/help/errors", "/help/style.css"]) {
    const { headers, text } = await get(api, path);
    assertEquals(
      headers.get("content-security-policy"),
      "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    );
    assertEquals(headers.get("x-content-type-options"), "nosniff");
    assert(!text.includes("@import") && !text.includes("url("), path);
  }
});

Deno.test("help: the service's own name and ports stand in the examples", async () => {
  await using api = await startControlPlane();
  const index = await get(api, "/help");
  assertStringIncludes(index.text, "<td>port 587 (or 25, 2525)</td>");
  assertStringIncludes((await get(api, "/help/postfix")).text, "relayhost = [smtp.mailhop.test]:587\n");
  assertStringIncludes((await get(api, "/help/dns")).text, "include:smtp.mailhop.test");
});

Deno.test("help: the policy's figures are those of now", async () => {
  await using api = await startControlPlane();
  assertStringIncludes((await get(api, "/help/recipients")).text, "at most 100 recipients");
  await api.request("PATCH", "/v1/policy/parameters", { maxRecipients: 50, maxSizeBytes: 20 * 1_048_576 });
  assertStringIncludes((await get(api, "/help/recipients")).text, "at most 50 recipients");
  const sizes = texts((await get(api, "/help/relays")).text, "text");
  assertEquals(sizes, ["under 10 MB", "1 relay", "10 to under 20 MB", "2 relays", "exactly 20 MB", "3 relays"]);
});

Deno.test("help: a reader's username stands in the examples and goes along with the links", async () => {
  await using api = await startControlPlane();
  const { text } = await get(api, "/help/msmtp?user=anna.b_1");
  assertStringIncludes(text, "\nuser anna.b_1\n");
  for (const href of attributes((await get(api, "/help/quota?user=anna.b_1")).text, "href")) {
    assert(href === "/help/style.css" || new URL(href, "http://x").search === "?user=anna.b_1", href);
  }
});

Deno.test("help: what is no username is left out, whatever it is", async () => {
  await using api = await startControlPlane();
  for (const user of ["", "<script>alert(1)</script>", '"><b>', "Anna", "{{service}}", "a".repeat(65), "a\nb"]) {
    for (const path of ["/help", "/help/msmtp", "/help/nothing"]) {
      const { text } = await get(api, `${path}?user=${encodeURIComponent(user)}`);
      assertEquals(text, (await get(api, path)).text, user);
    }
  }
  assertMatch((await get(api, "/help/msmtp?user=a%5Fb&user=c")).text, /\nuser a_b\n/);
});

Deno.test("help: every refusal, by its code and words, is a heading of the page on error messages", async () => {
  await using api = await startControlPlane();
  const headings = texts((await get(api, "/help/errors")).text, "h3").flatMap((heading) => heading.split(/, (?=\d)/));
  const isExplained = (code: number, text: string) =>
    headings.some((heading) => {
      const words = heading.replaceAll(/\b\d{3}( or )?/g, "").trim().toLowerCase().split("…");
      return heading.includes(String(code)) && words.every((part) => text.toLowerCase().includes(part.trim()));
    });
  const reasons = Object.values(Reason).filter((reason) => typeof reason === "number");
  const refusals = reasons.map((reason) =>
    refusalOf(verdictOf(reason), { stage: "message", now: 0, domain: "a.test" })
  );
  assertEquals(
    refusals.filter((refusal) => refusal !== null && !isExplained(refusal.code, refusal.text)),
    [],
  );
  const { authNeedsTls, authUnavailable, spoolFailing, localTrouble, idle, tooSlow, shuttingDown } = replies;
  for (
    const { code, lines } of [authNeedsTls, authUnavailable, spoolFailing, localTrouble, idle, tooSlow, shuttingDown]
  ) {
    assert(isExplained(code, lines[0]!), lines[0]);
  }
});

/** Of this reason, with whatever data its words ask for. */
const verdictOf = (reason: Reason): Verdict => {
  const data = { reason, measure: "relays", record: "nothing", pendingActivatesAt: null };
  return new Proxy(data, { get: (known, name) => name in known ? Reflect.get(known, name) : 1 }) as unknown as Verdict;
};

Deno.test("help: no page sends a customer to buy what only the operator can sell", async () => {
  await using api = await startControlPlane();
  for (const path of await pagesOf(api)) {
    const { text } = await get(api, path);
    assertEquals(text.match(/\bbuy (a|another|one|more)\b/i), null, path);
  }
  assertStringIncludes((await get(api, "/help/quota")).text, "Ask the operator for another block");
});

Deno.test("help: a page that is not there says so, and leads back", async () => {
  await using api = await startControlPlane();
  const { status, text } = await get(api, "/help/nothing");
  assertEquals([status, texts(text, "h1")], [404, ["No such page"]]);
  assert(attributes(text, "href").includes("/help"));
});
