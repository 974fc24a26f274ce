/**
 * Prints the permission flags with which the server of these settings is to run: the least that its role works with.
 *
 * Used in the command of `deno task start`, as `$(deno run --allow-env --allow-sys=hostname relay/permissions.ts)`,
 * where the shell splits the output at blanks; so no flag has one (settings refuse such paths). With mistaken settings
 * the server is granted a look at the environment and nothing else: it says what is wrong itself.
 */
import { PROXY_VARIABLES } from "./direct_fetch.ts";
import { processEnvironment } from "./environment.ts";
import { readBy } from "./setting_names.ts";
import { readSettings, type Settings } from "./settings.ts";

/** Where clouds hand out credentials of the machine: no mail server is there (IPv4, and AWS's for IPv6). */
const METADATA_ADDRESSES = ["169.254.169.254", "[fd00:ec2::254]"];
/** The resolvers to ask, where `MAILHOP_DNS` names none. */
const RESOLV_CONF = "/etc/resolv.conf";
/** Deno reads the modules of a worker with the rights of the program; from the root of the project. */
const WORKER_MODULES = ["relay", "policy", "api/client.ts"];
/** Anything else is refused without asking: nobody may be there to answer. */
const NO_PROMPT = "--no-prompt";
/** Its name is the default of MAILHOP_HOSTNAME. */
const HOSTNAME = "--allow-sys=hostname";
/** Its addresses as well: they tell a route that leads back to a node. */
const MACHINE = `${HOSTNAME},networkInterfaces`;

/** What the PostgreSQL driver looks for: here the settings alone say how to connect, so it finds none of them. */
const POSTGRES_VARIABLES = [
  ..."USER,NODE_PG_FORCE_NATIVE,PGSSLNEGOTIATION".split(","),
  ..."PGBINARY,PGOPTIONS,PGCLIENT_ENCODING,PGREPLICATION".split(","),
];

export function permissionFlags(settings: Settings): string[] {
  const { dataDir } = settings.role === "relay" ? settings.nodes : settings.plane;
  const database = settings.role === "relay" ? null : settings.plane.database;
  return [
    NO_PROMPT,
    // Next hops, the domains' mail servers and the control plane are wherever the DNS says; which of their addresses
    // are refused is the delivery's rule.
    "--allow-net",
    `--deny-net=${METADATA_ADDRESSES.join()}`,
    `--allow-read=${[...modules(settings), dataDir, RESOLV_CONF, ...files(settings)].join()}`,
    `--allow-write=${dataDir}`,
    `--allow-env=${[...readBy(settings.role), ...proxies(settings)].join()}`,
    ...database === null ? [] : [`--ignore-env=${POSTGRES_VARIABLES.join()}`],
    settings.role === "api" ? HOSTNAME : MACHINE,
  ];
}

function modules({ role }: Settings): readonly string[] {
  return role === "api" ? [] : WORKER_MODULES;
}

/** The control plane is asked without them, so they are taken out of the way. */
function proxies({ role }: Settings): readonly string[] {
  return role === "relay" ? PROXY_VARIABLES : [];
}

/** The operator's own: certificate and key, and the authority of a database's certificate. */
function files(settings: Settings): string[] {
  const tls = settings.role === "api" ? null : settings.nodes.tlsFiles;
  const authority = settings.role === "relay" ? null : settings.plane.database?.authorityFile ?? null;
  return [...(tls === null ? [] : [tls.certificate, tls.key]), ...(authority === null ? [] : [authority])];
}

if (import.meta.main) {
  const read = readSettings(processEnvironment(), Deno.hostname(), navigator.hardwareConcurrency);
  console.log((read.ok ? permissionFlags(read.settings) : [NO_PROMPT, "--allow-env", MACHINE]).join(" "));
}
