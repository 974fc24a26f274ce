import { assertEquals } from "@std/assert";
import { dsnActionFor } from "../../../relay/delivery/dsn_duty.ts";
import type { DeliveryStatus, NotifyOccasion } from "../../../relay/envelope.ts";

const LATE_MS = 4 * 3_600_000;

function action(
  notify: readonly NotifyOccasion[] | null | undefined,
  status: DeliveryStatus,
  facts: { dsnPassedOn?: boolean; ageMs?: number; delayReported?: boolean; reversePath?: string } = {},
) {
  const { reversePath = "me@example.org", dsnPassedOn = false, ageMs = LATE_MS, delayReported = false } = facts;
  const recipients = notify === undefined ? [null] : [{ notify, orcpt: null }];
  const envelope = { reversePath, dsnRequest: { ret: null, envid: null, recipients } };
  return dsnActionFor(envelope, 0, { status, dsnPassedOn, ageMs, delayWarningMs: LATE_MS, delayReported });
}

Deno.test("NOTIFY: which DSN each value asks for, in each ending", () => {
  const endings = ["bounced", "expired", "delivered", "queued"] as const;
  const matrix = [
    //                                              bounced   expired   delivered  late
    [undefined, /*                               */ "failed", "failed", null, "delayed"],
    [null, /*                                    */ "failed", "failed", null, "delayed"],
    [[], /* NEVER                                */ null, null, null, null],
    [["SUCCESS"], /*                             */ null, null, "relayed", null],
    [["FAILURE"], /*                             */ "failed", "failed", null, null],
    [["DELAY"], /*                               */ null, null, null, "delayed"],
    [["SUCCESS", "FAILURE"], /*                  */ "failed", "failed", "relayed", null],
    [["SUCCESS", "DELAY"], /*                    */ null, null, "relayed", "delayed"],
    [["FAILURE", "DELAY"], /*                    */ "failed", "failed", null, "delayed"],
    [["SUCCESS", "FAILURE", "DELAY"], /*         */ "failed", "failed", "relayed", "delayed"],
  ] as const;
  for (const [notify, ...expected] of matrix) {
    assertEquals(endings.map((status) => action(notify, status)), expected, String(notify));
  }
});

Deno.test("NOTIFY: a server with DSN has the duty to report success, not to report what it refuses", () => {
  assertEquals(action(["SUCCESS"], "delivered", { dsnPassedOn: true }), null);
  assertEquals(action(["FAILURE"], "bounced", { dsnPassedOn: true }), "failed");
});

Deno.test("NOTIFY: a delay is reported from its time on, and once", () => {
  assertEquals(action(undefined, "queued", { ageMs: LATE_MS - 1 }), null);
  assertEquals(action(undefined, "queued", { ageMs: LATE_MS }), "delayed");
  assertEquals(action(undefined, "queued", { delayReported: true }), null);
});

Deno.test("NOTIFY: nothing is ever reported to the null reverse path", () => {
  for (const status of ["bounced", "expired", "delivered", "queued"] as const) {
    assertEquals(action(["SUCCESS", "FAILURE", "DELAY"], status, { reversePath: "" }), null);
  }
});

Deno.test("NOTIFY: a client that said nothing at all is told of failure and delay", () => {
  const facts = { dsnPassedOn: false, ageMs: LATE_MS, delayWarningMs: LATE_MS, delayReported: false };
  const envelope = { reversePath: "me@example.org", dsnRequest: null };
  const told = (["bounced", "queued", "delivered"] as const).map((status) =>
    dsnActionFor(envelope, 0, { status, ...facts })
  );
  assertEquals(told, ["failed", "delayed", null]);
});
