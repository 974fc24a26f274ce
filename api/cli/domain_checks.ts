/** How the checks of a domain's records look to people: a verdict and words for each, and what is to be published. */
import type { CheckedDomain } from "./api.ts";
import { type Look, printable, show, type Style, wrap } from "./render.ts";

type Checks = CheckedDomain["checks"];
type Check = Checks["spf"];

const VERDICT_STYLES: Readonly<Record<Check["verdict"], Style>> = {
  good: "good",
  warning: "warning",
  bad: "bad",
  unknown: "faint",
};

/** "DMARC  " and "warning  ". */
const RECORD_WIDTH = 7, VERDICT_WIDTH = 9;
const MIN_TEXT_WIDTH = 30;

export function checksText({ mx, spf, dkim, dmarc }: Checks, look: Look): string {
  return [
    adviceText("MX", RECORD_WIDTH, mx, look),
    adviceText("SPF", RECORD_WIDTH, spf, look),
    adviceText("DKIM", RECORD_WIDTH, dkim, look),
    adviceText("DMARC", RECORD_WIDTH, dmarc, look),
  ].join("\n");
}

/** What it is about, in so many columns, the verdict, words, and records. */
export function adviceText(
  name: string,
  nameWidth: number,
  { verdict, words, found, publish }: Check,
  look: Look,
): string {
  const indent = " ".repeat(nameWidth + VERDICT_WIDTH);
  const width = Math.max(look.columns - indent.length, MIN_TEXT_WIDTH);
  const head = show(look, { text: name.padEnd(nameWidth), style: "faint" }) +
    show(look, { text: verdict.padEnd(VERDICT_WIDTH), style: VERDICT_STYLES[verdict] });
  // Records stand on a line of their own and unbroken, to be copied.
  const lines = [
    ...wrap(printable(words), width),
    ...(publish.length > 0
      ? []
      : found.map(({ type, value }) => show(look, { text: `${type} ${value}`, style: "faint" }))),
    ...publish.flatMap(({ name, type, value }) => [
      `publish: ${printable(name)} ${type}`,
      show(look, { text: value, style: "strong" }),
    ]),
  ];
  return `${head}${lines.join(`\n${indent}`)}`;
}
