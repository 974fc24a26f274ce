import { assertEquals } from "@std/assert";
import { BUSY_NODE } from "../../support/node_load.ts";
import { NOON, startControlPlane } from "../control_plane.ts";

type Findings = { items: readonly { what: string; verdict: string; words: string }[] };

Deno.test("doctor: nodes whose clocks are apart from the control plane's are counted; without nodes there is nothing to say", async () => {
  await using api = await startControlPlane();
  const report = (node: string, clock: unknown) =>
    api.nodeCall("queue", {
      ...BUSY_NODE,
      ...{ node, region: "eu", version: "1", number: 0, queued: 0, draining: false, gone: false, progress: [] },
      clock,
    });
  const finding = async () => {
    const { items } = (await api.request("GET", "/v1/doctor")).body as unknown as Findings;
    return items.filter(({ what }) => what === "nodes' clocks").map(({ verdict, words }) => `${verdict}: ${words}`);
  };
  await report("n0", null);
  assertEquals(await finding(), []);
  const { now } = (await report("n1", { aheadMs: 20, apart: false })).body;
  assertEquals([now, await finding()], [NOON, ["good: They agree with the control plane's."]]);
  await report("n2", { aheadMs: -12_345, apart: true });
  assertEquals(await finding(), [
    "bad: 1 of 2 are up to 12.3 s from the control plane's (mailhop node list): run a time service (chrony, " +
    "systemd-timesyncd) there and here.",
  ]);
});
