/**
 * Sends notices of accounts as mail: takes some from the control plane, stores them in the spool as any message, and
 * says so. They cost nothing and are asked nothing: they are the service's own.
 *
 * A notice is in the spool before the control plane hears that it is. What could not be stored, it takes again in time.
 */
import type { NoticeMail } from "../../api/client.ts";
import { type ControlPlane, unlessTold } from "../control_plane.ts";
import { startPeriodicWork } from "../periodic_work.ts";
import type { Spool } from "../spool/spool.ts";
import { noticeMessage } from "./notice_message.ts";

export interface NoticeFollowerOptions {
  readonly controlPlane: Pick<ControlPlane, "noticeMail">;
  readonly spool: Pick<Spool, "draft" | "accept" | "peek">;
  readonly serviceName: string;
  /** Whether the node takes nothing in now. */
  readonly isDraining: () => boolean;
  /** Epoch ms. */
  readonly now: () => number;
  readonly onTrouble: (error: unknown) => void;
  /** Hears of a notice that can never be sent, for its address is none. */
  readonly onUnsendable: (notice: Pick<NoticeMail, "id" | "account">) => void;
}

/** A notice is on its way within this. */
const FOLLOW_MS = 2000;
/** Taken at once: what one node has taken and not stored when it dies, others wait for. */
const MAX_TAKEN = 16;

/** Begins at once; disposing waits for what is being stored. */
export function followNotices(options: NoticeFollowerOptions): AsyncDisposable {
  const { controlPlane, isDraining, onTrouble } = options;
  /** Ids that the control plane has not heard of yet. */
  const stored = new Set<string>();

  const work = async (closing: AbortSignal): Promise<void> => {
    // Mostly there is nothing, and one question does.
    while (true) {
      const wanted = closing.aborted || isDraining() ? 0 : MAX_TAKEN;
      const told = [...stored];
      if (wanted === 0 && told.length === 0) return;
      const mail = await controlPlane.noticeMail({ stored: told, wanted });
      for (const id of told) stored.delete(id);
      for (const notice of mail) if (await isInSpool(notice, options)) stored.add(notice.id);
      if (stored.size === 0) return;
    }
  };
  return startPeriodicWork({ work, everyMs: FOLLOW_MS, onTrouble: unlessTold(onTrouble) });
}

/** @returns whether nothing more is to be done about it. */
async function isInSpool(notice: NoticeMail, options: NoticeFollowerOptions): Promise<boolean> {
  const { spool, serviceName, now, onTrouble, onUnsendable } = options;
  try {
    // Stored before, and the control plane did not hear of it.
    if (await spool.peek(notice.id) !== undefined) return true;
    const message = noticeMessage(notice, { serviceName, now: now() });
    if (message === null) {
      onUnsendable(notice);
      return true;
    }
    // A notice is short: it has no file that would have to be discarded.
    const draft = spool.draft(notice.id, message.content.length);
    await draft.write(message.content);
    await spool.accept(message.envelope, draft);
    return true;
  } catch (error) {
    onTrouble(error);
    return false;
  }
}
