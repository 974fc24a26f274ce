/** What a node asks of the policy, and tells of it: what to decide by, modules, and what it has decided. */
import { encodeBase64 } from "@std/encoding";
import { Hono } from "hono";
import { type DecisionLog, recordDecisions } from "../decision_log.ts";
import { type PolicyControl, UnknownModule } from "../policy_control.ts";
import { BadChunk, chunkFromJson } from "../../policy/mod.ts";
import { problem } from "../problem.ts";
import { jsonBody } from "./json_body.ts";
import { decisionsBody, policyReportBody } from "./node_schema.ts";

export interface NodePolicyRoutes extends DecisionLog {
  readonly policy: PolicyControl;
}

export const nodePolicyRoutes = ({ policy, ...decisionLog }: NodePolicyRoutes) =>
  new Hono()
    .post("/policy", jsonBody(policyReportBody), async (c) => c.json(await policy.report(c.req.valid("json")), 200))
    .get("/policy/modules/:hash", async (c) => {
      try {
        const { octets } = await policy.module(c.req.param("hash"));
        return c.json({ octets: encodeBase64(octets) }, 200);
      } catch (error) {
        if (error instanceof UnknownModule) return problem(c, "not-found", "There is no module of that hash");
        throw error;
      }
    })
    .post("/decisions", jsonBody(decisionsBody), async (c) => {
      const { node, chunks } = c.req.valid("json");
      try {
        await recordDecisions(
          decisionLog,
          node,
          chunks.map(({ id, ...chunk }) => ({ id, chunk: chunkFromJson(chunk) })),
        );
      } catch (error) {
        if (error instanceof BadChunk) return problem(c, "invalid-request", `chunks: ${error.message}`);
        throw error;
      }
      return c.json({}, 200);
    });
