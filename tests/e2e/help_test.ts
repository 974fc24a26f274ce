/**
 * The set-ups of the help pages work as they are written: each page is fetched from a running relay, and what it says
 * is done. The message arrives, over STARTTLS and with a login; where the authority is a stranger's, nothing is sent.
 */
import { assertEquals, assertMatch, assertNotEquals, assertNotMatch } from "@std/assert";
import { join } from "@std/path";
import { SECTIONS } from "../../api/help/pages.ts";
import { Customer } from "../support/customer.ts";
import { debianConfiguration } from "../support/debian_exim.ts";
import { type EximPlace, needingExim, runExim, sendByExim } from "../support/exim.ts";
import { type Follow, follow, postfixParameters, type Reader, readHelpPage, TRUSTED } from "../support/help_page.ts";
import { endOf, eventAbout } from "../support/history.ts";
import { needing, needingFolders } from "../support/installed.ts";
import { authorityFile } from "../support/octet_client.ts";
import { messageId } from "../support/octets.ts";
import { startOpenSmtpd } from "../support/opensmtpd.ts";
import { needingPostfix, startPostfix } from "../support/postfix.ts";
import { eventually } from "../support/relay_process.ts";
import { sendBySendmail } from "../support/sendmail.ts";
import { SELF_SIGNED } from "../support/self_signed.ts";
import { needingUnpacked } from "../support/unpacked.ts";

/** As the pages have them. */
const SENDER = "you@your-domain.example", RECIPIENT = "friend@example.net";
/** The certificate is for this name too, and every machine knows its address. */
const SERVICE = "localhost";
const MESSAGE = "Subject: A first message\n\nHello\n";
/** Where .ci/run puts the packages that pages have installed by npm. */
const NODE_MODULES = join(Deno.env.get("HOME") ?? "/root", ".cache", "mailhop-tests", "node_modules");

/** Programs that need a screen, a licence or somebody else's servers. */
const NOT_EXECUTED: Readonly<Record<string, string>> = {
  thunderbird: "has a window",
  outlook: "has a window, on Windows",
  "apple-mail": "has a window, on Apple's systems",
  gmail: "sends from Google's servers",
  exchange: "runs on Windows",
};

interface CommandPage {
  readonly name: string;
  readonly needs: readonly string[];
  readonly follow?: Follow;
}

/** Pages whose commands send a message. */
const BY_COMMANDS: readonly CommandPage[] = [
  { name: "mutt", needs: ["mutt"] },
  { name: "msmtp", needs: ["msmtp"] },
  { name: "swaks", needs: ["swaks"] },
  { name: "curl", needs: ["curl"] },
  { name: "python", needs: ["python3"] },
  { name: "nodemailer", needs: ["node"], follow: { installed: { node_modules: NODE_MODULES } } },
  { name: "php", needs: ["php"], follow: { installed: { vendor: "/usr/share/php/libphp-phpmailer" } } },
];

interface Step {
  readonly name: string;
  readonly ignore: boolean;
  readonly fn: (customer: Customer) => Promise<void>;
}

const DEBIAN_EXIM = "exim, by Debian's own set-up";

/** Pages whose files configure a mail server. */
const BY_SERVER: readonly (Step & { readonly page: string })[] = [{
  page: "postfix",
  ...needingPostfix("postfix"),
  async fn(customer) {
    const page = await readHelpPage("postfix", readerOf(customer));
    await using postfix = await startPostfix({
      parameters: {
        myhostname: "mail.your-domain.example",
        default_transport: "smtp",
        ...postfixParameters(page.file("/etc/postfix/main.cf")),
      },
      files: { sasl_passwd: page.file("/etc/postfix/sasl_passwd") },
    });
    await postfix.sendmail(SENDER, [RECIPIENT], MESSAGE);
    const log = await eventually(async () => {
      const log = await postfix.log();
      return /status=\w+/.test(log) ? log : undefined;
    }, "Postfix to have tried");
    assertMatch(log, /status=sent \(250 2\.0\.0 OK: queued as \w+\)/);
  },
}, {
  page: "exim",
  ...needingExim("exim"),
  async fn(customer) {
    const sections = async (authorityFile: string) => {
      const page = await readHelpPage("exim", { ...readerOf(customer), authorityFile });
      return {
        routers: page.file("routers"),
        transports: page.file("transports"),
        authenticators: page.file("authenticators"),
      };
    };
    const letter = { sender: SENDER, recipients: [RECIPIENT], text: MESSAGE };
    const run = await sendByExim(authorityFile(customer.relay), sections, "mail.your-domain.example", letter);
    assertMatch(run.log, / => \S+ .*\bCV=yes\b.* C="250 2\.0\.0 OK: queued as \w+"/, run.log + run.output);
  },
}, {
  page: "exim",
  ...(needingExim(DEBIAN_EXIM).ignore ? needingExim(DEBIAN_EXIM) : needingUnpacked(DEBIAN_EXIM, "exim4-config")),
  async fn(customer) {
    const configure = async (place: EximPlace) => {
      const page = await readHelpPage("exim", { ...readerOf(customer), authorityFile: place.authorityFile });
      const names = ["update-exim4.conf.conf", "passwd.client", "exim4.conf.localmacros"];
      const files = names.map((name) => `/etc/exim4/${name}`).map((name) => [name, page.file(name)]);
      return await debianConfiguration(place, Object.fromEntries(files));
    };
    const letter = { sender: SENDER, recipients: [RECIPIENT], text: MESSAGE };
    const refused = await withStranger((stranger) => runExim(stranger, configure, letter));
    assertMatch(refused.log, / == \S+ .*certificate/);
    const run = await runExim(authorityFile(customer.relay), configure, letter);
    assertMatch(run.log, / => \S+ .*\bCV=yes\b.* C="250 2\.0\.0 OK: queued as \w+"/, run.log + run.output);
  },
}, {
  page: "opensmtpd",
  ...needingUnpacked("opensmtpd", "opensmtpd"),
  async fn(customer) {
    const page = await readHelpPage("opensmtpd", { ...readerOf(customer), authorityFile: TRUSTED });
    await using smtpd = await startOpenSmtpd({
      files: {
        "/etc/smtpd.conf": page.file("/etc/smtpd.conf"),
        "/etc/smtpd-secrets": page.file("/etc/smtpd-secrets"),
        [TRUSTED]: await Deno.readTextFile(authorityFile(customer.relay)),
      },
    });
    await smtpd.sendmail(SENDER, RECIPIENT, MESSAGE);
    const log = await eventually(() => /result="\w+" stat=/.test(smtpd.log()) ? smtpd.log() : undefined, "a result");
    assertMatch(log, /server-cert-check result="success"/);
    assertMatch(log, /result="Ok" stat="250 2\.0\.0 OK: queued as \w+"/);
  },
}, {
  page: "sendmail",
  ...needingUnpacked("sendmail", "sendmail"),
  async fn(customer) {
    const page = await readHelpPage("sendmail", { ...readerOf(customer), authorityFile: TRUSTED });
    const names = ["/etc/mail/sendmail.mc", "/etc/mail/authinfo", "/etc/mail/access"];
    const files = Object.fromEntries(names.map((name) => [name, page.file(name)]));
    const letter = { sender: SENDER, recipient: RECIPIENT, text: MESSAGE };
    const refused = await withStranger((stranger) => sendBySendmail(files, stranger, letter));
    assertNotMatch(refused.output, /^>>> (AUTH|MAIL)/m);
    const sent = await sendBySendmail(files, authorityFile(customer.relay), letter);
    assertMatch(sent.output, /^250 2\.0\.0 OK: queued as \w+$/m);
  },
}];

