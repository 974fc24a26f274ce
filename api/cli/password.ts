/** Where a password comes from: the standard input, a terminal that does not show it, or our own making. */
import { flag, map, message, optional, or } from "@optique/core";
import type { Terminal } from "./terminal.ts";

/** How the command line says the password is given. */
export type PasswordSource = "ask" | "stdin" | "generate";

export type Password =
  | { readonly kind: "password"; readonly text: string; readonly generated: boolean }
  | { readonly kind: "none"; readonly why: string };

/** Gives `length` random octets. */
export type RandomBytes = (length: number) => Uint8Array;

/** 32 characters that are not taken for one another on a telephone or in print: a character is five bits. */
const ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789";
const GROUPS = 4;
/** 4 × 5 characters of five bits: 100 bits, beyond guessing. */
const GROUP_LENGTH = 5;

/** `--password-stdin` or `--generate`; neither is to ask. */
export const passwordSource = () =>
  map(
    optional(or(
      map(
        flag("--password-stdin", { description: message`Read the password from the standard input.` }),
        (): PasswordSource => "stdin",
      ),
      map(
        flag("--generate", { description: message`Make a password and print it, once.` }),
        (): PasswordSource => "generate",
      ),
    )),
    (source): PasswordSource => source ?? "ask",
  );

export async function obtainPassword(
  source: PasswordSource,
  terminal: Terminal,
  randomBytes: RandomBytes,
): Promise<Password> {
  switch (source) {
    case "generate":
      return { kind: "password", text: generatePassword(randomBytes), generated: true };
    case "stdin":
      return fromInput(await terminal.readAll());
    case "ask":
      return await ask(terminal);
  }
}

/** "k7f2m-x9q4t-…": 100 bits from `randomBytes`. */
export function generatePassword(randomBytes: RandomBytes): string {
  // 256 is a multiple of 32, so the remainder favours no character.
  const characters = Array.from(
    randomBytes(GROUPS * GROUP_LENGTH),
    (octet) => ALPHABET.charAt(octet % ALPHABET.length),
  ).join("");
  return Array.from(
    { length: GROUPS },
    (_, at) => characters.slice(at * GROUP_LENGTH, (at + 1) * GROUP_LENGTH),
  ).join("-");
}

async function ask(terminal: Terminal): Promise<Password> {
  if (!terminal.interactive) return none("No terminal to ask for the password on: use --password-stdin or --generate.");
  const first = await terminal.askHidden("Password: ");
  if (first.kind === "cancelled") return none("Cancelled.");
  const second = await terminal.askHidden("Again: ");
  if (second.kind === "cancelled") return none("Cancelled.");
  return first.text === second.text ? given(first.text) : none("The two passwords differ.");
}

/** The line end that `echo` and files put behind a password is not part of it. */
const fromInput = (text: string | null): Password =>
  text === null ? none("The standard input is too large for a password.") : given(text.replace(/\r?\n$/, ""));
const given = (text: string): Password =>
  text === "" ? none("The password is empty.") : { kind: "password", text, generated: false };
const none = (why: string): Password => ({ kind: "none", why });
