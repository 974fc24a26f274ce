/**
 * Question: what does a reservation cost at the control plane, notices included?
 * Unit: reservations a second; µs of the processor's time for each, which is what counts on a machine that others use.
 * Workload: calls of 64 reservations of one relay each, over 200 accounts, one call after another, in a SQLite file: of
 * accounts that are far from their limit; and of accounts of whose 80 percent was told before.
 * Machine: it says which.
 *
 *     deno run -A tests/bench/reservations.ts [calls for each, 300 unless told otherwise]
 */
import process from "node:process";
import { join } from "@std/path";
import { NOON, startControlPlane, type TestControlPlane } from "../api/control_plane.ts";
import { describeMachine } from "./watched_relay.ts";

const CALLS = Number(Deno.args[0] ?? 300);
const WARM_UP_CALLS = 50;
const BATCH = 64;
const ACCOUNTS = 200;
/** Of each account: 150 relays in each; what is used in the run is a small part of it. */
const BLOCKS = 1000;
const RELAYS = BLOCKS * 150;

let ids = 0;
const accountOf = (n: number) => `account${n % ACCOUNTS}`;

async function reserve(api: TestControlPlane, calls: number): Promise<void> {
  for (let call = 0; call < calls; call++) {
    const items = Array.from({ length: BATCH }, () => {
      const n = ++ids;
      return { id: `r${n}`, username: accountOf(n), relays: 1, ndr: false };
    });
    const { status } = await api.nodeCall("reservations", { items });
    if (status !== 200) throw new Error(`${status}`);
  }
}

async function measure(api: TestControlPlane, what: string): Promise<void> {
  await reserve(api, WARM_UP_CALLS);
  const began = performance.now(), before = process.cpuUsage();
  await reserve(api, CALLS);
  const { user, system } = process.cpuUsage(before);
  const count = CALLS * BATCH, seconds = (performance.now() - began) / 1000;
  console.log(
    `${what.padEnd(28)} ${Math.round(count / seconds)} reservations/s, ${
      ((user + system) / count).toFixed(1)
    } µs of processor each`,
  );
}

const directory = await Deno.makeTempDir({ prefix: "mailhop-reservations-" });
try {
  await using api = await startControlPlane({ database: join(directory, "control.db"), now: NOON });
  console.log(describeMachine());
  for (let n = 0; n < ACCOUNTS; n++) {
    await api.account(accountOf(n));
    await api.request("POST", `/v1/accounts/${accountOf(n)}/blocks`, { quantity: BLOCKS });
  }
  api.clock.now += 3_600_000;
  await measure(api, "far from the limit");
  for (let n = 0; n < ACCOUNTS; n++) {
    const items = [{ id: `most${n}`, username: accountOf(n), relays: RELAYS * 0.85, ndr: false }];
    await api.nodeCall("reservations", { items });
  }
  await measure(api, "above 80 percent, told");
} finally {
  await Deno.remove(directory, { recursive: true });
}
