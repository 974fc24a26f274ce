/**
 * A spool in a directory of its own, for tests: messages whose content follows from their id, a clock that the test
 * moves, and crashes: a copy of the directory as it stands at this moment, from which another spool is opened.
 */
import { join } from "@std/path";
import type { Envelope, RecipientState } from "../../relay/envelope.ts";
import type { SpoolDamaged } from "../../relay/spool/errors.ts";
import { openSpool } from "../../relay/spool/open.ts";
import type { OutboxItem } from "../../relay/spool/index_store.ts";
import type { Outbox } from "../../relay/spool/outbox.ts";
import type { Spool } from "../../relay/spool/spool.ts";
import type { NewMessage, QueuedMessage } from "../../relay/spool/types.ts";

export const START = Date.UTC(2026, 10, 23, 12);

export interface TestSpoolOptions {
  readonly segmentBytes?: number;
  readonly deliver?: (items: readonly OutboxItem[]) => Promise<void>;
  /** Resolves when a wait of the outbox is over; at once (in the next turn) unless said otherwise. */
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly now?: () => number;
  /** The spool's name, unless the directory has one. */
  readonly node?: string;
}

export interface TestSpool extends AsyncDisposable {
  readonly directory: string;
  readonly spool: Spool;
  readonly outbox: Outbox;
  readonly nodeId: string;
  readonly boot: string;
  readonly recovered: { readonly messages: number; readonly replayedRecords: number };
  /** What was reported. */
  readonly damagedMessages: { readonly id: string; readonly damage: SpoolDamaged }[];
  readonly damagedSegments: { readonly path: string; readonly offset: number }[];
  /** Where they are kept. */
  readonly damagedIndexes: string[];
  readonly troubles: unknown[];
  close(): Promise<void>;
}

const directories: string[] = [];
// Spools are opened again and again in the same directory, and copied: they are removed when the file's tests are over.
globalThis.addEventListener("unload", () => {
  for (const directory of directories) Deno.removeSync(directory, { recursive: true });
});

export function newDirectory(): string {
  const directory = Deno.makeTempDirSync({ prefix: "spool-" });
  directories.push(directory);
  return directory;
}

/** `await using`: closed at the end of the scope, unless it was before. */
export async function openTestSpool(directory: string, options: TestSpoolOptions = {}): Promise<TestSpool> {
  const damagedMessages: TestSpool["damagedMessages"] = [];
  const damagedSegments: TestSpool["damagedSegments"] = [];
  const damagedIndexes: string[] = [];
  const troubles: unknown[] = [];
  const opened = await openSpool({
    directory,
    now: options.now ?? (() => START),
    clock: { sleep: options.sleep ?? nextTurn },
    newNodeId: () => options.node ?? "node",
    deliver: () => options.deliver ?? (() => Promise.resolve()),
    report: {
      damagedMessage: (id, damage) => damagedMessages.push({ id, damage }),
      damagedSegment: (path, offset) => damagedSegments.push({ path, offset }),
      damagedIndex: (path) => damagedIndexes.push(path),
      trouble: (error) => troubles.push(error),
      event: () => {},
    },
    segmentBytes: options.segmentBytes ?? 256 * 1024,
  });
  let closed = false;
  const close = async () => {
    if (closed) return;
    closed = true;
    await opened.spool.close();
  };
  return {
    directory,
    ...opened,
    damagedMessages,
    damagedSegments,
    damagedIndexes,
    troubles,
    close,
    [Symbol.asyncDispose]: close,
  };
}

export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

export function envelope(id: string, overrides: Partial<Envelope> = {}): Envelope {
  return {
    id,
    account: "alice",
    reversePath: "alice@example.org",
    recipients: ["bob@example.net"],
    body: "8BITMIME",
    smtputf8: false,
    dsnRequest: null,
    sizeBytes: 100,
    receivedAt: START,
    reservation: { id: `reservation of ${id}`, day: "2026-11-23", relays: 1, ndr: false },
    origin: null,
    policy: null,
    messageIdField: null,
    ...overrides,
  };
}

