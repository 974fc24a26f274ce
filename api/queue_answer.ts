/** What several nodes say of their queues, as one answer. Pure. */
import type { QueueAges, QueuedDomain, QueuedMessageFacts, QueueSummary } from "./queue_wire.ts";

/** Domains in one answer: nobody reads more. */
const MAX_DOMAINS = 1000;

export function mergedSummaries(summaries: readonly QueueSummary[]): QueueSummary {
  const byDomain = Map.groupBy(summaries.flatMap(({ domains }) => domains), ({ domain }) => domain);
  const domains = [...byDomain.values()].map(mergedDomain).sort((one, other) => other.recipients - one.recipients);
  const suspended = new Map(summaries.flatMap((each) => each.suspended).map((each) => [each.destination, each]));
  return {
    messages: sum(summaries, ({ messages }) => messages),
    recipients: sum(summaries, ({ recipients }) => recipients),
    held: sum(summaries, ({ held }) => held),
    damaged: sum(summaries, ({ damaged }) => damaged),
    domains: domains.slice(0, MAX_DOMAINS),
    otherDomains: Math.max(0, domains.length - MAX_DOMAINS) + sum(summaries, ({ otherDomains }) => otherDomains),
    suspended: [...suspended.values()],
  };
}

/** The oldest of all. */
export function mergedLists(messages: readonly QueuedMessageFacts[], limit: number): QueuedMessageFacts[] {
  return messages.toSorted((one, other) => one.receivedAt - other.receivedAt || (one.id < other.id ? -1 : 1))
    .slice(0, limit);
}

function mergedDomain(parts: readonly QueuedDomain[]): QueuedDomain {
  const ages = (age: keyof QueueAges) => sum(parts, (part) => part.ages[age]);
  const next = parts.flatMap(({ nextAttemptAt }) => nextAttemptAt ?? []);
  return {
    domain: parts[0]!.domain,
    recipients: sum(parts, ({ recipients }) => recipients),
    held: sum(parts, ({ held }) => held),
    ages: { under1h: ages("under1h"), under4h: ages("under4h"), under1d: ages("under1d"), older: ages("older") },
    oldestAt: Math.min(...parts.map(({ oldestAt }) => oldestAt)),
    nextAttemptAt: next.length === 0 ? null : Math.min(...next),
    lastReply: parts.find(({ lastReply }) => lastReply !== null)?.lastReply ?? null,
  };
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
