/**
 * What a start prints for the person at the terminal: where the relay listens, what it left out and why, where things
 * are, and three commands to copy that lead to a first message.
 *
 * Pure: facts in, text out. The commands are put together from this start's ports and paths, so they work as printed,
 * but for the two addresses that only the reader knows.
 */
import { join } from "@std/path";

interface SharedFacts {
  readonly serviceName: string;
  readonly dataDir: string;
  readonly http: readonly { readonly hostname: string; readonly port: number }[];
}

interface PlaneFacts extends SharedFacts {
  readonly adminToken: {
    /** null: the settings gave the token. */
    readonly file: string | null;
    /** The token itself: only at the first start, and only on a terminal. */
    readonly shown: string | null;
  };
}

interface NodesFacts extends SharedFacts {
  /** Open SMTP ports; `tls`: TLS from the start. */
  readonly listeners: readonly { readonly hostname: string; readonly port: number; readonly tls: boolean }[];
  /** Default ports that could not be had. */
  readonly leftOut: readonly { readonly hostname: string; readonly port: number; readonly why: string }[];
  /** What clients are to trust; null: the operator's own certificate. */
  readonly authorityFile: string | null;
}

interface AllFacts extends PlaneFacts, NodesFacts {
  readonly role: "all";
  readonly activationDelayMs: number;
}

interface ApiFacts extends PlaneFacts {
  readonly role: "api";
  /** Whether the settings have a token that all relays may use. */
  readonly sharedToken: boolean;
}

interface RelayFacts extends NodesFacts {
  readonly role: "relay";
  /** Where the control plane is, the preferred address first. */
  readonly controlPlane: readonly string[];
  /** What keeps it from its work, as /readyz has it; empty: it is ready. */
  readonly notReady: readonly string[];
}

export type RoleFacts = AllFacts | ApiFacts | RelayFacts;
export type WelcomeFacts = RoleFacts & { readonly warnings: readonly string[] };

type Address = { readonly hostname: string; readonly port: number };

const TASK = "npx -y deno@2.9.6 task";
/** The account tool's defaults: where they hold, the commands need not say them. */
const TOOL_API_URL = "http://127.0.0.1:8080";
const TOOL_DATA_DIR = "data";
const USERNAME = "anna";
const ANY_ADDRESS = new Set(["0.0.0.0", "::"]);
const LOOPBACK = new Set(["127.0.0.1", "::1", "localhost"]);

/** The text, with a line end behind each line. */
export function welcome(facts: WelcomeFacts): string {
  return [
    heading(facts),
    "",
    ...(facts.role === "relay" ? facts.notReady.map((trouble) => row("Not ready", trouble)) : []),
    ...(facts.role === "api" ? [] : ports(facts)),
    ...(facts.role === "relay" ? controlPlane(facts) : api(facts)),
    row("Data directory", facts.dataDir),
    ...(facts.role === "relay" ? [] : token(facts)),
    ...(facts.role === "api" ? [] : trusted(facts)),
    ...facts.warnings.map((warning) => `\nWarning: ${warning}`),
    "",
    ...nextSteps(facts),
  ].join("\n");
}

function heading(facts: RoleFacts): string {
  const name = `${facts.serviceName}${ROLE_WORDS[facts.role]}`;
  return facts.role === "relay" && facts.notReady.length > 0
    ? `MailHop Outbound has started as ${name}, and is not ready`
    : `MailHop Outbound is ready as ${name}`;
}

const ROLE_WORDS = { all: "", api: ", the control plane", relay: ", a relay" } as const;

function ports({ listeners, leftOut }: NodesFacts): string[] {
  return [
    row("SMTP with STARTTLS", listing(listeners.filter(({ tls }) => !tls))),
    row("SMTP over TLS", listing(listeners.filter(({ tls }) => tls))),
    ...byReason(leftOut).map(([why, addresses]) => row("Not open", `${listing(addresses)}: ${why}`)),
  ];
}

function controlPlane({ controlPlane, http }: RelayFacts): string[] {
  return [row("Control plane", controlPlane.join(", ")), row("Readiness", `${httpUrl(http[0]!)}/readyz`)];
}

function api({ http }: PlaneFacts): string[] {
  return [row("HTTP API", http.map((address) => httpUrl(address)).join(", "))];
}

function token({ adminToken }: PlaneFacts): string[] {
  return [
    row("Operator's token", adminToken.file === null ? "the one in MAILHOP_ADMIN_TOKEN" : `in ${adminToken.file}`),
    ...(adminToken.shown === null ? [] : [row("", `${adminToken.shown}   (shown this once)`)]),
  ];
}

function trusted({ authorityFile }: NodesFacts): string[] {
  return [row("Clients trust", authorityFile ?? "the issuer of your certificate (MAILHOP_TLS_CERT)")];
}

function nextSteps(facts: RoleFacts): string[] {
  switch (facts.role) {
    case "all":
      return [...firstSteps(facts), ""];
    case "api":
      return [...relaySteps(facts), ""];
    case "relay":
      return [];
  }
}

