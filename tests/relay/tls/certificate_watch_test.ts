import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import type { Certificate } from "../../../relay/tls/certificate.ts";
import { watchCertificate } from "../../../relay/tls/certificate_watch.ts";
import { loadCertificate, type LoadedCertificate } from "../../../relay/tls/certificates.ts";
import { makeRoot, pairWithKey } from "../../support/certificates.ts";

const loaded = (cert: string): LoadedCertificate => ({
  ok: true,
  certificate: { cert, key: `key of ${cert}` },
  authorityFile: null,
});

Deno.test("certificate watch: a change is taken up once; bad files and trouble are told and change nothing", async () => {
  const answers = [
    () => loaded("old"),
    () => loaded("new"),
    () => loaded("new"),
    (): LoadedCertificate => ({ ok: false, mistakes: ["MAILHOP_TLS_KEY=k: expected …"] }),
    (): LoadedCertificate => {
      throw new Error("disk");
    },
    () => loaded("newest"),
  ];
  const heard: unknown[] = [];
  const done = Promise.withResolvers<void>();
  const watch = watchCertificate({
    current: { cert: "old", key: "key of old" },
    everyMs: 1,
    load: () => Promise.try(answers.shift() ?? (() => loaded("newest"))),
    onChange: ({ cert }: Certificate) => {
      heard.push(cert);
      if (cert === "newest") done.resolve();
    },
    onTrouble: (trouble) => heard.push(trouble instanceof Error ? trouble.message : trouble),
  });
  await done.promise;
  watch.stop();
  assertEquals(heard, ["new", ["MAILHOP_TLS_KEY=k: expected …"], "disk", "newest"]);
});

Deno.test("certificate watch: files with which no handshake works are told of, and the certificate stays", async () => {
  const root = await makeRoot();
  const dir = await Deno.makeTempDir();
  const files = { certificate: join(dir, "c.pem"), key: join(dir, "k.pem") };
  const put = ({ cert, key }: Certificate) => {
    Deno.writeTextFileSync(files.certificate, cert);
    Deno.writeTextFileSync(files.key, key);
  };
  const heard: string[] = [];
  const [current, refused, renewed] = [
    await pairWithKey(root, "P-384"),
    await pairWithKey(root, "RSA-1024"),
    await pairWithKey(root, "P-384"),
  ];
  const names = new Map([[refused.cert, "refused"], [renewed.cert, "renewed"]]);
  const done = Promise.withResolvers<void>();
  put(refused);
  const watch = watchCertificate({
    current,
    everyMs: 1,
    load: () => loadCertificate({ files, dataDir: dir, names: [], now: 0 }),
    onChange: ({ cert }: Certificate) => {
      heard.push(names.get(cert)!);
      put(renewed);
      if (cert === renewed.cert) done.resolve();
    },
    onTrouble: (trouble) => {
      if (heard.length === 0) heard.push(String(trouble).replaceAll(`${dir}/`, "").split(":")[0]!);
      put(renewed);
    },
  });
  await done.promise;
  watch.stop();
  await Deno.remove(dir, { recursive: true });
  assertEquals(heard, ["MAILHOP_TLS_CERT=c.pem", "renewed"]);
});
