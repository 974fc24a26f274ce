/**
 * The rows of the control database, a type for each table. The functions that read and write them are in the file of
 * the table's name. Types only. Times are epoch milliseconds in UTC.
 */

export interface AccountRow {
  username: string;
  /** PHC string with the parameters of its scrypt. */
  password_hash: string;
  email: string | null;
  status: "active" | "suspended";
  created_at: number;
  /** What is done with the account's non-delivery reports; the share is of `limit`, null: the policy's parameter. */
  ndr_choice: "count" | "limit" | "refuse";
  ndr_share_percent: number | null;
  /** The operator has released the account from the brake until then. */
  brake_released_until: number | null;
  /** 1: its notices go to `email`, too. */
  notice_mail: number;
  /** From 1, one more with each change of the row. */
  version: number;
}

/** A key of an account for the HTTP API. */
export interface ApiKeyRow {
  id: string;
  username: string;
  label: string;
  /** SHA-256 in hex; the key itself is nowhere. */
  key_hash: string;
  /** Names with a space between. */
  scopes: string;
  created_at: number;
  /** To the minute; null: not yet. */
  last_used_at: number | null;
}

/** A further password of an account for SMTP. */
export interface AppPasswordRow {
  id: string;
  username: string;
  label: string;
  /** SHA-256 in hex; the password itself is nowhere. */
  password_hash: string;
  created_at: number;
  /** To the minute, and the client's address then; null: not yet. */
  last_used_at: number | null;
  last_used_from: string | null;
}

/** A token of a machine of relay nodes. */
export interface RelayTokenRow {
  id: string;
  /** The machine, as the operator calls it. */
  label: string;
  /** SHA-256 in hex; the token itself is nowhere. */
  token_hash: string;
  created_at: number;
  /** To the minute; null: not yet. */
  last_used_at: number | null;
}

/** A node that a token of relay nodes has spoken for. */
export interface RelayNodeRow {
  node: string;
  /** Of the machine's token; "": the shared one. */
  label: string;
}

/** A request of the public API that could change something. */
export interface AuditRow {
  id: string;
  at: number;
  /** The key that asked, with its label then; null: the operator. */
  key_id: string | null;
  key_label: string | null;
  method: string;
  /** Without the query. */
  path: string;
  /** Whose things it was about; null: nobody's. */
  account: string | null;
  request_id: string;
  /** As it was answered; null: the process ended before. */
  status: number | null;
}

export interface BlockRow {
  id: string;
  username: string;
  quantity: number;
  purchased_at: number;
  activates_at: number;
  /** From then on the block counts no longer; it may lie ahead. */
  cancelled_at: number | null;
  /** As the buyer named the purchase; null: not at all. */
  idempotency_key: string | null;
}

export interface NetworkRow {
  /** First address as 32 hexadecimal digits, "/", prefix length of 128: an exact key for the longest match. */
  range_key: string;
  /** As people write it. */
  cidr: string;
  username: string;
  created_at: number;
}

/** An account's claim of a domain. */
export interface DomainRow {
  username: string;
  /** Lower-case A-labels without the final dot. */
  domain: string;
  /** Random; proves the claim where the domain's DNS shows it. */
  token: string;
  created_at: number;
  /** null: pending, or lapsed. */
  verified_at: number | null;
  /** When the DNS last gave an answer; null before the first. */
  checked_at: number | null;
  /** Daily looks in a row that did not find the proof. */
  missed_checks: number;
}

/** A key that signs the mail of a claimed domain (RFC 6376). */
export interface DkimKeyRow {
  username: string;
  domain: string;
  algorithm: "rsa-sha256" | "ed25519-sha256";
  /** pending: not seen in the DNS yet; active: signs; retired: signed until another one took its place. */
  state: "pending" | "active" | "retired";
  selector: string;
  /** PKCS #8 in base64; null once it is retired. No public route shows it. */
  private_key: string | null;
  /** As it stands in p= of the record. */
  public_key: string;
  created_at: number;
  /** When it came into its state. */
  changed_at: number;
}

/** An address that failed for good with an account's mail. */
export interface SuppressionRow {
  username: string;
  /** In the form of ../address_key.ts. */
  address_key: string;
  /** As it stood in RCPT. */
  address: string;
  /** The recipient's server's own words. */
  reply: string;
  /** The last message that failed. */
  message_id: string;
  failed_at: number;
}

/** What an account wants of mail to suppressed addresses; accounts without a row have not chosen. */
export interface SuppressionChoiceRow {
  username: string;
  choice: "refuse" | "skip" | "off";
}

/** What an account used of a day: the sum of its reservations that are not refunded. */
export interface UsageRow {
  username: string;
  day: string;
  used: number;
  /** Of these, for non-delivery reports. */
  ndr: number;
  /** Of these, leased by nodes and not settled yet. */
  leased: number;
  /** When somebody was refused what a lease holds, epoch ms; 0: never. */
  wanted_at: number;
}

/** An account's recipients of a day. */
export interface ActivityRow {
  username: string;
  day: string;
  /** Distinct ones, by the sketch. */
  recipients: number;
  /** Those whose fate is known, and of these, those refused for good. */
  outcomes: number;
  refused: number;
  sketch: Uint8Array;
}

export interface ReservationRow {
  id: string;
  username: string;
  day: string;
  relays: number;
  /** 1: for a non-delivery report. */
  ndr: number;
  /** 1: a lease, whose relays are spent on messages bit by bit. */
  lease: number;
  /** Of a lease: relays of the messages that were settled with it. */
  settled: number;
  node: string;
  boot: string;
  /** `refunded` with nothing reserved before is a tombstone: that id is never granted. */
  state: "reserved" | "settled" | "refunded";
}

