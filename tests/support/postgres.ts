/**
 * A real PostgreSQL for tests: a cluster of its own in a temporary directory, on a free port of loopback, without a
 * password. The system's is neither used nor touched.
 *
 *     await using postgres = await startPostgres();
 *     await using database = await postgres.newDatabase();
 *     await openDatabase(database.location);
 *
 * It ends with the test's thread at the latest: a shell holds it, which stops and removes it at the end of its input.
 */
import { join } from "@std/path";
// @ts-types="npm:@types/pg@8.23.1"
import pg from "pg";
import { openDatabase, type PostgresServer } from "../../api/store/database.ts";
import { freePort } from "./free_port.ts";
import { find, needing } from "./installed.ts";
import type { KeyPair } from "./self_signed.ts";
import { systemUser } from "./system_user.ts";

const SUPERUSER = "mailhop";
/** PostgreSQL does not run as root; Debian's package makes this user for it. */
const SYSTEM_USER = "postgres";
const TEMPLATE = "newest";
const HOST = "127.0.0.1";

/** What there is in a database that was never used. */
const EMPTY = "template0";
/** The one role that needs a password; it is made by whoever wants it. */
export const APP_ROLE = "app";

type Row = Record<string, unknown>;

export interface PostgresDatabase extends AsyncDisposable {
  readonly location: PostgresServer;
}

export interface TestPostgres extends AsyncDisposable {
  /** Where that database is. */
  server(database: string): PostgresServer;
  /**
   * A new database with the newest schema, or with nothing at all; disposed of, it is dropped with others or with the
   * cluster.
   */
  newDatabase(from?: "migrated" | "empty"): Promise<PostgresDatabase>;
  /** As the superuser. */
  query(database: string, sql: string): Promise<Row[]>;
  /** Ends all of its processes at once, as a power failure does. */
  crash(): Promise<void>;
  start(): Promise<void>;
}

/** The part of a test's definition that depends on whether a PostgreSQL can be started here, as `needing` has it. */
export function needingPostgres(name: string): { name: string; ignore: boolean } {
  return needing(name, "postgres", "initdb", "pg_ctl");
}

/**
 * For a file whose tests share a cluster:
 *
 *     const test = await testsOnPostgres();
 *     test("name", async (postgres) => {…});
 */
export async function testsOnPostgres() {
  const postgres = needingPostgres("").ignore ? undefined : await startPostgres();
  return (name: string, body: (postgres: TestPostgres) => Promise<void>) =>
    Deno.test({ ...needingPostgres(name), fn: () => body(postgres!) });
}

export interface PostgresOptions {
  /** With which it offers TLS; it does not, unless told. */
  readonly certificate?: KeyPair;
  /**
   * For a bench: as PostgreSQL is set up by default, so each commit is on the disk when it is answered. Otherwise only
   * the machine's power failure would lose anything, and nothing waits for the disk.
   */
  readonly durable?: boolean;
}

export async function startPostgres({ certificate, durable = false }: PostgresOptions = {}): Promise<TestPostgres> {
  const directory = await Deno.makeTempDir({ prefix: "mailhop-postgres-" });
  const port = freePort();
  const user = Deno.uid() === 0 ? systemUser(SYSTEM_USER) : undefined;
  if (user !== undefined) await Deno.chown(directory, user.uid, user.gid);
  if (certificate !== undefined) {
    await Deno.writeTextFile(join(directory, "server.crt"), certificate.cert);
    await Deno.writeTextFile(join(directory, "server.key"), certificate.key, { mode: 0o600 });
    if (user !== undefined) await Deno.chown(join(directory, "server.key"), user.uid, user.gid);
  }
  const speed: Record<string, string> = durable ? {} : { "fsync": "off", "shared_buffers": "32MB" };
  const options = { port, ssl: certificate === undefined ? "off" : "on", ...speed };
  const supervisor = new Supervisor(directory, options, user);
  try {
    await supervisor.say("init");
    await supervisor.say("start");
  } catch (error) {
    await supervisor.end();
    throw error;
  }

  const server = (database: string): PostgresServer => (
    { host: HOST, port, user: SUPERUSER, password: "", database, tls: "none", authorityFile: null }
  );
  const inTurn: InTurn = async (database, statements) => {
    const client = new pg.Client({ host: HOST, port, user: SUPERUSER, password: () => "", database });
    await client.connect();
    try {
      const results = [];
      for (const sql of statements) results.push((await client.query(sql)).rows);
      return results;
    } finally {
      await client.end();
    }
  };
  const query: TestPostgres["query"] = async (database, sql) => (await inTurn(database, [sql])).at(-1)!;
  const makeTemplate = async () => {
    await query("postgres", `create database ${TEMPLATE} template ${EMPTY}`);
    await using _ = await openDatabase(server(TEMPLATE));
  };
  let made: Promise<void> | undefined;
  const stocks = { migrated: new Stock("migrated", TEMPLATE, inTurn), empty: new Stock("empty", EMPTY, inTurn) };
  return {
    server,
    query,
    async newDatabase(from = "migrated") {
      if (from === "migrated") await (made ??= makeTemplate());
      const name = await stocks[from].take();
      return { location: server(name), [Symbol.asyncDispose]: () => stocks[from].giveBack(name) };
    },
    crash: () => supervisor.say("crash"),
    start: () => supervisor.say("start"),
    [Symbol.asyncDispose]: () => supervisor.end(),
  };
}

