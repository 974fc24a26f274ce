/**
 * `mailhop`: the account tool of MailHop Outbound. Composition root: joins the commands to this process.
 *
 * It reads the server's admin token where no other is set, and a module that it was given, and gives up the right to
 * read any more before it speaks to anybody.
 */
import { run } from "./run.ts";
import { processTerminal } from "./terminal.ts";

try {
  Deno.exitCode = await run(Deno.args, {
    terminal: processTerminal(),
    env: Deno.env.get,
    readTextFile: Deno.readTextFile,
    readFile: Deno.readFile,
    endReading: () => void Deno.permissions.revokeSync({ name: "read" }),
    fetch,
    now: Date.now,
    pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
  });
} catch (trouble) {
  // Whoever read our output has had enough of it: "mailhop message list | head".
  if (!(trouble instanceof Deno.errors.BrokenPipe)) throw trouble;
}
