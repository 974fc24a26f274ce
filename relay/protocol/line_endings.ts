/**
 * Notices a CR without LF or an LF without CR in octets that come in parts: content by BDAT has no end mark that it
 * could hide, but what goes on by DATA at the next hop has (SMTP smuggling).
 */
import { nextLineEnd } from "./octet_search.ts";

const LF = 10;

export class LineEndings {
  /** A CR or LF stood alone. */
  bare = false;
  /** The last octet was a CR: if nothing more comes, it stood alone. */
  endsInCr = false;

  push(octets: Uint8Array): void {
    if (this.bare || octets.length === 0) return;
    let at = 0;
    if (this.endsInCr) {
      if (octets[0] !== LF) this.bare = true;
      at = 1;
    }
    this.endsInCr = false;
    const view = new DataView(octets.buffer, octets.byteOffset, octets.length);
    while (!this.bare) {
      const end = nextLineEnd(octets, view, at);
      if (end === octets.length) return;
      if (octets[end] === LF) this.bare = true;
      else if (end === octets.length - 1) this.endsInCr = true;
      else if (octets[end + 1] !== LF) this.bare = true;
      at = end + 2;
    }
  }
}
