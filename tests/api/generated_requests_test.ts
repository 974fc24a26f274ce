/**
 * Requests that are generated from the OpenAPI document that the app itself serves: whatever is asked, by whomever, no
 * answer is trouble of the service's own, and each is what the document says of it.
 */
import { assert } from "@std/assert";
import fc from "fast-check";
import type { ApiDocument } from "../../api/openapi/document.ts";
import { BUSY_NODE } from "../support/node_load.ts";
import { judgeOf } from "../support/openapi/answers.ts";
import { Known } from "../support/openapi/known.ts";
import {
  arbitraryRequest,
  type Caller,
  type NamedOperation,
  operationsOf,
  type PlannedRequest,
  toRequest,
} from "../support/openapi/requests.ts";
import { policyModule as writePolicyModule } from "../support/policy_modules.ts";
import { holds, sizeOf } from "../support/size.ts";
import { ADMIN, NOON, startControlPlane, type TestControlPlane } from "./control_plane.ts";
import { isOnSqlite } from "./database.ts";
import { CANARY, furnish } from "./furnished_account.ts";

/** Requests to one control plane, one after another. */
const IN_A_ROW = 100;
const SIZES = { ci: 20, large: 1000 };
/** Where each control plane costs a database of a server. */
const SERVER_SIZES = { ci: 4, large: 200 };
/** From here on each operation has been asked for what it does, and has done it. */
const ENOUGH = 2000;

/** That something can be rolled back to. */
const earlierModule = writePolicyModule();
const policyModule = new Uint8Array(await Deno.readFile(new URL("../../policy/policy.wasm", import.meta.url)));

interface World {
  readonly api: TestControlPlane;
  readonly known: Known;
  readonly tokens: Readonly<Record<Caller, string | null>>;
}

/** A control plane with two accounts that have one of everything, and a node. */
async function startWorld(): Promise<World> {
  const api = await startControlPlane();
  const known = new Known();
  const one = await furnish(api, "canary-one", "canary.example", CANARY);
  const other = await furnish(api, "other", "other.example", "other");
  for (const { parts: { username, domain, selector, ...ids } } of [one, other]) {
    known.learn("/v1/accounts", { username });
    known.learn(`/v1/accounts/${username}/domains`, { domain });
    known.learn(`/v1/accounts/${username}/domains/${domain}/dkim`, { selector });
    for (const [of, id] of Object.entries(ids)) known.learn(`/v1/accounts/${username}/${of}`, { id });
    known.learn("/v1/messages", { id: ids.messages });
  }
  const policy = { method: "PUT", headers: { authorization: `Bearer ${ADMIN}`, "content-type": "application/wasm" } };
  await api.app.request("/v1/policy", { ...policy, body: earlierModule });
  for (const cidr of ["192.0.2.7/32", "192.0.2.8/32"]) known.add("cidr", cidr);
  await api.nodeCall("queue", {
    region: "eu",
    version: "1",
    clock: null,
    number: 0,
    queued: 5,
    ...BUSY_NODE,
    draining: false,
    gone: false,
    progress: [],
  });
  known.learn("/v1/queue/jobs", (await api.request("POST", "/v1/queue/jobs", { work: "summary" })).body);
  const tokens = { operator: ADMIN, manager: one.manage, reader: one.read, other: other.manage };
  return { api, known, tokens: { ...tokens, nobody: null, nonsense: `${one.manage}0` } };
}

async function ask({ api, known, tokens }: World, planned: PlannedRequest, named: NamedOperation) {
  api.clock.now += planned.waitMs;
  const request = toRequest(planned, named, known);
  const token = tokens[planned.caller];
  if (token !== null) request.headers.set("authorization", `Bearer ${token}`);
  const response = await api.app.fetch(request);
  const type = response.headers.get("content-type")?.split(";")[0] ?? null;
  const text = await response.text();
  if (response.ok && type === "application/json") {
    const answer = JSON.parse(text);
    known.learn(new URL(request.url).pathname, answer);
    publish(api, answer);
  }
  const tag = response.headers.get("etag");
  if (tag !== null) known.add("if-match", tag);
  return { request, answer: { status: response.status, type, text } };
}

/** Whoever is told of a record sets it. */
function publish(api: TestControlPlane, answer: unknown): void {
  if (typeof answer !== "object" || answer === null) return;
  const { type, name, value } = answer as Record<string, unknown>;
  if (type === "TXT") api.txt.set(`${name}`, { kind: "found", records: [`${value}`] });
  for (const each of Object.values(answer)) publish(api, each);
}

Deno.test("requests from the document: no trouble of the service's own, and each answer is as declared", async () => {
  const document = await documentOf();
  const judge = judgeOf(document), operations = operationsOf(document);
  const sizes = isOnSqlite() ? SIZES : SERVER_SIZES;
  const statuses = new Map<string, Map<number, number>>();
  const requests = fc.array(arbitraryRequest(document, [policyModule]), {
    minLength: IN_A_ROW,
    maxLength: IN_A_ROW,
    size: "max",
  });
  await holds(
    fc.asyncProperty(requests, async (planned) => {
      const world = await startWorld();
      await using _ = world.api;
      for (const each of planned) {
        const named = operations[each.operation]!;
        const { request, answer } = await ask(world, each, named);
        const route = `${named.method} ${named.path}`;
        const counts = statuses.get(route) ?? new Map<number, number>();
        statuses.set(route, counts.set(answer.status, (counts.get(answer.status) ?? 0) + 1));
        const wrong = judge(named.operation, answer);
        assert(wrong === undefined, `${request.method} ${request.url}: ${wrong}\n${answer.text}\n${world.api.errors}`);
      }
    }),
    sizes,
    import.meta.filename,
    false,
  );
  if (sizeOf(sizes) * IN_A_ROW < ENOUGH) return;
  for (const { method, path } of operations) {
    const seen = [...statuses.get(`${method} ${path}`)?.keys() ?? []];
    assert(seen.some((status) => status < 300), `${method} ${path} has never done what it does: ${seen}`);
  }
});

async function documentOf(): Promise<ApiDocument> {
  await using api = await startControlPlane({ now: NOON });
  return (await api.request("GET", "/v1/openapi.json", undefined, "")).body;
}
