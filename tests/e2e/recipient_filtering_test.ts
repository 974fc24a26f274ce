/**
 * What the help page on recipient filtering has for mail servers does what it says: such a server takes mail for the
 * users in its list, and refuses mail for others at RCPT, so that it never has to send a report.
 */
import { assertEquals, assertMatch } from "@std/assert";
import { startControlPlane } from "../api/control_plane.ts";
import { askExim, needingExim } from "../support/exim.ts";
import { freePort } from "../support/free_port.ts";
import { type HelpPage, postfixParameters, readHelpPage, TRUSTED } from "../support/help_page.ts";
import { startOpenSmtpd } from "../support/opensmtpd.ts";
import { needingPostfix, startPostfix } from "../support/postfix.ts";
import { swaks } from "../support/swaks.ts";
import { needingUnpacked } from "../support/unpacked.ts";

const KNOWN = "office@your-domain.example", UNKNOWN = "nobody-of-that-name@your-domain.example";

async function thePage(): Promise<HelpPage> {
  await using api = await startControlPlane();
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, api.app.fetch);
  const reader = { username: "anna", password: "", authorityFile: TRUSTED };
  return await readHelpPage("recipient-filtering", { httpPort: server.addr.port, ...reader });
}

/** As the page has it: who is refused is refused at RCPT. */
async function assertFiltering(port: number): Promise<void> {
  const ask = async (recipient: string) => {
    const server = ["--server", `127.0.0.1:${port}`, "--from", "friend@example.net"];
    const { transcript } = await swaks(...server, "--to", recipient, "--quit-after", "RCPT");
    return / -> RCPT TO:.*\n<(?:-|\*\*) {1,2}(\d{3})/.exec(transcript)?.[1] ?? transcript;
  };
  assertEquals([await ask(KNOWN), await ask(UNKNOWN)], ["250", "550"]);
}

Deno.test({
  ...needingPostfix("recipient filtering as the page has it: Postfix"),
  async fn() {
    const page = await thePage();
    await using postfix = await startPostfix({
      parameters: { myhostname: "mx.your-domain.example", ...postfixParameters(page.file("/etc/postfix/main.cf")) },
      files: { relay_recipients: page.file("/etc/postfix/relay_recipients") },
    });
    await assertFiltering(postfix.port);
  },
});

Deno.test({
  ...needingExim("recipient filtering as the page has it: Exim"),
  async fn() {
    const page = await thePage();
    const list = await Deno.makeTempFile({ prefix: "mailhop-recipients-" });
    try {
      await Deno.writeTextFile(list, page.file("/etc/exim4/recipients"));
      await Deno.chmod(list, 0o644);
      const acl = page.file("acl_check_rcpt").replace("/etc/exim4/recipients", list);
      const commands = ["HELO a.test", "MAIL FROM:<friend@example.net>", `RCPT TO:<${KNOWN}>`, `RCPT TO:<${UNKNOWN}>`];
      const answers = await askExim(acl, [...commands, "QUIT"]);
      assertMatch(answers, /^250 OK\r?\n(?:>>>.*\n|\s*\n)*250 Accepted\r?\n/m);
      assertMatch(answers, /^250 Accepted[^]*^550 Unknown user/m);
    } finally {
      await Deno.remove(list);
    }
  },
});

Deno.test({
  ...needingUnpacked("recipient filtering as the page has it: OpenSMTPD", "opensmtpd"),
  async fn() {
    const page = await thePage();
    const port = freePort();
    await using _smtpd = await startOpenSmtpd({
      files: {
        "/etc/smtpd.conf": `listen on 127.0.0.1 port ${port}\n${page.file("/etc/smtpd.conf")}`,
        "/etc/mail/recipients": page.file("/etc/mail/recipients"),
      },
    });
    await assertFiltering(port);
  },
});
