/**
 * Connects from an address of this machine that the operator has chosen. `Deno.connect` lets the system choose; of what
 * Deno has, node:net alone binds.
 */
import { connect, isIPv6 } from "node:net";
import type { OctetStream } from "./reply_channel.ts";
import { SocketStream } from "./socket_stream.ts";

/** Of this machine, by family; null: the system chooses. */
export interface SourceAddresses {
  readonly ipv4: string | null;
  readonly ipv6: string | null;
}

export const ANY_SOURCE: SourceAddresses = { ipv4: null, ipv6: null };

/** The one for connections to this address. */
export function sourceFor(address: string, { ipv4, ipv6 }: SourceAddresses): string | null {
  return isIPv6(address) ? ipv6 : ipv4;
}

/** @throws {Error} what node:net says when it does not connect, or that it was given up. */
export async function connectFrom(
  source: string,
  { address, port }: { readonly address: string; readonly port: number },
  signal: AbortSignal,
): Promise<OctetStream> {
  const socket = connect({ host: address, port, localAddress: source, noDelay: true });
  const giveUp = () => void socket.destroy(new Error("given up"));
  signal.addEventListener("abort", giveUp);
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      // Stays for the socket's life: later errors come out of the read or write that they end.
      socket.on("error", reject);
      if (signal.aborted) giveUp();
    });
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
  return new SocketStream(socket);
}
