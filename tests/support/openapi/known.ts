/**
 * The names and ids that a service has told, so that requests can be about things that exist: what stands in its answers,
 * by the field's name.
 */
import fc from "fast-check";

/** Stands for one of the texts that are known under a name when the request is made. */
export interface KnownText {
  readonly known: string;
  readonly n: number;
}

export const knownText = (name: string): fc.Arbitrary<KnownText> =>
  fc.record({ known: fc.constant(name), n: fc.nat() });

/** The newest of a name are kept. */
const MAX_KEPT = 40;
/** Fields that hold what others call otherwise. */
const ALSO: Readonly<Record<string, string>> = {
  active: "hash",
  lastGood: "hash",
  next: "cursor",
  username: "account",
};

export class Known {
  readonly #texts = new Map<string, string[]>();

  add(name: string, text: string): void {
    const texts = this.#texts.get(name) ?? [];
    if (texts.includes(text)) return;
    this.#texts.set(name, [...texts, text].slice(-MAX_KEPT));
  }

  /** @param path of the request that was answered, so that ids are known by what they are of. */
  learn(path: string, answer: unknown): void {
    if (typeof answer !== "object" || answer === null) return;
    for (const [name, value] of Object.entries(answer)) {
      if (typeof value !== "string") this.learn(path, value);
      else if (value !== "") {
        for (const each of [name, `${path}#${name}`]) this.add(each, value);
        if (name in ALSO) { for (const each of [ALSO[name]!, `${path}#${ALSO[name]}`]) this.add(each, value); }
      }
    }
  }

  /** @param path under which the text is preferably known. @returns "" where there is none yet. */
  find({ known, n }: KnownText, path?: string): string {
    const texts = this.#texts.get(`${path}#${known}`) ?? this.#texts.get(known) ?? [];
    return texts[n % Math.max(1, texts.length)] ?? "";
  }

  /** A value with what its stand-ins stand for. */
  resolve(value: unknown): unknown {
    if (typeof value !== "object" || value === null) return value;
    if ("known" in value && "n" in value) return this.find(value as KnownText);
    if (Array.isArray(value)) return value.map((each) => this.resolve(each));
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, this.resolve(each)]));
  }
}
