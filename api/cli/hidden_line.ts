/**
 * Reads one line from the keys of a terminal in raw mode, where the terminal itself neither shows nor edits anything.
 *
 * Pure: octets in, a line out. Enter ends it, Backspace takes a character back, Ctrl-U the whole line; Ctrl-C and
 * Ctrl-D give up; cursor and function keys are ignored.
 */

export type HiddenLine = { readonly kind: "line"; readonly text: string } | { readonly kind: "cancelled" };

const CTRL_C = 0x03;
const CTRL_D = 0x04;
const BACKSPACE = 0x08;
const LF = 0x0a;
const CR = 0x0d;
const CTRL_U = 0x15;
const ESCAPE = 0x1b;
const DELETE = 0x7f;
const FIRST_PRINTABLE = 0x20;
const CSI = 0x5b;
const SS3 = 0x4f;
/** ECMA-48 5.4: an octet from here on ends a control sequence. */
const FIRST_FINAL = 0x40;

export const CANCELLED: HiddenLine = { kind: "cancelled" };

export class HiddenLineReader {
  #octets: number[] = [];
  /** Where in a key's control sequence (ESC [ … final, ESC O final) we are. */
  #sequence: "none" | "escape" | "parameters" = "none";

  /** Takes what was typed; gives the line once it is ended, null before. What was typed behind Enter is dropped. */
  type(keys: Uint8Array): HiddenLine | null {
    for (const key of keys) {
      if (this.#inSequence(key)) continue;
      if (key === CR || key === LF) return this.#line();
      if (key === CTRL_C || key === CTRL_D) return CANCELLED;
      if (key === ESCAPE) this.#sequence = "escape";
      else if (key === CTRL_U) this.#octets = [];
      else if (key === BACKSPACE || key === DELETE) this.#eraseCharacter();
      else if (key >= FIRST_PRINTABLE) this.#octets.push(key);
    }
    return null;
  }

  /** Whether the key belongs to a control sequence and so is no text. */
  #inSequence(key: number): boolean {
    switch (this.#sequence) {
      case "none":
        return false;
      case "escape":
        this.#sequence = key === CSI || key === SS3 ? "parameters" : "none";
        return this.#sequence === "parameters";
      case "parameters":
        if (key >= FIRST_FINAL) this.#sequence = "none";
        return true;
    }
  }

  #line(): HiddenLine {
    return { kind: "line", text: new TextDecoder().decode(Uint8Array.from(this.#octets)) };
  }

  /** A character of UTF-8 is its first octet and the continuation octets (10xxxxxx) behind it. */
  #eraseCharacter(): void {
    let last = this.#octets.pop();
    while (last !== undefined && (last & 0xc0) === 0x80) last = this.#octets.pop();
  }
}
