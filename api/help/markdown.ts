/**
 * The help pages' Markdown as HTML. Their text is the project's own, so it is rendered once and trusted; what stands in
 * it as {{name}} is filled in for each reader, and escaped then (placeholders.ts).
 *
 * A code block's info string says what it is: "ini file=~/.msmtprc" is a file to write, "sh run" are commands to give.
 * Both end up as data attributes, by which the tests find the blocks that they execute.
 */
import { Marked, type Tokens } from "marked";

export interface Rendered {
  /** Of the page's one first-level heading. */
  readonly title: string;
  /** Its first paragraph as HTML without elements: what the list of pages says of it. */
  readonly summary: string;
  readonly html: string;
}

/** Links between help pages keep the reader's name. */
const KEEP_READER = "{{query}}";

const marked = new Marked({
  gfm: true,
  renderer: {
    code: ({ text, lang }) => codeBlock(text, lang ?? ""),
    heading({ tokens, depth }) {
      const words = this.parser.parseInline(tokens);
      return depth === 1 ? `<h1>${words}</h1>\n` : `<h${depth} id="${anchor(words)}">${words}</h${depth}>\n`;
    },
    link({ href, tokens }) {
      return `<a href="${escape(withReader(href))}">${this.parser.parseInline(tokens)}</a>`;
    },
    // A table that is wider than a phone scrolls by itself.
    table(token: Tokens.Table) {
      const cells = (row: Tokens.TableCell[], tag: string) =>
        row.map(({ tokens }) => `<${tag}>${this.parser.parseInline(tokens)}</${tag}>`).join("");
      const rows = token.rows.map((row) => `<tr>${cells(row, "td")}</tr>`).join("\n");
      return `<div class="wide" tabindex="0"><table><thead><tr>${cells(token.header, "th")}</tr></thead>\n` +
        `<tbody>${rows}</tbody></table></div>\n`;
    },
  },
});

export function renderMarkdown(text: string): Rendered {
  const tokens = marked.lexer(text);
  const title = tokens.find((token): token is Tokens.Heading => token.type === "heading" && token.depth === 1);
  const summary = tokens.find((token): token is Tokens.Paragraph => token.type === "paragraph");
  if (title === undefined || summary === undefined) throw new Error(`a page needs a heading and a summary: ${text}`);
  return { title: plain(title.text), summary: escape(plain(summary.text)), html: marked.parser(tokens) };
}

function codeBlock(text: string, info: string): string {
  const [, file] = /\bfile=(\S+)/.exec(info) ?? [];
  const run = /\brun\b/.test(info);
  const code =
    `<pre${run ? " data-run" : ""}${file === undefined ? "" : ` data-file="${escape(file)}"`} tabindex="0">` +
    `<code>${escape(text)}</code></pre>`;
  if (file === undefined) return `${code}\n`;
  return `<figure><figcaption>${escape(file)}</figcaption>${code}</figure>\n`;
}

function withReader(href: string): string {
  if (!href.startsWith("/help")) return href;
  const [page, fragment] = href.split("#");
  return `${page}${KEEP_READER}${fragment === undefined ? "" : `#${fragment}`}`;
}

/** "Message <b>too big</b>" → "message-too-big". */
function anchor(html: string): string {
  return html.replaceAll(/<[^>]*>|&\w+;|\{\{|\}\}/g, "").toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-|-$/g, "");
}

function plain(markdown: string): string {
  return markdown.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").replaceAll(/[`*]/g, "").replaceAll("\n", " ");
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

function escape(text: string): string {
  return text.replaceAll(/[&<>"]/g, (character) => ENTITIES[character]!);
}
