/**
 * `mailhop`: the account tool of MailHop Outbound. Composition root: joins the commands to this process.
 *
 * It reads one file, the server's admin token where no other is set, and gives up the right to read any more.
 */
import { run } from "./run.ts";
import { processTerminal } from "./terminal.ts";

async function readOnce(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } finally {
    Deno.permissions.revokeSync({ name: "read" });
  }
}

try {
  Deno.exitCode = await run(Deno.args, {
    terminal: processTerminal(),
    env: Deno.env.get,
    readTextFile: readOnce,
    fetch,
    now: Date.now,
    randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
  });
} catch (trouble) {
  // Whoever read our output has had enough of it: "mailhop message list | head".
  if (!(trouble instanceof Deno.errors.BrokenPipe)) throw trouble;
}