/** Several statements on one connection, each by itself. */
type InTurn = (database: string, statements: readonly string[]) => Promise<Row[][]>;

/** So many are made, and dropped, at a time: a connection's process takes the server longer than they do. */
const TOGETHER = 8;

/** Databases that are there for whoever wants one, and those that nobody wants any more. */
class Stock {
  readonly #name: string;
  readonly #template: string;
  readonly #inTurn: InTurn;
  readonly #ready: string[] = [];
  readonly #used: string[] = [];
  #made = 0;
  /** One at a time makes new ones. */
  #making: Promise<void> | undefined;

  constructor(name: string, template: string, inTurn: InTurn) {
    this.#name = name;
    this.#template = template;
    this.#inTurn = inTurn;
  }

  async take(): Promise<string> {
    for (;;) {
      const name = this.#ready.shift();
      if (name !== undefined) return name;
      await (this.#making ??= this.#make().finally(() => this.#making = undefined));
    }
  }

  /** Drops them by force: the server may not yet have noticed that their clients are gone. */
  async giveBack(name: string): Promise<void> {
    if (this.#used.push(name) < TOGETHER) return;
    await this.#inTurn("postgres", this.#used.splice(0).map((used) => `drop database ${used} with (force)`));
  }

  /** As many as there were before: whoever wants one more does not wait for eight. */
  async #make(): Promise<void> {
    const count = Math.min(Math.max(this.#made, 1), TOGETHER);
    const names = Array.from({ length: count }, () => `${this.#name}_${++this.#made}`);
    // Copied as files it takes half as long as by way of the log, on which a test's cluster does not depend.
    const create = (name: string) => `create database ${name} template ${this.#template} strategy file_copy`;
    await this.#inTurn("postgres", names.map(create));
    this.#ready.push(...names);
  }
}

/** The shell that does what a line of its input says, and answers each with the exit code. */
const SCRIPT = `
# In a locale whose order is not that of octets, as most are.
init() {
  "$initdb" -D "$directory/data" -U ${SUPERUSER} -A trust -E UTF8 --locale=C.UTF-8 \
    --locale-provider=icu --icu-locale=en --no-sync &&
    sed -i '1i host all ${APP_ROLE} 127.0.0.1/32 scram-sha-256' "$directory/data/pg_hba.conf"
}
start() {
  "$pg_ctl" -D "$directory/data" -w -l "$directory/log" -o "$options" start
}
crash() {
  "$pg_ctl" -D "$directory/data" -m immediate stop
}
while read -r word; do
  "$word" >> "$directory/story" 2>&1
  echo $?
done
crash >> "$directory/story" 2>&1
cd /
rm -rf "$directory"
`;

class Supervisor {
  readonly #directory: string;
  readonly #shell: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #answers: ReadableStreamDefaultReader<string>;

  constructor(
    directory: string,
    options: Readonly<Record<string, string | number>>,
    user: { readonly uid: number; readonly gid: number } | undefined,
  ) {
    this.#directory = directory;
    const settings = {
      ...options,
      "ssl_cert_file": join(directory, "server.crt"),
      "ssl_key_file": join(directory, "server.key"),
      "listen_addresses": HOST,
      "unix_socket_directories": directory,
      "max_connections": "60",
    };
    this.#shell = new Deno.Command("sh", {
      args: ["-c", SCRIPT],
      cwd: directory,
      env: {
        directory,
        initdb: find("initdb") ?? "initdb",
        pg_ctl: find("pg_ctl") ?? "pg_ctl",
        options: Object.entries(settings).map(([name, value]) => `-c ${name}=${value}`).join(" "),
      },
      ...user,
      // With the test's thread its children are killed, and this one is to clean up behind it.
      detached: true,
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#input = this.#shell.stdin.getWriter();
    this.#answers = this.#shell.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  async say(word: "init" | "start" | "crash"): Promise<void> {
    await this.#input.write(new TextEncoder().encode(`${word}\n`));
    const { value } = await this.#answers.read();
    if (value === "0\n") return;
    const story = await Promise.all(
      ["story", "log"].map((name) => Deno.readTextFile(join(this.#directory, name)).catch(String)),
    );
    throw new Error(`PostgreSQL: ${word} failed:\n${story.join("\n")}`);
  }

  async end(): Promise<void> {
    await this.#input.close();
    await this.#answers.read();
    await this.#shell.status;
  }
}
