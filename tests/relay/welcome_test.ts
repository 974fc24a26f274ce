import { assert, assertEquals } from "@std/assert";
import { welcome, type WelcomeFacts } from "../../relay/welcome.ts";

const NEWCOMER = {
  role: "all",
  serviceName: "vm",
  dataDir: "./data",
  listeners: [
    { hostname: "::", port: 2525, tls: false },
    { hostname: "::", port: 10025, tls: false },
    { hostname: "::", port: 10465, tls: true },
  ],
  leftOut: [25, 587, 465].map((port) => ({ hostname: "::", port, why: "needs more rights" })),
  http: [{ hostname: "127.0.0.1", port: 8080 }],
  adminToken: { file: "data/admin-token", shown: null },
  authorityFile: "data/tls/ca.pem",
  activationDelayMs: 900_000,
  warnings: [],
} satisfies WelcomeFacts;

function linesOf(facts: Partial<Extract<WelcomeFacts, { role: "all" }>>): string[] {
  return welcome({ ...NEWCOMER, ...facts }).split("\n").map((line) => line.trim());
}

Deno.test("welcome: what a newcomer sees", () => {
  assertEquals(
    welcome(NEWCOMER),
    `MailHop Outbound is ready as vm

  SMTP with STARTTLS  ports 2525, 10025 on all addresses
  SMTP over TLS       port 10465 on all addresses
  Not open            ports 25, 587, 465 on all addresses: needs more rights
  HTTP API            http://127.0.0.1:8080
  Data directory      ./data
  Operator's token    in data/admin-token
  Clients trust       data/tls/ca.pem

A first message, from a second terminal in this folder:

  1. An account; it asks for a password:
     npx -y deno@2.9.6 task mailhop account create anna
  2. A block of relays; it counts 15 minutes after its purchase (at once, if you start with MAILHOP_ACTIVATION_DELAY=0s):
     npx -y deno@2.9.6 task mailhop block buy anna
  3. A message; put in an address of a domain of yours, and one whose mail you can read:
     from=you@your-domain.example to=friend@example.net
     printf '%s\\n' "From: $from" "To: $to" "Date: $(date -R)" "Message-ID: <$(date +%s).$$@\${from#*@}>" \\
         "Subject: Hello" "" "It works." |
       curl --url smtp://localhost:2525 --ssl-reqd --cacert data/tls/ca.pem --user anna \\
         --mail-from $from --mail-rcpt $to --crlf --upload-file -
`,
  );
});

Deno.test("welcome: the token itself stands there only if it is to be shown", () => {
  assert(!welcome(NEWCOMER).includes("canary"));
  assert(linesOf({ adminToken: { file: "data/admin-token", shown: "canary" } }).includes("canary   (shown this once)"));
});

Deno.test("welcome: the tool's commands say what is not at its default", () => {
  const lines = linesOf({ http: [{ hostname: "::1", port: 9000 }], dataDir: "/var/lib/mailhop" });
  assert(
    lines.includes(
      "MAILHOP_API_URL=http://[::1]:9000 MAILHOP_DATA_DIR=/var/lib/mailhop npx -y deno@2.9.6 task mailhop block buy anna",
    ),
  );
  assert(
    linesOf({ adminToken: { file: null, shown: null } }).includes(
      "MAILHOP_API_TOKEN=$MAILHOP_ADMIN_TOKEN npx -y deno@2.9.6 task mailhop block buy anna",
    ),
  );
});

Deno.test("welcome: with the operator's certificate the message goes to the service's name, at this machine", () => {
  const lines = linesOf({ authorityFile: null, serviceName: "smtp.example.net" });
  assert(
    lines.includes(
      "curl --url smtp://smtp.example.net:2525 --ssl-reqd --resolve smtp.example.net:2525:127.0.0.1 --user anna \\",
    ),
  );
});

Deno.test("welcome: a listener at one address is named and used, also where there is TLS only", () => {
  const lines = linesOf({
    listeners: [{ hostname: "2001:db8::1", port: 465, tls: true }],
    serviceName: "smtp.example.net",
  });
  assert(lines.includes("SMTP with STARTTLS  none"));
  assert(lines.includes("SMTP over TLS       [2001:db8::1]:465"));
  assert(
    lines.includes(
      "curl --url smtps://smtp.example.net:465 --resolve smtp.example.net:465:[2001:db8::1] --cacert data/tls/ca.pem --user anna \\",
    ),
  );
});

Deno.test("welcome: blocks that count at once need no word about waiting; warnings are shown", () => {
  const lines = linesOf({ activationDelayMs: 0, warnings: ["no dot"] });
  assert(lines.includes("2. A block of relays:"));
  assert(lines.includes("Warning: no dot"));
});

Deno.test("welcome: delays are told in their largest whole unit", () => {
  for (
    const [delay, words] of [[1000, "1 second"], [90_000, "90 seconds"], [7_200_000, "2 hours"], [
      250,
      "250 milliseconds",
    ]] as const
  ) {
    assert(welcome({ ...NEWCOMER, activationDelayMs: delay }).includes(`it counts ${words} after`));
  }
});

Deno.test("welcome: a control plane alone has no SMTP ports, and says what a relay needs", () => {
  const { dataDir, http, adminToken, warnings } = NEWCOMER;
  const facts = { role: "api", serviceName: "smtp.example.net", dataDir, http, adminToken, warnings } as const;
  const text = welcome({ ...facts, sharedToken: false });
  assertEquals(
    text,
    `MailHop Outbound is ready as smtp.example.net, the control plane

  HTTP API            http://127.0.0.1:8080
  Data directory      ./data
  Operator's token    in data/admin-token

A relay on another machine needs a token, one of its own, which is shown once:

     npx -y deno@2.9.6 task mailhop relay-token create edge-1

and is started there with MAILHOP_ROLE=relay, MAILHOP_RELAY_TOKEN and MAILHOP_API_URL, the https:// address of this
API (a web server in front of it has the certificate).
`,
  );
  assert(welcome({ ...facts, sharedToken: true }).includes("the one in MAILHOP_RELAY_TOKEN here, or one of its own:"));
});

Deno.test("welcome: a relay alone says where its control plane is and whether it is ready, and no token", () => {
  const { dataDir, http, listeners, leftOut, authorityFile } = NEWCOMER;
  const facts = { role: "relay", serviceName: "smtp.example.net", dataDir, http, listeners, leftOut } as const;
  const controlPlane = ["https://a.example.net", "https://b.example.net"];
  const start = { ...facts, authorityFile, controlPlane, warnings: ["no dot"] };
  assertEquals(
    welcome({ ...start, notReady: [] }),
    `MailHop Outbound is ready as smtp.example.net, a relay

  SMTP with STARTTLS  ports 2525, 10025 on all addresses
  SMTP over TLS       port 10465 on all addresses
  Not open            ports 25, 587, 465 on all addresses: needs more rights
  Control plane       https://a.example.net, https://b.example.net
  Readiness           http://127.0.0.1:8080/readyz
  Data directory      ./data
  Clients trust       data/tls/ca.pem

Warning: no dot
`,
  );
  const lines = welcome({ ...start, notReady: ["control plane: not reached yet"] }).split("\n");
  assertEquals(lines.slice(0, 3), [
    "MailHop Outbound has started as smtp.example.net, a relay, and is not ready",
    "",
    "  Not ready           control plane: not reached yet",
  ]);
});
