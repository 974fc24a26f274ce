/** The relay's door to the control plane, where that answers oddly. */
import { assertEquals } from "@std/assert";
import { createNodeClient, type NodeEvent } from "../../api/client.ts";
import { ControlPlane } from "../../relay/control_plane.ts";

const eventNumber = (id: number): NodeEvent => ({
  id: `event-${id}`,
  messageId: "message-1",
  account: "anna",
  at: 0,
  type: "expired",
  recipients: ["b@example.net"],
  reply: "no answer",
});

Deno.test("events: one that is refused for what it says is left out and reported; the others arrive, in order", async () => {
  const arrived: string[] = [];
  const troubles: string[] = [];
  const controlPlane = new ControlPlane({
    client: createNodeClient(async (input, init) => {
      const { items } = await new Request(input, init).json() as { items: NodeEvent[] };
      if (items.some(({ id }) => id === "event-5")) return Response.json({ title: "no" }, { status: 400 });
      arrived.push(...items.map(({ id }) => id));
      return Response.json({});
    }, "token"),
    monotonic: () => 0,
    sleep: () => Promise.resolve(),
    closing: new AbortController().signal,
    onTrouble: (error) => troubles.push(String(error)),
    onAway: () => {},
    onBack: () => {},
  });
  const items = Array.from({ length: 9 }, (_, at) => ({ event: eventNumber(at), reservation: null }));
  await controlPlane.deliver("node-1", "boot-1")(items);
  assertEquals(arrived, [0, 1, 2, 3, 4, 6, 7, 8].map((at) => `event-${at}`));
  assertEquals(troubles, ["EventRefused: event event-5 of message message-1: 400"]);
});
