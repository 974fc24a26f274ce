/** Connects to one address of a remote server, in the time that is given for it. */
import { connectFrom, type SourceAddresses, sourceFor } from "./connect_from.ts";
import { type DeadlineWatch, type StageSeconds } from "./deadlines.ts";
import { type Verdict, verdictOfTrouble } from "./outcome.ts";
import type { OctetStream } from "./reply_channel.ts";
import type { RemoteAddress } from "./smtp_session.ts";
import { troubleWords } from "./trouble_words.ts";

export interface DialSettings {
  readonly watch: DeadlineWatch;
  readonly seconds: StageSeconds;
  readonly sources: SourceAddresses;
}

/** @param given aborts when nobody wants the connection any more. Does not reject for what the network does. */
export async function dial(
  remote: RemoteAddress,
  { watch, seconds, sources }: DialSettings,
  given?: AbortSignal,
): Promise<OctetStream | { readonly verdict: Verdict }> {
  const late = new AbortController();
  const signal = given === undefined ? late.signal : AbortSignal.any([late.signal, given]);
  try {
    return await watch.within(seconds.connect, () => late.abort(), async () => {
      const source = sourceFor(remote.address, sources);
      if (source !== null) return await connectFrom(source, remote, signal);
      const connection = await Deno.connect({ hostname: remote.address, port: remote.port, signal });
      // The last part of a message shall not wait for the acknowledgement of the part before it.
      connection.setNoDelay(true);
      return connection;
    });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const why = late.signal.aborted ? "did not answer in time" : `could not be reached (${systemWords(error)})`;
    return { verdict: verdictOfTrouble("connect", troubleWords(remote, why, "connect")) };
  }
}

function systemWords(error: Error): string {
  return error.message.replace(/ \(os error \d+\)/, "");
}
