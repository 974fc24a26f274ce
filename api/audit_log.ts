/**
 * The audit log: every request of the public API that could change something, refused ones included.
 *
 * An entry is written before the request is looked at, and its outcome afterwards: a change that was made without an
 * entry there is not, whenever the process ends. Bodies and queries are not recorded: they have passwords in them.
 */
import type { Context } from "hono";
import type { Kysely } from "kysely";
import type { Principal } from "./access.ts";
import { insertAudit, setAuditStatus } from "./store/audit.ts";
import type { AuditRow, Database } from "./store/schema.ts";

export interface AuditSources {
  readonly db: Kysely<Database>;
  readonly newId: () => string;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** Entries of more than a year: last year's can be asked for. */
export const KEEP_AUDIT_MS = 400 * 86_400_000;
/** Of a path that has an address or a domain in it, all; of nonsense, enough. */
const MAX_PATH_CHARS = 1024;

const askerOf = (principal: Principal): Pick<AuditRow, "key_id" | "key_label"> =>
  principal.kind === "operator"
    ? { key_id: null, key_label: null }
    : { key_id: principal.id, key_label: principal.label };

/** Records what the rest of the chain does. */
export type Recorder = (c: Context, principal: Principal, next: () => Promise<void>) => Promise<void>;

export const createRecorder = ({ db, newId, now }: AuditSources): Recorder => async (c, principal, next) => {
  const id = newId();
  const account = c.req.param("username") ?? (principal.kind === "key" ? principal.username : null);
  await insertAudit(db, {
    id,
    at: now(),
    ...askerOf(principal),
    method: c.req.method,
    path: c.req.path.slice(0, MAX_PATH_CHARS),
    account,
    request_id: c.get("requestId"),
    status: null,
  });
  await next();
  await setAuditStatus(db, id, c.res.status);
};
