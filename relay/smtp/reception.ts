/**
 * The reception of one message: reads its content from the connection into a draft, by DATA or by the chunks of BDAT,
 * has its fate decided, and stores it.
 *
 * Guarantees: the 250 comes after the message is on stable storage (invariant 1); whatever else happens, the draft is
 * discarded and the reservation refunded (invariant 4). What the client sends is always read to its end, so
 * that what follows is never taken for commands.
 */
import type { Admission, HeldReservation } from "../admission/admission.ts";
import type { Envelope, Origin } from "../envelope.ts";
import { DotUnstuffing } from "../protocol/dot_unstuffing.ts";
import { LineEndings } from "../protocol/line_endings.ts";
import { MAX_HEADER_OCTETS, scanHeader } from "../protocol/header_scan.ts";
import { accepted, replies } from "../protocol/replies.ts";
import type { Reply } from "../protocol/reply.ts";
import { SpoolFailure } from "../spool/errors.ts";
import type { Draft } from "../spool/draft.ts";
import type { Spool } from "../spool/spool.ts";
import { concatenate } from "./concatenate.ts";
import { dsnRequestOf } from "./dsn_parameters.ts";
import type { Transaction } from "./session_types.ts";
import { receivedField } from "./trace.ts";

export interface ReceptionContext {
  readonly admission: Pick<Admission, "message">;
  readonly spool: Pick<Spool, "draft" | "accept">;
  readonly hostname: string;
  readonly maxMessageBytes: number;
  /** Whether the trace field keeps the client's address and name to itself; the history has them. */
  readonly hideClient: boolean;
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
/** A client that did not say the size is heard to its end, so that it hears why, up to so many times the limit. */
const MAX_OVERRUN = 2;
/** Stuffed dots cut a chunk into slices: more than this many are joined, so that a dot does not cost a file write. */
const MAX_SLICES = 8;
const encoder = new TextEncoder();

/** The policy accepted a message that was too big, or not well-formed, when it came, and so was not kept. */
class IncompleteMessage extends Error {
  override readonly name = "IncompleteMessage";

  constructor(sizeBytes: number) {
    super(`of ${sizeBytes} octets not all were kept`);
  }
}

/** From the first octet to the reply; ends with `finish` or with `discard`. */
export class Reception {
  readonly #context: ReceptionContext;
  readonly #transaction: Transaction;
  readonly #origin: Origin;
  readonly #id: string;
  readonly #receivedAt: number;
  readonly #traceOctets: number;
  /** What is kept of a message at the most, in octets: the limit of its beginning, for it may change meanwhile. */
  readonly #maxOctets: number;
  readonly #draft: Draft;
  readonly #lineEndings = new LineEndings();
  /** Not written yet; at first the trace field. */
  #slices: Uint8Array[];
  #sizeBytes = 0;
  #bareLineEndings = false;
  /** Some of it was not kept. */
  #incomplete = false;
  /** Why the draft could not be written. */
  #failure: unknown;

  constructor(transaction: Transaction, origin: Origin, context: ReceptionContext) {
    this.#context = context;
    this.#transaction = transaction;
    this.#origin = origin;
    this.#maxOctets = context.maxMessageBytes;
    this.#receivedAt = context.now();
    this.#id = context.newId(this.#receivedAt);
    const { recipients, declaredSizeBytes } = transaction;
    const { hostname, hideClient } = context;
    const field = receivedField({
      origin,
      hostname,
      hideClient,
      messageId: this.#id,
      recipients,
      at: this.#receivedAt,
    });
    const trace = encoder.encode(field);
    this.#traceOctets = trace.length;
    this.#slices = [trace];
    this.#draft = context.spool.draft(this.#id, trace.length + declaredSizeBytes + EXPECTED_OVERHEAD_OCTETS);
  }

