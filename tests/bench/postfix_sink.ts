/** Postfix's own next hop for measurements, `smtp-sink`: takes every message, keeps none, and counts them. */
import { delay } from "@std/async/delay.js";
import { freePort } from "../support/free_port.ts";
import type { Sink } from "./sink.ts";

/** Connections that it takes at the same time, and that may wait. */
const CONNECTIONS = "4000";
const COUNT = /mesg=(\d+)/g;
const READY_TRIES = 100, READY_PAUSE_MS = 50;

export async function startPostfixSink(): Promise<Sink> {
  const port = freePort();
  // Root may not run it as itself.
  const args = ["-u", "nobody", "-c", "-m", CONNECTIONS, `127.0.0.1:${port}`, CONNECTIONS];
  const child = new Deno.Command("smtp-sink", { args, stdout: "piped", stderr: "null" }).spawn();
  let messages = 0;
  const counting = (async () => {
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      for (const [, count] of text.matchAll(COUNT)) messages = Math.max(messages, Number(count));
    }
  })();
  await listening(port);
  return {
    port,
    get messages() {
      return messages;
    },
    async [Symbol.asyncDispose]() {
      child.kill();
      await Promise.all([child.status, counting]);
    },
  };
}

async function listening(port: number): Promise<void> {
  for (let tries = 1;; tries++) {
    try {
      using _ = await Deno.connect({ hostname: "127.0.0.1", port });
      return;
    } catch (error) {
      if (tries === READY_TRIES) throw error;
      await delay(READY_PAUSE_MS);
    }
  }
}
