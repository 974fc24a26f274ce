/** `mailhop queue …`: what waits for delivery, why, and what the operator does about it. */
import {
  argument,
  choice,
  command,
  flag,
  integer,
  map,
  message,
  multiple,
  object,
  option,
  optional,
  or,
  string,
} from "@optique/core";
import { UNKNOWN_ACCOUNT } from "./account.ts";
import { type Command, type Context, type Outcome, outcome } from "./command.ts";
import { examples } from "./help.ts";
import { callOff, jobs } from "./queue_jobs.ts";
import { type Order, order } from "./queue_order.ts";
import { actionText, listText, messageText, missing, summaryText } from "./queue_text.ts";
import { instant, name } from "./value_parsers.ts";
import { resolveInstant } from "./when.ts";

/** The API gives at most so many messages in a list. */
const MAX_LISTED = 200;

const address = string({ metavar: "ADDRESS" });

const filters = object({
  account: optional(option("--account", name("USERNAME"), { description: message`Of this account.` })),
  domain: optional(
    option("--domain", name("DOMAIN"), { description: message`To recipients of this domain; of those alone.` }),
  ),
  sender: optional(option("--sender", address, { description: message`With this sender (reverse path).` })),
  recipient: optional(option("--recipient", address, { description: message`To this recipient.` })),
  before: optional(option("--before", instant(), { description: message`Received before this time, or age.` })),
  status: optional(
    option("--status", choice(["queued", "held"] as const, { metavar: "STATUS" }), {
      description: message`Which stand so.`,
    }),
  ),
});

type Filters = Parameters<typeof selection>[0];

const selection = (
  { before, ...same }: {
    readonly account?: string | undefined;
    readonly domain?: string | undefined;
    readonly sender?: string | undefined;
    readonly recipient?: string | undefined;
    readonly before?: Parameters<typeof resolveInstant>[0] | undefined;
    readonly status?: "queued" | "held" | undefined;
  },
  now: number,
): Order["select"] => ({ ...same, ...(before !== undefined && { receivedBefore: resolveInstant(before, now) }) });

const summarize = (select: Order["select"]): Command => async (context) =>
  outcome(await order(context, { work: "summary", select }), summaryText, UNKNOWN_ACCOUNT);

const summary = command(
  "summary",
  map(
    object({ filters }),
    ({ filters }): Command => (context) => summarize(selection(filters, context.now()))(context),
  ),
  {
    brief: message`Count what waits, by domain and age.`,
    description:
      message`Counts the recipients that wait for delivery: by their domain, by the age of their message, with what the last attempt met.`,
    footer: examples("queue summary", "queue summary --account alice"),
  },
);

const list = command(
  "list",
  map(
    object({
      filters,
      limit: optional(
        option("--limit", integer({ min: 1, max: MAX_LISTED, metavar: "N" }), {
          description: message`At most so many.`,
        }),
      ),
    }),
    ({ filters, limit }): Command => async (context) => {
      const select = selection(filters, context.now());
      const answer = await order(context, { work: "list", select, ...(limit !== undefined && { limit }) });
      return outcome(answer, listText, UNKNOWN_ACCOUNT);
    },
  ),
  {
    brief: message`List messages that wait, the oldest first.`,
    footer: examples("queue list", "queue list --domain example.net --before 4h"),
  },
);

const show = command(
  "show",
  map(
    object({ id: argument(name("ID"), { description: message`The message's id.` }) }),
    ({ id }): Command => async (context) => {
      const answer = await order(context, { work: "list", select: { ids: [id] } });
      const [message] = answer.ok ? answer.body.messages ?? [] : [];
      if (answer.ok && message === undefined) return notWaiting(id, missing(answer.body));
      return outcome(answer, (_, look) => messageText(message!, look));
    },
  ),
  {
    brief: message`Show how a message stands.`,
    description:
      message`Shows how a message stands that waits for delivery. What happened to it so far: mailhop message show.`,
    footer: examples("queue show 01KAQ2T3ZJ8M4Y6W9X0B1C2D3E"),
  },
);

