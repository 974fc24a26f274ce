/** Where the log of a process, or of one of its threads, goes: JSON lines on the standard error. */
import { configure, getLogger, type Logger } from "@logtape/logtape";
import { logLine } from "./log_lines.ts";
import { gatheringSink } from "./log_sink.ts";

/** To be called once in each thread. */
export async function openLog(): Promise<Logger> {
  await configure({
    sinks: { stderr: gatheringSink({ format: logLine, write: (octets) => Deno.stderr.write(octets) }) },
    loggers: [
      { category: "mailhop", lowestLevel: "info", sinks: ["stderr"] },
      { category: ["logtape", "meta"], lowestLevel: "warning", sinks: ["stderr"] },
    ],
  });
  return getLogger("mailhop");
}
