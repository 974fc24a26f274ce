/** When it is looked for what is due: with pauses, which end by the clock; where that is set back, they are over. */
import { assertEquals } from "@std/assert";
import { DueLoader } from "../../../relay/spool/due_loader.ts";
import type { IndexStore } from "../../../relay/spool/index_store.ts";
import type { Segments } from "../../../relay/spool/segments.ts";
import { Turns } from "../../../relay/spool/turns.ts";
import { nextTurn, START } from "../../support/spool_on_disk.ts";

const HOUR_MS = 3_600_000;
const DUE_AT = START - 2 * HOUR_MS;

/** Above an index with one account's mail, due at DUE_AT, which is never loaded. */
function loaderWhere({ hasRoom }: { hasRoom: boolean }) {
  let looked = false;
  const index: Pick<IndexStore, "nextDueAt" | "accountBehind" | "dueOf"> = {
    nextDueAt: () => DUE_AT,
    accountBehind: (account) => account === "" ? "anna" : undefined,
    dueOf: () => {
      throw new Error("disk I/O error, injected");
    },
  };
  const loader = new DueLoader({
    index: index as IndexStore,
    segments: {} as Segments,
    turns: new Turns(),
    largePath: (id) => id,
    isLoaded: () => false,
    hasRoom: () => {
      looked = true;
      return hasRoom;
    },
    takeOver: () => {},
    onProgress: () => {},
    onDamage: () => {},
    onTrouble: () => {},
  });
  /** Whether it looks, asked to at this time, and when it is to be asked again. */
  const lookAt = async (now: number) => {
    looked = false;
    loader.start(now, () => undefined);
    await nextTurn();
    return [looked, loader.nextDueAt()];
  };
  return lookAt;
}

for (
  const [why, hasRoom, pauseMs] of [["nobody has room", false, 1000], ["the index has failed", true, 60_000]] as const
) {
  Deno.test(`due: where ${why} it is looked again after a pause, which a clock that is set back ends`, async () => {
    const lookAt = loaderWhere({ hasRoom });
    assertEquals(await lookAt(START), [true, START + pauseMs]);
    assertEquals(await lookAt(START + pauseMs - 1), [false, START + pauseMs]);
    const earlier = START - HOUR_MS;
    assertEquals(await lookAt(earlier), [true, earlier + pauseMs]);
    assertEquals(await lookAt(earlier + pauseMs - 1), [false, earlier + pauseMs]);
    // What is due later now is waited for, and nothing else.
    assertEquals(await lookAt(DUE_AT - 1), [false, DUE_AT]);
  });
}
