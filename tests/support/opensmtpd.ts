/** A real OpenSMTPD for tests, in a root directory of its own: it sends what its machine's users hand in. */
import { eventually } from "./relay_process.ts";
import { type UnpackedRoot, unpackedRoot } from "./unpacked.ts";

const SMTPD = 901, SMTPQ = 902;

export interface OpenSmtpdFiles {
  /** By their whole names; readable by the server alone. */
  readonly files: Readonly<Record<string, string>>;
}

export interface OpenSmtpd extends AsyncDisposable {
  sendmail(sender: string, recipient: string, text: string): Promise<void>;
  log(): string;
}

export async function startOpenSmtpd({ files }: OpenSmtpdFiles): Promise<OpenSmtpd> {
  const root = await unpackedRoot("opensmtpd", {
    take: ["usr/sbin", "usr/libexec/opensmtpd"],
    users: { opensmtpd: SMTPD, opensmtpq: SMTPQ },
    directories: { "var/spool/smtpd": 0o711, "var/run": 0o755, "var/lib/opensmtpd/empty": 0o755 },
  });
  try {
    return await start(root, files);
  } catch (error) {
    await root[Symbol.asyncDispose]();
    throw error;
  }
}

async function start(root: UnpackedRoot, files: Readonly<Record<string, string>>): Promise<OpenSmtpd> {
  await root.write("etc/mailname", "mail.your-domain.example\n");
  await root.write("etc/aliases", "");
  for (const [name, text] of Object.entries(files)) await root.write(name, text, 0o640, SMTPD);
  // It refuses to run where others could hand mail in by the same right.
  await Deno.chown(root.path("usr/sbin/smtpctl"), 0, SMTPQ);
  await Deno.chmod(root.path("usr/sbin/smtpctl"), 0o2555);
  const { log } = root.start("/usr/sbin/smtpd", ["-d", "-v"]);
  await eventually(() => /smtp: will accept/.test(log()) ? true : undefined, "OpenSMTPD to be ready").catch((error) => {
    throw new Error(`OpenSMTPD did not start:\n${log()}`, { cause: error });
  });
  return {
    log,
    async sendmail(sender, recipient, text) {
      const sent = await root.run("/usr/sbin/sendmail", ["-f", sender, recipient], text);
      if (sent.code !== 0) throw new Error(`sendmail: ${sent.output}`);
    },
    [Symbol.asyncDispose]: () => root[Symbol.asyncDispose](),
  };
}
