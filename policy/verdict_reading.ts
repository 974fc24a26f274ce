/** A module's verdict out of its memory: no answer is believed that has no meaning. */
import { BrakeMeasure, SenderRecord } from "./assembly/codes.ts";
import { NEVER } from "./assembly/layout.ts";
import { Reason } from "./assembly/reason.ts";
import { END_OF_TIME_MS } from "./checks.ts";
import { PolicyFault } from "./fault.ts";
import { verdictFields } from "./fields.ts";
import { get } from "./memory.ts";
import type { Braked, SenderNoUsableRecord, Verdict } from "./verdict.ts";

const RECORD: Readonly<Record<number, SenderNoUsableRecord["record"]>> = {
  [SenderRecord.Nothing]: "nothing",
  [SenderRecord.MxNamesAddress]: "mx-names-address",
  [SenderRecord.MxUnresolvable]: "mx-unresolvable",
};

const MEASURE: Readonly<Record<number, Braked["measure"]>> = {
  [BrakeMeasure.Relays]: "relays",
  [BrakeMeasure.Recipients]: "recipients",
  [BrakeMeasure.RefusedRecipients]: "refused-recipients",
};

const NO_DATA: readonly number[] = [];

/** The data of a verdict as numbers, in the order of `verdictFields`. */
export function verdictData(memory: DataView, reason: Reason): readonly number[] {
  const fields = verdictFields(reason);
  return fields.length === 0 ? NO_DATA : fields.map((field) => get(memory, field));
}

/** @throws {PolicyFault} what the module answered has no meaning. */
export function toVerdict(reason: number, data: readonly number[]): Verdict {
  if (data.length === 0) return { reason: plainReason(reason) } as Verdict;
  const [first = 0, second = 0, third = 0, fourth = 0, fifth = 0] = data;
  switch (reason) {
    case Reason.QuotaExceeded:
      return {
        reason,
        used: figure(first),
        limit: figure(second),
        need: figure(third),
        resetsAt: instant(fourth),
        pendingActivatesAt: fifth === NEVER ? null : instant(fifth),
      };
    case Reason.NdrShareExceeded:
      return { reason, used: figure(first), limit: figure(second), need: figure(third), resetsAt: instant(fourth) };
    case Reason.BlockPending:
      return { reason, activatesAt: instant(first) };
    case Reason.Braked:
      return {
        reason,
        measure: named(MEASURE, first),
        used: figure(second),
        limit: figure(third),
        resetsAt: instant(fourth),
      };
    case Reason.MessageTooBig:
    case Reason.TooManyRecipients:
    case Reason.TooManyHops:
    case Reason.TooManyConnections:
    case Reason.TooManyConnectionsFromAddress:
      return { reason, limit: figure(first) };
    case Reason.TooManyFailedLogins:
      return { reason, waitMs: figure(first) };
    case Reason.SenderNoUsableRecord:
      return { reason, record: named(RECORD, first) };
    default:
      throw new PolicyFault("nonsense", `reason ${reason} with data`);
  }
}

function plainReason(reason: number): Reason {
  if (reason in Reason && reason !== Reason.PolicyFault) return reason;
  throw new PolicyFault("nonsense", `there is no reason ${reason}`);
}

function figure(value: number): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new PolicyFault("nonsense", `a figure of ${value}`);
}

/** The midnight that ends the last day is one, too. */
function instant(value: number): number {
  if (Number.isSafeInteger(value) && value >= 0 && value <= END_OF_TIME_MS) return value;
  throw new PolicyFault("nonsense", `a moment of ${value}`);
}

function named<Name>(names: Readonly<Record<number, Name>>, code: number): Name {
  const name = names[code];
  if (name === undefined) throw new PolicyFault("nonsense", `a code of ${code}`);
  return name;
}
