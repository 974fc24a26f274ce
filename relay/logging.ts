/** Where the log of a process, or of one of its threads, goes: JSON lines on the standard error. */
import { configure, getLogger, getStreamSink, jsonLinesFormatter, type Logger } from "@logtape/logtape";

/** To be called once in each thread. */
export async function openLog(): Promise<Logger> {
  await configure({
    sinks: { stderr: getStreamSink(Deno.stderr.writable, { formatter: jsonLinesFormatter }) },
    loggers: [
      { category: "mailhop", lowestLevel: "info", sinks: ["stderr"] },
      { category: ["logtape", "meta"], lowestLevel: "warning", sinks: ["stderr"] },
    ],
  });
  return getLogger("mailhop");
}
