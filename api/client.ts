/**
 * The typed doors of the control plane: one for relay nodes, one for everybody else.
 *
 * Both are Hono's RPC client over the app's *type*, so a changed route is a compile error here and nothing of the app
 * itself is loaded. `fetch` is the app's own in one process, or HTTP's between machines.
 */
import { hc } from "hono/client";
import type { NodeApp, PublicApp } from "./app.ts";

export type { Finding } from "./doctor/finding.ts";
export type * from "./queue_wire.ts";
export type * from "./wire.ts";

/** A `fetch`, or the in-process app in its shape. */
export type Fetch = (input: string | URL | Request, init?: RequestInit) => Response | Promise<Response>;

/** The origin to name where `fetch` is the app itself and no network is involved. */
const IN_PROCESS_URL = "http://control-plane.internal";

const withToken = (fetch: Fetch, token: string) => ({
  // hc wants the global's whole type; what it calls is (input, init).
  fetch: fetch as typeof globalThis.fetch,
  headers: { authorization: `Bearer ${token}` },
});

/** The public API: `token` is the operator's, or an account's key. */
export const createClient = (fetch: Fetch, token: string, baseUrl: string = IN_PROCESS_URL) =>
  hc<PublicApp>(baseUrl, withToken(fetch, token));

/** A node's calls (`/v1/node`): `token` is the relay token. */
export const createNodeClient = (fetch: Fetch, token: string, baseUrl: string = IN_PROCESS_URL) =>
  hc<NodeApp>(baseUrl, withToken(fetch, token));

export type Client = ReturnType<typeof createClient>;
export type NodeClient = ReturnType<typeof createNodeClient>;