/** Where a recipient stands; the last five are final. */
export type RecipientStatus =
  | "queued"
  | "deferred"
  | "held"
  | "delivered"
  | "bounced"
  | "expired"
  | "skipped"
  | "deleted";

/** A message's status, made from those of its recipients; the rule stands in messages.ts. */
export type MessageStatus = RecipientStatus | "partial";

export interface MessageRow {
  id: string;
  account: string;
  /** Reverse path; "" for the null one. */
  sender: string;
  /** In the form of ../address_key.ts. */
  sender_key: string;
  received_at: number;
  size_bytes: number;
  relays: number;
  /** The Message-ID field as it stood in the header. */
  message_id_field: string | null;
  node: string;
  status: MessageStatus;
}

export interface RecipientRow {
  message_id: string;
  /** Place in the order of RCPT, from 0. */
  n: number;
  address: string;
  /** In the form of ../address_key.ts. */
  address_key: string;
  status: RecipientStatus;
  /** Those of its message, for the index by address. */
  account: string;
  received_at: number;
}

export interface EventRow {
  message_id: string;
  id: string;
  at: number;
  type: string;
  /** JSON of what is particular to the type. */
  detail: string;
}

/** A policy module that was loaded. */
export interface PolicyModuleRow {
  /** SHA-256 of the octets, in hex. */
  hash: string;
  octets: Uint8Array;
  loaded_at: number;
  /** When it last failed while it was active; null: never. */
  failed_at: number | null;
}

/** What holds from a change of the policy on. */
export interface PolicyChangeRow {
  /** From 1, each one more than the one before. */
  version: number;
  at: number;
  /** Who changed it: "operator", or a node that reported a fault. */
  who: string;
  what: "beginning" | "activate" | "shadow" | "parameters" | "roll back" | "fault";
  /** In words; null where there are none. */
  detail: string | null;
  /** Hashes; null: the program's own module, no shadow. */
  active: string | null;
  shadow: string | null;
  /** JSON: the parameters that were set, by name. */
  parameters: string;
}

/** What a node decides by. */
export interface PolicyNodeRow {
  node: string;
  version: number;
  module: string;
  shadow: string | null;
  /** Decisions that could not be recorded since it started. */
  dropped: number;
  seen_at: number;
}

export interface PolicyComparisonRow {
  module: string;
  stage: string;
  was: number;
  would: number;
  count: number;
}

export interface DecisionChunkRow {
  id: string;
  node: string;
  from_at: number;
  until_at: number;
  count: number;
  /** JSON of the chunk but for its octets. */
  head: string;
  octets: Uint8Array;
}

export interface NoticeRow {
  id: string;
  at: number;
  /** null: for the operator alone. */
  account: string | null;
  /** What it is about, and the facts as JSON: see ../notice_words.ts. */
  type: string;
  detail: string;
  once: string;
  /** From when on a node may take it to send it as mail; null: there is nothing to send (any more). */
  mail_due_at: number | null;
}

/** A relay node, or a shard that only delivers. */
export interface NodeRow {
  node: string;
  region: string;
  /** Among the nodes of its process; null: a shard without a node. */
  number: number | null;
  /** Of its program. */
  version: string;
  /** Against the control plane's, in ms; null: not compared yet. */
  clock_ahead_ms: number | null;
  /** 1: too far. */
  clocks_apart: number;
  /** Messages that have not ended. */
  queued: number;
  /** Of clients, open when it said so. */
  connections: number;
  /** Messages. */
  in_delivery: number;
  /** Messages in the minute before it said so. */
  accepted_per_minute: number;
  /** The longest delay of its event loop in that minute. */
  loop_delay_ms: number;
  leases_held: number;
  /** Whose the leases are. */
  leases_accounts: number;
  leases_relays_left: number;
  /** 1: it lets no more clients in. */
  draining: number;
  /** 1: the operator wants that. */
  drain_wanted: number;
  seen_at: number;
}

/** Something the operator wants done with queued mail. */
export interface QueueJobRow {
  id: string;
  at: number;
  /** What is to be done, as in the order. */
  work: string;
  /** JSON of a QueueOrder. */
  order: string;
  called_off_at: number | null;
}

export interface QueueJobPartRow {
  job: string;
  node: string;
  /** JSON of how far the node is; null: it has not told of it yet. */
  progress: string | null;
  /** JSON of what it answers; null before it has ended. */
  answer: string | null;
  ended_at: number | null;
}

export interface Database {
  account: AccountRow;
  api_key: ApiKeyRow;
  app_password: AppPasswordRow;
  relay_token: RelayTokenRow;
  relay_node: RelayNodeRow;
  audit: AuditRow;
  block: BlockRow;
  network: NetworkRow;
  domain: DomainRow;
  dkim_key: DkimKeyRow;
  suppression: SuppressionRow;
  suppression_choice: SuppressionChoiceRow;
  usage: UsageRow;
  activity: ActivityRow;
  reservation: ReservationRow;
  message: MessageRow;
  recipient: RecipientRow;
  event: EventRow;
  policy_module: PolicyModuleRow;
  policy_change: PolicyChangeRow;
  policy_node: PolicyNodeRow;
  policy_comparison: PolicyComparisonRow;
  decision_chunk: DecisionChunkRow;
  notice: NoticeRow;
  node: NodeRow;
  queue_job: QueueJobRow;
  queue_job_part: QueueJobPartRow;
}
