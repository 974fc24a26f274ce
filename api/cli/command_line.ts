/** The whole command line: from arguments to a command, a help text, or what is wrong with it. */
import { bash, commandLine, envVar, fish, map, message, object, option, or, runParser, zsh } from "@optique/core";
import { account } from "./account.ts";
import { appPassword } from "./app_password.ts";
import { audit } from "./audit.ts";
import { block } from "./block.ts";
import type { Command, FileCommand, TokenCommand } from "./command.ts";
import { dkim } from "./dkim.ts";
import { doctor } from "./doctor.ts";
import { domain } from "./domain.ts";
import { examples } from "./help.ts";
import { key } from "./key.ts";
import { message as messages } from "./message.ts";
import { network } from "./network.ts";
import { node } from "./node.ts";
import { notice } from "./notice.ts";
import { policy } from "./policy.ts";
import { queue } from "./queue.ts";
import { quota } from "./quota.ts";
import { relayToken } from "./relay_token.ts";
import { setup } from "./setup.ts";
import { suppression } from "./suppression.ts";

export type CommandLine =
  | { readonly kind: "command"; readonly json: boolean; readonly command: Command | FileCommand | TokenCommand }
  /** Help, or what a shell asked for: its script, or how a line may go on. */
  | { readonly kind: "help"; readonly text: string }
  | { readonly kind: "wrong"; readonly text: string };

/** How help and errors are written. */
export interface Writing {
  readonly colours: boolean;
  readonly columns: number;
}

const PROGRAM = "mailhop";

const HINT = "How it is used: mailhop --help, or --help behind any command.";

const grammar = map(
  object({
    json: option("--json", { description: message`Print the API's JSON, for programs.` }),
    command: or(
      or(setup, account, appPassword, key, block, quota, network, domain, dkim, suppression),
      or(messages, queue, node, policy, notice, audit, relayToken, doctor),
    ),
  }),
  (parsed): CommandLine => ({ kind: "command", ...parsed }),
);

const FOOTER = examples("account create alice", "block buy alice 2", "quota alice", "message list --since 24h");

const DESCRIPTION = message`Run it as ${commandLine("deno task mailhop")}. It talks to the API at ${
  envVar("MAILHOP_API_URL")
} (http://127.0.0.1:8080 if unset) with the token in ${
  envVar("MAILHOP_API_TOKEN")
} (if unset, the one that the server keeps in its data directory: ${envVar("MAILHOP_DATA_DIR")} or ./data).`;

export function parseCommandLine(given: readonly string[], { colours, columns }: Writing): CommandLine {
  const args = given.length === 0 ? ["--help"] : given;
  const written: string[] = [];
  const write = (text: string) => void written.push(text);
  // The library gives back what its callbacks give.
  return runParser(grammar, PROGRAM, args, {
    colors: colours,
    maxWidth: columns,
    termWidth: "auto",
    showChoices: true,
    commandList: "top-level",
    usageLine: [{ type: "ellipsis" }],
    brief: message`The account tool of MailHop Outbound.`,
    description: DESCRIPTION,
    footer: FOOTER,
    help: {
      command: true,
      option: { names: ["-h", "--help"] },
      onShow: (): CommandLine => ({ kind: "help", text: written.join("\n") }),
    },
    completion: {
      command: true,
      shells: { bash, zsh, fish },
      // What a shell reads comes with its own line ends.
      onShow: (exitCode): CommandLine => ({
        kind: exitCode === 0 ? "help" : "wrong",
        text: written.join("").trimEnd(),
      }),
    },
    aboveError: "none",
    onError: (): CommandLine => ({ kind: "wrong", text: [...written, HINT].join("\n") }),
    stdout: write,
    stderr: write,
  });
}
