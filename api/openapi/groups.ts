/** The groups in which routes are shown: a route is in the first one whose pattern fits its path. */

export interface Group {
  readonly name: string;
  readonly description: string;
  readonly paths: RegExp;
}

const below = (part: string): RegExp => new RegExp(`^/v1/accounts/\\{username\\}/${part}(/|$)`);

/** Those of an account, and all of them. */
const NOTICES = /^\/v1(\/accounts\/\{username\})?\/notices/;

export const GROUPS: readonly Group[] = [
  { name: "Blocks", description: "What an account bought: relays a day.", paths: below("blocks") },
  { name: "Quota", description: "What is used of the day, and what is left.", paths: below("(quota|usage)") },
  {
    name: "Networks",
    description: "Addresses that relay for an account without a password.",
    paths: below("networks"),
  },
  {
    name: "DKIM",
    description: "Keys that sign the mail of a claimed domain.",
    paths: below("domains/\\{domain\\}/dkim"),
  },
  { name: "Domains", description: "Domains that an account claims for itself.", paths: below("domains") },
  {
    name: "Suppressed addresses",
    description: "Addresses that failed for good, and are refused since.",
    paths: below("suppressions"),
  },
  {
    name: "Client settings",
    description: "What an account's programs are set up with.",
    paths: below("client-settings"),
  },
  { name: "API keys", description: "Tokens of an account, for its own programs.", paths: below("keys") },
  { name: "Notices", description: "What account and operator should look at.", paths: NOTICES },
  { name: "Accounts", description: "Who may use the service.", paths: /^\/v1\/accounts/ },
  { name: "Messages", description: "What became of each message.", paths: /^\/v1\/messages/ },
  { name: "Queue", description: "Messages that are on their way.", paths: /^\/v1\/queue/ },
  { name: "Nodes", description: "The relay nodes of the service.", paths: /^\/v1\/nodes/ },
  {
    name: "Policy",
    description: "The module that decides, its parameters, and what it decided.",
    paths: /^\/v1\/policy/,
  },
  { name: "Relay tokens", description: "Tokens of the relay nodes.", paths: /^\/v1\/relay-tokens/ },
  { name: "Audit", description: "Who changed what, and when.", paths: /^\/v1\/audit/ },
  { name: "Doctor", description: "What an operator forgets, as the world sees it.", paths: /^\/v1\/doctor/ },
  { name: "Health", description: "For load balancers and monitors.", paths: /^\/(healthz|readyz|metrics)$/ },
];

/** For a route that nobody has put into a group: it is shown all the same, and a test says so. */
const OTHERS: Group = { name: "Others", description: "In no group yet.", paths: /^/ };

/** The order in which they are read: accounts first. */
export const READING_ORDER: readonly string[] = [
  "Accounts",
  ...GROUPS.map(({ name }) => name).filter((name) => name !== "Accounts"),
  OTHERS.name,
];

export function groupOf(path: string): Group {
  return GROUPS.find(({ paths }) => paths.test(path)) ?? OTHERS;
}
