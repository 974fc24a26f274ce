/** What every page for people has: head, a way back, and a body that is read on a phone, on paper, by day and night. */
import { raw } from "hono/html";
import type { Child } from "hono/jsx";

export interface LayoutProps {
  readonly title: string;
  /** The service's own name. */
  readonly service: string;
  /** Where the service's name leads. */
  readonly home: string;
  readonly children?: Child;
}

export const Layout = ({ title, service, home, children }: LayoutProps) => (
  <>
    {raw("<!doctype html>")}
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{`${title} – ${service}`}</title>
        <link rel="stylesheet" href="/help/style.css" />
      </head>
      <body>
        <header>
          <a href={home}>{service} – Help</a>
        </header>
        <main>{children}</main>
      </body>
    </html>
  </>
);
