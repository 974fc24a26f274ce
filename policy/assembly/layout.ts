/**
 * The memory that the host and the module share: the host writes parameters and facts, calls, reads the verdict.
 *
 * Every field is one little-endian f64 (whole numbers up to 2^53 are exact; a yes or no is 1 or 0), so the same source
 * runs on a DataView too. Nothing else lives here: the module has no statics and no heap (MEMORY_BASE keeps both away).
 *
 *   offset  field                 unit
 *   ------  parameters            ----------------------------------------------------------------------------
 *        0  RELAYS_PER_BLOCK      relays a day
 *        8  PRICE_STEP_BYTES      octets: each full step costs one relay more for a recipient
 *       16  MAX_SIZE_BYTES        octets
 *       24  MAX_RECIPIENTS        recipients of one message
 *       32  MAX_RECEIVED_FIELDS   fields
 *   ------  facts                 which entry point reads them: Mail, Recipient, mesSage, Quota, Author
 *       64  NOW                   M R - Q -  epoch ms
 *       72  AUTHENTICATED         M - - - -  yes or no
 *       80  SUSPENDED             M R - Q -  yes or no
 *       88  USED_DAY              M R - - -  days since 1970-01-01: the day that USED belongs to
 *       96  USED                  M R - Q -  relays
 *      104  LIMIT                 - - - Q -  relays: the cap that the counter store compared with
 *      112  NEED                  - - - Q -  relays
 *      120  GRANTED               - - - Q -  yes or no
 *      128  SIZE_BYTES            M R S - -  octets, 0 where not declared
 *      136  RECIPIENTS            - R - - -  recipients so far, without this one
 *      144  RECEIVED_FIELDS       - - S - -  fields
 *      152  FROM_FIELDS           - - S - -  fields
 *      160  BARE_LINE_ENDINGS     - - S - -  yes or no
 *      168  DOMAIN_EXISTENCE      M R - - -  Existence, of the sender's or the recipient's domain
 *      176  DOMAIN_MX             M R - - -  Mx
 *      184  DOMAIN_ADDRESS        M R - - -  Address
 *      192  BLOCK_COUNT           M R - Q -  entries in BLOCKS
 *      200  DOMAIN_OWNERSHIP      M - - - A  Ownership, of the reverse path's domain or of an author's
 *      208  HEADER_TOO_LONG       - - S - -  yes or no
 *      216  FROM_TOO_LONG         - - S - -  yes or no
 *   ------  verdict               written only where its reason carries it (the reason is the call's result)
 *      256  VERDICT_LIMIT         QuotaExceeded: relays; MessageTooBig: octets; TooMany…: recipients, fields
 *      264  VERDICT_USED          QuotaExceeded: relays
 *      272  VERDICT_NEED          QuotaExceeded: relays
 *      280  VERDICT_RESETS_AT     QuotaExceeded: epoch ms
 *      288  VERDICT_ACTIVATES_AT  BlockPending, QuotaExceeded: epoch ms, or NEVER
 *      296  VERDICT_RECORD        SenderNoUsableRecord: SenderRecord
 *   ------  blocks                BLOCK_COUNT entries of BLOCK_STRIDE
 *      512  BLOCK_QUANTITY        blocks
 *      520  BLOCK_ACTIVATES_AT    epoch ms
 *   66,048  MEMORY_BASE           end of what is shared
 *
 * Read by both sides: AssemblyScript compiles it into the module, `policy/mod.ts` imports the same file.
 */

export const RELAYS_PER_BLOCK = 0;
export const PRICE_STEP_BYTES = 8;
export const MAX_SIZE_BYTES = 16;
export const MAX_RECIPIENTS = 24;
export const MAX_RECEIVED_FIELDS = 32;

export const NOW = 64;
export const AUTHENTICATED = 72;
export const SUSPENDED = 80;
export const USED_DAY = 88;
export const USED = 96;
export const LIMIT = 104;
export const NEED = 112;
export const GRANTED = 120;
export const SIZE_BYTES = 128;
export const RECIPIENTS = 136;
export const RECEIVED_FIELDS = 144;
export const FROM_FIELDS = 152;
export const BARE_LINE_ENDINGS = 160;
export const DOMAIN_EXISTENCE = 168;
export const DOMAIN_MX = 176;
export const DOMAIN_ADDRESS = 184;
export const BLOCK_COUNT = 192;
export const DOMAIN_OWNERSHIP = 200;
export const HEADER_TOO_LONG = 208;
export const FROM_TOO_LONG = 216;

export const VERDICT_LIMIT = 256;
export const VERDICT_USED = 264;
export const VERDICT_NEED = 272;
export const VERDICT_RESETS_AT = 280;
export const VERDICT_ACTIVATES_AT = 288;
export const VERDICT_RECORD = 296;

export const BLOCK_QUANTITY = 512;
export const BLOCK_ACTIVATES_AT = 520;
export const BLOCK_STRIDE = 16;
/** Entries: purchases of one account that count or will; 4096 fill one page of memory and bound one decision's time. */
export const MAX_BLOCKS = 4096;

export const MEMORY_BASE = 66048;
/** Pages of 64 KiB: the least that holds MEMORY_BASE. The module can neither have nor ask for more. */
export const MEMORY_PAGES = 2;

/** In VERDICT_ACTIVATES_AT: no pending block that matters. No moment is negative. */
export const NEVER = -1;
