/** Hands an order to the API and waits for its answer, with progress. */
import type { Client } from "../client.ts";
import { type Answer, ask, type QueueJob, segment } from "./api.ts";
import type { Context } from "./command.ts";
import { amount, bar } from "./render.ts";

export type Order = Parameters<Client["v1"]["queue"]["jobs"]["$post"]>[0]["json"];

/** Nodes take an order up within a second or so. */
const POLL_MS = 250;
/** A short wait needs no words. */
const SILENT_POLLS = 4;

/** The job when it is done. Who ends the tool before does not end the job. */
export async function order({ api, terminal, pause }: Context, json: Order): Promise<Answer<QueueJob>> {
  let answer: Answer<QueueJob> = await ask(api.v1.queue.jobs.$post({ json }));
  for (let polls = 0; answer.ok && answer.body.state === "working"; polls++) {
    if (polls >= SILENT_POLLS) terminal.status(progressText(answer.body));
    await pause(POLL_MS);
    answer = await ask(api.v1.queue.jobs[":id"].$get({ param: { id: segment(answer.body.id) } }));
  }
  terminal.status("");
  return answer;
}

function progressText({ id, seen, total, done, busy }: QueueJob): string {
  const waits = busy === 0 ? "" : `; waiting for ${busy} in delivery`;
  return `${bar(seen, total)} ${seen.toLocaleString("en-US")} of ${amount(total, "message")}, ` +
    `${done.toLocaleString("en-US")} done${waits} (job ${id})`;
}
