/**
 * Notices a CR without LF or an LF without CR in octets that come in parts: content by BDAT has no end mark that it
 * could hide, but what goes on by DATA at the next hop has (SMTP smuggling).
 */

const CR = 13, LF = 10;

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
    while (!this.bare) {
      const cr = octets.indexOf(CR, at);
      const end = cr < 0 ? octets.length : cr;
      const lf = octets.indexOf(LF, at);
      if (lf >= 0 && lf < end) this.bare = true;
      if (cr < 0) return;
      if (cr === octets.length - 1) {
        this.endsInCr = true;
        return;
      }
      if (octets[cr + 1] !== LF) this.bare = true;
      at = cr + 2;
    }
  }
}
