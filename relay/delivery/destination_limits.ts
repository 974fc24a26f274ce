/**
 * What the operator lets a destination bear, by the names of its hosts.
 *
 * Pure. A rule names a host, a domain that hosts are in, an address, or `*` for all the rest; the rule with the longest
 * name that fits one of a next hop's hosts counts. What it leaves open is as without it.
 */
import { isIP } from "node:net";
import type { NextHopHost } from "./next_hop.ts";

export interface DestinationRule {
  /** Connections at the same time. */
  readonly connections?: number;
  /** Messages on one connection. */
  readonly messages?: number;
  /** Between the starts of two messages, in ms. */
  readonly intervalMs?: number;
}

/** By name in lower case; `*`: all the rest. */
export type DestinationRules = ReadonlyMap<string, DestinationRule>;

const NO_RULE: DestinationRule = {};

export function ruleFor(hosts: readonly Pick<NextHopHost, "name">[], rules: DestinationRules): DestinationRule {
  let best = "*";
  for (const { name } of hosts) {
    const fitting = longestFit(name, rules);
    if (best === "*" || fitting.length > best.length) best = fitting;
  }
  return rules.get(best) ?? NO_RULE;
}

function longestFit(name: string, rules: DestinationRules): string {
  if (rules.size === 0) return "*";
  for (let rest = name.toLowerCase(); rest !== "";) {
    if (rules.has(rest)) return rest;
    const dot = rest.indexOf(".");
    // Of an address the whole counts, or nothing.
    if (dot < 0 || isIP(name) !== 0) break;
    rest = rest.slice(dot + 1);
  }
  return "*";
}
