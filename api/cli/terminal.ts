/**
 * The terminal the tool talks on: its interface, so that tests bring their own, and the real one.
 *
 * The real one needs no permission. It writes synchronously, so that nothing is lost when the process ends.
 */
import { CANCELLED, type HiddenLine, HiddenLineReader } from "./hidden_line.ts";

export interface Terminal {
  /** Whether somebody sits there who can be asked. */
  readonly interactive: boolean;
  /** Whether what goes to `out` may be coloured. */
  readonly colours: boolean;
  readonly columns: number;
  /** Writes text and a line end to the standard output. */
  out(text: string): void;
  /** The same to the standard error output. */
  err(text: string): void;
  /** Shows a line on the standard error output in place of the one before, if that is a terminal; "" takes it away. */
  status(text: string): void;
  /** The whole standard input; null where it is larger than anything that is read from it. */
  readAll(): Promise<string | null>;
  /** Asks on the standard error output for a line that is not shown while it is typed. */
  askHidden(prompt: string): Promise<HiddenLine>;
  /** The same for a line that is shown; without the blanks around it. */
  ask(prompt: string): Promise<HiddenLine>;
}

/** Where no terminal tells its width. */
const DEFAULT_COLUMNS = 100;
/** Nothing can be laid out in less; a narrower terminal breaks the lines itself. */
const MIN_COLUMNS = 40;

/** What comes in one read while somebody types. */
const KEYS_BUFFER_BYTES = 256;

/** A terminal takes lines of at most 4096 octets. */
const LINE_BUFFER_BYTES = 4096;

/** Far more than a password; a larger standard input was not meant for us. */
const MAX_INPUT_BYTES = 64 * 1024;

/** ECMA-48 EL: what an earlier, longer line left behind goes. */
const CLEAR_TO_END = "\x1b[K";

const encoder = new TextEncoder();

/** The process's own terminal. `Deno.noColor` is the NO_COLOR convention. */
export function processTerminal(): Terminal {
  return {
    interactive: Deno.stdin.isTerminal() && Deno.stderr.isTerminal(),
    colours: Deno.stdout.isTerminal() && !Deno.noColor,
    columns: columns(),
    out: (text) => writeAll(Deno.stdout, `${text}\n`),
    err: (text) => writeAll(Deno.stderr, `${text}\n`),
    status: (text) => {
      if (Deno.stderr.isTerminal()) writeAll(Deno.stderr, `\r${text}${CLEAR_TO_END}`);
    },
    readAll,
    askHidden,
    ask,
  };
}

/** A terminal that does not know its size says 0. */
function columns(): number {
  const told = Deno.stdout.isTerminal() ? Deno.consoleSize().columns : 0;
  return told === 0 ? DEFAULT_COLUMNS : Math.max(told, MIN_COLUMNS);
}

function writeAll(to: { writeSync(octets: Uint8Array): number }, text: string): void {
  const octets = encoder.encode(text);
  for (let written = 0; written < octets.length;) written += to.writeSync(octets.subarray(written));
}

async function readAll(): Promise<string | null> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of Deno.stdin.readable) {
    bytes += chunk.length;
    if (bytes > MAX_INPUT_BYTES) return null;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

async function askHidden(prompt: string): Promise<HiddenLine> {
  const reader = new HiddenLineReader();
  const keys = new Uint8Array(KEYS_BUFFER_BYTES);
  // Before the prompt: whoever answers it at once is not shown either.
  Deno.stdin.setRaw(true);
  try {
    writeAll(Deno.stderr, prompt);
    for (;;) {
      const length = await Deno.stdin.read(keys);
      const line = length === null ? CANCELLED : reader.type(keys.subarray(0, length));
      if (line !== null) return line;
    }
  } finally {
    Deno.stdin.setRaw(false);
    writeAll(Deno.stderr, "\n");
  }
}

/** The terminal itself edits the line, and gives one with each read. */
async function ask(prompt: string): Promise<HiddenLine> {
  writeAll(Deno.stderr, prompt);
  const line = new Uint8Array(LINE_BUFFER_BYTES);
  const length = await Deno.stdin.read(line);
  if (length === null) return CANCELLED;
  return { kind: "line", text: new TextDecoder().decode(line.subarray(0, length)).trim() };
}
