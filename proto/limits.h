/*
 * Every limit of the ledger, in one place: its name, its unit, its reason.
 *
 * At a limit the program refuses, visibly, and stays up. Nothing outside this file may carry a bound as a
 * bare number. Limits marked (format) are part of the published formats and never change under one rules version.
 */
#ifndef PROTO_LIMITS_H
#define PROTO_LIMITS_H

/* Records (format) */
#define RECORD_SIZE_MAX		8192	/* bytes of one encoded record; the fields below allow about 3,600 */
#define TRADE_NO_SIZE_MAX	64	/* bytes, visible ASCII; also adjust_no and voucher_no */
#define CONTRACT_NO_SIZE_MAX	128	/* bytes of UTF-8: contract numbers carry 〔2025〕 and the like */
#define PRODUCT_CODE_SIZE_MAX	64	/* bytes of UTF-8 */
#define PRODUCT_NAME_SIZE_MAX	200	/* bytes of UTF-8 */
#define PARTY_NAME_SIZE_MAX	200	/* bytes of UTF-8 */
#define REASON_CODE_SIZE_MAX	32	/* bytes, visible ASCII */
#define REASON_SIZE_MAX		500	/* bytes of UTF-8 */
#define INVOICE_COUNT_MAX	8	/* invoice numbers of one trade */
#define INSTALMENT_MAX		9999	/* number of a settlement within its contract */
#define AMOUNT_FEN_MAX		10000000000000ULL	/* 10^13 fen = 100 billion yuan: amount or tax of one record */
#define DATE_YEAR_MIN		1990
#define DATE_YEAR_MAX		2099

/* Feeds and pushes (format) */
#define PUSH_RECORDS_MAX	65536	/* records of one push: a quarter of a second of work */
#define PUSH_SIZE_MAX		(24u << 20)	/* bytes of one push body */
#define PUSH_ARENA_MAX		(192u << 20)	/* bytes one decoded push may take in memory */
#define VENUE_ID_SIZE_MAX	32	/* bytes: lower-case letters, digits, '-' */
#define VENUE_NAME_SIZE_MAX	200	/* bytes of UTF-8 */
#define VENUES_MAX		1024	/* licensed venues of one ledger; Shandong has 16 */
#define VENUE_KEYS_MAX		8	/* keys of one venue that are valid at a time */
#define VENUE_KEYS_EVER_MAX	64	/* keys one venue ever has, those revoked among them */
#define FEED_GENERATIONS_MAX	1000

/* Entries and the ledger (format) */
#define ENTRY_SIZE_MAX		65535	/* bytes: what a C2SP entry bundle can carry */
#define ORIGIN_SIZE_MAX		128	/* bytes of a ledger's origin */
#define FEED_ORIGIN_SIZE_MAX	(VENUE_ID_SIZE_MAX + 1 + 16 + 1 + 10)
#define LEDGER_ID_SIZE		16	/* hex digits */
#define CONTINUED_ENTRY_SIZE_MAX 32768	/* bytes of the genesis entry that a genesis carries: in base64 it must fit the text */
#define CONTINUED_LEDGERS_MAX	8	/* a ledger and those before it; each genesis carries the one before by a third larger */
#define SALT_SIZE		16	/* bytes */
#define TREE_SIZE_MAX		(1ULL << 53)	/* leaves: a JSON number holds it exactly */
#define TREE_DEPTH_MAX		64	/* hashes of a frontier or of an inclusion path */
#define PROOF_HASHES_MAX	128	/* hashes of a consistency proof (C2SP allows 63 in add-checkpoint) */
#define TILE_HEIGHT		8	/* levels of one tile */
#define TILE_WIDTH		256	/* hashes of one full tile */

