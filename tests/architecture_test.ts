/**
 * The house's rules, kept by a test: who may import whom, that there is no cycle, and that what is called pure is.
 */
import { assertEquals } from "@std/assert";
import { dirname, join, relative } from "@std/path";

const root = join(import.meta.dirname!, "..");

/** Files by path from the root, with what they import of the project. */
const imports = new Map<string, string[]>();
const sources = new Map<string, string>();
for (const folder of ["relay", "policy", "api"]) collect(join(root, folder));

function collect(folder: string): void {
  for (const entry of Deno.readDirSync(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory) collect(path);
    else if (/\.tsx?$/.test(entry.name)) {
      const text = Deno.readTextFileSync(path);
      const name = relative(root, path);
      sources.set(name, text);
      imports.set(
        name,
        [...text.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)].map(([, specifier]) => {
          return relative(root, join(dirname(path), specifier!));
        }),
      );
    }
  }
}

/** What a room may import beside its own files; the first prefix that fits a file is its room. */
const rooms: readonly (readonly [room: string, mayImport: readonly string[]])[] = [
  ["policy/assembly/", []],
  ["policy/", ["policy/assembly/"]],
  // composition roots: the only ones that know both sides
  ["relay/start_control_plane.ts", ["relay/", "api/", "policy/mod.ts"]],
  ["relay/backup/main.ts", ["relay/", "api/store/migrations/"]],
  // of a node's thread: what it knows of the API is the client
  ["relay/worker.ts", ["relay/", "api/client.ts", "policy/mod.ts"]],
  ["api/main.ts", ["api/", "policy/mod.ts"]],
  ["api/cli/", ["api/client.ts", "api/wire.ts", "api/key_prefix.ts", "policy/mod.ts"]],
  ["api/store/", ["api/"]],
  ["api/", ["policy/mod.ts"]],
  ["relay/protocol/", []],
  ["relay/envelope.ts", []],
  ["relay/dns/", ["relay/slots.ts"]],
  ["relay/buffer_pool.ts", []],
  ["relay/spool/", ["relay/envelope.ts", "relay/buffer_pool.ts", "api/client.ts"]],
  ["relay/backup/", ["relay/spool/", "relay/data_dir.ts", "relay/shard_directories.ts"]],
  ["relay/tls/", []],
  ["relay/mta_sts/", [
    "relay/dns/",
    "relay/joined.ts",
    "relay/slots.ts",
    "relay/error_words.ts",
    "relay/forget_first.ts",
  ]],
  ["relay/dkim/", ["relay/spool/", "relay/fact_memory.ts", "relay/joined.ts", "relay/envelope.ts"]],
  ["relay/control_plane_calls.ts", ["relay/away_gate.ts"]],
  ["relay/logins.ts", ["relay/control_plane_calls.ts", "relay/fact_memory.ts", "relay/joined.ts"]],
  ["relay/refunds.ts", ["api/client.ts"]],
  [
    "relay/control_plane.ts",
    [
      "relay/batcher.ts",
      "relay/control_plane_calls.ts",
      "relay/fact_memory.ts",
      "relay/joined.ts",
      "relay/logins.ts",
      "relay/protocol/address_prefix.ts",
      "relay/refunds.ts",
      "relay/spool/outbox.ts",
      "api/client.ts",
    ],
  ],
  ["relay/leases/", [
    "relay/control_plane.ts",
    "relay/envelope.ts",
    "relay/periodic_work.ts",
    "relay/forget_first.ts",
    "api/client.ts",
  ]],
  [
    "relay/admission/",
    [
      "policy/mod.ts",
      "relay/control_plane.ts",
      "relay/forget_first.ts",
      "relay/leases/",
      "relay/dns/",
      "relay/protocol/",
      "relay/envelope.ts",
      "api/client.ts",
    ],
  ],
  [
    "relay/queue_jobs/",
    [
      "relay/control_plane.ts",
      "relay/delivery/",
      "relay/spool/",
      "relay/envelope.ts",
      "relay/periodic_work.ts",
      "relay/clock_watch.ts",
      "api/client.ts",
    ],
  ],
  [
    "relay/notices/",
    [
      "relay/control_plane.ts",
      "relay/spool/",
      "relay/protocol/",
      "relay/envelope.ts",
      "relay/periodic_work.ts",
      "api/client.ts",
    ],
  ],
  ["relay/policy/", ["policy/mod.ts", "relay/control_plane.ts", "relay/settings.ts", "api/client.ts"]],
  [
    "relay/smtp/",
    ["relay/admission/", "relay/spool/", "relay/protocol/", "relay/envelope.ts", "relay/buffer_pool.ts"],
  ],
  [
    "relay/delivery/",
    [
      "relay/dkim/",
      "relay/forget_first.ts",
      "relay/mta_sts/",
      "relay/tls/",
      "relay/spool/",
      "relay/dns/",
      "relay/protocol/",
      "relay/envelope.ts",
      "api/client.ts",
    ],
  ],
  ["relay/", ["relay/", "api/client.ts", "policy/mod.ts"]],
];

