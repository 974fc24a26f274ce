/** The HTTP listeners of a process. */
import { PortUnavailable } from "./listeners.ts";
import type { HostPort } from "./settings.ts";

/**
 * Requests in flight are answered before it is disposed of.
 *
 * @param handler is told with each request of its connection: by the address some limits count.
 * @throws {PortUnavailable}
 */
export function serveHttp(
  addresses: readonly HostPort[],
  handler: Deno.ServeHandler<Deno.NetAddr>,
): AsyncDisposable {
  const servers = addresses.map(({ hostname, port }) => {
    try {
      return Deno.serve({ hostname, port, onListen: () => {} }, handler);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const why = error instanceof Deno.errors.AddrInUse ? "in use by another program" : error.message;
      throw new PortUnavailable(`${hostname} port ${port}: ${why}; name another one in MAILHOP_HTTP_LISTEN`, {
        cause: error,
      });
    }
  });
  return {
    async [Symbol.asyncDispose]() {
      await Promise.all(servers.map((server) => server.shutdown()));
    },
  };
}
