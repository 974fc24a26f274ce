/** Many recorded decisions, decided again by the tool: no difference where nothing changed, and exactly those where it did. */
import { assert, assertEquals } from "@std/assert";
import { chunkToJson, encodeChunk, STAGE_NAMES } from "../../../policy/mod.ts";
import { type Api, runOn, startApi } from "../cli/harness.ts";
import { DecisionHistory, LOWER_LIMIT } from "../../support/decision_history.ts";
import { repeatable, seed, sizeOf } from "../../support/size.ts";

const DECISIONS = { ci: 20_000, large: 1_000_000 };
const HOUR_MS = 3_600_000;

const replay = async (api: Api, line: string) => {
  const { code, out, err } = await runOn(api, `policy replay --since 24h --json ${line}`);
  assertEquals([code, err], [0, ""]);
  return JSON.parse(out);
};

Deno.test(
  "replay: the same module changes nothing; a lower limit of recipients exactly what is above it",
  repeatable(import.meta.filename, async () => {
    await using api = await startApi();
    const decisions = sizeOf(DECISIONS);
    const history = new DecisionHistory({ seed, decisions, from: api.clock.now - 20 * HOUR_MS, until: api.clock.now });
    const stages = new Set<string>();
    let batches = 100;
    for (const batch of history.batches()) {
      for (const { stage } of batch) stages.add(stage);
      const chunks = [{ id: `chunk ${batches++}`, ...chunkToJson(encodeChunk(batch)) }];
      const response = await api.node.v1.node.decisions.$post({ json: { node: "mx1", chunks } });
      assertEquals(response.status, 200);
    }
    assertEquals(stages, new Set(STAGE_NAMES));
    const same = await replay(api, "");
    assertEquals([same.decisions, same.changed, same.differences], [decisions, 0, []]);
    const lower = await replay(api, `--set maxRecipients=${LOWER_LIMIT}`);
    assert(history.changedByLowerLimit > decisions / 100);
    assertEquals([lower.decisions, lower.changed], [decisions, history.changedByLowerLimit]);
    assertEquals(new Set(lower.differences.map(({ stage }: { stage: string }) => stage)), new Set(["recipient"]));
  }),
);
