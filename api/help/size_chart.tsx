/** How many relays a message costs for each recipient, by its size: bars drawn from the policy's own figures. */
import type { JSX } from "hono/jsx/jsx-runtime";

const MEGABYTE = 1_048_576;
/** In the drawing's units, which scale with the page. */
const ROW = 26, LABELS = 138, COUNTS = 72, UNIT = 25, WIDTH = 360;
/** Bars for more steps than this would be a page of their own. */
const MAX_ROWS = 12;

/** @param stepBytes each full step costs one relay more. */
export function sizeChart(stepBytes: number, maxBytes: number): JSX.Element {
  const rows = Math.min(Math.floor(maxBytes / stepBytes) + 1, MAX_ROWS);
  const unit = Math.min(UNIT, (WIDTH - LABELS - COUNTS) / rows);
  return (
    <svg class="chart" viewBox={`0 0 ${WIDTH} ${rows * ROW}`} role="img" aria-label="Relays by size of the message">
      {Array.from({ length: rows }, (_, row) => (
        <>
          <text x="0" y={row * ROW + 17}>{sizes(row, stepBytes, maxBytes)}</text>
          <rect x={LABELS} y={row * ROW + 3} width={unit * (row + 1)} height={ROW - 6} rx="2" />
          <text x={LABELS + unit * (row + 1) + 8} y={row * ROW + 17}>
            {row === 0 ? "1 relay" : `${row + 1} relays`}
          </text>
        </>
      ))}
    </svg>
  );
}

function sizes(row: number, stepBytes: number, maxBytes: number): string {
  const megabytes = (bytes: number) => String(Math.round(bytes / MEGABYTE * 100) / 100);
  const from = row * stepBytes, to = from + stepBytes;
  if (row === 0) return `under ${megabytes(to)} MB`;
  if (from === maxBytes) return `exactly ${megabytes(from)} MB`;
  return to > maxBytes
    ? `${megabytes(from)} to ${megabytes(maxBytes)} MB`
    : `${megabytes(from)} to under ${megabytes(to)} MB`;
}
