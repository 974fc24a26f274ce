/** Whether mail can leave: many providers block connections to port 25 until they are asked. */
import type { Finding } from "../../api/client.ts";

/** Domains whose servers the whole world sends to. */
export const WELL_KNOWN = ["gmail.com", "outlook.com", "icloud.com"];
const WAIT_MS = 8000;
const GREETING_OCTETS = 3;

/** A mail server to try. */
export interface Target {
  readonly name: string;
  readonly address: string;
  readonly port: number;
}

/** Where mail does not leave by it. */
export const PORT_25_NOT_NEEDED: Finding = {
  what: "port 25",
  verdict: "good",
  words: "It is not needed: MAILHOP_ROUTES has a next hop for all mail.",
};

/** @param targets none: their DNS could not be asked. */
export async function port25Finding(targets: readonly Target[]): Promise<Finding> {
  const what = "port 25";
  if (targets.length === 0) return { what, verdict: "unknown", words: "No mail server to try was found in the DNS." };
  const greeted = await Promise.all(targets.map(greets));
  const reached = targets.filter((_, at) => greeted[at]).map(({ name }) => name);
  if (reached.length > 0) return { what, verdict: "good", words: `Mail servers greet: ${reached.join(", ")}.` };
  const words = `None of ${targets.map(({ name }) => name).join(", ")} could be reached: the provider may block ` +
    "connections to port 25. Ask it to open the port, or set MAILHOP_ROUTES to a smart host.";
  return { what, verdict: "bad", words };
}

/** Whether it says 220 in time (RFC 5321 4.3.1). */
async function greets({ address, port }: Target): Promise<boolean> {
  const signal = AbortSignal.timeout(WAIT_MS);
  try {
    using conn = await Deno.connect({ hostname: address, port, signal });
    signal.addEventListener("abort", () => conn.close());
    const greeting = new Uint8Array(GREETING_OCTETS);
    const octets = await conn.read(greeting);
    return octets === GREETING_OCTETS && new TextDecoder().decode(greeting) === "220";
  } catch {
    return false; // for whatever reason: it was not reached
  }
}
