/**
 * The system's name servers, from /etc/resolv.conf (resolv.conf(5)).
 *
 * Only `nameserver` lines count: the relay asks for whole names, so search lists and options are of no meaning to it.
 */
import { parseAddress } from "./ip_address.ts";
import type { NameServer } from "./types.ts";

const RESOLV_CONF = "/etc/resolv.conf";
const DNS_PORT = 53;
/** MAXNS of resolv.conf(5). */
const MAX_SERVERS = 3;
/** resolv.conf(5): without a nameserver line it is the one on the local machine. */
const LOCAL_SERVER: NameServer = { hostname: "127.0.0.1", port: DNS_PORT };

/** The first three name servers that are named by a plain address; the local machine if there is none. */
export function parseResolvConf(text: string): NameServer[] {
  const servers = text.split("\n").flatMap((line) => {
    const address = /^nameserver[ \t]+([^ \t\r#;]+)/.exec(line)?.[1];
    return address !== undefined && parseAddress(address) !== null ? [{ hostname: address, port: DNS_PORT }] : [];
  });
  return servers.length > 0 ? servers.slice(0, MAX_SERVERS) : [LOCAL_SERVER];
}

/** What `parseResolvConf` makes of the machine's file. A machine without the file has the local server. */
export async function systemNameServers(): Promise<NameServer[]> {
  try {
    return parseResolvConf(await Deno.readTextFile(RESOLV_CONF));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [LOCAL_SERVER];
    throw error;
  }
}
