/**
 * MTA-STS policies (RFC 8461): the TXT record that announces one, its text, and which MX hosts it names. Pure.
 */

export interface StsPolicy {
  readonly mode: "none" | "testing" | "enforce";
  /** How long it stands, in seconds. */
  readonly maxAgeSeconds: number;
  /** Host names in lower case; "*." in front stands for one label. Empty in mode none only. */
  readonly mx: readonly string[];
}

/** RFC 8461 3.2: about a year. */
const MAX_AGE_SECONDS = 31_557_600;
/** Policies are kept for as long as they say, so what one may take is bounded. */
const MAX_MX_PATTERNS = 128;
const RECORD = /^v=STSv1[ \t]*;(.*)$/s;
const ID = /^[A-Za-z0-9]{1,32}$/;
const MX = /^(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const MAX_NAME_CHARACTERS = 253;

/**
 * The id in the TXT records of `_mta-sts.<domain>` (3.1); null: the domain announces no policy. More than one record
 * is as none.
 */
export function announcedId(records: readonly string[]): string | null {
  const [record, ...others] = records.flatMap((text) => RECORD.exec(text)?.[1] ?? []);
  if (record === undefined || others.length > 0) return null;
  const id = fields(record.split(";"), "=").find(([key]) => key === "id")?.[1];
  return id !== undefined && ID.test(id) ? id : null;
}

/** Reads a policy's text (3.2). @returns the policy, or words for what is wrong with it. */
export function parsePolicy(text: string): StsPolicy | string {
  const lines = fields(text.split(/\r?\n/), ":");
  // A field that is there twice counts once, mx apart: the first one.
  const first = (name: string) => lines.find(([key]) => key === name)?.[1];
  if (first("version") !== "STSv1") return "it is not of version STSv1";
  const mode = first("mode");
  if (mode !== "none" && mode !== "testing" && mode !== "enforce") return "it has no mode";
  const maxAge = first("max_age") ?? "";
  if (!/^\d{1,10}$/.test(maxAge)) return "it has no max_age";
  const mx = lines.flatMap(([key, value]) => key === "mx" ? [value.toLowerCase().replace(/\.$/, "")] : []);
  if (mx.length === 0 && mode !== "none") return "it names no MX host";
  if (mx.length > MAX_MX_PATTERNS) return `it names more than ${MAX_MX_PATTERNS} MX hosts`;
  if (!mx.every((pattern) => pattern.length <= MAX_NAME_CHARACTERS && MX.test(pattern))) return "an mx is no host name";
  return { mode, maxAgeSeconds: Math.min(Number(maxAge), MAX_AGE_SECONDS), mx };
}

/** Whether the policy names an MX host (4.1); `host` in lower case without the final dot. */
export function namesHost({ mx }: StsPolicy, host: string): boolean {
  const parent = host.slice(host.indexOf(".") + 1);
  return mx.some((pattern) =>
    pattern.startsWith("*.") ? host.includes(".") && pattern.slice(2) === parent : pattern === host
  );
}

function fields(texts: readonly string[], separator: string): [key: string, value: string][] {
  return texts.flatMap((text): [string, string][] => {
    const at = text.indexOf(separator);
    return at < 0 ? [] : [[text.slice(0, at).trim(), text.slice(at + 1).trim()]];
  });
}
