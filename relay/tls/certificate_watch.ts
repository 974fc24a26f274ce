/**
 * Notices that the certificate has changed, so that it is taken up without a restart.
 *
 * It looks from time to time at what `load` gives and compares texts: that works for files, symbolic links and
 * mounted secrets alike, where watching the file system does not. A certificate that cannot be loaded, or that
 * no handshake works with, changes nothing: the one in use stays.
 */
import type { Certificate } from "./certificate.ts";
import type { LoadedCertificate } from "./certificates.ts";

export interface CertificateWatch {
  readonly current: Certificate;
  /** As `loadCertificate`. */
  readonly load: () => Promise<LoadedCertificate>;
  /** Milliseconds between looks. */
  readonly everyMs: number;
  readonly onChange: (certificate: Certificate) => void;
  /** What is wrong with the files, in a few lines, or what was thrown. */
  readonly onTrouble: (trouble: readonly string[] | unknown) => void;
}

/** Looks until `stop` is called. */
export function watchCertificate(watch: CertificateWatch): { stop(): void } {
  let { current } = watch;
  let looking = false;
  const look = async () => {
    if (looking) return;
    looking = true;
    try {
      const loaded = await watch.load();
      if (!loaded.ok) watch.onTrouble(loaded.mistakes);
      else if (loaded.certificate.cert !== current.cert || loaded.certificate.key !== current.key) {
        current = loaded.certificate;
        watch.onChange(current);
      }
    } catch (error) {
      watch.onTrouble(error);
    } finally {
      looking = false;
    }
  };
  const timer = setInterval(() => void look(), watch.everyMs);
  return { stop: () => clearInterval(timer) };
}
