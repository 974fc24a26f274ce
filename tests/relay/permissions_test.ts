import { assert, assertEquals, assertMatch } from "@std/assert";
import { permissionFlags } from "../../relay/permissions.ts";
import { SETTING_NAMES } from "../../relay/settings.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

/** What the command of `deno task start` prints in this environment. */
async function printed(environment: Record<string, string>): Promise<string> {
  const { stdout, success } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--cached-only",
      "--no-check",
      "--no-prompt",
      "--allow-env",
      "--allow-sys=hostname,networkInterfaces",
      "relay/permissions.ts",
    ],
    cwd: ROOT,
    env: environment,
  }).output();
  assert(success);
  return new TextDecoder().decode(stdout);
}

Deno.test("permissions: modules of the nodes, files and names of the settings, the network without metadata servers", () => {
  const tlsFiles = { certificate: "/etc/c.pem", key: "/etc/k.pem" };
  assertEquals(permissionFlags({ dataDir: "./data", tlsFiles, database: null }), [
    "--no-prompt",
    "--allow-net",
    "--deny-net=169.254.169.254,[fd00:ec2::254]",
    "--allow-read=relay,policy,api/client.ts,./data,/etc/resolv.conf,/etc/c.pem,/etc/k.pem",
    "--allow-write=./data",
    `--allow-env=${SETTING_NAMES.join()}`,
    "--allow-sys=hostname,networkInterfaces",
  ]);
});

Deno.test("permissions: a database's authorities may be read, and its driver's variables are not seen", () => {
  const database = {
    ...{ host: "db.example.net", port: 5432, user: "m", password: "p", database: "d" },
    ...{ tls: "verified", authorityFile: "/etc/ca.pem" } as const,
  };
  const flags = permissionFlags({ dataDir: "./data", tlsFiles: null, database });
  assertEquals(flags.filter((flag) => /read|ignore/.test(flag)), [
    "--allow-read=relay,policy,api/client.ts,./data,/etc/resolv.conf,/etc/ca.pem",
    "--ignore-env=USER,NODE_PG_FORCE_NATIVE,PGSSLNEGOTIATION,PGBINARY,PGOPTIONS,PGCLIENT_ENCODING,PGREPLICATION",
  ]);
});

Deno.test("permissions: the command prints one line of flags without blanks inside them", async () => {
  const line = await printed({ MAILHOP_DATA_DIR: "/srv/mail" });
  assertMatch(line, /^(--[a-z-]+(=[^\s]+)? ?)+\n$/);
  assertMatch(line, / --allow-write=\/srv\/mail /);
});

Deno.test("permissions: with mistaken settings the server may look at its environment, to say what is wrong", async () => {
  assertEquals(
    await printed({ MAILHOP_DATA_DIR: "/my mail" }),
    "--no-prompt --allow-env --allow-sys=hostname,networkInterfaces\n",
  );
  assertEquals(
    await printed({ MAILHOP_NONSENSE: "1" }),
    "--no-prompt --allow-env --allow-sys=hostname,networkInterfaces\n",
  );
});