function relaySteps(facts: ApiFacts): string[] {
  const make = facts.sharedToken
    ? "the one in MAILHOP_RELAY_TOKEN here, or one of its own:"
    : "one of its own, which is shown once:";
  return [
    `A relay on another machine needs a token, ${make}`,
    "",
    `     ${toolSettings(facts)}${TASK} mailhop relay-token create edge-1`,
    "",
    "and is started there with MAILHOP_ROLE=relay, MAILHOP_RELAY_TOKEN and MAILHOP_API_URL, the https:// address of this",
    "API (a web server in front of it has the certificate).",
  ];
}

function firstSteps(facts: AllFacts): string[] {
  const tool = `${toolSettings(facts)}${TASK} mailhop`;
  return [
    "A first message, from a second terminal in this folder:",
    "",
    "  1. An account; it asks for a password:",
    `     ${tool} account create ${USERNAME}`,
    `  2. A block of relays${activation(facts.activationDelayMs)}:`,
    `     ${tool} block buy ${USERNAME}`,
    "  3. A message; put in an address of a domain of yours, and one whose mail you can read:",
    ...sendCommand(facts).map((line) => `     ${line}`),
  ];
}

function activation(delayMs: number): string {
  return delayMs === 0
    ? ""
    : `; it counts ${duration(delayMs)} after its purchase (at once, if you start with MAILHOP_ACTIVATION_DELAY=0s)`;
}

/** curl, which most machines have; it asks for the password. */
function sendCommand({ listeners, serviceName, authorityFile }: NodesFacts): string[] {
  const target = listeners.find(({ tls }) => !tls) ?? listeners[0];
  if (target === undefined) return ["(no SMTP port is open)"];
  const { hostname, port, tls } = target;
  const isNear = ANY_ADDRESS.has(hostname) || LOOPBACK.has(hostname);
  // The certificate that we made has the name localhost, the operator's own surely has the service's name.
  const name = authorityFile !== null && isNear ? "localhost" : serviceName;
  const address = ANY_ADDRESS.has(hostname) ? "127.0.0.1" : bracketed(hostname);
  const options = [
    `--url ${tls ? "smtps" : "smtp"}://${name}:${port}`,
    ...(tls ? [] : ["--ssl-reqd"]),
    ...(name === "localhost" ? [] : [`--resolve ${name}:${port}:${address}`]),
    ...(authorityFile === null ? [] : [`--cacert ${authorityFile}`]),
    `--user ${USERNAME}`,
  ];
  return [
    "from=you@your-domain.example to=friend@example.net",
    // RFC 5322 3.6 asks for a Date, and large providers for a Message-ID; the relay adds neither.
    `printf '%s\\n' "From: $from" "To: $to" "Date: $(date -R)" "Message-ID: <$(date +%s).$$@\${from#*@}>" \\`,
    '    "Subject: Hello" "" "It works." |',
    `  curl ${options.join(" ")} \\`,
    "    --mail-from $from --mail-rcpt $to --crlf --upload-file -",
  ];
}

/** What the account tool must be told because it is not at its default. */
function toolSettings({ http, dataDir, adminToken }: PlaneFacts): string {
  const settings: string[] = [];
  const url = httpUrl(http[0]!);
  if (url !== TOOL_API_URL) settings.push(`MAILHOP_API_URL=${url}`);
  if (adminToken.file === null) settings.push("MAILHOP_API_TOKEN=$MAILHOP_ADMIN_TOKEN");
  else if (join(dataDir) !== TOOL_DATA_DIR) settings.push(`MAILHOP_DATA_DIR=${dataDir}`);
  return settings.map((setting) => `${setting} `).join("");
}

function httpUrl({ hostname, port }: Address): string {
  return `http://${ANY_ADDRESS.has(hostname) ? "127.0.0.1" : bracketed(hostname)}:${port}`;
}

/** "ports 2525, 10025 on all addresses; 192.0.2.1:25", or "none". */
function listing(addresses: readonly Address[]): string {
  const everywhere = addresses.filter(({ hostname }) => ANY_ADDRESS.has(hostname));
  const ports = [...new Set(everywhere.map(({ port }) => port))];
  const elsewhere = addresses.filter(({ hostname }) => !ANY_ADDRESS.has(hostname));
  const parts = elsewhere.map(({ hostname, port }) => `${bracketed(hostname)}:${port}`);
  if (ports.length > 0) parts.unshift(`${ports.length === 1 ? "port" : "ports"} ${ports.join(", ")} on all addresses`);
  return parts.length === 0 ? "none" : parts.join("; ");
}

function byReason(leftOut: NodesFacts["leftOut"]): [why: string, addresses: Address[]][] {
  const reasons = new Map<string, Address[]>();
  for (const { why, ...address } of leftOut) reasons.set(why, [...(reasons.get(why) ?? []), address]);
  return [...reasons];
}

function bracketed(hostname: string): string {
  return hostname.includes(":") ? `[${hostname}]` : hostname;
}

const UNITS_MS: readonly (readonly [unit: string, milliseconds: number])[] = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1_000],
];

/** In the largest unit that gives a whole number. */
function duration(milliseconds: number): string {
  const [unit, unitMs] = UNITS_MS.find(([, unitMs]) => milliseconds % unitMs === 0) ?? ["millisecond", 1];
  const amount = milliseconds / unitMs;
  return `${amount} ${unit}${amount === 1 ? "" : "s"}`;
}

function row(label: string, text: string): string {
  return `  ${label.padEnd(20)}${text}`;
}
