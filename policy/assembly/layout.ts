/**
 * The memory that the host and a module share: the host writes parameters and facts, calls, reads the verdict. It is a
 * part of the ABI (policy/ABI.md): fields may be added in the gaps, and none is ever moved or given another meaning.
 *
 * Every field is one little-endian f64 (whole numbers up to 2^53 are exact; a yes or no is 1 or 0). Offsets count from
 * where the module says that its shared memory begins (`base`). In our own module nothing else lives there: it has no
 * statics and no heap (MEMORY_BASE keeps both away).
 *
 *   offset  field                     unit
 *   ------  parameters                ------------------------------------------------------------------------------
 *        0  RELAYS_PER_BLOCK          relays a day
 *        8  PRICE_STEP_BYTES          octets: each full step costs one relay more for a recipient
 *       16  MAX_SIZE_BYTES            octets
 *       24  MAX_RECIPIENTS            recipients of one message
 *       32  MAX_RECEIVED_FIELDS       fields
 *       40  MAX_CONNECTIONS           open connections
 *       48  MAX_ADDRESS_CONNECTIONS   open connections from one address
 *       56  MAX_LOGIN_FAILURES        failed logins within the window
 *       64  LOGIN_WINDOW_MS           ms
 *       72  CLAIMED_DOMAINS_ONLY      yes or no
 *       80  NDR_DEFAULT_PERCENT       percent of the day's relays, where an account has no share of its own
 *       88  BRAKE_HABIT_DAYS          days with mail that make a habit
 *       96  BRAKE_FLOOR_RELAYS        relays of a day that are never too many
 *      104  BRAKE_RELAYS_PERCENT      percent of the habit's relays
 *      112  BRAKE_FLOOR_RECIPIENTS    distinct recipients of a day that are never too many
 *      120  BRAKE_RECIPIENTS_PERCENT  percent of the habit's distinct recipients
 *      128  BRAKE_FLOOR_REFUSED       refused recipients of a day that are never too many
 *      136  BRAKE_REFUSED_PERCENT     percent of the day's recipients, above the habit's
 *   ------  facts                     read at: Connection, Login, Mail, Recipient, mesSage, Author, Quota --------------
 *      256  NOW                       - - M R - - Q  epoch ms
 *      264  OPEN_CONNECTIONS          C - - - - - -  connections, this one included
 *      272  ADDRESS_CONNECTIONS       C - - - - - -  connections from its address, this one included
 *      280  ACCOUNT_FAILURES          - L - - - - -  failed logins of the username
 *      288  ACCOUNT_FAILURES_AGE      - L - - - - -  ms since the first of them
 *      296  PREFIX_FAILURES           - L - - - - -  failed logins from the client's address prefix
 *      304  PREFIX_FAILURES_AGE       - L - - - - -  ms since the first of them
 *      312  KNOWN_PLACE               - L - - - - -  yes or no: the username logged in from that prefix before
 *      320  CREDENTIALS               - L - - - - -  Credentials
 *      328  AUTHENTICATED             - - M R - - Q  yes or no: there is an account
 *      336  SUSPENDED                 - - M R - - Q  yes or no
 *      344  USED_DAY                  - - M R - - -  days since 1970-01-01: the day that USED and …_TODAY belong to
 *      352  USED                      - - M R - - Q  relays
 *      360  LIMIT                     - - - - - - Q  relays: the cap that the counter store compared with
 *      368  NEED                      - - - - - - Q  relays
 *      376  GRANTED                   - - - - - - Q  yes or no
 *      384  SIZE_BYTES                - - M R S - -  octets, 0 where not declared; read by `price` too
 *      392  RECIPIENTS                - - M R - - -  recipients so far, without this one; all of them for `price`
 *      400  DOMAIN_EXISTENCE          - - M R - - -  Existence, of the sender's or the recipient's domain
 *      408  DOMAIN_MX                 - - M R - - -  Mx
 *      416  DOMAIN_ADDRESS            - - M R - - -  Address
 *      424  DOMAIN_OWNERSHIP          - - M - - A -  Ownership, of the reverse path's domain or of an author's
 *      432  RECEIVED_FIELDS           - - - - S - -  fields
 *      440  FROM_FIELDS               - - - - S - -  fields
 *      448  BARE_LINE_ENDINGS         - - - - S - -  yes or no
 *      456  HEADER_TOO_LONG           - - - - S - -  yes or no
 *      464  FROM_TOO_LONG             - - - - S - -  yes or no
 *      472  NULL_REVERSE_PATH         - - - - S - -  yes or no; this and the next three are read by `ndr` too
 *      480  REPORT_TYPE               - - - - S - -  ReportType
 *      488  AUTO_SUBMITTED            - - - - S - -  AutoSubmitted
 *      496  FAILED_RECIPIENTS_FIELD   - - - - S - -  yes or no
 *      504  NDR_CHOICE                - - - - S - Q  NdrChoice; this and the next are read by `ndrCap` too
 *      512  NDR_SHARE_PERCENT         - - - - - - Q  percent of the day's relays; 0: none of its own
 *      520  NDR                       - - - - - - Q  yes or no: the reservation is for a non-delivery report
 *      528  NDR_USED                  - - - - - - Q  relays, a part of USED
 *      536  NDR_LIMIT                 - - - - - - Q  relays: the cap that the counter store compared with
 *      544  RECIPIENTS_TODAY          - - M R - - -  distinct recipients of the day, about
 *      552  OUTCOMES_TODAY            - - M R - - -  recipients of the day whose fate is known
 *      560  REFUSED_TODAY             - - M R - - -  of these, refused by their servers for good
 *      568  HABIT_DAYS                - - M R - - -  days with mail among those that the habit is taken from
 *      576  HABIT_RELAYS              - - M R - - -  relays of the busiest of them
 *      584  HABIT_RECIPIENTS          - - M R - - -  distinct recipients of the busiest of them
 *      592  HABIT_REFUSED_PERCENT     - - M R - - -  percent refused over all of them
 *      600  BRAKE_RELEASED_UNTIL      - - M R - - -  epoch ms; 0: not released
 *      608  BLOCK_COUNT               - - M R - - Q  entries in BLOCKS
 *      616  RECIPIENT_SUPPRESSED      - - - R - - -  yes or no: it failed for good before, and the account wants it refused
 *   ------  verdict                   written only where its reason carries it (the reason is the call's result) ------
 *     1024  VERDICT_LIMIT             relays, octets, recipients, fields, connections, percent: as the reason says
 *     1032  VERDICT_USED              the same
 *     1040  VERDICT_NEED              QuotaExceeded, NdrShareExceeded: relays
 *     1048  VERDICT_RESETS_AT         QuotaExceeded, NdrShareExceeded, Braked: epoch ms
 *     1056  VERDICT_ACTIVATES_AT      BlockPending, QuotaExceeded: epoch ms, or NEVER
 *     1064  VERDICT_RECORD            SenderNoUsableRecord: SenderRecord
 *     1072  VERDICT_WAIT_MS           TooManyFailedLogins: ms
 *     1080  VERDICT_MEASURE           Braked: BrakeMeasure
 *   ------  blocks                    BLOCK_COUNT entries of BLOCK_STRIDE ----------------------------------------------
 *     1280  BLOCK_QUANTITY            blocks
 *     1288  BLOCK_ACTIVATES_AT        epoch ms
 *   66,816  MEMORY_BASE               end of what is shared
 *
 * Read by both sides: AssemblyScript compiles it into the module, the host imports the same file.
 */

