/** How fast a message has to come. */
import { assertEquals } from "@std/assert";
import { DataPace } from "../../../relay/smtp/data_pace.ts";

const TIMING = { dataTimeoutMs: 180_000, minDataRate: 512 };
const MEGABYTE = 1_048_576;

Deno.test("data pace: each block may take three minutes as long as the whole keeps the lowest rate", () => {
  const pace = new DataPace(TIMING, 1000);
  assertEquals(pace.deadline(1000), 181_000);
  pace.received(51_200); // worth 100 s
  assertEquals(pace.deadline(60_000), 240_000);
  assertEquals(pace.deadline(200_000), 281_000);
});

Deno.test("data pace: an octet a minute ends after the first three minutes, with a second for each 512 octets", () => {
  const pace = new DataPace(TIMING, 0);
  let now = 0;
  while (now < pace.deadline(now)) {
    now += 60_000;
    pace.received(1);
  }
  assertEquals(now, 240_000);
});

Deno.test("data pace: 50 MB over a slow hotel line (2 KiB/s, in bursts with pauses of two minutes) get through", () => {
  const pace = new DataPace(TIMING, 0);
  let octets = 0;
  for (let now = 0; octets < 50 * MEGABYTE; now += 120_000) {
    if (now > pace.deadline(now)) throw new Error(`cut off after ${octets} octets`);
    octets += 120 * 2048;
    pace.received(120 * 2048);
  }
});
