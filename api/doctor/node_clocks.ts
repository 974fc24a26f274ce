/** Whether the clocks of the relay nodes agree with the control plane's: activation of blocks and midnight go by them. */
import type { Kysely } from "kysely";
import { NODE_SILENT_MS } from "../queue_control.ts";
import { listNodes } from "../store/nodes.ts";
import type { Database } from "../store/schema.ts";
import type { Finding } from "./finding.ts";

/** @param now epoch ms. @returns nothing where no node is heard of now. */
export async function nodeClocks(db: Kysely<Database>, now: number): Promise<Finding[]> {
  const nodes = await listNodes(db, now - NODE_SILENT_MS);
  const compared = nodes.filter(({ clock_ahead_ms }) => clock_ahead_ms !== null);
  if (compared.length === 0) return [];
  const apart = compared.filter(({ clocks_apart }) => clocks_apart === 1);
  if (apart.length === 0) {
    return [{ what: "nodes' clocks", verdict: "good", words: "They agree with the control plane's." }];
  }
  const seconds = Math.max(...apart.map(({ clock_ahead_ms }) => Math.abs(clock_ahead_ms ?? 0))) / 1000;
  return [{
    what: "nodes' clocks",
    verdict: "bad",
    words:
      `${apart.length} of ${compared.length} are up to ${seconds.toFixed(1)} s from the control plane's (mailhop ` +
      "node list): run a time service (chrony, systemd-timesyncd) there and here.",
  }];
}
