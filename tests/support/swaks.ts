/** swaks, the mail administrator's own client, as a program of its own. */
import { find } from "./installed.ts";

/** For a whole dialogue, with the delivery of a large message. */
const DEADLINE_MS = 30_000;

export interface SwaksRun {
  /** 0: the message was accepted. */
  readonly code: number;
  /** The dialogue as swaks prints it: " -> " and "<-  " in clear, " ~> " and "<~  " over TLS. */
  readonly transcript: string;
}

export async function swaks(...args: string[]): Promise<SwaksRun> {
  const { code, stdout, stderr } = await new Deno.Command(find("swaks") ?? "swaks", {
    args,
    stdin: "null",
    signal: AbortSignal.timeout(DEADLINE_MS),
  }).output();
  const decoder = new TextDecoder();
  return { code, transcript: decoder.decode(stdout) + decoder.decode(stderr) };
}
