/**
 * A message's history as a time line: when, what, for whom, where, over which TLS, and the remote server's own words.
 * Pure.
 */
import type { HistoryEvent } from "./api.ts";
import { type Look, printable, show, type Style, wrap } from "./render.ts";
import { absolute, absoluteAndRelative } from "./when.ts";

const EVENT_STYLES: Readonly<Record<HistoryEvent["type"], Style>> = {
  accepted: "strong",
  delivered: "good",
  deferred: "warning",
  bounced: "bad",
  expired: "bad",
  skipped: "warning",
  returned: "plain",
  held: "warning",
  released: "plain",
  deleted: "bad",
};

/** "2026-11-23T12:00:00Z" and the longest name of an event, each with the space behind it. */
const TIME_WIDTH = 22;
const TYPE_WIDTH = 11;
/** Words are given room even where the terminal is narrower than the time line. */
const MIN_TEXT_WIDTH = 30;

/** Oldest first, as they happened. */
export function timeLine(events: readonly HistoryEvent[], look: Look): string {
  return events.map((event) => entry(event, look)).join("\n\n");
}

function entry(event: HistoryEvent, look: Look): string {
  const indent = " ".repeat(TIME_WIDTH + TYPE_WIDTH);
  const width = Math.max(look.columns - indent.length, MIN_TEXT_WIDTH);
  const lines = [event.recipients.join(", "), ...details(event, look.now)]
    .flatMap((text) => wrap(printable(text), width));
  const time = show(look, { text: absolute(event.at).padEnd(TIME_WIDTH), style: "faint" });
  const type = show(look, { text: event.type.padEnd(TYPE_WIDTH), style: EVENT_STYLES[event.type] });
  return `${time}${type}${lines.join(`\n${indent}`)}`;
}

/** What is particular to the event, a sentence a line. */
function details(event: HistoryEvent, now: number): string[] {
  switch (event.type) {
    case "accepted":
      return [origin(event), ...(event.ndr ? ["counted as a non-delivery report"] : [])];
    case "delivered":
    case "deferred":
    case "bounced":
      if (event.byOperator) return given(event.reply);
      return [attempt(event), ...given(event.tlsVerdict), ...given(event.reply), ...nextAttempt(event, now)];
    case "expired":
    case "skipped":
      return given(event.reply);
    case "returned":
      return [`the sender is told by message ${event.dsnId}`];
    case "held":
    case "released":
    case "deleted":
      return ["by the operator", ...given(event.reason)];
  }
}

function origin({ origin }: HistoryEvent): string {
  if (!origin) return "made by the relay";
  return `from ${origin.address} (${origin.helo}), ${origin.protocol}, ${security(origin.tls)}`;
}

function attempt({ attempt, host, address, tls }: HistoryEvent): string {
  const words = `attempt ${attempt}`;
  if (!host && !address) return `${words} reached no server`;
  if (!address) return `${words} at ${host}`;
  return `${words} at ${host ? `${host} [${address}]` : `[${address}]`}, ${security(tls)}`;
}

const nextAttempt = ({ nextAttemptAt }: HistoryEvent, now: number): string[] =>
  nextAttemptAt ? [`next attempt ${absoluteAndRelative(nextAttemptAt, now)}`] : [];

const given = (words: string | null | undefined): string[] => words ? [words] : [];
const security = (tls: string | null | undefined): string => tls || "without TLS";
