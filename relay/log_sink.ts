/**
 * The log's way out: lines gathered for a moment, then written together.
 *
 * Each line of its own kept a node under load for an eighth of its time in write(2), where the log is a file on the
 * spool's disk. What is a warning or worse leaves at once, with all that was said before it; the last lines of a process
 * that is killed may be missing. Whoever reads the log too slowly, or not at all, holds up nobody and costs no memory:
 * what finds no room is left out, and the log says how many lines.
 */
import type { LogRecord, Sink } from "@logtape/logtape";

export interface LogSinkOptions {
  /** Each line with its end. */
  readonly format: (record: LogRecord) => string;
  /** Writes some of the octets; returns how many. */
  readonly write: (octets: Uint8Array) => Promise<number>;
}

/** A line may be this late. */
const GATHER_MS = 100;
/** UTF-16 code units that are written without waiting for more: some hundred lines. */
const FULL = 64 * 1024;
/** UTF-16 code units that may wait while a write is under way. */
const MAX_WAITING = 4 << 20;

/**
 * LogTape copies each record, lest a sink that keeps it should see it changed, but for sinks that say by this that they
 * are done with it when they return. Where that is not heeded, a line costs some 4 µs more.
 */
const DONE_AT_ONCE = Symbol.for("LogTape.sinkSnapshotPolicy.immediate");

const encoder = new TextEncoder();

export function gatheringSink({ format, write }: LogSinkOptions): Sink & AsyncDisposable {
  let waiting = "";
  let leftOut: LeftOut | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let writing: Promise<void> | undefined;

  const takeWaiting = () => {
    const text = leftOut === undefined ? waiting : waiting + format(leftOutRecord(leftOut));
    waiting = "";
    leftOut = undefined;
    return encoder.encode(text);
  };
  const writeAll = async () => {
    while (waiting !== "") {
      const octets = takeWaiting();
      for (let at = 0; at < octets.length;) at += await write(at === 0 ? octets : octets.subarray(at));
    }
  };
  const flush = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    // Where nobody can be told, there is nobody to tell of that either.
    return writing ??= writeAll().catch(() => {}).finally(() => {
      writing = undefined;
      if (waiting !== "") flushLater();
    });
  };
  const flushLater = () => timer ??= setTimeout(flush, GATHER_MS);
  const sink = (record: LogRecord) => {
    const line = format(record);
    if (waiting.length + line.length > MAX_WAITING) {
      const { category, timestamp } = record;
      leftOut = { lines: (leftOut?.lines ?? 0) + 1, category, timestamp };
    } else waiting += line;
    if (record.level !== "info" || waiting.length >= FULL) void flush();
    else if (writing === undefined) flushLater();
  };
  return Object.assign(sink, { [Symbol.asyncDispose]: flush, [DONE_AT_ONCE]: true });
}

/** How many lines, and where the last of them belonged. */
interface LeftOut extends Pick<LogRecord, "category" | "timestamp"> {
  readonly lines: number;
}

function leftOutRecord({ lines, category, timestamp }: LeftOut): LogRecord {
  const message = "lines of the log were left out";
  return { category, timestamp, level: "warning", message: [message], rawMessage: message, properties: { lines } };
}
