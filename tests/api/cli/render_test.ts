import { assertEquals } from "@std/assert";
import { amount, bar, card, printable, show, table, wrap } from "../../../api/cli/render.ts";

const plain = { colours: false, columns: 80, now: 0 };
const coloured = { ...plain, colours: true };

Deno.test("render: a table has a head, columns that line up, figures on the right, and no lines", () => {
  assertEquals(
    table(plain, [{ head: "NAME" }, { head: "N", align: "right" }], [["alice", "7"], ["bo", "150"]]),
    ["NAME     N", "alice    7", "bo     150"].join("\n"),
  );
});

Deno.test("render: colours do not shift the columns", () => {
  const drawn = table(coloured, [{ head: "A" }, { head: "B" }], [[{ text: "x", style: "good" }, "y"], ["long", "z"]]);
  assertEquals(
    drawn,
    ["\x1b[1mA\x1b[0m     \x1b[1mB\x1b[0m", "\x1b[32mx\x1b[0m     y", "long  z"].join("\n"),
  );
});

Deno.test("render: without colours no style writes an escape", () => {
  assertEquals(show(plain, { text: "x", style: "bad" }), "x");
  assertEquals(card(plain, [["A", { text: "x", style: "bad" }], ["Long", "y"]]), "A     x\nLong  y");
});

Deno.test("render: control and reordering characters of others never reach the terminal", () => {
  assertEquals(printable("a\x1b[2Jb\r\nc\u009b\u202ed"), "a\\x1b[2Jb\\x0d\\x0ac\\x9b\\u202ed");
  assertEquals(table(plain, [{ head: "A" }], [["\x1b]0;title\x07"]]), "A\n\\x1b]0;title\\x07");
  assertEquals(card(coloured, [["A", "\x1b[31m"]]), "\x1b[2mA\x1b[0m  \\x1b[31m");
});

Deno.test("render: letters of all scripts pass", () => {
  assertEquals(printable("Grüße, 送信者 – ✓"), "Grüße, 送信者 – ✓");
});

const bars: readonly (readonly [number, number, string])[] = [
  [0, 300, "░░░░░░░░░░░░░░░░░░░░"],
  [1, 300, "█░░░░░░░░░░░░░░░░░░░"],
  [150, 300, "██████████░░░░░░░░░░"],
  [299, 300, "███████████████████░"],
  [300, 300, "████████████████████"],
  [400, 300, "████████████████████"],
  [0, 0, "░░░░░░░░░░░░░░░░░░░░"],
];
for (const [part, whole, cells] of bars) {
  Deno.test(`render: the bar of ${part} of ${whole}`, () => assertEquals(bar(part, whole), `[${cells}]`));
}

Deno.test("render: amounts have their plural and their thousands", () => {
  assertEquals([amount(0, "relay"), amount(1, "relay"), amount(10_485_760, "byte")], [
    "0 relays",
    "1 relay",
    "10,485,760 bytes",
  ]);
});

Deno.test("render: text is broken at spaces, and a longer word is left whole", () => {
  assertEquals(wrap("one two three", 7), ["one two", "three"]);
  assertEquals(wrap("extraordinarily so", 5), ["extraordinarily", "so"]);
  assertEquals(wrap("", 5), []);
});