/* Notes and keys (format) */
#define KEY_NAME_SIZE_MAX	128	/* bytes */
#define NOTE_TEXT_SIZE_MAX	60000	/* bytes: an order with its note must fit an entry */
#define NOTE_SIZE_MAX		65000	/* bytes, text and signatures together */
#define NOTE_SIGNATURES_MAX	32	/* signature lines; C2SP asks for at least 16 */
#define LOG_KEYS_MAX		2	/* checkpoint keys, and claim keys, of one ledger that are valid at a time */
#define LOG_KEYS_EVER_MAX	64	/* keys one ledger ever has, those retired among them */
#define LOG_KEY_CHANGES_MAX	4	/* keys one order adds, or retires */
#define CHECKPOINT_SIZE_MAX	8192	/* bytes of a checkpoint note with its cosignatures */

/* Policy files: whose cosignatures are asked for (C2SP asks for at least 32 each) */
#define TRUST_SIZE_MAX		65536	/* bytes of one file */
#define TRUST_LOGS_MAX		32
#define TRUST_WITNESSES_MAX	32	/* a note carries no more lines; and with the groups they are one word of bits */
#define TRUST_GROUPS_MAX	32
#define TRUST_URL_SIZE_MAX	512	/* bytes */

/* Cosignatures of a daemon's published heads */
#define COSIGNATURES_MAX	(NOTE_SIGNATURES_MAX - 2)	/* of one head; the other lines are for the ledger's own keys */
#define COSIGNATURES_SIZE_MAX	CHECKPOINT_SIZE_MAX	/* bytes of one body that brings some */
#define WITNESS_INTERVAL_S	5	/* between two published heads, where the configuration does not say */
#define WITNESS_INTERVAL_MAX_S	3600
#define WITNESS_TIMEOUT_S	30	/* that a candidate waits for its quorum, likewise */
#define WITNESS_TIMEOUT_MAX_S	86400

/* Orders (format) */
#define ORDER_ID_SIZE_MAX	64	/* bytes, visible ASCII */
#define ORDER_BODY_SIZE_MAX	49152	/* bytes: note and item lines together, 48 KiB */
#define ORDER_ITEMS_MAX		1000	/* items of one order */
#define ORDER_EXPIRY_DAYS_MAX	30	/* an order left in a drawer must not act years later */
#define OFFICERS_MAX		64	/* officers in office */
#define OFFICER_KEYS_MAX	4	/* keys of one officer */
#define OFFICER_NAME_SIZE_MAX	64	/* bytes */
#define QUORUM_SLOTS_MAX	8	/* signatures one order type may ask for */
#define LISTS_MAX		16	/* lists one enterprise may be on */
#define LIST_NAME_SIZE_MAX	32	/* bytes: lower-case letters, digits, '-', '_' */
#define RELATE_TRADES_MAX	100000	/* past trades one relation may re-file; more is refused with the count */
#define RELATE_WALK_MAX		1000000	/* chain entries read to find them */
#define DISTRUST_SLICE_MAX	10000	/* trades one command may hold for a distrusted key: half a second of work on a busy machine */
#define GRANT_HOLDER_SIZE_MAX	128	/* bytes of UTF-8 */
#define GRANT_YEARS_MAX		5	/* an access code lives at most this long */

/* Policies (format) */
#define POLICY_ID_SIZE_MAX	64	/* bytes: letters, digits, '-', '.', '_' */
#define POLICY_TEXT_SIZE_MAX	200	/* bytes of title and basis */
#define POLICY_VENUES_MAX	64
#define POLICY_TIERS_MAX	32
#define POLICY_YEARS_MAX	20	/* calendar years a window may touch */
#define POLICY_INSTALMENTS_MAX	12
#define POLICIES_MAX		64	/* policies one ledger holds in force (one per name) */
#define RATE_PPM_MAX		10000000	/* ten times the volume: more is a slip of the pen */

/* JSON */
#define JSON_DEPTH_MAX		16

