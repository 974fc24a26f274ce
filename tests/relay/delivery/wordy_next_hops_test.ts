/** Next hops with much to say: what is kept of it is bounded, and an outcome fits the spool's log whatever they said. */
import { assert, assertEquals } from "@std/assert";
import { MAX_WORDS_OCTETS, wordsOfReply } from "../../../relay/delivery/remote_words.ts";
import { verdictOfReply } from "../../../relay/delivery/outcome.ts";
import { reportedOutcome } from "../../../relay/delivery/reported_outcome.ts";
import { RETRY_SCHEDULE } from "../../../relay/delivery/retry.ts";
import { endingsOf, outcomeOf } from "../../../relay/delivery/round_outcome.ts";
import { SEGMENT_BYTES } from "../../../relay/spool/open.ts";
import { encodeRecord } from "../../../relay/spool/record.ts";
import type { Outcome } from "../../../relay/spool/types.ts";
import { PARAMETERS } from "../../../policy/mod.ts";
import { accept, contentOf, envelope, newDirectory, openTestSpool, START } from "../../support/spool_on_disk.ts";

const octetsOf = (text: string) => new TextEncoder().encode(text).length;
/** Addresses that are tried in a round. */
const HOSTS = 10;

for (
  const [what, letter] of [["ASCII", "x"], ["two octets", "ü"], ["three octets", "用"], ["four octets", "😀"]] as const
) {
  Deno.test(`words of a reply: ${what}: as many whole letters as fit, and a sign that there were more`, () => {
    const words = wordsOfReply({ code: 550, enhanced: null, lines: [letter.repeat(5000)] });
    const kept = octetsOf(words);
    assert(kept <= MAX_WORDS_OCTETS && kept > MAX_WORDS_OCTETS - 4, `${kept} octets`);
    assert(words.endsWith(`${letter}…`) && words.isWellFormed());
    const short = letter.repeat(100);
    assertEquals(wordsOfReply({ code: 550, enhanced: null, lines: [short] }), `550 ${short}`);
  });
}

/**
 * Each of the most recipients a message can have was refused by each host, each time in other words.
 *
 * @param ageMs of the message: at its expiry the deferred ones are at their end, too.
 */
function longestOutcome(code: 450 | 550, ageMs = 0): Outcome {
  const recipients = Array.from(
    { length: PARAMETERS.maxRecipients.most },
    (_, n) => `${n}@example.net`.padStart(254, "r"),
  );
  const state = { status: "queued", attempts: 0, dueAt: START, lastReply: null, delayReported: false } as const;
  const message = {
    envelope: envelope("wordy", { recipients }),
    recipients: recipients.map(() => state),
    content: () => Promise.reject(new Error("not read")),
  };
  const source = { host: "mx.example.net", address: "192.0.2.1", tls: null, tlsVerdict: null, dsnPassedOn: false };
  const results = recipients.map((forwardPath, recipient) => {
    // What is longest in JSON.
    const said = (host: number) => ({ code, enhanced: null, lines: [`${host} ${forwardPath} ${'"'.repeat(1000)}`] });
    const verdict = (host: number) => verdictOfReply("rcpt", said(host))!;
    const passedOver = Array.from(
      { length: HOSTS - 1 },
      (_, host) => ({ at: START, verdict: verdict(host), ...source }),
    );
    return { recipient, verdict: verdict(HOSTS), ...source, passedOver };
  });
  let ids = 0;
  const newId = () => String(ids++).padStart(26, "0");
  const moment = { now: START + ageMs, random: 0.5, schedule: RETRY_SCHEDULE, notBefore: 0 };
  const endings = endingsOf(message, results, moment);
  if (code === 450 && ageMs === 0) return outcomeOf(message, endings, START, newId);
  const returned = { kind: "message", octets: new Uint8Array(64 * 1024).fill(97) } as const;
  const context = { serviceName: "smtp.example.org", now: START, newId, returned, retryUntil: START };
  return reportedOutcome(message, "failed", endings, context);
}

for (
  const [what, code, ageMs] of [["deferred", 450, 0], ["failed", 550, 0], [
    "expired",
    450,
    RETRY_SCHEDULE.expiryMs,
  ]] as const
) {
  Deno.test(`wordy next hops: a thousand recipients ${what}, each in its own words by each host: a segment can hold it`, () => {
    const { dsn, ...outcome } = longestOutcome(code, ageMs);
    const content = dsn?.content ?? new Uint8Array(0);
    const { length } = encodeRecord({ meta: { outcome, ...(dsn && { accept: { envelope: dsn.envelope } }) }, content });
    assert(length < SEGMENT_BYTES / 2, `${length} octets`);
  });
}

Deno.test("wordy next hops: such an outcome is recorded, and the report about it can be taken", async () => {
  await using test = await openTestSpool(newDirectory(), { segmentBytes: SEGMENT_BYTES });
  const outcome = longestOutcome(550);
  const recipients = Array.from({ length: outcome.changes.length }, (_, n) => `r${n}@example.net`);
  await accept(test.spool, envelope("wordy", { recipients }), contentOf("wordy", 100));
  test.spool.take(START);
  await test.spool.record(outcome);
  test.spool.giveBack("wordy");
  const report = test.spool.take(START)!;
  assertEquals(report.envelope.id, outcome.dsn!.envelope.id);
  assertEquals((await report.content()).sizeBytes, outcome.dsn!.content.length);
});