/** Octets of all values that follow from the id alone. */
export function contentOf(id: string, octets: number): Uint8Array {
  const content = new Uint8Array(octets);
  let state = [...id].reduce((hash, character) => (hash * 31 + character.charCodeAt(0)) >>> 0, 17);
  for (let at = 0; at < octets; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    content[at] = state >>> 24;
  }
  return content;
}

/** How long its content is to be: of many sizes, one in fifty large, that follow from the id alone. */
export function octetsOf(id: string): number {
  const [a, b] = contentOf(id, 8).subarray(6);
  return a! < 5 ? 260 * 1024 + b! : 40 * b!;
}

/** As the edge hands in a message: its octets come in pieces. */
export async function accept(spool: Spool, message: Envelope, content: Uint8Array): Promise<void> {
  const draft = spool.draft(message.id, 0);
  try {
    for (let at = 0; at < content.length; at += 32 * 1024) await draft.write(content.subarray(at, at + 32 * 1024));
    await spool.accept(message, draft);
  } catch (error) {
    await draft.discard();
    throw error;
  }
}

export async function readContent(message: QueuedMessage): Promise<Uint8Array> {
  const content = await message.content();
  const octets = new Uint8Array(content.sizeBytes);
  let at = 0;
  for await (const chunk of content.chunks()) {
    octets.set(chunk, at);
    at += chunk.length;
  }
  return octets;
}

/** Takes everything that is due, also what has to be loaded first. */
export async function takeAll({ spool, damagedMessages }: TestSpool, now: number): Promise<QueuedMessage[]> {
  const messages: QueuedMessage[] = [];
  while (true) {
    const changed = Promise.withResolvers<void>();
    spool.onAvailable(() => changed.resolve());
    const message = spool.take(now);
    if (message !== undefined) {
      messages.push(message);
      continue;
    }
    const nextDueAt = spool.nextDueAt();
    if (nextDueAt !== undefined && nextDueAt > now) return messages;
    if (spool.loadedMessages + damagedMessages.length >= spool.count()) return messages;
    await changed.promise;
  }
}

export async function takeIds(test: TestSpool, now: number): Promise<string[]> {
  return (await takeAll(test, now)).map(({ envelope: { id } }) => id);
}

export function state(status: RecipientState["status"], dueAt = 0): RecipientState {
  return { status, attempts: 1, dueAt, lastReply: `it is ${status}`, delayReported: false };
}

/** A recipient's new state, as an outcome has it. */
export function change(status: RecipientState["status"], dueAt = 0, recipient = 0) {
  return { recipient, state: state(status, dueAt) };
}

export function dsnFor(id: string): NewMessage {
  return {
    envelope: envelope(`dsn-${id}`, { reversePath: "", reservation: null }),
    content: contentOf(`dsn-${id}`, 700),
  };
}

/**
 * The directory as a process that was killed now would leave it. Copied in one turn, so that nothing moves on but what
 * other threads have begun: a file that they remove meanwhile is a file that the crash found removed.
 */
export function crashCopy(directory: string): string {
  const copy = newDirectory();
  copyFiles(directory, copy);
  return copy;
}

function copyFiles(from: string, to: string): void {
  for (const { name, isDirectory } of Deno.readDirSync(from)) {
    if (!isDirectory) {
      copyUnlessGone(join(from, name), join(to, name));
      continue;
    }
    Deno.mkdirSync(join(to, name), { recursive: true });
    copyFiles(join(from, name), join(to, name));
  }
}

function copyUnlessGone(from: string, to: string): void {
  try {
    Deno.copyFileSync(from, to);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Ids of what a restart finds in a copy of the directory as it stands now. */
export async function queuedAfterCrash(directory: string): Promise<string[]> {
  await using after = await openTestSpool(crashCopy(directory));
  return (await takeIds(after, Infinity)).sort();
}

/** Delivers a taken message to its first recipient, and lets go of it. */
export async function finish({ spool }: TestSpool, messageId: string): Promise<void> {
  await spool.record({ messageId, changes: [change("delivered")], events: [] });
  spool.giveBack(messageId);
}

export function segmentFiles(directory: string): string[] {
  const segments = join(directory, "segments");
  return [...Deno.readDirSync(segments)].map(({ name }) => join(segments, name)).sort();
}
