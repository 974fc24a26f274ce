/**
 * Ports for servers that a test starts, which nobody else takes meanwhile.
 *
 * A port that the system names is one of its ephemeral ports: between the asking and the server's own `listen` another
 * connection of the machine may be given it. So they come from below those, in blocks, and a process (or worker) of
 * tests has a block for as long as it listens on its first port.
 */

const HOST = "127.0.0.1";
/** Above the ports that the relay has by default (10025, 10465). */
const FIRST = 11_000;
/** Here Linux' ephemeral ports begin (`net.ipv4.ip_local_port_range`). */
const END = 32_768;
/** Ports of a block: more than the servers that are up at a time in one file of tests. */
const BLOCK = 128;

/** @returns the first port of a block that is now ours, until this process or worker ends */
function takeBlock(): number {
  const blocks = Math.floor((END - FIRST) / BLOCK);
  for (let nth = 0; nth < blocks; nth++) {
    const first = FIRST + nth * BLOCK;
    try {
      Deno.listen({ hostname: HOST, port: first }).unref();
      return first;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  throw new Error(`all ${blocks} blocks of ports are taken`);
}

/** Taken as the module is loaded: a test that begins must not find its listener open, nor close it. */
const block = takeBlock();
let latest = 0;

/**
 * @returns a port on which nobody listens, and which no other test is given before {@linkcode BLOCK} further ones
 * @throws {Error} where all of the block are in use
 */
export function freePort(): number {
  for (let tried = 1; tried < BLOCK; tried++) {
    latest = latest % (BLOCK - 1) + 1;
    try {
      using listener = Deno.listen({ hostname: HOST, port: block + latest });
      return (listener.addr as Deno.NetAddr).port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  throw new Error(`all ${BLOCK - 1} ports from ${block + 1} on are in use`);
}
