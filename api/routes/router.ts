/** What the public routes have in common: how a refused request is answered, paging, and the words of the document. */
import { OpenAPIHono, z } from "@hono/zod-openapi";
import { invalidRequest } from "../problem.ts";

/** A router whose validation errors are problem details. */
export const createRouter = () =>
  new OpenAPIHono({
    defaultHook: (result, c) => {
      if (!result.success) return invalidRequest(c, result.target, result.error);
    },
  });

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
