/**
 * The session against an independent model of it: random conversations, good, out of order, malformed and cut anywhere,
 * and random verdicts of admission. Replies, what admission is asked, and what the session knows are the same.
 */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { OctetSession } from "../support/octet_session.ts";
import { conversation } from "../support/session_arbitraries.ts";
import { testRules } from "../support/session_dialogue.ts";
import { SessionModel, type Verdict } from "../support/session_model.ts";
import { holds } from "../support/size.ts";

const rules = fc.record({
  maxMessageBytes: fc.constantFrom(10_000, 100),
  maxErrors: fc.constantFrom(20, 20, 3),
  maxJunkCommands: fc.constantFrom(100, 100, 4),
  maxMessages: fc.constantFrom(1000, 1000, 1, 2),
  maxRecipients: fc.constantFrom(100, 1, 2),
  allowPlaintextAuth: fc.boolean(),
}).map((changes) => ({ ...testRules, ...changes }));
const verdict = fc.constantFrom<Verdict>("yes", "yes", "yes", "yes", "network", "network", "later", "never");
const setting = fc.record({
  rules,
  tls: fc.boolean(),
  verdicts: fc.array(verdict, { minLength: 1, maxLength: 12, size: "max" }),
  /** Octets that are read at once. */
  atOnce: fc.constantFrom(1, 7, 100_000),
});

Deno.test("conformance: a session answers as the model of it does, whatever is said and decided", async () => {
  const property = fc.property(setting, conversation, ({ rules, tls, verdicts, atOnce }, said) => {
    const session = new OctetSession(rules, tls, verdicts);
    const model = new SessionModel(rules, tls, verdicts);
    for (const [at, octets] of said.entries()) {
      session.receive(octets, atOnce);
      model.receive(octets);
      assertEquals(session.log, model.log, `after utterance ${at}`);
      if (model.closed) break;
      assertEquals(session.facts, model.facts, `after utterance ${at}`);
    }
    assertEquals(session.closed, model.closed);
  });
  await holds(property, { ci: 10_000, large: 1_000_000 }, import.meta.filename);
});