function readerOf({ relay, username, password }: Customer): Reader {
  return { httpPort: relay.httpPort, username, password, authorityFile: authorityFile(relay) };
}

/** With an authority that did not issue the relay's certificate. */
async function withStranger<T>(attempt: (authorityFile: string) => Promise<T>): Promise<T> {
  const authorityFile = await Deno.makeTempFile({ prefix: "mailhop-stranger-" });
  try {
    await Deno.writeTextFile(authorityFile, SELF_SIGNED.cert);
    return await attempt(authorityFile);
  } finally {
    await Deno.remove(authorityFile);
  }
}

function commandStep({ name, needs, follow: how }: CommandPage): Step {
  const program = needing(name, ...needs);
  return {
    ...(program.ignore ? program : needingFolders(name, ...Object.values(how?.installed ?? {}))),
    async fn(customer) {
      const reader = readerOf(customer);
      const send = async (reader: Reader) => await follow(await readHelpPage(name, reader), reader, how);
      const refused = await withStranger((authorityFile) => send({ ...reader, authorityFile }));
      assertNotEquals(refused.code, 0, `it trusts a stranger: ${refused.output}`);
      const { code, output } = await send(reader);
      assertEquals(code, 0, output);
    },
  };
}

/** One message more has arrived, as the page has it, and its history says how it came. */
async function assertArrived({ relay, hop, username }: Customer, before: number): Promise<void> {
  const received = await eventually(() => hop.received[before], "the message at the next hop");
  assertEquals([received.mailFrom, received.recipients], [SENDER, [RECIPIENT]]);
  assertMatch(received.content, /^Subject: A first message\r$/m);
  // RFC 5322 3.6 asks for the one, large providers for the other; the relay adds neither.
  assertMatch(received.content, /^Date: \w{3}, [ \d]?\d \w{3} \d{4} \d\d:/m);
  assertMatch(received.content, /^Message-I[dD]: <\S+@\S+>\r$/m);
  assertMatch(received.content, /\r\n\r\n(> )?Hello\r\n/);
  const history = await endOf(relay, messageId(received.content));
  assertEquals([history.account, history.status], [username, "delivered"]);
  const { origin } = eventAbout(history, "accepted", RECIPIENT);
  assertEquals(origin?.protocol, "ESMTPSA");
  assertEquals(hop.received.length, before + 1, "and no other");
}

const steps: readonly Step[] = [
  ...BY_COMMANDS.map(commandStep),
  ...BY_SERVER,
];

Deno.test("help pages: set-ups that are executed as written send a message", async (t) => {
  await using customer = await Customer.start({ MAILHOP_SERVICE_NAME: SERVICE });
  for (const { name, ignore, fn } of steps) {
    await t.step({
      name,
      ignore,
      async fn() {
        const before = customer.hop.received.length;
        await fn(customer);
        await assertArrived(customer, before);
      },
    });
  }
});

Deno.test("help pages: of each set-up it is known whether it is executed, and if not why", async (t) => {
  const executed = [...BY_COMMANDS.map(({ name }) => name), ...new Set(BY_SERVER.map(({ page }) => page))];
  const pages = SECTIONS.filter(({ kind }) => kind === "programs").flatMap(({ pages }) => pages);
  assertEquals(
    pages.map(({ name }) => name).toSorted(),
    [...executed, ...Object.keys(NOT_EXECUTED)].toSorted(),
  );
  for (const [name, why] of Object.entries(NOT_EXECUTED)) {
    await t.step(`not executed: ${name} (${why})`, () => {});
  }
});
