/**
 * What is filled into a page for its reader: the service's name and ports, the policy's figures, the reader's username.
 *
 * Nothing comes in unescaped; the username is the only value that a stranger can choose (by a link), so it must be one
 * that an account could have, or it is left out.
 */
import { html } from "hono/html";
import type { Parameters } from "../../policy/mod.ts";
import { sizeChart } from "./size_chart.tsx";

/** What customers set up, and what this service promises them. */
export interface HelpFacts {
  /** The service's own name. */
  readonly name: string;
  /** Open ports of SMTP with STARTTLS, and of SMTP over TLS. */
  readonly starttlsPorts: readonly number[];
  readonly tlsPorts: readonly number[];
  /** From the purchase of a block to its activation. */
  readonly activationDelayMs: number;
  /** Age of a message at which its sender is told that it is late, and at which it is given up. */
  readonly delayWarningMs: number;
  readonly expiryMs: number;
  /** Where everybody finds these pages; null: nowhere. */
  readonly url: string | null;
}

export type Placeholders = Readonly<Record<string, unknown>>;

const USERNAME = /^[a-z0-9._-]{1,64}$/;
const NOBODY = "your-username";
/** RFC 6409 and RFC 8314: where mail programs look first. */
const SUBMISSION = 587, SUBMISSIONS = 465;
const MEGABYTE = 1_048_576;
const UNITS: readonly (readonly [name: string, ms: number])[] = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1000],
];

/** The reader's username, or null if nobody is called so. */
export function readerNamed(user: string | undefined): string | null {
  return user !== undefined && USERNAME.test(user) ? user : null;
}

export function placeholders(facts: HelpFacts, figures: Parameters, reader: string | null): Placeholders {
  const { name, starttlsPorts, tlsPorts } = facts;
  const port = first(starttlsPorts, SUBMISSION), tlsPort = first(tlsPorts, SUBMISSIONS);
  return {
    service: name,
    port,
    tlsPort,
    ports: list(starttlsPorts, port),
    tlsPorts: list(tlsPorts, tlsPort),
    username: reader ?? NOBODY,
    query: reader === null ? "" : `?user=${reader}`,
    relaysPerBlock: figures.relaysPerBlock,
    maxRecipients: figures.maxRecipients,
    maxSize: figures.maxSizeBytes / MEGABYTE,
    maxSizeBytes: figures.maxSizeBytes,
    twoBlocks: 2 * figures.relaysPerBlock,
    activation: facts.activationDelayMs === 0 ? "at once" : `after ${duration(facts.activationDelayMs)}`,
    delayWarning: duration(facts.delayWarningMs),
    expiry: duration(facts.expiryMs),
    sizeChart: sizeChart(figures.priceStepBytes, figures.maxSizeBytes),
  };
}

/** @throws Error for a name that is none: a mistake in a page. */
export function fill(page: string, values: Placeholders): string {
  return page.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => {
    if (!(name in values)) throw new Error(`a help page has an unknown placeholder: ${name}`);
    return String(html`${values[name]}`);
  });
}

/** The port that examples use: the usual one if it is open, else the first that is. */
function first(ports: readonly number[], usual: number): number {
  return ports.includes(usual) ? usual : ports[0] ?? usual;
}

function list(ports: readonly number[], example: number): string {
  const others = ports.filter((port) => port !== example);
  return others.length === 0 ? String(example) : `${example} (or ${others.join(", ")})`;
}

/** In the largest unit that it is whole in: "15 minutes". */
function duration(ms: number): string {
  const [unit, unitMs] = UNITS.find(([, unitMs]) => ms % unitMs === 0) ?? UNITS.at(-1)!;
  const count = Math.ceil(ms / unitMs);
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}
