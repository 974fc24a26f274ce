/** Prometheus' text format (0.0.4), read strictly: what a process says at /metrics. */
import { assert, assertEquals } from "@std/assert";

export interface Exposition {
  /** By the names of metrics. */
  readonly types: ReadonlyMap<string, string>;
  /** By name and labels as they stand there. */
  readonly samples: ReadonlyMap<string, number>;
  /** Sum over the samples of this name that have these labels. */
  sum(name: string, labels?: Readonly<Record<string, string>>): number;
}

const SAMPLE = /^([a-z_:]+)(?:\{((?:[a-z_]+="[^"\\]*",?)*)\})? (-?[0-9.e+-]+|NaN|[+-]Inf)$/;

/** @throws where a line is not of the format, a series is there twice, or has neither HELP nor TYPE. */
export function readExposition(text: string): Exposition {
  const types = new Map<string, string>(), samples = new Map<string, number>();
  const helps = new Set<string>();
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const [, kind, metric, words = ""] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (kind === "HELP") helps.add(metric!);
    else if (kind === "TYPE") {
      assert(!types.has(metric!), `${metric} is there twice`);
      types.set(metric!, words);
    } else {
      const [, name = "", , value] = SAMPLE.exec(line) ?? [];
      assert(value !== undefined, `not a sample: ${line}`);
      const series = line.slice(0, line.lastIndexOf(" "));
      assert(!samples.has(series), `there twice: ${series}`);
      const base = name.replace(/_(bucket|sum|count)$/, "");
      assert(types.has(name) || types.get(base) === "histogram", `without a type: ${line}`);
      samples.set(series, Number(value));
    }
  }
  assertEquals([...types.keys()].toSorted(), [...helps].toSorted());
  return {
    types,
    samples,
    sum(name, labels = {}) {
      const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
      return [...samples]
        .filter(([series]) => series.split("{")[0] === name && wanted.every((words) => series.includes(words)))
        .reduce((sum, [, value]) => sum + value, 0);
    },
  };
}

export async function metricsOf({ httpPort }: { readonly httpPort: number }): Promise<Exposition> {
  const response = await fetch(`http://127.0.0.1:${httpPort}/metrics`);
  assertEquals(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  return readExposition(await response.text());
}
