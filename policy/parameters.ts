/**
 * The figures the policy decides by. They are facts like any other, so that an operator may change them without a new
 * module and a recorded decision can be decided again.
 *
 * One table: name → where it stands in memory, its bounds, its default, its unit and its meaning. Whatever shows,
 * checks or writes parameters goes by it. All are whole numbers.
 */
import * as at from "./assembly/layout.ts";

export interface ParameterSpec {
  /** In the shared memory. */
  readonly offset: number;
  readonly least: number;
  readonly most: number;
  readonly default: number;
  readonly unit: string;
  readonly meaning: string;
}

/** 1 MB is 1,048,576 octets. */
const MEGABYTE = 1_048_576;
/** Far beyond any use, within a 32-bit count. */
const MANY = 1_000_000_000;
/** Larger messages are not what mail servers exchange, and each is written to disk whole. */
const LARGEST_MESSAGE = 1024 * MEGABYTE;
/** RFC 5321 4.5.3.1.8 asks for 100; an event of the history has room for so many addresses. */
const MOST_RECIPIENTS = 1000;
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

const spec = (
  offset: number,
  [least, most]: readonly [number, number],
  fallback: number,
  unit: string,
  meaning: string,
): ParameterSpec => ({ offset, least, most, default: fallback, unit, meaning });

export const PARAMETERS = Object.freeze({
  relaysPerBlock: spec(at.RELAYS_PER_BLOCK, [1, MANY], 150, "relays", "a day in one block"),
  priceStepBytes: spec(
    at.PRICE_STEP_BYTES,
    [1, LARGEST_MESSAGE],
    10 * MEGABYTE,
    "octets",
    "each full step costs one relay more for each recipient",
  ),
  maxSizeBytes: spec(at.MAX_SIZE_BYTES, [1, LARGEST_MESSAGE], 50 * MEGABYTE, "octets", "the largest message"),
  maxRecipients: spec(at.MAX_RECIPIENTS, [1, MOST_RECIPIENTS], 100, "recipients", "of one message"),
  maxReceivedFields: spec(at.MAX_RECEIVED_FIELDS, [1, 1000], 50, "fields", "Received fields that a message comes with"),
  maxConnections: spec(at.MAX_CONNECTIONS, [1, MANY], 10_000, "connections", "open at one process"),
  maxConnectionsPerAddress: spec(
    at.MAX_ADDRESS_CONNECTIONS,
    [1, MANY],
    50,
    "connections",
    "open from one address, or from one /64 of IPv6",
  ),
  maxLoginFailures: spec(
    at.MAX_LOGIN_FAILURES,
    [1, MANY],
    20,
    "logins",
    "failed within the window, for a username and for an address prefix, before further ones wait",
  ),
  loginWindowMs: spec(at.LOGIN_WINDOW_MS, [1000, DAY_MS], 10 * MINUTE_MS, "ms", "how long failed logins count"),
  claimedDomainsOnly: spec(
    at.CLAIMED_DOMAINS_ONLY,
    [0, 1],
    0,
    "yes or no",
    "1: accounts send as domains that they have claimed, and as no others",
  ),
  ndrSharePercent: spec(
    at.NDR_DEFAULT_PERCENT,
    [1, 100],
    20,
    "percent",
    "of the day's relays for non-delivery reports, where an account limits them without a share of its own",
  ),
  brakeHabitDays: spec(at.BRAKE_HABIT_DAYS, [1, 28], 3, "days", "with mail that make a habit"),
  brakeFloorRelays: spec(at.BRAKE_FLOOR_RELAYS, [1, MANY], 150, "relays", "of a day that are never too many"),
  brakeRelaysPercent: spec(
    at.BRAKE_RELAYS_PERCENT,
    [100, MANY],
    300,
    "percent",
    "of the relays of the habit's busiest day that a day may have",
  ),
  brakeFloorRecipients: spec(
    at.BRAKE_FLOOR_RECIPIENTS,
    [1, MANY],
    100,
    "recipients",
    "distinct ones of a day that are never too many",
  ),
  brakeRecipientsPercent: spec(
    at.BRAKE_RECIPIENTS_PERCENT,
    [100, MANY],
    300,
    "percent",
    "of the distinct recipients of the habit's busiest day that a day may have",
  ),
  brakeFloorRefused: spec(
    at.BRAKE_FLOOR_REFUSED,
    [1, MANY],
    20,
    "recipients",
    "refused by their servers on a day that are never too many",
  ),
  brakeRefusedPercent: spec(
    at.BRAKE_REFUSED_PERCENT,
    [1, 100],
    25,
    "percent",
    "of a day's recipients that may be refused, above the habit's share",
  ),
});

export type ParameterName = keyof typeof PARAMETERS;
export type Parameters = { readonly [Name in ParameterName]: number };

export const PARAMETER_NAMES = Object.keys(PARAMETERS) as ParameterName[];

export const defaultParameters: Parameters = Object.freeze(
  Object.fromEntries(PARAMETER_NAMES.map((name) => [name, PARAMETERS[name].default])) as Parameters,
);

/** What is wrong with a value, in words that follow the parameter's name; null: nothing. */
export function parameterMistake(name: ParameterName, value: number): string | null {
  const { least, most } = PARAMETERS[name];
  if (Number.isSafeInteger(value) && value >= least && value <= most) return null;
  return `expected a whole number from ${least} to ${most}`;
}
