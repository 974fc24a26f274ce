/** What the API says of a field that its schema refused. */
import { assertEquals } from "@std/assert";
import { startControlPlane } from "./control_plane.ts";

const CASES: readonly (readonly [method: string, path: string, body: unknown, detail: string])[] = [
  [
    "POST",
    "/v1/accounts",
    { plan: "big", tier: 1 },
    "username: is missing; password: is missing; plan: is not known here; tier: is not known here",
  ],
  ["POST", "/v1/accounts", [], "body: expected an object"],
  [
    "POST",
    "/v1/accounts",
    { username: 1, password: "long enough", email: "x" },
    "username: expected text; email: expected an e-mail address",
  ],
  [
    "PATCH",
    "/v1/accounts/alice",
    { status: "gone", noticeMail: 1 },
    "status: expected active or suspended; noticeMail: expected true or false",
  ],
  ["PATCH", "/v1/accounts/alice", { ndr: { choice: "count", share: 1 } }, "ndr.share: is not known here"],
  ["POST", "/v1/accounts/alice/brake/release", { hours: 1000 }, "hours: expected at most 672"],
  ["POST", "/v1/accounts/alice/blocks", { quantity: 0 }, "quantity: expected at least 1"],
  ["POST", "/v1/accounts/alice/blocks", { quantity: 1.5 }, "quantity: expected a whole number"],
  ["POST", "/v1/queue/jobs", { work: "list", select: { ids: [] } }, "select.ids: expected at least 1 item"],
  ["POST", "/v1/queue/jobs", { work: "list", reason: "x".repeat(501) }, "reason: expected at most 500 characters"],
  ["GET", "/v1/accounts?limit=many", undefined, "limit: expected a whole number from 1 to 200"],
];

Deno.test("invalid requests: each field with what is wrong with it, in plain words", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  for (const [method, path, body, detail] of CASES) {
    const answer = await api.request(method, path, body);
    assertEquals([answer.status, answer.body.detail], [400, detail]);
  }
});
