/**
 * Reads the variables of an environment one by one and collects every mistake, so that an operator mends all at once.
 *
 * Pure. A mistake is one line: variable, value, what was expected. The value of a secret is never shown.
 */
import { closestDomain } from "./admission/did_you_mean.ts";
import type { Parser } from "./settings_grammar.ts";

export type Environment = Readonly<Record<string, string>>;

/** Longest value that is shown in a mistake, in characters. */
const MAX_SHOWN = 200;
const UNPRINTABLE = /\p{C}/gu;

export class SettingsReader<Name extends string> {
  readonly mistakes: string[] = [];
  readonly #environment: Environment;
  readonly #secrets: ReadonlySet<string>;

  constructor(environment: Environment, secrets: ReadonlySet<string>) {
    this.#environment = environment;
    this.#secrets = secrets;
  }

  /** The parsed value; null if the variable is not set, is empty (unless `emptyCounts`), or has a mistake. */
  read<T>(name: Name, parser: Parser<T>, emptyCounts = false): T | null {
    const text = this.#environment[name];
    if (text === undefined || (text === "" && !emptyCounts)) return null;
    const value = parser.parse(text);
    if (value !== undefined) return value;
    this.mistake(name, `expected ${parser.expected}`);
    return null;
  }

  isSet(name: string): boolean {
    return (this.#environment[name] ?? "") !== "";
  }

  /** Notes what is wrong with a variable, in words that follow its name and value. */
  mistake(name: string, words: string): void {
    const text = this.#environment[name];
    if (text === undefined) this.mistakes.push(`${name} is not set: ${words}`);
    else if (this.#secrets.has(name)) this.mistakes.push(`${name} (value not shown): ${words}`);
    else this.mistakes.push(`${name}=${printable(text)}: ${words}`);
  }

  /** Notes each variable with `prefix` that is not `known`; its value may be a secret under a mistyped name. */
  refuseUnknown(prefix: string, known: readonly string[]): void {
    const names = new Set(known);
    for (const name of Object.keys(this.#environment)) {
      if (!name.startsWith(prefix) || names.has(name)) continue;
      const meant = closestDomain(name, known);
      const hint = meant === undefined ? "" : `: did you mean ${meant}?`;
      this.mistakes.push(`${printable(name)} (value not shown): there is no such setting${hint}`);
    }
  }
}

/** One line, whatever the value holds. */
function printable(text: string): string {
  const shown = text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN)}…`;
  return shown.replaceAll(UNPRINTABLE, "?");
}