/** @param missing what is to be said of nodes that did not answer: it may be there. */
const notWaiting = (id: string, missing: readonly string[]): Outcome => ({
  kind: "refused",
  problem: {
    status: 404,
    title: `No message ${id} waits for delivery`,
    detail: missing.length === 0 ? null : missing.join(" "),
  },
  advice: `What became of it: mailhop message show ${id}`,
});

const target = object({
  ids: multiple(argument(name("ID"), { description: message`A message's id.` })),
  filters,
  all: optional(flag("--all", { description: message`All that waits.` })),
});

const reason = optional(
  option("--reason", string({ metavar: "TEXT" }), {
    description: message`Why: it stands in the history, and in a bounce.`,
  }),
);

interface Target {
  readonly ids: readonly string[];
  readonly filters: Filters;
  readonly all?: true | undefined;
  readonly reason?: string | undefined;
}

type Action = Exclude<Order["work"], "summary" | "list">;

async function act(
  context: Context,
  work: Action,
  { ids, filters, all, reason }: Target,
): Promise<Outcome> {
  const select = { ...selection(filters, context.now()), ...(ids.length > 0 && { ids: [...ids] }) };
  const narrowed = Object.values(select).some((value) => value !== undefined);
  if (!narrowed && all !== true) {
    return { kind: "misused", why: `Say which messages: ids, a filter such as --domain, or --all for all that waits.` };
  }
  const answer = await order(context, {
    ...{ work, select },
    ...(all === true && { all }),
    ...(reason !== undefined && { reason }),
  });
  if (work !== "retry" || !answer.ok || answer.body.done > 0) return outcome(answer, actionText, UNKNOWN_ACCOUNT);
  // What is held is not tried: whoever wonders that nothing is due is told.
  const summary = await order(context, { work: "summary", select });
  const held = summary.ok ? summary.body.summary?.held ?? 0 : 0;
  return outcome(answer, (job, look) => actionText(job, look, held));
}

/** The grammar of a work that has a reason. */
const acting = (work: Exclude<Action, "retry">) =>
  map(
    object({ target, reason }),
    ({ target, reason }): Command => (context) => act(context, work, { ...target, reason }),
  );

const retry = command(
  "retry",
  map(target, (target): Command => (context) => act(context, "retry", target)),
  {
    brief: message`Try messages now.`,
    description:
      message`Has messages tried now, also where their next hop was left alone because it could not be reached.`,
    footer: examples("queue retry --domain example.net", "queue retry --all"),
  },
);

const hold = command(
  "hold",
  acting("hold"),
  {
    brief: message`Stop the delivery of messages.`,
    description:
      message`Stops the delivery of messages that wait now, until they are released. They do not expire meanwhile. What is being tried at this moment is waited for.`,
    footer: examples("queue hold --account alice --reason 'looks like a stolen password'"),
  },
);

const release = command(
  "release",
  acting("release"),
  {
    brief: message`Let delivery of held messages go on.`,
    footer: examples("queue release --account alice"),
  },
);

const bounce = command(
  "bounce",
  acting("bounce"),
  {
    brief: message`Return messages to their senders.`,
    footer: examples("queue bounce --domain exmaple.net --reason 'there is no such domain'"),
  },
);

const remove = command(
  "delete",
  acting("delete"),
  {
    brief: message`Take messages out of the queue, and tell nobody.`,
    description:
      message`Takes messages out of the queue for good. Their senders are not told; the history says that they were deleted.`,
    footer: examples("queue delete --account mallory --reason spam"),
  },
);

/** `mailhop queue`. */
export const queue = command(
  "queue",
  // Alone it is the summary.
  or(
    or(summary, list, show),
    or(retry, hold, release, bounce, remove),
    or(jobs, callOff),
    map(object({}), () => summarize({})),
  ),
  {
    brief: message`What waits for delivery, and what to do about it.`,
    footer: examples("queue", "queue list --domain example.net", "queue retry --domain example.net"),
  },
);
