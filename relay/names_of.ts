/** The names that an address leads back to (PTR), for the operator's eyes; delivery and admission do not ask. */
import type { HostPort } from "./settings.ts";

const WAIT_MS = 5000;

/** Lower case, without the final dot; null: the DNS could not be asked. @param servers null: the system's. */
export async function namesOf(address: string, servers: readonly HostPort[] | null): Promise<readonly string[] | null> {
  const [server] = servers ?? [];
  try {
    const names = await Deno.resolveDns(address, "PTR", {
      signal: AbortSignal.timeout(WAIT_MS),
      ...(server !== undefined && { nameServer: { ipAddr: server.hostname, port: server.port } }),
    });
    return names.map((name) => name.replace(/\.$/, "").toLowerCase());
  } catch (error) {
    return error instanceof Deno.errors.NotFound ? [] : null;
  }
}
