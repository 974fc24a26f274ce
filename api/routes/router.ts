/**
 * What the public routes have in common: who may use one, how a refused request is answered, paging, and the words of
 * the document.
 */
import { createRoute as createOpenApiRoute, OpenAPIHono, type RouteConfig, z } from "@hono/zod-openapi";
import { type Access, SCOPES } from "../access.ts";
import { admit, type ApiEnv, recorded } from "../principal.ts";
import { invalidRequest, problemResponses } from "../problem.ts";

/** A router whose validation errors are problem details. */
export const createRouter = () =>
  new OpenAPIHono<ApiEnv>({
    defaultHook: (result, c) => {
      if (!result.success) return invalidRequest(c, result.target, result.error);
    },
  });

/** Where the OpenAPI document says who may use a route. */
export const ACCESS = "x-access";

interface Declaration {
  readonly access: Access;
  /** For a method other than GET: it changes nothing, so the audit log leaves it out. */
  readonly changesNothing?: true;
}

/**
 * A route that declares who may use it. Whoever may not is refused before the request is validated.
 *
 * @throws Error where it is declared for a scope and has no account in its path.
 */
export const createRoute = <P extends string, R extends Omit<RouteConfig, "path"> & { path: P }>(
  { access, changesNothing, ...route }: R & Declaration,
) => {
  if (SCOPES.some((scope) => scope === access) && !route.path.includes("{username}")) {
    throw new Error(`${route.method} ${route.path}: a route for the scope ${access} needs {username} in its path`);
  }
  const responses = {
    ...route.responses,
    ...(access !== "anyone" && problemResponses("operator-only", "scope-missing", "too-many-requests")),
    ...(route.request?.body !== undefined && problemResponses("body-too-large", "unsupported-media-type")),
  };
  const isRecorded = access !== "anyone" && route.method !== "get" && changesNothing === undefined;
  const middleware = isRecorded ? [recorded, admit(access)] : [admit(access)];
  const declared = { ...route, responses, middleware, [ACCESS]: access };
  // What is added is nothing that handlers or clients have a type of.
  return createOpenApiRoute(declared) as unknown as ReturnType<typeof createOpenApiRoute<P, R>>;
};

const DEFAULT_PAGE = 50;
const MAX_PAGE = 200;

export const pageQuery = {
  cursor: z.string().max(1024).optional().openapi({ description: "`next` of the page before" }),
  limit: z.coerce.number({ error: `expected a whole number from 1 to ${MAX_PAGE}` }).int().min(1).max(MAX_PAGE)
    .default(DEFAULT_PAGE),
};

/** The contract's form of a list. */
export const pageOf = <Item extends z.ZodType>(item: Item) =>
  z.object({
    items: z.array(item),
    next: z.string().nullable().openapi({ description: "Cursor of the next page; null on the last" }),
  });

/**
 * Makes a page of rows that were read with a limit one higher than the page's.
 *
 * @param cursorOf the cursor behind a row.
 */
export const page = <Row, Item>(
  rows: readonly Row[],
  limit: number,
  toItem: (row: Row) => Item,
  cursorOf: (row: Row) => string,
): { items: Item[]; next: string | null } => {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return { items: shown.map(toItem), next: rows.length > limit && last !== undefined ? cursorOf(last) : null };
};

/** An instant in the public API. */
export const timeSchema = z.string().openapi({ format: "date-time", example: "2026-11-23T12:15:00Z" });

/** The same in a request, as epoch milliseconds. */
export const instant = z.iso.datetime({ offset: true, error: "expected a time such as 2026-11-23T12:00:00Z" })
  .transform((text) => Date.parse(text)).openapi({ type: "string", format: "date-time" });

export const json = <Schema extends z.ZodType>(schema: Schema, description: string) => ({
  description,
  content: { "application/json": { schema } },
});

export const jsonRequest = <Schema extends z.ZodType>(schema: Schema) => ({
  required: true,
  content: { "application/json": { schema } },
});
