/** The real process on a real PostgreSQL, as the README sets it up: a role with a database of its own, over TLS. */
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { openDatabase } from "../../api/store/database.ts";
import { DatabaseUnusable } from "../../api/store/trouble.ts";
import { databaseUrl } from "../../relay/database_url.ts";
import { issue, makeRoot, serverPair } from "../support/certificates.ts";
import { Dialogue, plainResponse } from "../support/dialogue.ts";
import { APP_ROLE, needingPostgres, startPostgres } from "../support/postgres.ts";
import { openAccount, startRelay } from "../support/relay_process.ts";
import { StartProcess } from "../support/start_process.ts";

const PASSWORD = "p@ss/word 1";

/** A server with a certificate for localhost; `url` is that of the role and its database, without its query. */
async function startServer() {
  await using stack = new AsyncDisposableStack();
  const root = await makeRoot();
  const certificate = await serverPair(await issue(root, { names: ["localhost"] }));
  const postgres = stack.use(await startPostgres({ certificate }));
  const directory = await Deno.makeTempDir({ prefix: "mailhop-pg-e2e-" });
  stack.defer(() => Deno.remove(directory, { recursive: true }));
  const authorityFile = `${directory}/ca.pem`;
  await Deno.writeTextFile(authorityFile, root.pem);
  await postgres.query("postgres", `create role ${APP_ROLE} login password '${PASSWORD}'`);
  await postgres.query("postgres", `create database mail owner ${APP_ROLE}`);
  const cleanUp = stack.move();
  const { port } = postgres.server("mail");
  return {
    postgres,
    authorityFile,
    directory,
    url: (password: string, database = "mail", host = "localhost") =>
      `postgres://${APP_ROLE}:${encodeURIComponent(password)}@${host}:${port}/${database}`,
    [Symbol.asyncDispose]: () => cleanUp.disposeAsync(),
  };
}

Deno.test({
  ...needingPostgres("PostgreSQL: over verified TLS, with a password, and what was bought is there after a restart"),
  async fn() {
    await using server = await startServer();
    const DATABASE_URL = `${server.url(PASSWORD)}?sslmode=verify-full&sslrootcert=${server.authorityFile}`;
    const environment = {
      DATABASE_URL,
      MAILHOP_DATA_DIR: `${server.directory}/data`,
      MAILHOP_ALLOW_PLAINTEXT_AUTH: "true",
      // They are for others, and not even seen.
      PGOPTIONS: "-c search_path=elsewhere",
      PGHOST: "192.0.2.1",
    };
    {
      await using relay = await startRelay(environment);
      await openAccount(relay, "anna");
      const encrypted = await server.postgres.query(
        "mail",
        `select bool_and(ssl) as encrypted from pg_stat_ssl join pg_stat_activity using (pid) where usename = '${APP_ROLE}'`,
      );
      assertEquals(encrypted, [{ encrypted: true }]);
      assertEquals(await relay.stop(), 0);
    }
    await using relay = await startRelay(environment);
    using client = await Dialogue.connect(relay.smtpPort);
    await client.reply();
    await client.play("C: EHLO client.test");
    await client.reply();
    await client.play(`C: AUTH PLAIN ${plainResponse("anna", "password of anna")}\nS: 235 2.7.0 Authenticated`);
    const { body } = await relay.api<{ limit: number }>("GET", "/accounts/anna/quota");
    assertEquals(body.limit, 150);
    assertEquals([...Deno.readDirSync(environment.MAILHOP_DATA_DIR)].some(({ name }) => name === "control.db"), false);
  },
});

Deno.test({
  ...needingPostgres("PostgreSQL: a server that cannot prove who it is is told nothing, unless the operator says so"),
  async fn() {
    await using server = await startServer();
    const open = (host: string, query: string) => {
      const location = databaseUrl.parse(`${server.url(PASSWORD, "mail", host)}?${query}`)!;
      return openDatabase(location, { patienceMs: 0 });
    };
    const own = `sslrootcert=${server.authorityFile}`;
    for (const [host, query] of [["localhost", "sslmode=verify-full"], ["127.0.0.1", `sslmode=verify-full&${own}`]]) {
      await assertRejects(() => open(host!, query!), DatabaseUnusable, "ertificate");
    }
    for (const query of [`sslmode=verify-full&${own}`, "sslmode=require", "sslmode=disable"]) {
      await using _ = await open("localhost", query);
    }
  },
});

Deno.test({
  ...needingPostgres("PostgreSQL: what cannot work ends the start with exit code 1 and one line, without the password"),
  async fn() {
    await using server = await startServer();
    const cases = [
      [server.url("secret"), `password authentication failed for user "${APP_ROLE}"`],
      [server.url(PASSWORD, "nowhere"), 'database "nowhere" does not exist'],
      [`${server.url(PASSWORD)}?sslmode=verify-full&sslrootcert=/nowhere/ca.pem`, "No such file or directory"],
    ] as const;
    for (const [DATABASE_URL, why] of cases) {
      await using start = StartProcess.spawn({ DATABASE_URL, MAILHOP_DATA_DIR: `${server.directory}/data` });
      assertEquals(await start.exitCode, 1);
      const [line, ...more] = start.complaints;
      assertStringIncludes(line ?? "", `cannot be used: ${why}`);
      assertEquals([more, start.errors.includes("secret")], [[], false]);
    }
  },
});
