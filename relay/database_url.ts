/**
 * How `DATABASE_URL` is written: `postgres://user:password@host[:port]/database[?sslmode=…]`, in URL encoding.
 *
 * Pure. Customers' password hashes and signing keys pass over this connection, so beyond this machine it is encrypted
 * and the server must prove who it is, unless the operator says otherwise; `sslmode` and `sslrootcert` mean what they
 * mean to PostgreSQL's own programs. What else those know is refused rather than ignored.
 */
import { isIPv4OrName, isLoopback, type Parser, path } from "./settings_grammar.ts";
import { parseAddress } from "./dns/ip_address.ts";

const DEFAULT_PORT = 5432;
type Tls = "none" | "unverified" | "verified";
/** By sslmode. */
const TLS = new Map<string, Tls>([["disable", "none"], ["require", "unverified"], ["verify-full", "verified"]]);

/** Where the server is and as whom to connect, in the control plane's terms. */
export type DatabaseServer = NonNullable<ReturnType<typeof databaseUrl.parse>>;

export const databaseUrl = {
  expected:
    "postgres://user:password@host[:port]/database, with ?sslmode=disable, require or verify-full if need be, " +
    "and &sslrootcert=file",
  parse(text: string) {
    if (!/^postgres(ql)?:\/\//.test(text) || !URL.canParse(text)) return undefined;
    const url = new URL(text);
    const [user, password, database] = [url.username, url.password, url.pathname.slice(1)].map(decode);
    const host = url.hostname.replace(/^\[(.*)\]$/, "$1").toLowerCase();
    const isHost = host.includes(":") ? parseAddress(host) !== null : isIPv4OrName(host);
    if (!isHost || !user || password === undefined || !database || database.includes("/")) return undefined;
    const { sslmode, sslrootcert, ...others } = Object.fromEntries(url.searchParams);
    const byDefault: Tls = isLoopback(host) ? "none" : "verified";
    const tls = sslmode === undefined ? byDefault : TLS.get(sslmode);
    const authorityFile = sslrootcert === undefined ? null : path.parse(sslrootcert);
    if (tls === undefined || authorityFile === undefined || Object.keys(others).length > 0) return undefined;
    if (authorityFile !== null && tls !== "verified") return undefined;
    const port = Number(url.port || DEFAULT_PORT);
    return port === 0 ? undefined : { host, port, user, password, database, tls, authorityFile };
  },
} satisfies Parser<unknown>;

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}
