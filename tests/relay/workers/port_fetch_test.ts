import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { Fetch } from "../../../api/client.ts";
import { fetchOver, serveFetch } from "../../../relay/workers/port_fetch.ts";

/** Calls over a port, answered by `fetch`. */
function over(fetch: Fetch): { fetch: Fetch } & Disposable {
  const { port1, port2 } = new MessageChannel();
  serveFetch(port2, fetch);
  return {
    fetch: fetchOver(port1),
    [Symbol.dispose]() {
      port1.close();
      port2.close();
    },
  };
}

Deno.test("fetch over a port: method, URL, headers and text arrive, and so does the answer", async () => {
  using link = over(async (input, init) => {
    const request = new Request(input, init);
    const said = [request.method, request.url, request.headers.get("authorization"), await request.text()];
    return Response.json(said, { status: 201, headers: { "x-answer": "yes" } });
  });
  const response = await link.fetch("http://a.test/v1?b=c", {
    method: "POST",
    headers: { authorization: "Bearer t" },
    body: "grüße",
  });
  assertEquals([response.status, response.ok, response.headers.get("x-answer")], [201, true, "yes"]);
  assertEquals(await response.json(), ["POST", "http://a.test/v1?b=c", "Bearer t", "grüße"]);
});

Deno.test("fetch over a port: answers find their calls, in whatever order they come", async () => {
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  using link = over(async (input) => {
    const at = Number(new URL(`${input}`).pathname.slice(1));
    await gates[at]!.promise;
    return new Response(`${at}`);
  });
  const calls = [0, 1].map(async (at) => (await link.fetch(`http://a.test/${at}`)).text());
  gates[1]!.resolve();
  assertEquals(await calls[1], "1");
  gates[0]!.resolve();
  assertEquals(await calls[0], "0");
});

Deno.test("fetch over a port: an answer without a body has none", async () => {
  using link = over(() => new Response(null, { status: 204 }));
  const response = await link.fetch("http://a.test/");
  assertEquals([response.status, response.body], [204, null]);
});

Deno.test("fetch over a port: what is thrown there is a TypeError here, as with fetch", async () => {
  using link = over(() => Promise.reject(new RangeError("no such thing")));
  await assertRejects(async () => await link.fetch("http://a.test/"), TypeError, "RangeError: no such thing");
});

Deno.test("fetch over a port: a body that is no text is refused", () => {
  using link = over(() => new Response());
  assertThrows(() => link.fetch("http://a.test/", { method: "POST", body: new Uint8Array(1) }), TypeError);
});
