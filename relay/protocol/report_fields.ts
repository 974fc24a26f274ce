/** The fields of a header by which a non-delivery report is known. Pure. */
import { parseHeaderValue } from "nodemailer/lib/mime-funcs";

export type ReportType = "none" | "delivery-status" | "another";
export type AutoSubmitted = "no" | "generated" | "replied" | "failure";

/** Nearly every Content-Type is another one, and need not be parsed. */
const REPORT = /^multipart\/report\b/i;
const FIRST_WORD = /^[\w-]+/;
/** Comments by which Sendmail and others tell their reports from other automatic messages. */
const FAILURE = /\([^)]*(?:fail|bounce|undeliver|reject|warning)/i;

/** @param value of Content-Type: the parameter report-type of multipart/report (RFC 6522 3). */
export function reportType(value: string): ReportType {
  if (!REPORT.test(value)) return "none";
  const type = parseHeaderValue(value).params["report-type"];
  return type?.toLowerCase() === "delivery-status" ? "delivery-status" : "another";
}

/** @param value of Auto-Submitted (RFC 3834 5). */
export function autoSubmitted(value: string): AutoSubmitted {
  const word = FIRST_WORD.exec(value)?.[0].toLowerCase();
  if (word !== "auto-generated" && word !== "auto-replied") return "no";
  if (FAILURE.test(value)) return "failure";
  return word === "auto-generated" ? "generated" : "replied";
}
