/** The start of the real process: what it prints, what it refuses, and how it ends. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Dialogue } from "../support/dialogue.ts";
import { startDnsServer } from "../support/dns_server.ts";
import { freePort } from "../support/free_port.ts";
import { needing } from "../support/installed.ts";
import { NextHopServer } from "../support/next_hop_server.ts";
import { eventually, startRelay } from "../support/relay_process.ts";
import { StartProcess } from "../support/start_process.ts";
import { atTerminal } from "../support/terminal.ts";

const READY = "MailHop Outbound is ready";

/** A data directory that is gone when the test is over. */
async function temporaryDirectory(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await Deno.makeTempDir({ prefix: "mailhop-start-" });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

/** Settings of a process that stands in nobody's way. */
function quietPlace(dataDir: string): Record<string, string> {
  return {
    MAILHOP_HOSTNAME: "relay.test",
    MAILHOP_DATA_DIR: dataDir,
    MAILHOP_SMTP_LISTEN: `127.0.0.1:${freePort()}`,
    MAILHOP_SMTPS_LISTEN: "",
    MAILHOP_HTTP_LISTEN: `127.0.0.1:${freePort()}`,
  };
}

Deno.test("start: bad settings end it with exit code 2 and one line for each mistake", async () => {
  await using dataDir = await temporaryDirectory();
  await using start = StartProcess.spawn({
    MAILHOP_DATA_DIR: dataDir.path,
    MAILHOP_SMTP_LISTEN: "somewhere",
    MAILHOP_MX_PORT: "0",
    MAILHOP_ALLOW_PLAINTEXT_AUTH: "perhaps",
    MAILHOP_ACTIVATION_DELAY: "soon",
    MAILHOP_ROUTES: "*",
    DATABASE_URL: "mysql://mailhop:secret@localhost/mailhop",
  });
  assertEquals(await start.exitCode, 2);
  const mistakes = start.complaints.map((line) => line.split(": expected")[0]).sort();
  assertEquals(mistakes, [
    "DATABASE_URL (value not shown)",
    "MAILHOP_ACTIVATION_DELAY=soon",
    "MAILHOP_ALLOW_PLAINTEXT_AUTH=perhaps",
    "MAILHOP_MX_PORT=0",
    "MAILHOP_ROUTES=*",
    "MAILHOP_SMTP_LISTEN=somewhere",
  ]);
  for (const line of start.complaints) assertMatch(line, /: expected \S/);
  assertEquals(start.output, "");
  assertEquals([...Deno.readDirSync(dataDir.path)], [], "nothing was made");
});

Deno.test("start: a port that was asked for and cannot be had ends it with exit code 1 and says which", async () => {
  await using dataDir = await temporaryDirectory();
  using other = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const taken = `127.0.0.1:${other.addr.port}`;
  for (const name of ["MAILHOP_SMTP_LISTEN", "MAILHOP_SMTPS_LISTEN", "MAILHOP_HTTP_LISTEN"]) {
    await using start = StartProcess.spawn({ ...quietPlace(dataDir.path), [name]: taken });
    assertEquals(await start.exitCode, 1, name);
    const [line, ...more] = start.complaints;
    assertStringIncludes(line ?? "", `127.0.0.1 port ${other.addr.port}: in use by another program; `, name);
    assertMatch(line ?? "", new RegExp(`name another one in .*${name}`), name);
    assertEquals(more, [], name);
  }
});

Deno.test("start: a default port that cannot be had is warned about and left out", async () => {
  await using dataDir = await temporaryDirectory();
  // Whoever has it, it is not to be had now.
  using _other = tryListen(10025);
  const { MAILHOP_SMTP_LISTEN: _, ...settings } = quietPlace(dataDir.path);
  await using start = StartProcess.spawn(settings);
  await start.printed(READY);
  assertMatch(start.output, /^ {2}Not open .*\b10025\b.*: in use by another program$/m);
  const [, open] = /^ {2}SMTP with STARTTLS +(.*)$/m.exec(start.output)!;
  assert(!open!.includes("10025"), open);
  assertEquals(await start.stop(), 0);
});

function tryListen(port: number): Disposable {
  try {
    return Deno.listen({ hostname: "0.0.0.0", port });
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return { [Symbol.dispose]: () => {} };
    throw error;
  }
}

Deno.test("start: a second process on the same data directory is refused, and the first goes on", async () => {
  await using dataDir = await temporaryDirectory();
  const settings = quietPlace(dataDir.path);
  await using first = StartProcess.spawn(settings);
  await first.printed(READY);
  await using second = StartProcess.spawn(quietPlace(dataDir.path));
  assertEquals(await second.exitCode, 1);
  const [line, ...more] = second.complaints;
  assertMatch(line ?? "", /^the data directory .* is in use by another process \(\d+\)$/);
  assertEquals(more, []);
  const ready = await fetch(`http://${settings.MAILHOP_HTTP_LISTEN}/readyz`);
  await ready.body?.cancel();
  assertEquals(ready.status, 200);
  assertEquals(await first.stop(), 0);
});

Deno.test(needing("start: the commands that it prints lead to a first message", "script", "curl", "npx"), async () => {
  await using stack = new AsyncDisposableStack();
  const dataDir = stack.use(await temporaryDirectory());
  const dns = stack.use(startDnsServer({ "your-domain.example": { A: ["192.0.2.1"] } }));
  const nextHop = stack.use(await NextHopServer.start());
  const settings = quietPlace(dataDir.path);
  const start = stack.use(StartProcess.spawn({
    ...settings,
    MAILHOP_DNS: dns.setting,
    MAILHOP_ROUTES: `*=127.0.0.1:${nextHop.port}`,
    MAILHOP_ACTIVATION_DELAY: "0s",
  }));
  await start.printed("--upload-file -\n");
  assertMatch(start.output, new RegExp(`^ {2}SMTP with STARTTLS +${settings.MAILHOP_SMTP_LISTEN}$`, "m"));
  assertMatch(start.output, new RegExp(`^ {2}HTTP API +http://${settings.MAILHOP_HTTP_LISTEN}$`, "m"));
  assertMatch(start.output, new RegExp(`^ {2}Data directory +${dataDir.path}$`, "m"));

  const [account, block, message, ...more] = commandsIn(start.output);
  assertEquals(more, []);
  const password = "a password of some length";
  await atTerminal(account!, [password, password]);
  await atTerminal(block!, []);
  await atTerminal(message!, [password]);
  await nextHop.until(({ received }) => received.length === 1);
  const [{ mailFrom, recipients, content }] = nextHop.received as [typeof nextHop.received[0]];
  assertEquals([mailFrom, recipients], ["you@your-domain.example", ["friend@example.net"]]);
  assertMatch(content, /^Date: \w{3}, \d+ \w{3} \d{4} [\d:]{8} [+-]\d{4}\r$/m);
  assertMatch(content, /^Message-ID: <\d+\.\d+@your-domain\.example>\r$/m);
  assert(content.endsWith("\r\nSubject: Hello\r\n\r\nIt works.\r\n"), content);
  assertEquals(await start.stop(), 0);
});

/** The commands of the numbered steps, as somebody who copies them has them. */
function commandsIn(welcome: string): string[] {
  const steps = welcome.split(/^ {2}\d\. .*\n/m).slice(1);
  return steps.map((step) => step.split("\n").filter((line) => line.startsWith("     ")).join("\n"));
}

Deno.test("SIGTERM: no new connections, the transaction in flight ends, exit code 0; the message leaves later", async () => {
  await using stack = new AsyncDisposableStack();
  const dataDir = stack.use(await temporaryDirectory());
  const dns = stack.use(startDnsServer({ "example.com": { A: ["192.0.2.1"] } }));
  const nextHop = stack.use(await NextHopServer.start());
  const settings = {
    MAILHOP_DATA_DIR: dataDir.path,
    MAILHOP_DNS: dns.setting,
    MAILHOP_ROUTES: `*=127.0.0.1:${nextHop.port}`,
  };
  const relay = stack.use(await startRelay(settings));
  for (
    const [path, body] of [
      ["/accounts", { username: "anna", password: "a password of some length" }],
      ["/accounts/anna/blocks", { quantity: 1 }],
      ["/accounts/anna/networks", { cidr: "127.0.0.1/32" }],
    ] as const
  ) assertEquals((await relay.api("POST", path, body)).status, 201);

  using idle = await Dialogue.connect(relay.smtpPort);
  using busy = await Dialogue.connect(relay.smtpPort);
  await idle.play("S: 220 relay.test ESMTP MailHop");
  await busy.play(`
    S: 220 relay.test ESMTP MailHop
    C: HELO client.test
    S: 250 relay.test
    C: MAIL FROM:<anna@example.com>
    S: 250 2.1.0 Sender OK
    C: RCPT TO:<friend@example.net>
    S: 250 2.1.5 Recipient OK
    C: DATA
    S: 354 End the message with a dot on a line of its own
    C: From: anna@example.com
    C:
    C: Half of it before the signal
  `);
  const exitCode = relay.stop("SIGTERM");
  await idle.play("S: 421 4.3.2 Shutting down: try again in a minute");
  await eventually(() => refuses(relay.smtpPort), "new connections to be refused");
  await busy.play(`
    C: and half of it after
    C: .
    S: 250 2.0.0 OK: queued as …
    S: 421 4.3.2 Shutting down: try again in a minute
  `);
  await busy.ended();
  assertEquals(await exitCode, 0);

  const again = stack.use(await startRelay(settings));
  await nextHop.until(({ received }) => received.length > 0);
  assertEquals(await again.stop(), 0);
  assertEquals(nextHop.received.length, 1);
});

async function refuses(port: number): Promise<true | undefined> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return undefined;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return true;
    throw error;
  }
}
