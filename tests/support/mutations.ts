/** Random damage to recorded sessions: what a broken or hostile client, or a bad line, makes of a good one. */
import fc from "fast-check";

/** The octets of a client's turns (each a character), damaged. */
type Mutation = (turns: readonly string[]) => string[];

const HOSTILE = [
  ...[
    "\0",
    "\r",
    "\n",
    "\t",
    "\x7f",
    "\x80",
    "\xff",
    "\xc2\x85",
    "\xef\xbb\xbf",
    ".",
    " ",
    "<",
    ">",
    "@",
    "=",
    "\\",
    '"',
  ],
  ...[
    "\r\n",
    "\n\n",
    "\r\r\n",
    "\r\n.\r\n",
    "\n.\n",
    "\r\n.\n",
    "\r\n.\r",
    "\n.\r\n",
    "\0\r\n",
    "\xff\xf4\xff\xfd\x06",
  ],
  ...[
    "RSET\r\n",
    "STARTTLS\r\n",
    "DATA\r\n",
    "BDAT 5\r\n",
    "BDAT 99999999999 LAST\r\n",
    "AUTH LOGIN\r\n",
    "QUIT\r\n",
    "*\r\n",
  ],
  ...["EHLO x\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"],
];
/** About the longest line, the buffer's sizes, the size limit, and far beyond all of them. */
const LONG = [511, 2047, 2048, 4096, 10_001, 12_287, 12_290, 20_001, 70_000, 200_000];

/** A place in the octets of a turn. */
const place = fc.record({ turn: fc.nat(99), at: fc.nat(9999) });

function changed(
  turns: readonly string[],
  { turn, at }: { turn: number; at: number },
  change: (before: string, behind: string) => string,
): string[] {
  if (turns.length === 0) return [];
  const index = turn % turns.length, said = turns[index]!, cut = at % (said.length + 1);
  return turns.with(index, change(said.slice(0, cut), said.slice(cut)));
}

const flipped = (octet: string, bit: number) => String.fromCharCode(octet.charCodeAt(0) ^ (1 << bit));

export const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.tuple(place, fc.nat(7)).map(([where, bit]): Mutation => (turns) =>
    changed(turns, where, (before, behind) => before + (behind && flipped(behind[0]!, bit) + behind.slice(1)))
  ),
  fc.tuple(place, fc.constantFrom(...HOSTILE)).map(([where, octets]): Mutation => (turns) =>
    changed(turns, where, (before, behind) => before + octets + behind)
  ),
  fc.tuple(place, fc.constantFrom(...LONG), fc.constantFrom("A", " ", "\r", "\n", ".", "\xff", "A=", "\r\n.")).map((
    [where, octets, unit],
  ): Mutation =>
  (turns) => changed(turns, where, (before, behind) => before + unit.repeat(octets / unit.length) + behind)),
  // cut short, with or without what would have come later
  fc.tuple(place, fc.boolean()).map(([where, forGood]): Mutation => (turns) =>
    changed(forGood ? turns.slice(0, where.turn % turns.length + 1) : turns, where, (before) => before)
  ),
  fc.tuple(place, fc.nat(60)).map(([where, octets]): Mutation => (turns) =>
    changed(turns, where, (before, behind) => before + behind.slice(octets))
  ),
  fc.tuple(place, fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 30 })).map(
    ([where, octets, times]): Mutation => (turns) =>
      changed(turns, where, (before, behind) => before + behind.slice(0, octets).repeat(times) + behind),
  ),
  // a turn that is said twice, left out or said somewhere else
  fc.tuple(fc.nat(99), fc.nat(99), fc.boolean()).map(([from, to, twice]): Mutation => (turns) => {
    const moved = turns[from % turns.length];
    if (moved === undefined) return [...turns];
    const others = twice ? turns : turns.toSpliced(from % turns.length, 1);
    return others.toSpliced(to % (others.length + 1), 0, moved);
  }),
);