export const RELAYS_PER_BLOCK = 0;
export const PRICE_STEP_BYTES = 8;
export const MAX_SIZE_BYTES = 16;
export const MAX_RECIPIENTS = 24;
export const MAX_RECEIVED_FIELDS = 32;
export const MAX_CONNECTIONS = 40;
export const MAX_ADDRESS_CONNECTIONS = 48;
export const MAX_LOGIN_FAILURES = 56;
export const LOGIN_WINDOW_MS = 64;
export const CLAIMED_DOMAINS_ONLY = 72;
export const NDR_DEFAULT_PERCENT = 80;
export const BRAKE_HABIT_DAYS = 88;
export const BRAKE_FLOOR_RELAYS = 96;
export const BRAKE_RELAYS_PERCENT = 104;
export const BRAKE_FLOOR_RECIPIENTS = 112;
export const BRAKE_RECIPIENTS_PERCENT = 120;
export const BRAKE_FLOOR_REFUSED = 128;
export const BRAKE_REFUSED_PERCENT = 136;

export const NOW = 256;
export const OPEN_CONNECTIONS = 264;
export const ADDRESS_CONNECTIONS = 272;
export const ACCOUNT_FAILURES = 280;
export const ACCOUNT_FAILURES_AGE = 288;
export const PREFIX_FAILURES = 296;
export const PREFIX_FAILURES_AGE = 304;
export const KNOWN_PLACE = 312;
export const CREDENTIALS = 320;
export const AUTHENTICATED = 328;
export const SUSPENDED = 336;
export const USED_DAY = 344;
export const USED = 352;
export const LIMIT = 360;
export const NEED = 368;
export const GRANTED = 376;
export const SIZE_BYTES = 384;
export const RECIPIENTS = 392;
export const DOMAIN_EXISTENCE = 400;
export const DOMAIN_MX = 408;
export const DOMAIN_ADDRESS = 416;
export const DOMAIN_OWNERSHIP = 424;
export const RECEIVED_FIELDS = 432;
export const FROM_FIELDS = 440;
export const BARE_LINE_ENDINGS = 448;
export const HEADER_TOO_LONG = 456;
export const FROM_TOO_LONG = 464;
export const NULL_REVERSE_PATH = 472;
export const REPORT_TYPE = 480;
export const AUTO_SUBMITTED = 488;
export const FAILED_RECIPIENTS_FIELD = 496;
export const NDR_CHOICE = 504;
export const NDR_SHARE_PERCENT = 512;
export const NDR = 520;
export const NDR_USED = 528;
export const NDR_LIMIT = 536;
export const RECIPIENTS_TODAY = 544;
export const OUTCOMES_TODAY = 552;
export const REFUSED_TODAY = 560;
export const HABIT_DAYS = 568;
export const HABIT_RELAYS = 576;
export const HABIT_RECIPIENTS = 584;
export const HABIT_REFUSED_PERCENT = 592;
export const BRAKE_RELEASED_UNTIL = 600;
export const BLOCK_COUNT = 608;
export const RECIPIENT_SUPPRESSED = 616;

export const VERDICT_LIMIT = 1024;
export const VERDICT_USED = 1032;
export const VERDICT_NEED = 1040;
export const VERDICT_RESETS_AT = 1048;
export const VERDICT_ACTIVATES_AT = 1056;
export const VERDICT_RECORD = 1064;
export const VERDICT_WAIT_MS = 1072;
export const VERDICT_MEASURE = 1080;

export const BLOCK_QUANTITY = 1280;
export const BLOCK_ACTIVATES_AT = 1288;
export const BLOCK_STRIDE = 16;
/** Entries: purchases of one account that count or will; 4096 fill one page of memory and bound one decision's time. */
export const MAX_BLOCKS = 4096;

export const MEMORY_BASE = 66816;
/** Pages of 64 KiB: the least that holds MEMORY_BASE. The module can neither have nor ask for more. */
export const MEMORY_PAGES = 2;

/** In VERDICT_ACTIVATES_AT: no pending block that matters. No moment is negative. */
export const NEVER = -1;
/** Of this layout and of the exported functions; a module says which one it keeps. */
export const ABI_VERSION = 1;
