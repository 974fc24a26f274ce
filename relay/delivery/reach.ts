/** A session with one host of a next hop, at whichever of its addresses connects first. */
import { type ConnectRace, connectRace } from "./connect_race.ts";
import { dial } from "./dial.ts";
import type { OctetStream } from "./reply_channel.ts";
import { sleep } from "./sleep.ts";
import { type Opening, openSession, type SmtpClientSettings } from "./smtp_client.ts";
import type { RemoteAddress, RemoteHost } from "./smtp_session.ts";

export type Reached =
  & { readonly failures: ConnectRace<OctetStream>["failures"] }
  & (
    /** The address that connected, and what came of it. */
    | { readonly remote: RemoteAddress; readonly opening: Opening }
    | { readonly remote: null; readonly opening: null }
  );

/** @param addresses in the order in which they are dialled. Does not throw for what a server or the network does. */
export async function reach(
  host: RemoteHost,
  addresses: readonly string[],
  settings: SmtpClientSettings,
): Promise<Reached> {
  const remoteAt = (address: string): RemoteAddress => ({ ...host, address });
  const { winner, failures } = await connectRace(
    addresses,
    (address, signal) => dial(remoteAt(address), settings, signal),
    sleep,
  );
  if (winner === null) return { failures, opening: null, remote: null };
  const remote = remoteAt(winner.address);
  return { failures, opening: await openSession(remote, settings, winner.connection), remote };
}
