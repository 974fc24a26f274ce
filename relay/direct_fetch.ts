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
const DEFAULT_PORT: Readonly<Record<string, number>> = { "http:": 80, "https:": 443 };

/** @param url an origin, such as https://api.example.net */
export function openOrigin(url: string): Origin {
  const { protocol, hostname, port } = new URL(url);
  const client = Deno.createHttpClient({
    http2: false,
    poolIdleTimeout: IDLE_MS,
    poolMaxIdlePerHost: MAX_IDLE,
    // Where to connect to: without it Deno would ask HTTP_PROXY, HTTPS_PROXY and ALL_PROXY.
    proxy: {
      transport: "tcp",
      hostname: hostname.replace(/^\[(.*)\]$/, "$1"),
      port: port === "" ? DEFAULT_PORT[protocol]! : Number(port),
    },
  });
  return {
    url,
    fetch: (path, init) => fetch(`${url}${path}`, { ...init, client, redirect: "manual", cache: "no-store" }),
    [Symbol.dispose]: () => client.close(),
  };
}
