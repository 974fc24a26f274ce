/** /docs: the OpenAPI document as a page, open to whoever asks. */
import { Hono } from "hono";
import { DocsPage } from "../docs/docs_page.tsx";
import type { ApiDocument } from "../openapi/document.ts";
import { Layout } from "../pages/layout.tsx";
import { pageHeaders } from "../pages/page_headers.ts";

export interface DocsRoutes {
  /** The service's own name. */
  readonly name: string;
  readonly document: () => ApiDocument;
}

export const docsRoutes = ({ name, document }: DocsRoutes) => {
  // It takes 35 ms, and is the same until the next start.
  let page: string | undefined;
  const make = () =>
    String(
      <Layout title="HTTP API" service={name} home="/help">
        <DocsPage document={document()} />
      </Layout>,
    );
  return new Hono()
    .use("/docs", pageHeaders)
    .get("/docs", (c) => c.html(page ??= make()));
};
