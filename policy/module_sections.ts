/** Reads the sections of a WebAssembly module (WebAssembly Core 2.0, 5.5), as far as their heads tell what is in it. */

export const SECTION = { type: 1, table: 4, memory: 5, global: 6, start: 8, code: 10, tag: 13 } as const;

/** The octets are not laid out as a module's. */
export class BadModule extends Error {
  override readonly name = "BadModule";
}

/** Magic and version. */
const PREAMBLE_OCTETS = 8;

export class ModuleSections {
  readonly #sections = new Map<number, Uint8Array>();

  /** @throws {BadModule} */
  constructor(octets: Uint8Array) {
    const reader = new SectionReader(octets.subarray(PREAMBLE_OCTETS));
    while (!reader.atEnd) {
      const id = reader.octet();
      this.#sections.set(id, reader.octets(reader.number()));
    }
  }

  has(section: number): boolean {
    return this.#sections.has(section);
  }

  /** A reader of a section's entries, at the first of them; null: the module has no such section. */
  entries(section: number): SectionReader & { readonly count: number } | null {
    const octets = this.#sections.get(section);
    if (octets === undefined) return null;
    const reader = new SectionReader(octets);
    const count = reader.number();
    return Object.assign(reader, { count });
  }
}

/** Takes octets, numbers and vectors one behind the other. Each method throws BadModule at the end. */
export class SectionReader {
  readonly #octets: Uint8Array;
  #at = 0;

  constructor(octets: Uint8Array) {
    this.#octets = octets;
  }

  get atEnd(): boolean {
    return this.#at >= this.#octets.length;
  }

  octet(): number {
    const octet = this.#octets[this.#at++];
    if (octet === undefined) throw new BadModule("it ends too early");
    return octet;
  }

  octets(length: number): Uint8Array {
    if (this.#at + length > this.#octets.length) throw new BadModule("a section ends too early");
    this.#at += length;
    return this.#octets.subarray(this.#at - length, this.#at);
  }

  /** An unsigned LEB128 of 32 bits (5.2.2). */
  number(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const octet = this.octet();
      value += (octet & 0x7f) * 2 ** shift;
      if (octet < 0x80) return value;
    }
    throw new BadModule("a number is too long");
  }

  /** A vector of single octets (5.1.3). */
  vector(): Uint8Array {
    return this.octets(this.number());
  }

  /** The next part, which begins with its length, to be read by itself. */
  part(): SectionReader {
    return new SectionReader(this.vector());
  }

  /** Passes a constant expression of one number (3.3.7, 5.4.9). false: it is another one, and has not been passed. */
  constant(): boolean {
    switch (this.octet()) {
      case 0x41: // i32.const
      case 0x42: // i64.const
        while (this.octet() >= 0x80);
        break;
      case 0x43: // f32.const
        this.octets(4);
        break;
      case 0x44: // f64.const
        this.octets(8);
        break;
      default:
        return false;
    }
    return this.octet() === 0x0b; // end
  }
}
