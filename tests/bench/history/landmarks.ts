/** What the searches of the bench are about, found in the database that they are made in. */
import type { Kysely } from "kysely";
import type { Database } from "../../../api/store/schema.ts";
import type { Landmarks } from "../../support/history_searches.ts";

const DAY_MS = 86_400_000;
/** Addresses that mail_history.ts gives a few messages only. */
const RARE = "user%";

export async function landmarksOf(
  db: Kysely<Database>,
  from: number,
  days: number,
): Promise<Landmarks & { readonly middle: NonNullable<Landmarks["middle"]> }> {
  const middle = await db.selectFrom("message").select(["id", "received_at", "message_id_field"])
    .where("received_at", ">=", from + (days / 2) * DAY_MS).orderBy("received_at").orderBy("id").limit(1)
    .executeTakeFirstOrThrow();
  const rare = await db.selectFrom("recipient").select("address")
    .where("message_id", ">=", middle.id).where("address", "like", RARE).orderBy("message_id").limit(1)
    .executeTakeFirstOrThrow();
  return {
    middle: { messageId: middle.id, at: middle.received_at, messageIdField: middle.message_id_field },
    rareRecipient: rare.address,
  };
}
