/** Pieces of a message that the relay writes itself. Pure. */

/** RFC 5322 2.1.1 asks for 78 characters in a line; what cannot be broken stays longer. */
const LINE_CHARACTERS = 76;

/** RFC 5322 3.3. */
export function mailDate(time: number): string {
  return new Date(time).toUTCString().replace("GMT", "+0000");
}

/** Lines without line ends, broken at spaces. */
export function wrapped(text: string, indent = ""): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && indent.length + line.length + 1 + word.length > LINE_CHARACTERS) {
      lines.push(indent + line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  lines.push(indent + line);
  return lines;
}
