/**
 * How answers look to people: tables, cards, bars and colours.
 *
 * Pure: text in, text out. Whatever is shown passes through `printable`, so that nothing a remote server or a sender
 * put into a reply or an address can send control sequences to the operator's terminal.
 */
import Table from "cli-table3";

/** What the terminal can do, and the present for "in 15 minutes". */
export interface Look {
  readonly colours: boolean;
  /** Width of the terminal in columns. */
  readonly columns: number;
  /** Epoch milliseconds. */
  readonly now: number;
}

export type Style = "plain" | "strong" | "faint" | "good" | "warning" | "bad";

/** A piece of text with its style; a bare string is plain. */
export type Cell = string | { readonly text: string; readonly style: Style };

export interface Column {
  readonly head: string;
  /** Figures stand on the right. */
  readonly align?: "left" | "right";
}

/** ECMA-48 SGR parameters. */
const SGR: Readonly<Record<Style, string | null>> = {
  plain: null,
  strong: "1",
  faint: "2",
  good: "32",
  warning: "33",
  bad: "31",
};

/** Controls (C0, DEL, C1) and the characters that reorder what is read (Unicode bidirectional formatting). */
// deno-lint-ignore no-control-regex
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

const NO_LINES = {
  "top": "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  "bottom": "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  "left": "",
  "left-mid": "",
  "mid": "",
  "mid-mid": "",
  "right": "",
  "right-mid": "",
  "middle": "  ",
} as const;

/** Columns of a bar that stands for the whole. */
const BAR_WIDTH = 20;

/** The text with its unprintable characters made visible, as "\x1b". */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => {
    const code = character.charCodeAt(0);
    return code > 0xff ? `\\u${code.toString(16).padStart(4, "0")}` : `\\x${code.toString(16).padStart(2, "0")}`;
  });
}

/** One piece of text, made harmless and coloured if the terminal can. */
export function show(look: Look, cell: Cell): string {
  const { text, style } = typeof cell === "string" ? { text: cell, style: "plain" as const } : cell;
  const code = SGR[style];
  return look.colours && code !== null ? `\x1b[${code}m${printable(text)}\x1b[0m` : printable(text);
}

/** Rows under their heads, without lines: easy to read, to copy and to grep. */
export function table(look: Look, columns: readonly Column[], rows: readonly (readonly Cell[])[]): string {
  const drawn = new Table({
    head: columns.map(({ head }) => show(look, { text: head, style: "strong" })),
    colAligns: columns.map(({ align }) => align ?? "left"),
    chars: NO_LINES,
    // Empty lists: its own colours would come from a library that looks at the environment.
    style: { "padding-left": 0, "padding-right": 0, head: [], border: [] },
  });
  drawn.push(...rows.map((row) => row.map((cell) => show(look, cell))));
  return trimLines(drawn.toString());
}

/** Labels with their values, one to a line. */
export function card(look: Look, rows: readonly (readonly [label: string, value: Cell])[]): string {
  const width = Math.max(...rows.map(([label]) => label.length));
  return rows.map(([label, value]) =>
    `${show(look, { text: label.padEnd(width), style: "faint" })}  ${show(look, value)}`.trimEnd()
  ).join("\n");
}

/** "[███░░░░░░░]": a part of a whole; a part that is not nothing shows at least one cell. */
export function bar(part: number, whole: number): string {
  const share = whole <= 0 ? 0 : Math.min(Math.max(part / whole, 0), 1);
  const full = share === 0 ? 0 : Math.max(1, Math.floor(share * BAR_WIDTH));
  return `[${"█".repeat(full)}${"░".repeat(BAR_WIDTH - full)}]`;
}

/** "1 relay", "2 relays", "10,485,760 bytes". */
export function amount(n: number, noun: string): string {
  return `${n.toLocaleString("en-US")} ${noun}${n === 1 ? "" : "s"}`;
}

/** Text broken at spaces to `width` columns (at least one word to a line), as lines. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/).filter((word) => word !== "")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return line === "" ? lines : [...lines, line];
}

const trimLines = (text: string) => text.split("\n").map((line) => line.trimEnd()).join("\n");
