import { assertEquals } from "@std/assert";
import type { QueueSelection, QueueWork } from "../../../api/client.ts";
import type { RecipientStatus } from "../../../relay/envelope.ts";
import { meantByEnvelope, meantOf } from "../../../relay/queue_jobs/selection.ts";
import { envelope, START, state } from "../../support/spool_on_disk.ts";

const STATUSES: readonly RecipientStatus[] = ["queued", "held", "delivered", "bounced", "expired", "deleted"];

/** A message with a recipient for each status, at two domains in turn. */
const ENTRY = {
  id: "m1",
  account: "alice",
  receivedAt: START,
  damaged: false,
  domains: STATUSES.map((_, place) => place % 2 === 0 ? "example.net" : "other.test"),
  recipients: STATUSES.map((status) => state(status)),
};

const meant = (work: QueueWork, select: QueueSelection = {}) =>
  meantOf(work, select, ENTRY, START + 1).map((place) => STATUSES[place]);

Deno.test("selection: each work is about those recipients that it can change", () => {
  assertEquals(meant("hold"), ["queued"]);
  assertEquals(meant("retry"), ["queued"]);
  assertEquals(meant("release"), ["held"]);
  for (const work of ["summary", "list", "bounce", "delete"] as const) assertEquals(meant(work), ["queued", "held"]);
});

Deno.test("selection: each field narrows; a domain takes its own recipients alone", () => {
  assertEquals(meant("delete", { account: "alice" }), ["queued", "held"]);
  assertEquals(meant("delete", { account: "bob" }), []);
  assertEquals(meant("delete", { ids: ["m0", "m1"] }), ["queued", "held"]);
  assertEquals(meant("delete", { ids: ["m0"] }), []);
  assertEquals(meant("delete", { domain: "Example.NET" }), ["queued"]);
  assertEquals(meant("delete", { domain: "other.test" }), ["held"]);
  assertEquals(meant("delete", { status: "held" }), ["held"]);
  assertEquals(meant("hold", { status: "held" }), []);
  assertEquals(meant("delete", { receivedBefore: START }), []);
  assertEquals(meant("delete", { receivedBefore: START + 1 }), ["queued", "held"]);
});

Deno.test("selection: a work that changes something is not about what came after the order; nor about damaged mail", () => {
  assertEquals(meantOf("hold", {}, ENTRY, START), []);
  assertEquals(meantOf("list", {}, ENTRY, START).length, 2);
  assertEquals(meantOf("list", {}, { ...ENTRY, damaged: true }, START + 1), []);
});

Deno.test("selection: sender and recipient, without regard to case", () => {
  const message = {
    envelope: envelope("m1", { reversePath: "Alice@example.org", recipients: ["a@example.net", "B@example.net"] }),
  };
  assertEquals(meantByEnvelope({ sender: "alice@EXAMPLE.org" }, message), [0, 1]);
  assertEquals(meantByEnvelope({ sender: "" }, message), []);
  assertEquals(meantByEnvelope({ recipient: "b@example.net" }, message), [1]);
  assertEquals(meantByEnvelope({ sender: "x@example.org", recipient: "b@example.net" }, message), []);
  assertEquals(meantByEnvelope({ sender: "" }, { envelope: envelope("m", { reversePath: "" }) }), [0]);
});
