/** A description in the document: CommonMark (OpenAPI 3.1, 4.3), of which the project's own use code alone. */
import type { JSX } from "hono/jsx/jsx-runtime";

export const Prose = ({ text }: { readonly text: string | undefined }): JSX.Element | null =>
  text === undefined ? null : <p>{text.split("`").map((part, at) => at % 2 === 0 ? part : <code>{part}</code>)}</p>;
