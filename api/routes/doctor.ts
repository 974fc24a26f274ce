/** /v1/doctor: what operators forget: names and PTR, the service's own SPF, port 25, certificate, clock, disk. */
import { z } from "@hono/zod-openapi";
import type { Finding } from "../doctor/finding.ts";
import { problemResponses } from "../problem.ts";
import { createRoute, createRouter, json } from "./router.ts";

const findingSchema = z.object({
  what: z.string().openapi({ example: "port 25" }),
  verdict: z.enum(["good", "warning", "bad", "unknown"]),
  words: z.string().openapi({ description: "What it means, and what to do" }),
  publish: z.array(z.object({ name: z.string(), type: z.enum(["TXT", "MX"]), value: z.string() }))
    .openapi({ description: "What the service's own DNS should have" }),
}).openapi("Finding");

const get = createRoute({
  access: "operator",
  method: "get",
  path: "/",
  summary: "Look at what keeps mail from arriving, on the machine that answers",
  description: "It connects to mail servers and a time server of the world, and takes up to some seconds.",
  responses: {
    200: json(z.object({ items: z.array(findingSchema), next: z.null() }), "All findings"),
    ...problemResponses("unauthorized"),
  },
});

export interface DoctorRoutes {
  readonly examine: () => Promise<readonly Finding[]>;
}

export const doctorRoutes = ({ examine }: DoctorRoutes) =>
  createRouter().openapi(get, async (c) => {
    const items = (await examine()).map(({ publish = [], ...same }) => ({ ...same, publish: [...publish] }));
    return c.json({ items, next: null }, 200);
  });
