/**
 * What a process in role `relay` answers over HTTP: whether it is alive, and whether it can do its work. In the form of
 * the control plane's routes of these names.
 */

/** How something that must work stands. `words` are shown; "ok" where there is nothing to say. */
export interface Check {
  readonly ok: boolean;
  readonly words: string;
}

/** For Deno.serve. @param checks by name; asked for with each look. */
export function relayHealth(checks: () => Readonly<Record<string, Check>>): (request: Request) => Response {
  return ({ method, url }) => {
    if (method !== "GET" && method !== "HEAD") return new Response(null, { status: 405, headers: { allow: "GET" } });
    switch (new URL(url).pathname) {
      case "/healthz":
        return Response.json({ status: "ok" });
      case "/readyz":
        return readiness(checks());
      default:
        return Response.json({ title: "Not found: the control plane is elsewhere", status: 404 }, {
          status: 404,
          headers: { "content-type": "application/problem+json" },
        });
    }
  };
}

function readiness(checks: Readonly<Record<string, Check>>): Response {
  const ready = Object.values(checks).every(({ ok }) => ok);
  const words = Object.fromEntries(Object.entries(checks).map(([name, { words }]) => [name, words]));
  return Response.json({ status: ready ? "ready" : "not ready", checks: words }, { status: ready ? 200 : 503 });
}