/* Network */
#define HTTP_HEADERS_SIZE_MAX	16384	/* bytes */
#define HTTP_FEED_BODY_MAX	PUSH_SIZE_MAX
#define HTTP_FEED_OPEN_BODY_MAX	(1u << 20)	/* feed listener open to the world without client certificates */
#define HTTP_PUBLIC_BODY_MAX	65536
#define HTTP_READING_MAX	(96u << 20)	/* bytes of bodies being read at a time, all connections together */
#define HTTP_IDLE_TIMEOUT_S	30
#define HTTP_REQUEST_TIMEOUT_S	120	/* from the first byte of a request to its last */
#define HTTP_HANDSHAKE_TIMEOUT_S 10
#define HTTP_CONNECTIONS_MAX	1024
#define HTTP_CONNECTIONS_PER_ADDRESS_MAX 256
#define HTTP_TARGET_SIZE_MAX	2048	/* bytes of path and query */
#define PAGE_ROWS_MAX		1000	/* rows of one answer page */
#define PAGE_ROWS_DEFAULT	100
#define RECORDS_PAGE_SIZE_MAX	(1u << 20)	/* bytes of records in one answer page */
#define STATEMENT_PAGE_SIZE_MAX	(1u << 20)	/* bytes of rows, as JSON, in one page of a statement or of acts */
#define ACTS_WALK_MAX		4096	/* orders one page of acts looks at; most have items and are none */
#define ERRORS_REPORTED_MAX	1000	/* record errors listed in one refusal; the count is always whole */
#define AS_OF_WALK_MAX		1000000	/* chain entries one answer may read */
#define OVERVIEW_SCAN_MAX	2000000	/* newest entries searched for equal contract hashes */
#define OVERVIEW_SHARED_MAX	100	/* shared contracts one overview lists */

/* Running */
#define WORKERS_MAX		16
#define BULK_NICE		10	/* steps of nice(2) that threads with long work come after those that answer */
#define JOBS_WAITING_MAX	256	/* jobs queued for the workers, short and long ones each; a further one is answered 503 */
#define ANSWERS_KEPT_MAX	8192	/* enterprises of which answers are remembered */
#define ANSWERS_SIZE_MAX	(32u << 20)	/* bytes of all these; an answer has about 10 KB */
#define ANSWER_KEPT_SIZE_MAX	(256u << 10)	/* bytes of one text; a longer one is made anew each time */
#define GROUP_RECORDS_MAX	65536	/* records of one commit */
#define SPARE_SIZE_MAX		((size_t)64 << 20) /* bytes of memory that is kept for the pushes to come */
#define SCRIBE_RECORDS_MIN	1000	/* records of a push whose entries another thread makes; fewer are made sooner than it wakes */
#define UNFOLDED_MAX		16384	/* entries that the stored cells may lack: to read them all takes 20 to 40 ms */
#define GROUP_SIZE_MAX		(32u << 20)	/* bytes of one commit */
#define COMMANDS_WAITING_MAX	256	/* commands queued for the writer */
#define DISTRUST_LOOK_MAX	50000	/* records and pushes the writer looks at for one slice of a distrusted key */
#define FEED_WAITING_MAX	1	/* pushes of one feed that wait behind the one in work */
#define MAP_SIZE_MAX		(1ULL << 40)	/* bytes: default of ledger.map_size where the system allows it */
#define MAP_SIZE_MIN		(64ULL << 20)
#define STORE_OVERLAY_MAX	(64u << 20)	/* bytes of rows that write transactions keep in memory, to write each once a commit */
/* Room of map and disk: short is a warning, what a group needs and less than the reserve is read-only (gate.h). */
#define ROOM_SHORT		(2ULL << 30)	/* bytes: the largest group still fits */
#define ROOM_SHORT_SHARE	8	/* of a smaller map this part */
#define ROOM_OWED_SHARE		4	/* of the room this part may be owed to rows that are written later */
#define ROOM_RESERVE		(16u << 20)	/* bytes that are left whatever is written: LMDB's own lists of free pages */
#define ROOM_PER_BYTE		8	/* bytes of room asked for per byte of a group: entries, new rows, halves of split pages */
#define ROOM_ROWS_PER_RECORD	6	/* rows a record changes, a copied page each: trade, two parties, two cells, refunds */
#define READERS_MAX		126
#define READERS_KEPT_MAX	(WORKERS_MAX + 2) /* reading transactions kept for the next: each worker, the loop, the writer have one at a time */
#define VERIFY_THREADS_MAX	64	/* threads of one `subsidyd verify`; each holds one of the READERS_MAX readers of either store */
#define VERIFY_AHEAD_MAX	64	/* runs of 256 entries decoded ahead of the replay: about 40 MB */
#define CLOCK_AHEAD_MAX_S	86400	/* a jump ahead beyond this makes the daemon read-only */
#define CLOCK_REST_MAX_S	(30u * 86400)	/* a start believes that the last entry is so old: no holiday is longer */
#define CLOCK_BEHIND_MAX_S	1	/* behind the last entry by more is worth a line of the log */
#define GATE_LOOK_MS		1000	/* between two looks at clock and room while nothing is written */
#define CONTROL_CONNECTIONS_MAX	4	/* of this machine's own commands; one backup at a time is made */
#define CONTROL_IDLE_MAX_S	60	/* of one of them that asks for nothing */
#define CONTROL_MESSAGE_SIZE_MAX (CHECKPOINT_SIZE_MAX + 256) /* bytes: a checkpoint and the word before it */
#define BACKUP_COPY_MAX_S	(6u * 3600)	/* a copy keeps a reader open, and the file grows: 1 TiB at 50 MB/s */
#define CONFIG_LINE_SIZE_MAX	1000
#define KEY_FILE_SIZE_MAX	1024	/* bytes that a private key's file stays below: a name of KEY_NAME_SIZE_MAX and the secret fit */
#define LOG_LINE_SIZE_MAX	2048

