/**
 * Whether the domain of the reverse path could take an answer: a bounce that cannot come back is lost mail.
 */
import { Address, Existence, Mx, SenderRecord } from "./codes.ts";
import { DOMAIN_ADDRESS, DOMAIN_EXISTENCE, DOMAIN_MX, VERDICT_RECORD } from "./layout.ts";
import { Reason } from "./reason.ts";

export function senderDomain(): Reason {
  const existence = load<f64>(DOMAIN_EXISTENCE);
  if (existence === Existence.NotChecked) return Reason.Accepted;
  if (existence === Existence.Missing) return Reason.SenderDomainMissing;
  if (existence === Existence.Failed) return Reason.SenderDnsFailed;

  const mx = load<f64>(DOMAIN_MX);
  if (mx === Mx.Usable) return Reason.Accepted;
  if (mx === Mx.Null) return Reason.SenderNullMx;
  if (mx === Mx.Failed) return Reason.SenderDnsFailed;
  // RFC 5321 5.1: where there is an MX, the domain's own address does not step in.
  if (mx === Mx.NamesAddress) return noUsable(SenderRecord.MxNamesAddress);
  if (mx === Mx.Unresolvable) return noUsable(SenderRecord.MxUnresolvable);

  const address = load<f64>(DOMAIN_ADDRESS);
  if (address === Address.Present) return Reason.Accepted;
  if (address === Address.Failed) return Reason.SenderDnsFailed;
  return noUsable(SenderRecord.Nothing);
}

function noUsable(record: SenderRecord): Reason {
  store<f64>(VERDICT_RECORD, record);
  return Reason.SenderNoUsableRecord;
}
