import { assertEquals, assertThrows } from "@std/assert";
import { type MessageFacts, Reason } from "../../policy/mod.ts";
import { MAX_SIZE, messageFacts, policy } from "./facts.ts";

const message = (change: Partial<MessageFacts>) => policy.decide("message", { ...messageFacts, ...change });

Deno.test("end of data: 52,428,800 octets are accepted, 52,428,801 are not", () => {
  assertEquals(message({ sizeBytes: MAX_SIZE }), { reason: Reason.Accepted });
  assertEquals(message({ sizeBytes: MAX_SIZE + 1 }), { reason: Reason.MessageTooBig, limit: MAX_SIZE });
});

Deno.test("end of data: a bare CR or LF is refused", () => {
  assertEquals(message({ bareLineEndings: true }), { reason: Reason.BareLineEnding });
});

Deno.test("end of data: 50 Received fields are accepted, 51 are not", () => {
  assertEquals(message({ receivedFields: 50 }), { reason: Reason.Accepted });
  assertEquals(message({ receivedFields: 51 }), { reason: Reason.TooManyHops, limit: 50 });
});

Deno.test("end of data: no From field or one is let through, two are refused", () => {
  assertEquals(message({ fromFields: 0 }), { reason: Reason.Accepted });
  assertEquals(message({ fromFields: 1 }), { reason: Reason.Accepted });
  assertEquals(message({ fromFields: 2 }), { reason: Reason.SeveralFrom });
});

Deno.test("end of data: of several refusals the first in the order of the rules is given", () => {
  let facts: MessageFacts = {
    ...messageFacts,
    sizeBytes: MAX_SIZE + 1,
    bareLineEndings: true,
    headerTooLong: true,
    receivedFields: 51,
    fromFields: 2,
    fromTooLong: true,
    ...{ nullReversePath: true, reportType: "delivery-status", ndrChoice: "refuse" },
  };
  const steps: [Partial<MessageFacts>, Reason][] = [
    [{}, Reason.MessageTooBig],
    [{ sizeBytes: 0 }, Reason.BareLineEnding],
    [{ bareLineEndings: false }, Reason.HeaderTooLong],
    [{ headerTooLong: false }, Reason.TooManyHops],
    [{ receivedFields: 0 }, Reason.SeveralFrom],
    [{ fromFields: 1 }, Reason.FromTooLong],
    [{ fromTooLong: false }, Reason.NdrRefused],
    [{ ndrChoice: "limit" }, Reason.Accepted],
  ];
  for (const [change, reason] of steps) {
    facts = { ...facts, ...change };
    assertEquals(Reason[policy.decide("message", facts).reason], Reason[reason]);
  }
});

Deno.test("end of data: counts that are no whole numbers are thrown", () => {
  for (const name of ["sizeBytes", "receivedFields", "fromFields"]) {
    for (const bad of [NaN, -1, 0.5]) assertThrows(() => message({ [name]: bad }), RangeError, name);
  }
});
