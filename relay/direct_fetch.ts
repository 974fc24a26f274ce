/**
 * `fetch` to one origin over connections that are kept open, straight to its host: no proxy of the environment comes
 * into it, no redirect is followed, and certificates are verified (authorities of one's own: Deno's `DENO_CERT`).
 *
 * HTTP/1.1 alone: a call that is given up ends its connection. Over HTTP/2 all calls share one, and one that hangs
 * would go on to be used.
 */

/** Sends a request for a path of the origin. Rejects as the global `fetch` does. */
export type OriginFetch = (path: string, init: RequestInit) => Promise<Response>;

export interface Origin extends Disposable {
  readonly url: string;
  readonly fetch: OriginFetch;
}

/** Shorter than proxies and servers keep an idle connection: nginx 75 s, HAProxy and load balancers of clouds 60 s. */
const IDLE_MS = 30_000;
/** Connections that are kept for the next calls: nodes join theirs, so there are few at the same time. */
const MAX_IDLE = 32;
/** Where Deno looks for a proxy when a client is made; there is no option against it. */
export const PROXY_VARIABLES = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"].flatMap((name) => [name, name.toLowerCase()]);

/** @param url an origin, such as https://api.example.net */
export function openOrigin(url: string): Origin {
  const client = withoutProxies(() =>
    Deno.createHttpClient({ http2: false, poolIdleTimeout: IDLE_MS, poolMaxIdlePerHost: MAX_IDLE })
  );
  return {
    url,
    fetch: (path, init) => fetch(`${url}${path}`, { ...init, client, redirect: "manual", cache: "no-store" }),
    [Symbol.dispose]: () => client.close(),
  };
}

/** Others of the process may want them. */
function withoutProxies<T>(make: () => T): T {
  const set = PROXY_VARIABLES.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  for (const [name] of set) Deno.env.delete(name);
  try {
    return make();
  } finally {
    for (const [name, value] of set) Deno.env.set(name, value);
  }
}
