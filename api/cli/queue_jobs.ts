/** `mailhop queue jobs` and `mailhop queue call-off`: what is being done with the queue. */
import { argument, command, map, message, object } from "@optique/core";
import { ask, type QueueJob, segment } from "./api.ts";
import { type Command, outcome } from "./command.ts";
import { examples } from "./help.ts";
import type { Page } from "./pages.ts";
import { type Look, table } from "./render.ts";
import { name } from "./value_parsers.ts";
import { absolute } from "./when.ts";

export const jobs = command(
  "jobs",
  map(
    object({}),
    (): Command => async ({ api }) => outcome(await ask(api.v1.queue.jobs.$get({ query: {} })), jobTable),
  ),
  { brief: message`List what was done with the queue, the newest first.`, footer: examples("queue jobs") },
);

export const callOff = command(
  "call-off",
  map(
    object({ id: argument(name("ID"), { description: message`The job's id.` }) }),
    ({ id }): Command => async ({ api }) =>
      outcome(
        await ask(api.v1.queue.jobs[":id"].$delete({ param: { id: segment(id) } })),
        () => "Called off. What was done stays done.",
        { 404: "The jobs there are: mailhop queue jobs" },
      ),
  ),
  { brief: message`End a job before it is done.`, footer: examples("queue call-off 01KAQ2T3ZJ8M4Y6W9X0B1C2D3E") },
);

function jobTable({ items }: Page<Omit<QueueJob, "summary" | "messages">>, look: Look): string {
  if (items.length === 0) return "Nothing was asked or done in the last week.";
  return table(
    look,
    [
      { head: "AT" },
      { head: "ID" },
      { head: "WORK" },
      { head: "WHICH" },
      { head: "STATE" },
      { head: "SEEN", align: "right" },
      { head: "DONE", align: "right" },
      { head: "REASON" },
    ],
    items.map(({ at, id, work, select, state, seen, total, done, reason }) => [
      absolute(at),
      id,
      work,
      Object.entries(select).map(([field, value]) => `${field} ${value}`).join(", ") || "all",
      { text: state, style: state === "working" ? "good" : "plain" },
      `${seen.toLocaleString("en-US")}/${total.toLocaleString("en-US")}`,
      done.toLocaleString("en-US"),
      reason ?? "",
    ]),
  );
}
