/** Whether the certificate that clients are shown is one that they accept. Pure. */
import { type Certificate, parseLeaf } from "../tls/certificate.ts";
import type { Finding } from "../../api/client.ts";

const DAY_MS = 86_400_000;
/** Public authorities renew about thirty days before the end: with less left, renewal has failed. */
const SOON_DAYS = 14;

/** @param own whether the relay made it itself. @param now epoch ms. */
export function certificateFinding(certificate: Certificate, serviceName: string, own: boolean, now: number): Finding {
  const what = "certificate";
  const leaf = parseLeaf(certificate.cert);
  if (leaf === null) return { what, verdict: "bad", words: "It cannot be read." };
  const days = Math.floor((leaf.validToDate.getTime() - now) / DAY_MS);
  if (days < 0) return { what, verdict: "bad", words: `It ended ${-days} days ago: clients refuse it. Renew it.` };
  if (leaf.validFromDate.getTime() > now) {
    return { what, verdict: "bad", words: "It is not valid yet: is the clock right?" };
  }
  if (leaf.checkHost(serviceName) === undefined) {
    return { what, verdict: "bad", words: `It is not for ${serviceName}: clients refuse it.` };
  }
  if (own) {
    const words =
      "The relay made it itself: clients that have not imported its authority are warned. Set MAILHOP_TLS_CERT " +
      "and MAILHOP_TLS_KEY to one of a public authority.";
    return { what, verdict: "warning", words };
  }
  if (days < SOON_DAYS) {
    return { what, verdict: "warning", words: `It ends in ${days} days: its renewal seems to fail.` };
  }
  return { what, verdict: "good", words: `It is for ${serviceName}, and good for ${days} days more.` };
}
