import { assert, assertEquals, assertMatch } from "@std/assert";
import { permissionFlags } from "../../relay/permissions.ts";
import { readBy } from "../../relay/setting_names.ts";
import { readSettings } from "../../relay/settings.ts";

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

function flagsOf(environment: Record<string, string>): string[] {
  const read = readSettings(environment, "relay.test", 1);
  if (!read.ok) throw new Error(read.mistakes.join());
  return permissionFlags(read.settings);
}

Deno.test("permissions: modules of the nodes, files and names of the settings, the network without metadata servers", () => {
  assertEquals(flagsOf({ MAILHOP_TLS_CERT: "/etc/c.pem", MAILHOP_TLS_KEY: "/etc/k.pem" }), [
    "--no-prompt",
    "--allow-net",
    "--deny-net=169.254.169.254,[fd00:ec2::254]",
    "--allow-read=relay,policy,api/client.ts,./data,/etc/resolv.conf,/etc/c.pem,/etc/k.pem",
    "--allow-write=./data",
    `--allow-env=${readBy("all").join()}`,
    "--allow-sys=hostname,networkInterfaces",
  ]);
});

Deno.test("permissions: a database's authorities may be read, and its driver's variables are not seen", () => {
  const DATABASE_URL = "postgres://m:p@db.example.net/d?sslmode=verify-full&sslrootcert=/etc/ca.pem";
  assertEquals(flagsOf({ DATABASE_URL }).filter((flag) => /read|ignore/.test(flag)), [
    "--allow-read=relay,policy,api/client.ts,./data,/etc/resolv.conf,/etc/ca.pem",
    "--ignore-env=USER,NODE_PG_FORCE_NATIVE,PGSSLNEGOTIATION,PGBINARY,PGOPTIONS,PGCLIENT_ENCODING,PGREPLICATION",
  ]);
});

Deno.test("permissions: a control plane without nodes reads no modules and does not look at the machine's addresses", () => {
  assertEquals(flagsOf({ MAILHOP_ROLE: "api" }).filter((flag) => /read|sys/.test(flag)), [
    "--allow-read=./data,/etc/resolv.conf",
    "--allow-sys=hostname",
  ]);
});

Deno.test("permissions: a relay is not granted the names of the control plane's secrets", () => {
  const flags = flagsOf({ MAILHOP_ROLE: "relay", MAILHOP_API_URL: "https://a.example.net", MAILHOP_RELAY_TOKEN: "t" });
  const names = flags.find((flag) => flag.startsWith("--allow-env="))!;
  assertEquals(["DATABASE_URL", "MAILHOP_ADMIN_TOKEN", "UPSTASH"].filter((name) => names.includes(name)), []);
  assert(names.includes("MAILHOP_RELAY_TOKEN"));
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

Deno.test("start: the task and the script of a deployment start the program with the same words", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`));
  const script = await Deno.readTextFile(`${ROOT}deploy/start.sh`);
  const command = script.replaceAll("\\\n", " ").split("\n").find((line) => line.startsWith("exec "))!;
  assertEquals(command.replaceAll(/\s+/g, " "), `exec ${tasks.start.command}`);
});
