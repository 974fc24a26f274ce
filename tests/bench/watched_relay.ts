/**
 * A relay as its user starts it, for measurements from outside: memory and CPU of its one process, as Linux counts them.
 *
 * Loopback is a network of the account "anna", so that clients need no password. Mail goes to a next hop that forgets it.
 */
import { join } from "@std/path";
import { startDnsServer } from "../support/dns_server.ts";
import { openAccount, type RelayProcess, startRelay } from "../support/relay_process.ts";
import { startSink } from "./sink.ts";

export interface WatchedRelay extends AsyncDisposable, Watched {
  readonly relay: RelayProcess;
  /** Messages that arrived at the next hop. */
  delivered(): number;
}

/** A relay's process. */
export interface Watched {
  readonly pid: number;
  /** Resident memory now, in KiB. */
  residentKib(): number;
  /** The same, where what several processes share is divided among them. */
  proportionalKib(): number;
  /** CPU time that the process has used, in ms; it counts in steps of 10. */
  cpuMs(): number;
}

/** Of /proc/PID/stat: Linux shows times in hundredths of a second everywhere. */
const TICK_MS = 10;
/** Places in /proc/PID/stat behind the program's name, which may contain blanks. */
const USER_TIME = 11, SYSTEM_TIME = 12;

export async function watchRelay(settings: Record<string, string>): Promise<WatchedRelay> {
  await using resources = new AsyncDisposableStack();
  const dns = resources.use(startDnsServer({ "*": { MX: ["10 @"], A: ["127.0.0.1"] } }));
  const sink = resources.use(startSink());
  const relay = resources.use(
    await startRelay({
      MAILHOP_DNS: dns.setting,
      MAILHOP_ROUTES: `*=127.0.0.1:${sink.port}`,
      MAILHOP_MAX_CONNECTIONS: "20000",
      MAILHOP_MAX_CONNECTIONS_PER_ADDRESS: "20000",
      MAILHOP_BLOCK_RELAYS: "1000000",
      ...settings,
    }),
  );
  await openAccount(relay, "anna");
  const { status } = await relay.api("POST", "/accounts/anna/networks", { cidr: "127.0.0.1/32" });
  if (status !== 201) throw new Error(`the network was not added: ${status}`);
  const watched = await watch(relay);
  const held = resources.move();
  return {
    ...watched,
    relay,
    delivered: () => sink.messages,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

export async function watch(relay: RelayProcess): Promise<Watched> {
  const pid = Number(await Deno.readTextFile(join(relay.dataDir, "lock")));
  const kibIn = (file: string, name: string) => {
    const [, kib] = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(Deno.readTextFileSync(`/proc/${pid}/${file}`)) ??
      [];
    return Number(kib);
  };
  return {
    pid,
    residentKib: () => kibIn("status", "VmRSS"),
    proportionalKib: () => kibIn("smaps_rollup", "Pss"),
    cpuMs() {
      const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return TICK_MS * (Number(fields[USER_TIME]) + Number(fields[SYSTEM_TIME]));
    },
  };
}

/** Calls `sample` every `everyMs` until disposed. */
export function sampling(everyMs: number, sample: () => void): Disposable {
  const timer = setInterval(sample, everyMs);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** The value below which this part of the values is. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? NaN;
}

export function describeMachine(): string {
  const { total } = Deno.systemMemoryInfo();
  const cores = navigator.hardwareConcurrency;
  return `Deno ${Deno.version.deno}, ${Deno.osRelease()}, ${cores} cores, ${Math.round(total / 2 ** 30)} GiB`;
}
