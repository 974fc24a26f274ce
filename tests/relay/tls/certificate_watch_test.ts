import { assertEquals } from "@std/assert";
import type { Certificate } from "../../../relay/tls/certificate.ts";
import { watchCertificate } from "../../../relay/tls/certificate_watch.ts";
import type { LoadedCertificate } from "../../../relay/tls/certificates.ts";

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
