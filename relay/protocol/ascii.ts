/**
 * Text as the grammar of SMTP knows it: letters and blanks of ASCII alone. By Unicode's rules "ı" and "ſ" have I and S
 * as their capitals and "\u{3000}" is a space, and what is no command to anybody else would be one here. Pure.
 */

/** RFC 5321 2.4: keywords are compared without regard to case. */
export function asciiUpperCase(text: string): string {
  return text.replace(/[a-z]+/g, (letters) => letters.toUpperCase());
}

/** The text without the blanks around it. */
export function trimBlanks(text: string): string {
  let start = 0, end = text.length;
  while (start < end && text[start] === " ") start++;
  while (end > start && text[end - 1] === " ") end--;
  return text.slice(start, end);
}
