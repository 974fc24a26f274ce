/**
 * A JSON body checked by its schema, for the node routes, which are not in the OpenAPI document. Where it names the node
 * that speaks, the token must be one that may speak for it.
 */
import { validator } from "hono/validator";
import type { z } from "zod";
import { invalidRequest, problem } from "../problem.ts";
import { speaksFor } from "../relay_access.ts";

export const jsonBody = <Schema extends z.ZodType>(schema: Schema) =>
  validator("json", async (value, c): Promise<z.output<Schema> | Response> => {
    const parsed = schema.safeParse(value);
    if (!parsed.success) return invalidRequest(c, "body", parsed.error);
    const node = nodeIn(parsed.data);
    if (node === undefined || await speaksFor(c, node)) return parsed.data;
    return problem(
      c,
      "not-its-node",
      `The token is not for the machine of node ${node}; one that is: mailhop relay-token create LABEL --node ${node}`,
    );
  });

const nodeIn = (body: unknown): string | undefined =>
  typeof body === "object" && body !== null && "node" in body && typeof body.node === "string" ? body.node : undefined;
