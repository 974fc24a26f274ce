/** What either engine opens. */
import type { Kysely } from "kysely";
import type { Database } from "./schema.ts";

export interface ControlDatabase extends AsyncDisposable {
  readonly db: Kysely<Database>;
  /** Resolves when everything committed before the call is on stable storage. @throws Error of the file system. */
  sync(): Promise<void>;
}
