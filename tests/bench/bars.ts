/** A bar chart as SVG: few bars, no script, no font of its own, readable on light and dark ground. Pure. */

const WIDTH = 640, NAMES = 160, BAR = 28, GAP = 14, TOP = 44;
/** Room for the number behind the longest bar. */
const NUMBERS = 70;

/** @param bars names are written as they are: without "<", "&" or quotes. */
export function barsOf(title: string, bars: readonly { readonly name: string; readonly value: number }[]): string {
  const longest = Math.max(...bars.map(({ value }) => value));
  const height = TOP + bars.length * (BAR + GAP);
  const drawn = bars.map(({ name, value }, n) => {
    const y = TOP + n * (BAR + GAP), middle = y + BAR / 2 + 5;
    const width = Math.round(value / longest * (WIDTH - NAMES - NUMBERS));
    return `  <text x="${NAMES - 10}" y="${middle}" text-anchor="end">${name}</text>
  <rect x="${NAMES}" y="${y}" width="${width}" height="${BAR}" fill="${n === 0 ? "#8a8f98" : "#2f7d5b"}" />
  <text x="${NAMES + width + 8}" y="${middle}">${value}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img"
  aria-label="${title}"
  font-family="sans-serif" font-size="14" fill="#6b7280">
  <text x="${NAMES}" y="24" font-weight="bold">${title}</text>
${drawn.join("\n")}
</svg>
`;
}
