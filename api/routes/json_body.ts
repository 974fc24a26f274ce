/** A JSON body checked by its schema, for the node routes, which are not in the OpenAPI document. */
import { validator } from "hono/validator";
import type { z } from "zod";
import { invalidRequest } from "../problem.ts";

export const jsonBody = <Schema extends z.ZodType>(schema: Schema) =>
  validator("json", (value, c): z.output<Schema> | Response => {
    const parsed = schema.safeParse(value);
    return parsed.success ? parsed.data : invalidRequest(c, "body", parsed.error);
  });
