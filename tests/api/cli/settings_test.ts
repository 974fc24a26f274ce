import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { readSettings } from "../../../api/cli/settings.ts";

const settings = (
  env: Record<string, string>,
  readTextFile: (path: string) => Promise<string> = (path) => Promise.reject(new Deno.errors.NotFound(path)),
) => readSettings({ env: (name) => env[name], readTextFile });

const connection = (url: string, token: string) => ({ ok: true as const, connection: { url, token } });

async function refusal(...args: Parameters<typeof settings>): Promise<string> {
  const result = await settings(...args);
  return result.ok ? "accepted" : result.why;
}

Deno.test("settings: with nothing set, the local server and its own token", async () => {
  const read = (path: string) => Promise.resolve(path === "data/admin-token" ? "from-file\n" : "");
  assertEquals(await settings({}, read), connection("http://127.0.0.1:8080", "from-file"));
});

Deno.test("settings: MAILHOP_DATA_DIR says where the token is", async () => {
  const read = (path: string) => Promise.resolve(path === "/srv/mailhop/admin-token" ? "there" : "");
  assertEquals(
    await settings({ MAILHOP_DATA_DIR: "/srv/mailhop" }, read),
    connection("http://127.0.0.1:8080", "there"),
  );
});

Deno.test("settings: MAILHOP_API_TOKEN wins, and no file is read", async () => {
  assertEquals(
    await settings({ MAILHOP_API_TOKEN: " t ", MAILHOP_API_URL: "https://api.example.com/mail/" }),
    connection("https://api.example.com/mail", "t"),
  );
});

Deno.test("settings: the local token is never sent to another machine", async () => {
  const read = () => Promise.resolve("local-token");
  assertStringIncludes(
    await refusal({ MAILHOP_API_URL: "https://api.example.com" }, read),
    "MAILHOP_API_TOKEN is not set",
  );
});

for (
  const url of [
    "http://api.example.com",
    "http://192.0.2.1:8080",
    "http://127.0.0.1.example.com",
    "ftp://127.0.0.1",
    "https://user:password@example.com",
    "https://example.com/?x=1",
    "nonsense",
  ]
) {
  Deno.test(`settings: ${url} is no URL for a token`, async () => {
    assertStringIncludes(await refusal({ MAILHOP_API_URL: url, MAILHOP_API_TOKEN: "t" }), `MAILHOP_API_URL=${url}: `);
  });
}

for (const url of ["http://localhost:9000", "http://[::1]:8080", "http://127.5.5.5", "https://example.com"]) {
  Deno.test(`settings: ${url} is one`, async () => {
    assertEquals(await settings({ MAILHOP_API_URL: url, MAILHOP_API_TOKEN: "t" }), connection(url, "t"));
  });
}

Deno.test("settings: a token file that is missing, empty or not readable is told by name", async () => {
  const failing = (trouble: Error) => () => Promise.reject(trouble);
  assertStringIncludes(await refusal({}), "data/admin-token does not exist");
  assertStringIncludes(await refusal({}, () => Promise.resolve("\n")), "data/admin-token is empty");
  assertStringIncludes(await refusal({}, failing(new Deno.errors.PermissionDenied())), "may not be read");
  assertStringIncludes(await refusal({}, failing(new Deno.errors.NotCapable())), "may not be read");
  await assertRejects(() => settings({}, failing(new Deno.errors.Interrupted())), Deno.errors.Interrupted);
});
