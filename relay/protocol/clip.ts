/** Cuts text to a number of octets of UTF-8, between characters. */

/** A UTF-16 code unit takes at most so many octets. */
const MAX_OCTETS_OF_UNIT = 3;
const encoder = new TextEncoder();

export function clip(text: string, maxOctets: number): string {
  if (text.length <= maxOctets / MAX_OCTETS_OF_UNIT) return text;
  return text.slice(0, encoder.encodeInto(text, new Uint8Array(maxOctets)).read);
}
