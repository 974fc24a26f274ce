/**
 * Question: what does signing cost a message, and how long does it keep the event loop from others?
 * Unit: ms for each message when many are signed at the same time; ms between two turns of the event loop.
 * Workload: messages of 4 KiB, 64 KiB and 10 MiB of text, unsigned (a domain without keys), signed with Ed25519, with
 * RSA-2048 and with both, 16 at a time, in three alternating rounds; keys are known.
 * Machine: it says which.
 *
 *     deno run -A tests/bench/signatures.ts
 */
import { getLogger } from "@logtape/logtape";
import { authorDomains } from "../../relay/admission/author_domains.ts";
import type { SigningKey } from "../../relay/dkim/signature.ts";
import { type Signable, Signer } from "../../relay/dkim/signer.ts";
import type { Content } from "../../relay/spool/types.ts";
import { makeKey } from "../support/dkim.ts";
import { describeMachine, quantile } from "./watched_relay.ts";

const KIB = 1024;
const SIZES = [{ octets: 4 * KIB, messages: 2000 }, { octets: 64 * KIB, messages: 1000 }, {
  octets: 10 * KIB * KIB,
  messages: 32,
}];
const PARALLEL = 16;
const ROUNDS = 3;
const CHUNK_OCTETS = 64 * KIB;

const HEADER = new TextEncoder().encode(
  "From: Alice <alice@example.com>\r\nTo: bob@example.net\r\nSubject: hello\r\n" +
    "Date: Mon, 23 Nov 2026 12:00:00 +0000\r\nMessage-ID: <1@example.com>\r\n\r\n",
);
const TEXT = new TextEncoder().encode("The quick brown fox jumps over the lazy dog, once, twice,\r\n".repeat(1200))
  .subarray(0, CHUNK_OCTETS);
const MESSAGE: Signable = {
  id: "message",
  account: "alice",
  receivedAt: 0,
  origin: null,
};

function messageOf(octets: number): Content {
  return {
    sizeBytes: octets,
    async *chunks() {
      yield HEADER;
      for (let left = octets - HEADER.length; left > 0; left -= CHUNK_OCTETS) {
        yield TEXT.subarray(0, left);
        // As from a file: the event loop has a turn between two chunks.
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
}

const rsa = await makeKey("r", "rsa-sha256");
const ed25519 = await makeKey("e", "ed25519-sha256");
const WAYS: Record<string, readonly SigningKey[]> = {
  unsigned: [],
  ed25519: [ed25519],
  rsa: [rsa],
  both: [rsa, ed25519],
};

/** ms for each message, and the longest time that the event loop stood. */
async function measure(keys: readonly SigningKey[], octets: number, messages: number): Promise<[number, number]> {
  const found = keys.length === 0 ? null : { domain: "example.com", keys };
  const log = getLogger("bench");
  const signer = new Signer({
    keys: { of: () => Promise.resolve(found) },
    authorDomains,
    serviceDomain: null,
    now: () => 0,
    log,
  });
  const content = messageOf(octets);
  let left = messages, longest = 0, turn = performance.now(), running = true;
  const watch = () => {
    const now = performance.now();
    longest = Math.max(longest, now - turn);
    turn = now;
    if (running) setImmediate(watch);
  };
  setImmediate(watch);
  const from = performance.now();
  const some = async () => {
    while (left-- > 0) await signer.sign(MESSAGE, content);
  };
  await Promise.all(Array.from({ length: PARALLEL }, some));
  const ms = (performance.now() - from) / messages;
  running = false;
  return [ms, longest];
}

console.log(describeMachine());
for (const { octets, messages } of SIZES) {
  const results = Object.fromEntries(
    Object.keys(WAYS).map((way) => [way, { ms: [] as number[], stands: [] as number[] }]),
  );
  for (const keys of Object.values(WAYS)) await measure(keys, octets, Math.ceil(messages / 10));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [way, keys] of Object.entries(WAYS)) {
      const [ms, longest] = await measure(keys, octets, messages);
      results[way]!.ms.push(ms);
      results[way]!.stands.push(longest);
    }
  }
  for (const [way, { ms, stands }] of Object.entries(results)) {
    const [median, min, max] = [0.5, 0, 1].map((part) => quantile(ms, part).toFixed(3));
    const size = `${octets / KIB} KiB`.padStart(9);
    console.log(
      `${size} ${way.padEnd(8)} ${median} ms (${min} to ${max}); stands ${Math.max(...stands).toFixed(1)} ms`,
    );
  }
}
