/** Which part of the work a sample of the profile belongs to: by the innermost function of ours that was running. */

/** From perf's text: a thread and its stack, innermost first. */
export interface Sample {
  readonly thread: string;
  readonly frames: readonly { readonly name: string; readonly binary: string }[];
}

/** In this order; the first that fits counts. */
const STAGES: readonly (readonly [string, RegExp])[] = [
  ["log", /@logtape|relay\/log_sink/],
  ["accept", /relay\/smtp\/(server|connection_counts)|relay\/(doors|listeners)/],
  ["TLS", /relay\/tls\//],
  ["outbox", /relay\/spool\/outbox|relay\/spool\/accepted_event/],
  ["calls between threads", /relay\/(control_plane|batcher|workers\/)|hono\/|deno_web\/13_message_port|deno_fetch/],
  ["admission, policy", /relay\/(admission|policy)\/|\/policy\/(live|policy|engine|memory|verdict|wording)/],
  ["session, data", /relay\/(smtp|protocol)\//],
  ["spool", /relay\/spool\//],
  ["signing keys, DKIM", /relay\/dkim\//],
  ["delivery", /relay\/delivery\//],
  ["reservations, settlements", /api\/(counters|account_facts|store\/(reservations|usage|blocks|accounts|habits))/],
  ["history", /api\/(history|distinct_sketch|address_key|store\/(events|messages|recipients|activity|suppressions))/],
  ["requests, their checks", /zod\/|api\/routes\//],
  ["database", /kysely\/|api\/store\//],
];
const RUNTIME = "runtime: event loop, promises, collector";
const KERNEL = "kernel: sockets, files";

export function stageOf({ frames }: Sample): string {
  for (const { name } of frames) {
    const found = STAGES.find(([, pattern]) => pattern.test(name));
    if (found !== undefined) return found[0];
  }
  return frames[0]?.binary.includes("kernel") ? KERNEL : RUNTIME;
}

const FRAME = /^\s*[0-9a-f]+ (.*) \((.*)\)$/;

/** Reads what `perf script -F comm,ip,sym,dso` prints: samples, with an empty line behind each. */
export function* samplesIn(text: string): Generator<Sample> {
  for (const block of text.split("\n\n")) {
    const [thread, ...lines] = block.split("\n").filter((line) => line !== "");
    if (thread === undefined) continue;
    const frames = lines.flatMap((line) => {
      const [, name, binary] = FRAME.exec(line) ?? [];
      return name === undefined || binary === undefined ? [] : [{ name, binary }];
    });
    yield { thread: thread.trim(), frames };
  }
}
