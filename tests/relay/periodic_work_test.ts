import { assertEquals } from "@std/assert";
import { startPeriodicWork } from "../../relay/periodic_work.ts";

Deno.test("periodic work: begins at once, goes on after trouble, one run at a time; its end waits for a run", async () => {
  const heard: string[] = [];
  const third = Promise.withResolvers<void>();
  let runs = 0;
  let atOnce = 0;
  const timer = startPeriodicWork({
    everyMs: 1,
    async work(closing) {
      heard.push(`run ${++runs}, ${++atOnce} at once`);
      try {
        if (runs === 2) throw new Error("disk");
        if (runs < 3) return;
        third.resolve();
        await new Promise((resolve) => closing.addEventListener("abort", resolve));
        heard.push("told to end");
      } finally {
        atOnce--;
      }
    },
    onTrouble: (error) => heard.push(String(error)),
  });
  await third.promise;
  await timer[Symbol.asyncDispose]();
  assertEquals(heard, ["run 1, 1 at once", "run 2, 1 at once", "Error: disk", "run 3, 1 at once", "told to end"]);
});
