import { assertEquals } from "@std/assert";
import {
  laterVerdict,
  ownVerdict,
  type ReplyStage,
  type Stage,
  verdictOfReply,
  verdictOfTrouble,
} from "../../../relay/delivery/outcome.ts";
import type { RemoteReply } from "../../../relay/delivery/reply_reader.ts";

function reply(code: number, enhanced: string | null = null): RemoteReply {
  return { code, enhanced, lines: [enhanced === null ? "words" : `${enhanced} words`] };
}

type Expected = "go on" | `${"delivered" | "deferred" | "failed"} ${"settled" | "next host"} ${string}`;

const table: readonly (readonly [ReplyStage, RemoteReply, Expected])[] = [
  ["greeting", reply(220), "go on"],
  ["greeting", reply(421), "deferred next host 4.0.0"],
  ["greeting", reply(450, "4.7.1"), "deferred next host 4.7.1"],
  ["greeting", reply(521), "failed next host 5.0.0"],
  ["greeting", reply(554, "5.7.1"), "failed next host 5.7.1"],
  ["ehlo", reply(250), "go on"],
  ["ehlo", reply(550), "failed next host 5.0.0"],
  ["mail", reply(250, "2.1.0"), "go on"],
  ["mail", reply(354), "deferred next host 4.5.0"],
  ["mail", reply(451, "4.3.0"), "deferred next host 4.3.0"],
  ["mail", reply(421, "4.3.2"), "deferred next host 4.3.2"],
  ["mail", reply(552, "5.3.4"), "failed settled 5.3.4"],
  ["rcpt", reply(250), "go on"],
  ["rcpt", reply(251), "go on"],
  ["rcpt", reply(450, "4.2.0"), "deferred next host 4.2.0"],
  ["rcpt", reply(452), "deferred next host 4.0.0"],
  ["rcpt", reply(550, "5.1.1"), "failed settled 5.1.1"],
  // RFC 5321 4.5.3.1.10: 552 to RCPT is "too many recipients", unless it says that the mailbox is full
  ["rcpt", reply(552), "deferred next host 4.5.3"],
  ["rcpt", reply(552, "5.2.2"), "failed settled 5.2.2"],
  ["data", reply(354), "go on"],
  ["data", reply(250), "deferred next host 4.5.0"],
  ["data", reply(451), "deferred next host 4.0.0"],
  ["data", reply(554, "5.5.1"), "failed settled 5.5.1"],
  ["end", reply(250, "2.6.0"), "delivered settled 2.6.0"],
  ["end", reply(250), "delivered settled 2.0.0"],
  ["end", reply(354), "deferred next host 4.5.0"],
  ["end", reply(452, "4.3.1"), "deferred next host 4.3.1"],
  ["end", reply(550, "5.7.1"), "failed settled 5.7.1"],
];

for (const [stage, answer, expected] of table) {
  Deno.test(`outcome: ${answer.code} ${answer.enhanced ?? ""} at ${stage}: ${expected}`, () => {
    const verdict = verdictOfReply(stage, answer);
    const { kind, settled, status } = verdict ?? {};
    assertEquals(verdict === null ? "go on" : `${kind} ${settled ? "settled" : "next host"} ${status}`, expected);
  });
}

Deno.test("outcome: a lost connection defers everywhere, and settles only behind the final dot (RFC 1047)", () => {
  for (const stage of ["connect", "greeting", "ehlo", "mail", "rcpt", "data", "content", "end"] satisfies Stage[]) {
    const { kind, settled } = verdictOfTrouble(stage, "mx.example.net closed the connection");
    assertEquals([kind, settled], ["deferred", stage === "end"], stage);
  }
});

Deno.test("outcome: the remote server's words come through on one clean line", () => {
  const lines = ["5.7.1 go\u001b[31m away", "5.7.1 see \u202ehttps://x.example"];
  const verdict = verdictOfReply("rcpt", { code: 550, enhanced: "5.7.1", lines });
  assertEquals(verdict?.reply, "550 5.7.1 go [31m away 5.7.1 see  https://x.example");
});

Deno.test("outcome: one host's deferral outweighs another's refusal of the connection, in either order", () => {
  const deferral = ownVerdict("deferred", "4.4.1", "no answer", false);
  const refusal = ownVerdict("failed", "5.7.1", "go away", false);
  assertEquals(laterVerdict(deferral, refusal), deferral);
  assertEquals(laterVerdict(refusal, deferral), deferral);
  assertEquals(laterVerdict(undefined, refusal), refusal);
  const settled = ownVerdict("failed", "5.1.1", "no such user", true);
  assertEquals(laterVerdict(deferral, settled), settled);
});

const BAD_ADDRESSES: readonly (readonly [ReplyStage, RemoteReply, boolean])[] = [
  ["rcpt", reply(550, "5.1.1"), true],
  ["rcpt", reply(553, "5.1.3"), true],
  ["rcpt", reply(551, "5.1.6"), true],
  ["rcpt", reply(550, "5.2.1"), true],
  // full, policy, the domain's trouble, words that may mean anything
  ["rcpt", reply(552, "5.2.2"), false],
  ["rcpt", reply(550, "5.7.1"), false],
  ["rcpt", reply(550, "5.1.2"), false],
  ["rcpt", reply(550, "5.1.8"), false],
  ["rcpt", reply(550, "5.1.0"), false],
  ["rcpt", reply(550), false],
  ["rcpt", reply(450, "5.1.1"), false],
  ["mail", reply(550, "5.1.1"), false],
  ["end", reply(550, "5.1.1"), false],
];

for (const [stage, answer, expected] of BAD_ADDRESSES) {
  const what = expected ? "a bad address" : "nothing about the address";
  Deno.test(`outcome: ${answer.code} ${answer.enhanced ?? ""} at ${stage} says ${what}`, () => {
    assertEquals(verdictOfReply(stage, answer)?.badAddress ?? false, expected);
  });
}
