import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type Api, runOn, startApi } from "./harness.ts";

const CARD = [
  "Account  alice",
  "Status   active",
  "E-mail   alice@example.com",
  "Created  2026-11-23T12:00:00Z",
].join("\n");

const create = (api: Api, username: string, more = "") =>
  runOn(api, `account create ${username} --password-stdin ${more}`, { stdin: "correct horse\n" });

/** Whether the API takes the password for the account. */
async function logsIn(api: Api, username: string, password: string): Promise<boolean> {
  const response = await api.node.v1.node.login.$post({ json: { username, password, address: "192.0.2.1" } });
  await response.body?.cancel();
  return response.ok;
}

Deno.test("account create: shows the account and what comes next; the password is the one on the standard input", async () => {
  await using api = await startApi();
  const { code, out, err } = await create(api, "alice", "--email alice@example.com");
  assertEquals({ code, err }, { code: 0, err: "" });
  assertEquals(out, `${CARD}\n\nIt can send once it has a block: mailhop block buy alice`);
  assertEquals(await logsIn(api, "alice", "correct horse"), true);
});

Deno.test("account create --json: prints the API's JSON to the letter", async () => {
  await using api = await startApi();
  const { code, out } = await create(api, "alice", "--json");
  assertEquals(code, 0);
  assertEquals(
    out,
    `{"username":"alice","email":null,"status":"active","ndr":{"choice":"count","sharePercent":null},` +
      `"brakeReleasedUntil":null,"noticeMail":true,"createdAt":"2026-11-23T12:00:00Z"}`,
  );
});

Deno.test("account create: asks twice on a terminal", async () => {
  await using api = await startApi();
  const { code, err } = await runOn(api, "account create alice", { typed: ["correct horse", "correct horse"] });
  assertEquals({ code, err }, { code: 0, err: "Password: \nAgain: " });
  assertEquals(await logsIn(api, "alice", "correct horse"), true);
});

Deno.test("account create: two different passwords, none, or Ctrl-C are wrong use, and nothing is made", async () => {
  await using api = await startApi();
  const differ = await runOn(api, "account create alice", { typed: ["correct horse", "correct house"] });
  assertEquals(differ.code, 2);
  assertStringIncludes(differ.err, "The two passwords differ.");
  const empty = await runOn(api, "account create alice", { typed: ["", ""] });
  assertEquals(empty.code, 2);
  assertStringIncludes(empty.err, "The password is empty.");
  assertEquals((await runOn(api, "account create alice", { typed: [] })).code, 2);
  assertEquals((await runOn(api, "account show alice")).code, 1);
});

Deno.test("account create: a standard input that is too large is no password", async () => {
  await using api = await startApi();
  const { code, err } = await runOn(api, "account create alice --password-stdin", { stdin: null });
  assertEquals({ code, err }, { code: 2, err: "The standard input is too large for a password." });
});

Deno.test("account create: without a terminal says which options there are", async () => {
  await using api = await startApi();
  const { code, err } = await runOn(api, "account create alice");
  assertEquals(code, 2);
  assertEquals(err, "No terminal to ask for the password on: use --password-stdin or --generate.");
});

Deno.test("account create --generate: the password is printed once, and works", async () => {
  await using api = await startApi();
  const { code, out } = await runOn(api, "account create alice --generate");
  assertEquals(code, 0);
  const password = /^Password: (\S+)$/m.exec(out)?.[1] ?? "";
  assertMatch(password, /^\w{5}-\w{5}-\w{5}-\w{5}$/);
  assertEquals(await logsIn(api, "alice", password), true);
});

Deno.test("account create --generate --json: the password goes to the standard error output, not into the JSON", async () => {
  await using api = await startApi();
  const { out, err } = await runOn(api, "account create alice --generate --json");
  assertEquals(Object.keys(JSON.parse(out)), [
    "username",
    "email",
    "status",
    "ndr",
    "brakeReleasedUntil",
    "noticeMail",
    "createdAt",
  ]);
  assertMatch(err, /^Password: \S+$/);
});

