/**
 * A process to be killed: accepts messages into a spool without end, defers some and delivers the others. It says each
 * step on its standard output, in order: `accepted <id>` when the spool has said so, `attempt <id>` before a delivery is
 * recorded, `ended <id>` when the spool has recorded it.
 *
 * Arguments, as JSON: `Work`.
 */
import { dieAt, leaveOut } from "./kill_points.ts";
import { accept, change, contentOf, envelope, octetsOf, openTestSpool, START } from "./spool_on_disk.ts";

export interface Work {
  readonly directory: string;
  /** Of the ids. */
  readonly prefix: string;
  /** A named point, and at which time of coming there the process dies. */
  readonly dieAt?: { readonly point: string; readonly times: number };
  readonly leaveOut?: "syncData" | "sync";
}

export const WORK_SEGMENT_BYTES = 512 * 1024;
/** Messages that are being accepted, and delivered, at the same time. */
const AT_ONCE = 8;

if (import.meta.main) await work(JSON.parse(Deno.args[0]!) as Work);

async function work({ directory, prefix, dieAt: death, leaveOut: sync }: Work): Promise<void> {
  if (death !== undefined) dieAt(death.point, death.times);
  if (sync !== undefined) leaveOut(sync);
  let number = 0;
  // Time goes by with the messages, so that what is deferred comes back.
  const now = () => START + number;
  const test = await openTestSpool(directory, { segmentBytes: WORK_SEGMENT_BYTES, now });
  const { spool } = test;

  async function acceptForEver(): Promise<never> {
    while (true) {
      const id = `${prefix}-${number++}`;
      await accept(spool, envelope(id), contentOf(id, octetsOf(id)));
      say(`accepted ${id}`);
      await deliverOne();
    }
  }

  async function deliverOne(): Promise<void> {
    const message = spool.take(now());
    if (message === undefined) return;
    const { envelope: { id: messageId }, recipients: [recipient] } = message;
    // One in four is deferred at first, one in sixteen for so long that its segment is compacted meanwhile.
    const [kind] = contentOf(messageId, 1);
    const wait = recipient!.attempts > 0 || kind! % 4 !== 0 ? undefined : kind! % 16 === 0 ? 2000 : 20;
    if (wait === undefined) say(`attempt ${messageId}`);
    const changes = [wait === undefined ? change("delivered") : change("queued", now() + wait)];
    await spool.record({ messageId, changes, events: [] });
    if (wait === undefined) say(`ended ${messageId}`);
    spool.giveBack(messageId);
  }

  await Promise.all(Array.from({ length: AT_ONCE }, acceptForEver));
}

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}
