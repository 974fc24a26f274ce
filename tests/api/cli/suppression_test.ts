import { assertEquals, assertStringIncludes } from "@std/assert";
import { accepted } from "../history_events.ts";
import { NOW, runOn, startApi } from "./harness.ts";

Deno.test("suppression list, choose, clear", async () => {
  await using api = await startApi();
  await runOn(api, "account create alice --generate");
  assertEquals(
    (await runOn(api, "suppression list alice")).out,
    "No address has failed for good with mail of alice.",
  );
  await api.node.v1.node.events.$post({
    json: {
      node: "n1",
      items: [accepted("m1", ["bob@example.net", "carol@example.net"]), {
        id: "e1",
        messageId: "m1",
        account: "alice",
        at: NOW,
        type: "bounced",
        recipients: ["bob@example.net", "carol@example.net"],
        host: "mx.example.net",
        address: "192.0.2.25",
        tls: null,
        reply: "550 5.1.1 No such user",
        badAddress: true,
        attempt: 1,
        nextAttemptAt: null,
      }],
    },
  });
  assertEquals(
    (await runOn(api, "suppression list alice")).out,
    [
      "ADDRESS            FAILED                REPLY",
      "bob@example.net    2026-11-23T12:00:00Z  550 5.1.1 No such user",
      "carol@example.net  2026-11-23T12:00:00Z  550 5.1.1 No such user",
    ].join("\n"),
  );
  assertEquals(
    (await runOn(api, "suppression choose alice off")).out,
    "Mail of alice to an address that failed for good is sent as any other.",
  );
  assertEquals(
    (await runOn(api, "suppression choose alice skip")).out,
    "Mail of alice to an address that failed for good is accepted, and not sent to that address.",
  );
  assertEquals((await runOn(api, "suppression choose alice maybe")).code, 2);
  assertEquals(
    (await runOn(api, "suppression clear alice bob@example.net")).out,
    "Cleared: bob@example.net. Mail is sent there again.",
  );
  const gone = await runOn(api, "suppression clear alice bob@example.net");
  assertEquals(gone.code, 1);
  assertStringIncludes(gone.err, "mailhop suppression list alice");
  assertEquals((await runOn(api, "suppression clear alice")).out, "Cleared: 1 address. Mail is sent there again.");
});
