/** `mailhop node …`: the relay nodes, and taking one out of service. */
import { argument, command, map, message, object, or } from "@optique/core";
import { ask, type Node, segment } from "./api.ts";
import { type Command, outcome } from "./command.ts";
import { examples } from "./help.ts";
import { amount, type Look, type Style, table } from "./render.ts";
import { name } from "./value_parsers.ts";
import { ago } from "./when.ts";

const STATE_STYLES: Readonly<Record<Node["state"], Style>> = {
  serving: "good",
  draining: "warning",
  delivering: "plain",
  silent: "bad",
};

const list = command(
  "list",
  map(object({}), (): Command => async ({ api }) => outcome(await ask(api.v1.nodes.$get()), nodeTable)),
  { brief: message`List the relay nodes, how they stand and what they have to do.`, footer: examples("node list") },
);

const nodeName = () => argument(name("NAME"), { description: message`The node's name.` });
const UNKNOWN = { 404: "The nodes there are: mailhop node list" };

const setDrain = (node: string, drain: boolean, text: (node: Node) => string): Command => async ({ api }) =>
  outcome(await ask(api.v1.nodes[":node"].$patch({ param: { node: segment(node) }, json: { drain } })), text, UNKNOWN);

const drain = command(
  "drain",
  map(
    object({ node: nodeName() }),
    ({ node }) =>
      setDrain(
        node,
        true,
        ({ queued }) =>
          `It lets no more clients in within a second or so, and delivers what it has: ${
            amount(queued, "message")
          }.\n` +
          "How it goes: mailhop node list",
      ),
  ),
  {
    brief: message`Let no more clients in at a node, and deliver what it has.`,
    description:
      message`Lets no more clients in at a node; sessions end with a 421, and its queue is delivered. It stays so through a restart, until mailhop node serve.`,
    footer: examples("node drain 01KAQ2T3ZJ8M4Y6W9X0B1C2D3E"),
  },
);

const serve = command(
  "serve",
  map(
    object({ node: nodeName() }),
    ({ node }) => setDrain(node, false, () => "It lets clients in again within a second or so."),
  ),
  { brief: message`Let clients in again.`, footer: examples("node serve 01KAQ2T3ZJ8M4Y6W9X0B1C2D3E") },
);

/** `mailhop node`. */
export const node = command("node", or(list, drain, serve), {
  brief: message`The relay nodes; take one out of service.`,
  footer: examples("node list", "node drain 01KAQ2T3ZJ8M4Y6W9X0B1C2D3E"),
});

/** Two tables, for neither is wider than a terminal then: who they are, and what they have to do. */
function nodeTable({ items }: { readonly items: readonly Node[] }, look: Look): string {
  if (items.length === 0) return "No node was heard of in the last week.";
  return `${whoTheyAre(items, look)}\n\n${whatTheyDo(items, look)}`;
}

function whoTheyAre(items: readonly Node[], look: Look): string {
  return table(
    look,
    [
      { head: "NODE" },
      { head: "REGION" },
      { head: "NUMBER", align: "right" },
      { head: "VERSION" },
      { head: "STATE" },
      { head: "CLOCK" },
      { head: "HEARD OF" },
    ],
    items.map(({ node, region, number, version, state, clock, seenAt }) => [
      node,
      region,
      number === null ? "none" : String(number),
      version,
      { text: state, style: STATE_STYLES[state] },
      clockCell(clock),
      ago(seenAt, look.now),
    ]),
  );
}

/** Of one that is silent, what it said last. */
function whatTheyDo(items: readonly Node[], look: Look): string {
  const heads = ["QUEUED", "IN DELIVERY", "CLIENTS", "IN/MIN", "DELAY", "LEASES", "RELAYS LEFT"];
  return table(
    look,
    [{ head: "NODE" }, ...heads.map((head) => ({ head, align: "right" as const }))],
    items.map(({ node, state, queued, load, leases }) => {
      const { inDelivery, connections, acceptedPerMinute, loopDelayMs } = load;
      const [delay, ...others] = [loopDelayMs, leases.held, leases.relaysLeft].map(figure);
      const before = [queued, inDelivery, connections, acceptedPerMinute].map(figure);
      return [node, ...before, `${delay} ms`, ...others].map((text) => ({
        text,
        style: state === "silent" ? "faint" : "plain",
      }));
    }),
  );
}

const figure = (n: number): string => n.toLocaleString("en-US");

function clockCell(clock: Node["clock"]): string | { readonly text: string; readonly style: Style } {
  if (clock === null) return "unknown";
  const seconds = (Math.abs(clock.aheadMs) / 1000).toFixed(1);
  return clock.apart ? { text: `${seconds} s ${clock.aheadMs < 0 ? "behind" : "ahead"}`, style: "bad" } : "right";
}
