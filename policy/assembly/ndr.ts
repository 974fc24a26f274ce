/**
 * Non-delivery reports of a customer's own mail server, which may be backscatter that uses up the day: what one is, and
 * what the account wants done with it: count it, limit all of them to a share of the day, or refuse it.
 */
import { AutoSubmitted, NdrChoice, ReportType } from "./codes.ts";
import { cap } from "./cap.ts";
import {
  AUTO_SUBMITTED,
  FAILED_RECIPIENTS_FIELD,
  NDR_CHOICE,
  NDR_DEFAULT_PERCENT,
  NDR_SHARE_PERCENT,
  NULL_REVERSE_PATH,
  REPORT_TYPE,
} from "./layout.ts";
import { Reason } from "./reason.ts";

/**
 * The null reverse path, and a report about delivery (RFC 3464) or an Auto-Submitted that says so. Vacation notes come
 * from <> too and are answers (auto-replied); only a comment that speaks of failure, or a field that lists the failed
 * recipients, makes a report of an answer. Other reports (read receipts) never are.
 *
 * @returns 1 or 0
 */
export function ndr(): f64 {
  if (load<f64>(NULL_REVERSE_PATH) !== 1) return 0;
  const report = load<f64>(REPORT_TYPE);
  if (report !== ReportType.None) return report === ReportType.DeliveryStatus ? 1 : 0;
  const auto = load<f64>(AUTO_SUBMITTED);
  if (auto === AutoSubmitted.Replied) return load<f64>(FAILED_RECIPIENTS_FIELD);
  return auto === AutoSubmitted.No ? 0 : 1;
}

/** At the end of the data. What is limited is the counter store's to add up, and `reservation` to refuse. */
export function nonDeliveryReport(): Reason {
  return load<f64>(NDR_CHOICE) === NdrChoice.Refuse && ndr() === 1 ? Reason.NdrRefused : Reason.Accepted;
}

/** @returns relays that non-delivery reports may use on the day of NOW, as of NOW */
export function ndrCap(): f64 {
  const limit = cap();
  if (load<f64>(NDR_CHOICE) !== NdrChoice.Limit) return limit;
  const own = load<f64>(NDR_SHARE_PERCENT);
  const percent = own === 0 ? load<f64>(NDR_DEFAULT_PERCENT) : own;
  return Math.floor((limit * percent) / 100);
}
