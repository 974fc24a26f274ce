import { assertEquals } from "@std/assert";
import { startDomainRecheck } from "../../relay/domain_recheck_timer.ts";

Deno.test("domain recheck: begins at once, goes on after trouble, one run at a time; its end waits for a run", async () => {
  const heard: string[] = [];
  const third = Promise.withResolvers<void>();
  let runs = 0;
  let atOnce = 0;
  const timer = startDomainRecheck({
    everyMs: 1,
    async recheck(closing) {
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
