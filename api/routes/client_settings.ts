/** /v1/accounts/{username}/client-settings: what an account's programs are to be set up with, as the help pages say. */
import { z } from "@hono/zod-openapi";
import type { Kysely } from "kysely";
import { fill, type HelpFacts, placeholders, readerNamed } from "../help/placeholders.ts";
import type { PolicyControl } from "../policy_control.ts";
import { problem, problemResponses } from "../problem.ts";
import { findAccount } from "../store/accounts.ts";
import type { Database } from "../store/schema.ts";
import { accountParam, noSuchAccount } from "./accounts.ts";
import { createRoute, createRouter, json } from "./router.ts";

/** Loaded with the first request, as for the pages. */
const loadPages = () => import("../help/pages.ts");

const programNames = { name: z.string().openapi({ example: "thunderbird" }), title: z.string() };
const ports = z.array(z.int());

const settingsSchema = z.object({
  username: z.string(),
  server: z.string().openapi({ example: "smtp.example.net" }),
  starttlsPorts: ports.openapi({ example: [587, 25, 2525, 10025] }),
  tlsPorts: ports.openapi({ example: [465, 10465] }),
  helpUrl: z.string().nullable().openapi({
    description: "Where the help pages are for everybody; null: on the HTTP port alone",
    example: "https://smtp.example.net/help",
  }),
  programs: z.array(z.object(programNames)).openapi({ description: "Those that there is a page for" }),
  program: z.object({ ...programNames, text: z.string().openapi({ description: "Its page, in Markdown" }) }).nullable()
    .openapi({ description: "The one that was asked for" }),
}).openapi("ClientSettings");

const get = createRoute({
  access: "read",
  method: "get",
  path: "/{username}/client-settings",
  summary: "Show what programs are to be set up with",
  request: {
    params: accountParam,
    query: z.object({
      program: z.string().max(64).optional()
        .openapi({ description: "One of `programs`: also how that one is set up", example: "thunderbird" }),
    }),
  },
  responses: {
    200: json(settingsSchema, "Server, ports, and what there is to say of a program"),
    ...problemResponses("unauthorized", "not-found", "invalid-request"),
  },
});

export interface ClientSettingsRoutes {
  readonly db: Kysely<Database>;
  /** What the help pages say. */
  readonly help: HelpFacts;
  readonly policy: Pick<PolicyControl, "live">;
}

export const clientSettingsRoutes = ({ db, help, policy }: ClientSettingsRoutes) =>
  createRouter().openapi(get, async (c) => {
    const { username } = c.req.valid("param");
    const wanted = c.req.valid("query").program;
    if (await findAccount(db, username) === undefined) return problem(c, "not-found", noSuchAccount);
    const { SECTIONS } = await loadPages();
    const pages = SECTIONS.filter(({ kind }) => kind === "programs").flatMap((section) => section.pages);
    const page = pages.find(({ name }) => name === wanted);
    if (wanted !== undefined && page === undefined) {
      return problem(c, "not-found", "There is no page for a program of that name");
    }
    const values = placeholders(help, policy.live.parameters, readerNamed(username));
    return c.json({
      username,
      server: help.name,
      starttlsPorts: [...help.starttlsPorts],
      tlsPorts: [...help.tlsPorts],
      helpUrl: help.url,
      programs: pages.map(({ name, title }) => ({ name, title })),
      program: page === undefined ? null : { name: page.name, title: page.title, text: fill(page.text, values) },
    }, 200);
  });
