/** What an operator does with the policy of a relay that runs, over its HTTP API. */
import { Dialogue } from "./dialogue.ts";
import { TRIGGER_BYTES } from "./policy_modules.ts";
import { ADMIN_TOKEN, eventually, type RelayProcess } from "./relay_process.ts";

export interface PolicyNow {
  readonly version: number;
  readonly active: { readonly hash: string; readonly own: boolean };
  readonly shadow: {
    readonly hash: string;
    readonly compared: number;
    readonly differences: readonly { stage: string; was: string; would: string; count: number }[];
  } | null;
  readonly nodes: readonly { readonly node: string; readonly module: string; readonly upToDate: boolean }[];
}

export async function policyOf(relay: RelayProcess): Promise<PolicyNow> {
  return (await relay.api<PolicyNow>("GET", "/policy")).body;
}

/** Loads a module; resolves when all nodes decide by it, or have it beside. @throws {Error} it is refused */
export async function loadModule(
  relay: RelayProcess,
  octets: Uint8Array<ArrayBuffer>,
  as: "active" | "shadow" = "active",
): Promise<PolicyNow> {
  const response = await fetch(`http://127.0.0.1:${relay.httpPort}/v1/policy?as=${as}`, {
    method: "PUT",
    headers: { authorization: `Bearer ${ADMIN_TOKEN}`, "content-type": "application/wasm" },
    body: octets,
  });
  if (!response.ok) throw new Error(`the module is refused: ${await response.text()}`);
  await response.body?.cancel();
  return await takenOver(relay);
}

/** Resolves when all nodes go by what holds. */
export function takenOver(relay: RelayProcess): Promise<PolicyNow> {
  return eventually(async () => {
    const now = await policyOf(relay);
    return now.nodes.length > 0 && now.nodes.every(({ upToDate }) => upToDate) ? now : undefined;
  }, "all nodes to take the policy over");
}

/** MAIL for a message that makes a bad module fail; the reply. The session goes on behind it. @throws {Error} it does not */
export async function askedAboutTrigger(relay: RelayProcess): Promise<string> {
  using client = await Dialogue.connect(relay.smtpPort);
  await client.reply();
  await client.send("EHLO trigger.test\r\n");
  await client.reply();
  await client.send(`MAIL FROM:<anna@example.com> SIZE=${TRIGGER_BYTES}\r\n`);
  const [answer] = await client.reply();
  await client.send("RSET\r\n");
  const [next] = await client.reply();
  if (next !== "250 2.0.0 OK") throw new Error(`the session does not go on: ${next}`);
  return answer!;
}