/* Client */
#define CSV_FIELD_SIZE_MAX	65536	/* bytes */
#define CSV_ROWS_MAX		2000000	/* rows of one file */
#define CLIENT_PUSH_RECORDS	10000	/* records the client puts into one push */
#define CLIENT_PUSH_SIZE_MAX	(900u << 10) /* bytes of one push body: fits a listener that asks for no certificates */
#define CLIENT_ANSWER_SIZE_MAX	(8u << 20) /* bytes of one answer: a page of records is 1 MiB, in base64 and JSON */
#define CLIENT_CONNECT_TIMEOUT_S 10
#define CLIENT_REQUEST_TIMEOUT_S 150	/* a little above the daemon's own deadline */
#define CLIENT_TRIES_MAX	6	/* of one push; waits of 1, 2, 4 … seconds in between */
#define CLIENT_WAIT_MAX_S	30	/* longest wait between two of them, whatever Retry-After says */
#define CLIENT_STATEMENT_TRIES_MAX 3	/* times the pages of a statement are begun: each end is a restart of the daemon */
#define CLIENT_ERRORS_MAX	100000	/* row errors kept of one file; the count is always whole */
#define MONITOR_INTERVAL_S	10	/* between two rounds of a monitor: a candidate waits for its quorum for 30 s */
#define MONITOR_INTERVAL_MAX_S	86400
#define MONITOR_STALE_S		300	/* without a valid answer, until a monitor gives the alarm */
#define MONITOR_STALE_MAX_S	(30u * 86400)
#define MONITOR_REQUEST_TIMEOUT_S 20	/* of one request: a round is to end */
#define MONITOR_HOOK_TIMEOUT_S	30	/* of the command that an alarm runs; then it is ended */
#define FEEDING_TIMEOUT_S	10	/* of one add-checkpoint: other witnesses are waiting */
#define FEEDING_PAUSE_MAX_S	300	/* longest pause after a witness failed; it begins with two rounds and doubles */
#define PIN_OLDER_MAX		8	/* keys before the present one that are remembered of a ledger; it changes its key once in years */
#define CLIENT_FILE_SIZE_MAX	(2u << 20) /* bytes of a key, note, policy or receipt file */
#define STATEMENT_FILES_MAX	AS_OF_WALK_MAX	/* entries of a statement, and its acts: as many as an answer may read */
#define STATEMENT_KEPT_MAX	(1u << 30) /* bytes of trades' entries that checking a statement keeps in memory */

#endif
