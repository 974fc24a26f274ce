/**
 * Writes events as the rows that recordEvents would leave of them in the end, many at a time: a history of millions is
 * there in minutes, with tables and indexes grown in the order of time. Activity and suppressed addresses are left out.
 */
import { type Kysely, sql } from "kysely";
import { addressKey } from "../../../api/address_key.ts";
import type { AcceptedEvent, NodeEvent } from "../../../api/client.ts";
import type { Database, MessageRow, MessageStatus, RecipientRow, RecipientStatus } from "../../../api/store/schema.ts";
import { isPostgres } from "../../support/query_plan.ts";

/** Messages that may have come since, before all that becomes of one is known; mail_history.ts has fewer. */
const IN_FLIGHT = 100;
/** Events in one transaction. */
const PART = 10_000;

const COLUMNS = {
  message: "id,account,sender,sender_key,received_at,size_bytes,relays,message_id_field,node,status",
  recipient: "message_id,n,address,address_key,status,account,received_at",
  event: "message_id,id,at,type,detail",
};

interface Known {
  readonly accepted: AcceptedEvent;
  readonly statuses: Map<string, RecipientStatus>;
}

export class BulkWriter {
  readonly #db: Kysely<Database>;
  readonly #known = new Map<string, Known>();
  #events: NodeEvent[] = [];

  constructor(db: Kysely<Database>) {
    this.#db = db;
  }

  /** @returns those of messages that were taken in otherwise: they are left out. */
  async add(events: readonly NodeEvent[]): Promise<NodeEvent[]> {
    const left: NodeEvent[] = [];
    for (const event of events) {
      const isOurs = event.type === "accepted" || this.#known.has(event.messageId);
      if (isOurs) this.#note(event);
      (isOurs ? this.#events : left).push(event);
    }
    if (this.#events.length >= PART) await this.#write(IN_FLIGHT);
    return left;
  }

  /** Writes what is left: what comes later is for recordEvents. */
  end(): Promise<void> {
    return this.#write(0);
  }

  #note(event: NodeEvent): void {
    if (event.type === "accepted") this.#known.set(event.messageId, { accepted: event, statuses: new Map() });
    else if (event.type !== "returned") {
      const { statuses } = this.#known.get(event.messageId)!;
      for (const address of event.recipients) statuses.set(address, event.type as RecipientStatus);
    }
  }

  async #write(kept: number): Promise<void> {
    const ended = [...this.#known.values()].slice(0, this.#known.size - kept);
    const recipients = ended.flatMap(recipientsOf);
    const messages = ended.map(({ accepted, statuses }) => messageOf(accepted, [...statuses.values()]));
    const events = this.#events.map(({ id, messageId: message_id, account: _, at, type, ...detail }) => ({
      ...{ message_id, id, at, type },
      detail: JSON.stringify(detail),
    }));
    await this.#db.transaction().execute(async (transaction) => {
      await insert(transaction, "message", messages);
      await insert(transaction, "recipient", recipients);
      await insert(transaction, "event", events);
    });
    for (const { accepted } of ended) this.#known.delete(accepted.messageId);
    this.#events = [];
  }
}

function recipientsOf({ accepted, statuses }: Known): RecipientRow[] {
  return accepted.recipients.map((address, n) => ({
    ...{ message_id: accepted.messageId, n, address, address_key: addressKey(address) },
    ...{ status: statuses.get(address) ?? "queued", account: accepted.account, received_at: accepted.at },
  }));
}

function messageOf(event: AcceptedEvent, statuses: readonly RecipientStatus[]): MessageRow {
  return {
    ...{ id: event.messageId, account: event.account, sender: event.sender, sender_key: addressKey(event.sender) },
    ...{ received_at: event.at, size_bytes: event.sizeBytes, relays: event.relays, node: "n1" },
    ...{ message_id_field: event.messageIdField, status: statusOf(event, statuses) },
  };
}

/** As refreshStatus has it, of what mail_history.ts makes. */
function statusOf({ recipients }: AcceptedEvent, statuses: readonly RecipientStatus[]): MessageStatus {
  const has = (status: RecipientStatus) => statuses.includes(status);
  if (has("deferred")) return "deferred";
  if (statuses.length < recipients.length) return "queued";
  if (!has("delivered")) return has("bounced") ? "bounced" : "expired";
  return statuses.every((status) => status === "delivered") ? "delivered" : "partial";
}

async function insert(db: Kysely<Database>, table: keyof typeof COLUMNS, rows: readonly unknown[]): Promise<void> {
  const json = JSON.stringify(rows), columns = COLUMNS[table];
  const values = columns.split(",").map((column) => `value ->> '${column}'`).join(",");
  const source = isPostgres(db)
    ? sql`select ${sql.raw(columns)} from json_populate_recordset(null::${sql.raw(table)}, ${json}::json)`
    : sql`select ${sql.raw(values)} from json_each(${json})`;
  await sql`insert into ${sql.raw(table)} (${sql.raw(columns)}) ${source}`.execute(db);
}
