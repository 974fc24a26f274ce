/** /help: pages for customers, open to whoever asks. */
import { Hono } from "hono";
import { raw } from "hono/html";
import type { Parameters } from "../../policy/mod.ts";
import { IndexPage } from "../help/index_page.tsx";
import { fill, type HelpFacts, placeholders, readerNamed } from "../help/placeholders.ts";
import { Layout } from "../pages/layout.tsx";
import { pageHeaders } from "../pages/page_headers.ts";
import style from "../pages/style.css" with { type: "text" };

/** Loaded with the first request: rendering all pages takes 0.1 s, which a start need not wait for. */
const loadPages = () => import("../help/pages.ts");

export interface HelpRoutes {
  readonly facts: HelpFacts;
  /** The policy's figures as they are now. */
  readonly figures: () => Parameters;
}

export const helpRoutes = ({ facts, figures }: HelpRoutes) => {
  const forReader = (user: string | undefined) => {
    const reader = readerNamed(user);
    const values = placeholders(facts, figures(), reader);
    return { reader, values, layout: { service: facts.name, home: `/help${values.query}` } };
  };
  return new Hono()
    .use("/help/*", pageHeaders)
    .get("/help", async (c) => {
      const { SECTIONS } = await loadPages();
      const { reader, values, layout } = forReader(c.req.query("user"));
      return c.html(
        <Layout title="Help" {...layout}>{<IndexPage values={values} reader={reader} sections={SECTIONS} />}</Layout>,
      );
    })
    .get("/help/style.css", (c) => c.body(style, 200, { "content-type": "text/css; charset=utf-8" }))
    .get("/help/:name", async (c) => {
      const { findPage } = await loadPages();
      const { values, layout } = forReader(c.req.query("user"));
      const page = findPage(c.req.param("name"));
      if (page === undefined) {
        const nothing = (
          <Layout title="No such page" {...layout}>
            <h1>No such page</h1>
            <p>
              There is none of that name. <a href={layout.home}>All help pages</a>
            </p>
          </Layout>
        );
        return c.html(nothing, 404);
      }
      return c.html(<Layout title={page.title} {...layout}>{raw(fill(page.html, values))}</Layout>);
    });
};
