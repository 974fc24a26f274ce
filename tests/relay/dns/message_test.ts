import { Buffer } from "node:buffer";
import { assertEquals } from "@std/assert";
// @ts-types="npm:@types/dns-packet@5.6.5"
import { decode, encode, type Packet } from "dns-packet";
import * as fc from "fast-check";
import { readAnswer } from "../../../relay/dns/answer.ts";
import { encodeQuery, type Question, readResponse } from "../../../relay/dns/message.ts";

const question: Question = { id: 4711, name: "example.com", type: "MX" };
const NXDOMAIN = 3;
const SERVFAIL = 2;
const TRUNCATED = 1 << 9;

function response(packet: Packet = {}): Uint8Array {
  return encode({ type: "response", id: 4711, questions: [{ type: "MX", name: "example.com" }], ...packet });
}

Deno.test("message: a query asks for recursion, one question, with an EDNS buffer of 1232 octets", () => {
  const query = decode(Buffer.from(encodeQuery(question, true)));
  assertEquals([query.type, query.id, query.flag_rd], ["query", 4711, true]);
  assertEquals(query.questions, [{ name: "example.com", type: "MX", class: "IN" }]);
  const [opt] = query.additionals!;
  assertEquals(opt!.type === "OPT" && opt.udpPayloadSize, 1232);
  assertEquals(decode(Buffer.from(encodeQuery(question, false))).additionals, []);
});

Deno.test("message: only a response with our id and our question is ours, whatever its case", () => {
  assertEquals(readResponse(response(), question).kind, "response");
  assertEquals(readResponse(response({ questions: [{ type: "MX", name: "eXample.COM" }] }), question).kind, "response");
  const foreign: Packet[] = [
    { id: 4712 },
    { type: "query" },
    { questions: [{ type: "A", name: "example.com" }] },
    { questions: [{ type: "MX", name: "example.org" }] },
    { questions: [{ type: "MX", name: "example.com", class: "CH" }] },
    { questions: [{ type: "MX", name: "example.com" }, { type: "MX", name: "example.com" }] },
    { questions: [] },
    { questions: [], flags: NXDOMAIN },
  ];
  for (const packet of foreign) assertEquals(readResponse(response(packet), question).kind, "mismatch");
  assertEquals(readResponse(response().subarray(0, 11), question).kind, "mismatch");
});

Deno.test("message: an error may come without the question", () => {
  assertEquals(readResponse(response({ questions: [], flags: SERVFAIL }), question).kind, "response");
});

Deno.test("message: TC means truncated, even where the rest breaks off; without it broken octets are malformed", () => {
  const answers = [{ type: "MX", name: "example.com", data: { preference: 10, exchange: "mx" } }] as const;
  const whole = response({ flags: TRUNCATED, answers: [...answers] });
  assertEquals(readResponse(whole, question).kind, "truncated");
  assertEquals(readResponse(whole.subarray(0, -3), question).kind, "truncated");
  assertEquals(readResponse(response({ answers: [...answers] }).subarray(0, -3), question).kind, "malformed");
});

Deno.test("message: an extended error in the OPT record is not taken for success", () => {
  const additionals = [{
    type: "OPT",
    name: ".",
    udpPayloadSize: 512,
    extendedRcode: 1,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [],
  }] as Packet["additionals"];
  const read = readResponse(response({ additionals }), question);
  assertEquals(read.kind === "response" && read.rcode, "an extended error");
});

Deno.test("message: whatever octets come, reading them neither throws nor finds records of another name", () => {
  const good = response({
    answers: [
      { type: "CNAME", name: "example.com", data: "alias.example" },
      { type: "MX", name: "alias.example", data: { preference: 10, exchange: "mx.example" } },
    ],
  });
  fc.assert(fc.property(
    fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 8 }),
    fc.nat(good.length),
    (edits, length) => {
      const octets = Uint8Array.from(good);
      for (const [at, octet] of edits) octets[at] = octet;
      const read = readResponse(octets.subarray(0, length), question);
      if (read.kind !== "response") return;
      const reading = readAnswer(read.packet, read.rcode, question.name, "MX");
      if (reading.kind !== "answer" || reading.answer.kind !== "found") return;
      for (const { exchange } of reading.answer.records) assertEquals(/^[!-~]*$/.test(exchange), true);
    },
  ));
});

Deno.test("answer: odd octets in names are escaped, so that nothing breaks a log line or a reply", () => {
  const data = { preference: 10, exchange: "mx\r\n250 ok\\.example" };
  const read = readResponse(response({ answers: [{ type: "MX", name: "example.com", data }] }), question);
  const reading = read.kind === "response" ? readAnswer(read.packet, read.rcode, question.name, "MX") : null;
  assertEquals(reading, {
    kind: "answer",
    answer: { kind: "found", records: [{ preference: 10, exchange: "mx\\013\\010250\\032ok\\092.example" }] },
    ttlSeconds: 0,
  });
});

Deno.test("answer: records of other names, types and classes in the answer are passed over", () => {
  const read = readResponse(
    response({
      answers: [
        { type: "MX", name: "other.example", ttl: 60, data: { preference: 1, exchange: "evil.example" } },
        { type: "A", name: "example.com", ttl: 60, data: "203.0.113.66" },
        { type: "MX", name: "example.com", class: "CH", ttl: 60, data: { preference: 1, exchange: "evil.example" } },
        { type: "MX", name: "EXAMPLE.com", ttl: 60, data: { preference: 10, exchange: "mx.example.com" } },
      ],
    }),
    question,
  );
  const reading = read.kind === "response" ? readAnswer(read.packet, read.rcode, question.name, "MX") : null;
  assertEquals(reading, {
    kind: "answer",
    answer: { kind: "found", records: [{ preference: 10, exchange: "mx.example.com" }] },
    ttlSeconds: 60,
  });
});