  /**
   * Reads the data to its end mark (RFC 5321 4.1.1.4). `gone`: the client went away inside it; `endless`: it went on
   * so far beyond the limit that its end need not be awaited.
   */
  async readData(source: DataSource): Promise<"read" | "gone" | "endless"> {
    const unstuffing = new DotUnstuffing();
    const sink = (slice: Uint8Array) => this.#slices.push(slice);
    while (true) {
      const octets = await source.read();
      if (octets === null) return "gone";
      const end = unstuffing.push(octets, sink);
      this.#sizeBytes = unstuffing.sizeBytes;
      this.#bareLineEndings = unstuffing.bareLineEnding;
      await this.#write();
      if (end >= 0) {
        source.putBack(octets.subarray(end));
        return "read";
      }
      if (this.#sizeBytes > MAX_OVERRUN * this.#maxOctets) return "endless";
    }
  }

  /** Reads one chunk: exactly so many octets (RFC 3030 2). false: the client went away inside it. */
  async readChunk(source: DataSource, octets: number): Promise<boolean> {
    return await readExactly(source, octets, async (part) => {
      this.#lineEndings.push(part);
      this.#sizeBytes += part.length;
      this.#bareLineEndings = this.#lineEndings.bare;
      this.#slices.push(part);
      await this.#write();
    });
  }

  /** Decides on the message and stores it. */
  async finish(): Promise<Reply> {
    if (this.#lineEndings.endsInCr) this.#bareLineEndings = true;
    let stored = false;
    try {
      if (this.#failure !== undefined) throw new SpoolFailure("the draft was not written", { cause: this.#failure });
      const header = scanHeader(
        this.#draft.head().subarray(this.#traceOctets, this.#traceOctets + MAX_HEADER_OCTETS),
      );
      const content = {
        sizeBytes: this.#sizeBytes,
        bareLineEndings: this.#bareLineEndings,
        // A message may be nothing but a header section, without the empty line.
        headerTooLong: !header.ended && this.#sizeBytes > MAX_HEADER_OCTETS,
      };
      const verdict = await this.#context.admission.message(this.#id, this.#transaction, { ...content, ...header });
      if ("refusal" in verdict) return verdict.refusal;
      using reservation = verdict;
      // Accepted although it is none that should be: what is not whole is never stored (invariant 5).
      if (this.#incomplete) throw new IncompleteMessage(this.#sizeBytes);
      await this.#context.spool.accept(this.#envelope(reservation, header.messageIdField), this.#draft);
      reservation.keep();
      stored = true;
      return accepted(this.#id);
    } catch (error) {
      this.#context.onTrouble(this.#id, error);
      return error instanceof SpoolFailure ? replies.spoolFailing : replies.localTrouble;
    } finally {
      if (!stored) await this.discard();
    }
  }

  /** Forgets what was received. */
  async discard(): Promise<void> {
    try {
      await this.#draft.discard();
    } catch (error) {
      // The next start removes what is left; the session is not concerned.
      this.#context.onTrouble(this.#id, error);
    }
  }

  #envelope({ granted, policy }: HeldReservation, messageIdField: string | null): Envelope {
    const { account, mailbox, recipients, recipientDsn, skipped, body, smtputf8 } = this.#transaction;
    return {
      id: this.#id,
      account,
      reversePath: mailbox?.address ?? "",
      recipients,
      body,
      smtputf8,
      dsnRequest: dsnRequestOf(this.#transaction, recipientDsn),
      sizeBytes: this.#sizeBytes,
      receivedAt: this.#receivedAt,
      reservation: granted,
      origin: this.#origin,
      policy,
      messageIdField,
      ...(skipped.some((why) => why !== null) && { skipped }),
    };
  }

  /** Writes what waits; of a message that will be refused anyway nothing more is kept. */
  async #write(): Promise<void> {
    const slices = this.#slices;
    this.#slices = [];
    if (this.#failure !== undefined || this.#bareLineEndings || this.#sizeBytes > this.#maxOctets) {
      this.#incomplete = true;
      return;
    }
    try {
      const parts = slices.length > MAX_SLICES ? [concatenate(slices)] : slices;
      let more = parts.reduce((sum, part) => sum + part.length, 0);
      for (const part of parts) {
        const written = this.#draft.write(part, more -= part.length);
        if (written !== undefined) await written;
      }
    } catch (error) {
      this.#failure = error;
    }
  }
}

/**
 * Reads exactly so many octets, in parts that are valid until `use` resolves; what came behind them is put back.
 * false: the client went away before.
 */
export async function readExactly(
  source: DataSource,
  octets: number,
  use: (part: Uint8Array) => void | Promise<void>,
): Promise<boolean> {
  for (let left = octets; left > 0;) {
    const read = await source.read();
    if (read === null) return false;
    const part = read.subarray(0, left);
    left -= part.length;
    await use(part);
    if (read.length > part.length) source.putBack(read.subarray(part.length));
  }
  return true;
}
