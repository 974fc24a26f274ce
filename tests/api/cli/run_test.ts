import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { NOW, runOn, runTool, startApi } from "./harness.ts";

Deno.test("exit code 0: help goes to the standard output and needs no API and no token", async () => {
  const { code, out, err } = await runTool("--help");
  assertEquals({ code, err }, { code: 0, err: "" });
  assertStringIncludes(out, "Usage: mailhop");
});

Deno.test("exit code 1: a wrong token is refused with where the right one is", async () => {
  await using api = await startApi();
  const { code, out, err } = await runOn(api, "account list", { env: { MAILHOP_API_TOKEN: "wrong" } });
  assertEquals({ code, out }, { code: 1, out: "" });
  assertStringIncludes(err, "A valid bearer token is needed\n");
  assertStringIncludes(err, "Set MAILHOP_API_TOKEN");
});

Deno.test("exit code 1: to an account's key nothing is advised that it may not do", async () => {
  await using api = await startApi();
  for (const name of ["alice", "bob"]) await runOn(api, `account create ${name} --generate`);
  const { key } = JSON.parse((await runOn(api, "key create alice website --json")).out);
  const withKey = async (line: string) => (await runOn(api, line, { env: { MAILHOP_API_TOKEN: key } })).err.split("\n");
  assertEquals(await withKey("account list"), [
    "This is for the operator alone",
    "This is for the operator alone: no API key may do it",
    "This needs the operator's token in MAILHOP_API_TOKEN.",
  ]);
  assertEquals(await withKey("quota bob"), ["There is no such thing", "There is no account of that name"]);
  assertStringIncludes((await withKey("key create alice another")).at(-1)!, "or a key with the scope");
  assertStringIncludes((await runOn(api, "quota nobody")).err, "The accounts there are: mailhop account list");
});

Deno.test("exit code 1: what is wrong with an option's value is said of the option", async () => {
  await using api = await startApi();
  await runOn(api, "account create alice --generate");
  const { err } = await runOn(api, "account release alice --hours 1000");
  assertEquals(err.split("\n").at(-1), "--hours: expected at most 672");
  assertStringIncludes((await runOn(api, "account notices alice --email=nobody")).err, "--email: expected an e-mail");
  assertStringIncludes((await runOn(api, "account create A --generate")).err, "\nusername: expected 1 to 64 of a-z");
});

Deno.test("exit code 1: with --json too, a refusal is told on the standard error output", async () => {
  await using api = await startApi();
  const { code, out, err } = await runOn(api, "account show nobody --json");
  assertEquals({ code, out }, { code: 1, out: "" });
  assertStringIncludes(err, "There is no account of that name");
});

Deno.test("exit code 2: wrong use and wrong settings, before anything is asked", async () => {
  assertEquals((await runTool("account shwo alice")).code, 2);
  const { code, err } = await runTool("account list", { env: { MAILHOP_API_URL: "http://192.0.2.1" } });
  assertEquals(code, 2);
  assertStringIncludes(err, "MAILHOP_API_URL=http://192.0.2.1: expected https://");
});

Deno.test("exit code 3: nobody listens: says the URL and how to start", async () => {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const url = `http://127.0.0.1:${listener.addr.port}`;
  listener.close();
  const { code, out, err } = await runTool("account list", { env: { MAILHOP_API_URL: url, MAILHOP_API_TOKEN: "t" } });
  assertEquals({ code, out }, { code: 3, out: "" });
  assertStringIncludes(err, `The API at ${url} cannot be reached`);
  assertStringIncludes(err, "deno@2.9.6 task start");
});

const strangers: readonly (readonly [string, () => Response])[] = [
  ["a page", () => new Response("<h1>It works</h1>", { headers: { "content-type": "text/html" } })],
  ["a page that says 404", () => new Response("not found", { status: 404 })],
  ["JSON that is no problem", () => Response.json({ message: "no" }, { status: 404 })],
];
for (const [what, answer] of strangers) {
  Deno.test(`exit code 3: somebody else listens there and sends ${what}`, async () => {
    await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, answer);
    const env = { MAILHOP_API_URL: `http://127.0.0.1:${server.addr.port}`, MAILHOP_API_TOKEN: "t" };
    const { code, err } = await runTool("account list", { env });
    assertEquals(code, 3);
    assertStringIncludes(err, "is not the MailHop API");
  });
}

Deno.test("trouble that is no refusal is thrown, not told as one", async () => {
  await using api = await startApi();
  const stdin = new Error("the disk is on fire");
  await assertRejects(() => runOn(api, "account create a --password-stdin", { stdin }), Error, "the disk is on fire");
});

Deno.test("the server's own token is used where none is set", async () => {
  await using api = await startApi();
  const env = { MAILHOP_API_URL: api.url, MAILHOP_DATA_DIR: "/srv" };
  const { code, out } = await runTool("account list", { env, files: { "/srv/admin-token": `${api.token}\n` } });
  assertEquals({ code, out }, { code: 0, out: "No accounts yet. Make one with: mailhop account create <username>" });
});

Deno.test("a path in MAILHOP_API_URL stands before every route", async () => {
  const asked: string[] = [];
  const record = (input: string | URL | Request) => {
    asked.push(String(input));
    return Promise.resolve(Response.json({ items: [], next: null }));
  };
  const env = { MAILHOP_API_URL: "https://mail.example.com/hop/", MAILHOP_API_TOKEN: "t" };
  await runTool("account list", { env, fetch: record, now: NOW });
  assertEquals(asked, ["https://mail.example.com/hop/v1/accounts"]);
});
