import type { Reply } from "../protocol/reply.ts";

/** What was understood of a command's argument, or the reply that says what is wrong with it. */
export type Parsed<T> = { readonly ok: T } | { readonly refusal: Reply };
