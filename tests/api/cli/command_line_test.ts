import { assertEquals, assertStringIncludes } from "@std/assert";
import { parseCommandLine } from "../../../api/cli/command_line.ts";

const parse = (line: string) =>
  parseCommandLine(line.split(" ").filter((word) => word !== ""), { colours: false, columns: 100 });

const text = (line: string) => {
  const parsed = parse(line);
  return parsed.kind === "command" ? "" : parsed.text;
};

const COMMANDS = [
  "account create alice",
  "account create alice --email alice@example.com --password-stdin",
  "account list",
  "account show alice",
  "account suspend alice",
  "account activate alice",
  "account password alice --generate",
  "block buy alice",
  "block buy alice 2",
  "block list alice",
  "block cancel alice 01KAQ2T3ZJ8M4Y6W9X0B1C2D3E",
  "quota alice",
  "network add alice 192.0.2.7/32 --force",
  "network list alice",
  "network remove alice 2001:db8::/48",
  "domain claim alice example.com",
  "domain list alice",
  "domain show alice example.com",
  "domain verify alice example.com",
  "domain remove alice example.com",
  "message list",
  "message list --account a --since 24h --until 2026-11-23T12:00:00Z --sender a@b --recipient c@d --message-id <x@y>" +
  " --status deferred --limit 10 --cursor abc",
  "message list --all",
  "message show 01KAQ2T3ZJ8M4Y6W9X0B1C2D3E",
  "queue summary --account alice --before 4h",
  "queue list --domain example.net --status held --limit 10",
  "queue show 01KAQ2T3ZJ8M4Y6W9X0B1C2D3E",
  "queue retry --all",
  "queue hold --sender a@b --recipient c@d --reason spam",
  "queue release 01KAQ2T3ZJ8M4Y6W9X0B1C2D3E 01KAQ2T3ZJ8M4Y6W9X0B1C2D3F",
  "queue bounce --domain example.net",
  "queue delete --account alice",
  "queue jobs",
  "queue call-off 01KAQ2T3ZJ8M4Y6W9X0B1C2D3E",
  "node list",
  "node drain 01KAQ2T3ZJ8M4Y6W9X0B1C2D3E",
  "node serve 01KAQ2T3ZJ8M4Y6W9X0B1C2D3E",
];

for (const line of COMMANDS) {
  Deno.test(`command line: ${line}`, () => {
    assertEquals({ ...parse(line), command: null }, { kind: "command", json: false, command: null });
    assertEquals({ ...parse(`${line} --json`), command: null }, { kind: "command", json: true, command: null });
    assertEquals({ ...parse(`--json ${line}`), command: null }, { kind: "command", json: true, command: null });
  });
}

const WRONG: readonly (readonly [string, string])[] = [
  ["acount list", "account"],
  ["account", "command"],
  ["account show", "USERNAME"],
  ["account show ..", "Expected a name"],
  ["account create alice --generate --password-stdin", "cannot be used together"],
  ["block buy alice 0", "QUANTITY"],
  ["block buy alice two", "QUANTITY"],
  ["message list --since yesterday", "24h"],
  ["block cancel alice 1 --at 7d", "2026-12-31"],
  ["message list --status lost", "deferred"],
  ["message list --limit 201", "200"],
  ["message list --all --cursor x", "cannot be used together"],
  ["quota alice --jsn", "--json"],
];

for (const [line, hint] of WRONG) {
  Deno.test(`command line: "${line}" is wrong use, and the message helps with "${hint}"`, () => {
    assertEquals(parse(line).kind, "wrong");
    assertStringIncludes(text(line), hint);
    assertStringIncludes(text(line), "--help");
  });
}

for (const line of COMMANDS) {
  const words = line.split(" ").slice(0, line.startsWith("quota") ? 1 : 2).join(" ");
  Deno.test(`command line: ${line.slice(0, 40)}: its help has a usage line and an example`, () => {
    assertEquals(parse(`${words} --help`).kind, "help");
    assertStringIncludes(text(`${words} --help`), `Usage: mailhop ${words}`);
    assertStringIncludes(text(`${words} --help`), `mailhop ${words}`.trimEnd());
    assertStringIncludes(text(`${words} --help`), "Examples:");
    assertEquals(text(`help ${words}`), text(`${words} --help`));
  });
}

Deno.test("command line: nothing is a question for help", () => {
  assertEquals(parse(""), parse("--help"));
});

Deno.test("command line: the help of all names every command and the settings", () => {
  for (
    const word of [
      "account",
      "block",
      "quota",
      "domain",
      "message",
      "queue",
      "node",
      "MAILHOP_API_URL",
      "MAILHOP_API_TOKEN",
    ]
  ) {
    assertStringIncludes(text("--help"), word);
  }
});
