/** Reads what tests want to know of the project's own pages, which are well-formed and simple. */

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" };

export function unescape(text: string): string {
  return text.replaceAll(/&(#?\w+);/g, (_, name: string) => {
    const character = ENTITIES[name];
    if (character === undefined) throw new Error(`an entity that nobody expected: ${name}`);
    return character;
  });
}

/** The values of an attribute, in order. */
export function attributes(page: string, name: string): string[] {
  return [...page.matchAll(new RegExp(`<[^>]*\\s${name}="([^"]*)"`, "g"))].map(([, value]) => unescape(value!));
}

/** The text of each element of this name, without markup. */
export function texts(page: string, element: string): string[] {
  return [...page.matchAll(new RegExp(`<${element}[ >]([^]*?)</${element}>`, "g"))]
    .map(([whole]) => unescape(whole.replaceAll(/<[^>]*>/g, "")));
}

/** A block of a page that is to be written to a file, or to be run, or only to be read. */
export interface CodeBlock {
  readonly file: string | undefined;
  readonly run: boolean;
  readonly text: string;
}

export function codeBlocks(page: string): CodeBlock[] {
  return [...page.matchAll(/<pre([^>]*)><code>([^]*?)<\/code><\/pre>/g)].map(([, marks = "", code = ""]) => {
    const [, file] = /data-file="([^"]*)"/.exec(marks) ?? [];
    return {
      file: file === undefined ? undefined : unescape(file),
      run: marks.includes(" data-run"),
      text: `${unescape(code)}\n`,
    };
  });
}
