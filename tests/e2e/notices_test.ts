/** Notices of a relay as its user starts it: a block that counts is told by mail, also where the process is killed. */
import { assertEquals, assertMatch } from "@std/assert";
import { NextHopServer } from "../support/next_hop_server.ts";
import { endOf } from "../support/history.ts";
import { eventually, startRelay } from "../support/relay_process.ts";

const ADDRESS = "anna@example.net";

Deno.test("notices: told by mail once, though the process is killed with it in its spool, and at no cost", async () => {
  const dataDir = await Deno.makeTempDir({ prefix: "mailhop-notices-" });
  await using _ = { [Symbol.asyncDispose]: () => Deno.remove(dataDir, { recursive: true }) };
  await using sink = await NextHopServer.start({
    script: (input) => input === "content" ? "451 4.3.0 Later" : undefined,
  });
  const settings = {
    MAILHOP_DATA_DIR: dataDir,
    MAILHOP_ROUTES: `*=127.0.0.1:${sink.port}`,
    MAILHOP_PUBLIC_URL: "https://smtp.example.org",
  };
  let id: string;
  {
    await using relay = await startRelay(settings);
    await relay.api("POST", "/accounts", { username: "anna", password: "correct horse", email: ADDRESS });
    const buy = () => relay.api<{ id: string }>("POST", "/accounts/anna/blocks", { quantity: 2 });
    await buy();
    const { status, body } = await buy();
    assertEquals(status, 201, JSON.stringify(body));
    await eventually(
      () => sink.transcript.filter((line) => line === "S: 451 4.3.0 Later").length >= 2 || undefined,
      "two notices that the next hop deferred",
    );
    const { items } = (await relay.api<{ items: { id: string; detail: { block: string } }[] }>("GET", "/notices")).body;
    id = items.find(({ detail }) => detail.block === body.id)!.id;
    await relay.stop("SIGKILL");
  }
  sink.script = () => undefined;
  await using relay = await startRelay(settings);
  await relay.api("POST", "/queue/jobs", { work: "retry", all: true });
  const { status, relays, messageId } = await endOf(relay, id);
  assertEquals([status, relays, messageId], ["delivered", 0, `<${id}@relay.test>`]);
  await sink.until(({ received }) => received.length >= 2);
  assertEquals(sink.received.map(({ mailFrom, recipients }) => [mailFrom, recipients]), [
    ["", [ADDRESS]],
    ["", [ADDRESS]],
  ]);
  const mail = sink.received.filter(({ content }) => content.includes(id));
  assertEquals(mail.length, 1);
  assertMatch(mail[0]!.content, /More about it: https:\/\/smtp\.example\.org\/help\/relays\r\n/);
  assertEquals((await relay.api<{ used: number }>("GET", "/accounts/anna/quota")).body.used, 0);
});