Deno.test("architecture: each room imports only what the house allows", () => {
  const wrong: string[] = [];
  for (const [file, targets] of imports) {
    const [room, mayImport] = rooms.find(([prefix]) => file.startsWith(prefix))!;
    for (const target of targets) {
      const own = room.endsWith("/") ? target.startsWith(room) : false;
      if (!own && !mayImport.some((allowed) => target.startsWith(allowed))) wrong.push(`${file} → ${target}`);
    }
  }
  assertEquals(wrong, []);
});

Deno.test("architecture: the store knows no routes, and nothing but the loader knows the policy's module", () => {
  const wrong: string[] = [];
  for (const [file, targets] of imports) {
    for (const target of targets) {
      const storeUp = /^api\/(store|counters)\//.test(file) && target.startsWith("api/routes/");
      const behindLoader = target.startsWith("policy/") && target !== "policy/mod.ts" && !file.startsWith("policy/");
      const memory = target.endsWith(".wasm") && file !== "policy/module.ts";
      if (storeUp || behindLoader || memory) wrong.push(`${file} → ${target}`);
    }
  }
  assertEquals(wrong, []);
});

function loadedBy(root: string): ReadonlySet<string> {
  const loaded = new Set<string>();
  const load = (file: string): void => {
    if (loaded.has(file)) return;
    loaded.add(file);
    // The client imports the app's type alone.
    if (file !== "api/client.ts") { for (const target of imports.get(file) ?? []) load(target); }
  };
  load(root);
  return loaded;
}

Deno.test("architecture: a node's thread loads nothing of the control plane, nor of the main thread", () => {
  const wrong = [...loadedBy("relay/worker.ts")].filter((file) =>
    (file.startsWith("api/") && file !== "api/client.ts") ||
    ["relay/main.ts", "relay/workers/crew.ts", "relay/data_dir.ts"].includes(file)
  );
  assertEquals(wrong, []);
});

Deno.test("architecture: a process in role relay loads nothing of the control plane", () => {
  const wrong = [...loadedBy("relay/role_relay.ts")].filter((file) => {
    return file.startsWith("api/") && file !== "api/client.ts";
  });
  assertEquals(wrong, []);
});

Deno.test("architecture: a transaction says beside what it does not run, and one file knows the engine", () => {
  const begins = [...sources].filter(([, text]) => text.includes(".transaction()")).map(([file]) => file);
  assertEquals(begins, ["api/store/dialect.ts"]);
  const knows = [...sources].filter(([, text]) => /\bPostgresAdapter\b|\bSqliteAdapter\b/.test(text));
  assertEquals(knows.map(([file]) => file), ["api/store/dialect.ts"]);
});

Deno.test("architecture: there is no import cycle", () => {
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].join(" → "));
    if (done.has(file) || path.includes(file)) return;
    for (const target of imports.get(file) ?? []) visit(target, [...path, file]);
    done.add(file);
  };
  for (const file of imports.keys()) visit(file, []);
  assertEquals(cycles, []);
});

/** Protocol logic, and the rules: no I/O, no clock, no randomness of their own. Besides these, all that say they are. */
const PURE = [
  /^api\/(access|notice_words|usage_notices)\.ts$/,
  // The engine holds the watch over modules of others.
  /^policy\/(?!build\.ts|engine\.ts)/,
  /^relay\/protocol\//,
  /^relay\/envelope\.ts$/,
  /^relay\/smtp\/(session|session_types|mail_command|auth_exchange|extensions|input_buffer|trace)\.ts$/,
  /^relay\/backup\/report\.ts$/,
  /^relay\/spool\/(record|index_row|recipient_states)\.ts$/,
  /^relay\/queue_jobs\/(selection|summary|actions)\.ts$/,
  /^relay\/leases\/(lease|demand|store_clock|lease_book)\.ts$/,
  /^relay\/notices\/notice_message\.ts$/,
  /^relay\/mta_sts\/policy\.ts$/,
  /^relay\/dkim\/(relaxed_body|header_fields)\.ts$/,
  /^relay\/admission\/(did_you_mean|login_throttle|sender_domains)\.ts$/,
  /^relay\/delivery\/(outcome|retry|reply_reader|capabilities|dsn|commands|tls_verdict)\.ts$/,
  /^relay\/delivery\/(pace|rate|concurrency|suspension|left_alone|destination|destination_limits|connect_race)\.ts$/,
  /^relay\/(settings\w*|setting_names|control_plane_urls|database_url|clock_watch|welcome)\.ts$/,
];
const IMPURE =
  /\bDeno\.(?!NetAddr\b)|\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bperformance\.|\bsetTimeout\b|\bsetInterval\b|\bfetch\(|\bcrypto\./;

Deno.test("architecture: protocol logic and rules are pure", () => {
  const wrong: string[] = [];
  for (const [file, text] of sources) {
    const header = text.startsWith("/**") ? text.slice(0, text.indexOf("*/")) : "";
    if (!PURE.some((pattern) => pattern.test(file)) && !/\bPure\b/.test(header)) continue;
    const code = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/\/\/.*$/gm, "");
    const found = IMPURE.exec(code);
    if (found !== null) wrong.push(`${file}: ${found[0]}`);
  }
  assertEquals(wrong, []);
});