Deno.test("account create: a name that is taken is refused with what to do, and a generated password is not told", async () => {
  await using api = await startApi();
  await create(api, "alice");
  const { code, out, err } = await runOn(api, "account create alice --generate");
  assertEquals({ code, out }, { code: 1, out: "" });
  assertEquals(
    err,
    "The username is taken\nalice is taken: choose another\nSee it with: mailhop account show alice",
  );
});

Deno.test("account create: what the API finds wrong with the values is told", async () => {
  await using api = await startApi();
  const { code, err } = await runOn(api, "account create Alice! --password-stdin", { stdin: "short" });
  assertEquals(code, 1);
  assertStringIncludes(err, "username: expected 1 to 64 of a-z");
  assertStringIncludes(err, "password: expected 8 to 256 octets");
});

Deno.test("account list: a table; all pages of the API are one list", async () => {
  await using api = await startApi();
  assertEquals(
    (await runOn(api, "account list")).out,
    "No accounts yet. Make one with: mailhop account create <username>",
  );
  await create(api, "alice", "--email alice@example.com");
  await create(api, "bo");
  await runOn(api, "account suspend bo");
  assertEquals(
    (await runOn(api, "account list")).out,
    [
      "USERNAME  STATUS     E-MAIL             CREATED",
      "alice     active     alice@example.com  2026-11-23T12:00:00Z",
      "bo        suspended                     2026-11-23T12:00:00Z",
    ].join("\n"),
  );
  const json = JSON.parse((await runOn(api, "account list --json")).out);
  assertEquals(json.next, null);
  assertEquals(json.items.map((item: { username: string }) => item.username), ["alice", "bo"]);
});

Deno.test("account show, suspend, activate: show the account as it is then", async () => {
  await using api = await startApi();
  await create(api, "alice", "--email alice@example.com");
  assertEquals((await runOn(api, "account show alice")).out, CARD);
  assertStringIncludes((await runOn(api, "account suspend alice")).out, "Status   suspended");
  assertStringIncludes((await runOn(api, "account show alice")).out, "Status   suspended");
  assertStringIncludes((await runOn(api, "account activate alice")).out, "Status   active");
});

Deno.test("account: a name that does not exist is refused; so is one that would be another route", async () => {
  await using api = await startApi();
  for (const name of ["nobody", "alice/blocks", "alice?x=1", "%2e%2e", "alice#"]) {
    const { code, err } = await runOn(api, `account show ${name}`);
    assertEquals(code, 1);
    assertEquals(
      err,
      "There is no such thing\nThere is no account of that name\nThe accounts there are: mailhop account list",
    );
  }
});

Deno.test("account password: the new one works, the old one does not", async () => {
  await using api = await startApi();
  await create(api, "alice");
  const { code, out } = await runOn(api, "account password alice --password-stdin", { stdin: "battery staple\r\n" });
  assertEquals({ code, out }, { code: 0, out: "The password of alice is changed." });
  assertEquals(await logsIn(api, "alice", "battery staple"), true);
  assertEquals(await logsIn(api, "alice", "correct horse"), false);
});

Deno.test("account password --json: prints nothing, as the API sends nothing", async () => {
  await using api = await startApi();
  await create(api, "alice");
  const { code, out, err } = await runOn(api, "account password alice --password-stdin --json", { stdin: "12345678" });
  assertEquals({ code, out, err }, { code: 0, out: "", err: "" });
});

Deno.test("account notices: the address, and whether mail goes there; nothing to change is said", async () => {
  await using api = await startApi();
  await create(api, "alice");
  const changed = (await runOn(api, "account notices alice --mail off --email alice@example.com")).out;
  assertStringIncludes(changed, "E-mail   alice@example.com");
  assertStringIncludes(changed, "Notices  not by mail");
  assertEquals((await runOn(api, "account notices alice --mail on")).out.includes("Notices"), false);
  const { code, err } = await runOn(api, "account notices alice");
  assertEquals(code, 2);
  assertStringIncludes(err, "mailhop account notices alice --mail off");
});
