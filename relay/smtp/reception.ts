/**
 * Receives a message: reads the data from the connection into a draft, has its fate decided, and stores it.
 *
 * Guarantees: the 250 comes after the message is on stable storage (invariant 1); whatever else happens, the draft is
 * discarded and the reservation refunded (invariant 4). The data is always read to its end, so that what follows is
 * never taken for commands.
 */
import type { Admission } from "../admission/admission.ts";
import type { Envelope, Origin } from "../envelope.ts";
import { DotUnstuffing } from "../protocol/dot_unstuffing.ts";
import { scanHeader } from "../protocol/header_scan.ts";
import { accepted, replies } from "../protocol/replies.ts";
import type { Reply } from "../protocol/reply.ts";
import { SpoolFailure } from "../spool/errors.ts";
import type { Draft } from "../spool/draft.ts";
import type { Spool } from "../spool/spool.ts";
import { concatenate } from "./concatenate.ts";
import type { Transaction } from "./session_types.ts";
import { receivedField } from "./trace.ts";

export interface ReceiveContext {
  readonly admission: Pick<Admission, "message">;
  readonly spool: Pick<Spool, "draft" | "accept">;
  readonly hostname: string;
  readonly maxMessageBytes: number;
  readonly now: () => number;
  readonly newId: (now: number) => string;
  readonly onTrouble: (messageId: string, error: unknown) => void;
}

/** The connection's side: octets as they come. */
export interface DataSource {
  /** The next octets, valid until the next call, or null when the client has gone. */
  read(): Promise<Uint8Array | null>;
  /** Gives back what was read behind the end of the data. */
  putBack(octets: Uint8Array): void;
}

/** Octets that a client's header fields and content may take beyond what it declared, before a draft has to grow. */
const EXPECTED_OVERHEAD_OCTETS = 1024;
/** Stuffed dots cut a chunk into slices: more than this many are joined, so that a dot does not cost a file write. */
const MAX_SLICES = 8;
const encoder = new TextEncoder();

/** The reply to the end of the data, or null when the client went away inside it. */
export async function receive(
  source: DataSource,
  transaction: Transaction,
  origin: Origin,
  context: ReceiveContext,
): Promise<Reply | null> {
  const receivedAt = context.now();
  const id = context.newId(receivedAt);
  const { recipients, declaredSizeBytes } = transaction;
  const trace = encoder.encode(
    receivedField({ origin, hostname: context.hostname, messageId: id, recipients, at: receivedAt }),
  );
  const draft = context.spool.draft(id, trace.length + declaredSizeBytes + EXPECTED_OVERHEAD_OCTETS);
  let stored = false;
  try {
    const content = await readContent(source, draft, trace, context);
    if (content === null) return null;
    if ("failure" in content) {
      context.onTrouble(id, content.failure);
      return replies.spoolFailing;
    }
    const header = scanHeader(draft.head().subarray(trace.length));
    const verdict = await context.admission.message(id, transaction, { ...content, ...header });
    if ("refusal" in verdict) return verdict.refusal;
    await using reservation = verdict;
    const envelope: Envelope = {
      id,
      account: transaction.account,
      reversePath: transaction.mailbox?.address ?? "",
      recipients,
      body: transaction.body,
      smtputf8: transaction.smtputf8,
      sizeBytes: content.sizeBytes,
      receivedAt,
      reservation: reservation.granted,
      origin,
      messageIdField: header.messageIdField,
    };
    await context.spool.accept(envelope, draft);
    reservation.keep();
    stored = true;
    return accepted(id);
  } catch (error) {
    context.onTrouble(id, error);
    return error instanceof SpoolFailure ? replies.spoolFailing : replies.localTrouble;
  } finally {
    if (!stored) await draft.discard();
  }
}

interface Content {
  readonly sizeBytes: number;
  readonly bareLineEndings: boolean;
}

/** Reads to the end of the data; what will be refused anyway is read but not kept. */
async function readContent(
  source: DataSource,
  draft: Draft,
  trace: Uint8Array,
  { maxMessageBytes }: ReceiveContext,
): Promise<Content | { readonly failure: unknown } | null> {
  const unstuffing = new DotUnstuffing();
  let failure: unknown;
  let slices: Uint8Array[] = [trace];
  const sink = (slice: Uint8Array) => slices.push(slice);
  while (true) {
    const chunk = await source.read();
    if (chunk === null) return null;
    const end = unstuffing.push(chunk, sink);
    const wanted = failure === undefined && !unstuffing.bareLineEnding && unstuffing.sizeBytes <= maxMessageBytes;
    if (wanted) {
      try {
        for (const slice of slices.length > MAX_SLICES ? [concatenate(slices)] : slices) {
          const written = draft.write(slice);
          if (written !== undefined) await written;
        }
      } catch (error) {
        failure = error;
      }
    }
    slices = [];
    if (end < 0) continue;
    source.putBack(chunk.subarray(end));
    if (failure !== undefined) return { failure };
    return { sizeBytes: unstuffing.sizeBytes, bareLineEndings: unstuffing.bareLineEnding };
  }
}
