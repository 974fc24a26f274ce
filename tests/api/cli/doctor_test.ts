import { assertEquals, assertStringIncludes } from "@std/assert";
import { runOn, startApi } from "./harness.ts";

Deno.test("doctor: a verdict and words for each finding, and the record to publish, unbroken", async () => {
  await using api = await startApi();
  const { code, out, statuses } = await runOn(api, "doctor", { columns: 70 });
  assertEquals(code, 0);
  assertStringIncludes(out, "PTR           good     192.0.2.1 leads back to node1.example.org.");
  assertStringIncludes(out, "SPF           bad      Mail from 192.0.2.1 does not pass as");
  assertStringIncludes(out, "\n                       v=spf1 ip4:192.0.2.1 -all");
  assertEquals([statuses.length, statuses.at(-1)], [2, ""]);
});
