/*
 * A ledger in a temporary folder for tests: officers, orders, signed pushes, applied straight through check and fold,
 * with times that the test gives. What the daemon does between the network and the disk, without either thread.
 */
#ifndef TESTS_UNIT_LEDGER_FIXTURE_H
#define TESTS_UNIT_LEDGER_FIXTURE_H

#include "order_fixture.h"

#include <sys/stat.h>
#include <unistd.h>

#include "daemon/fold.h"
#include "proto/date.h"

/* A test that needs more says so before it includes this. */
#ifndef LEDGER_MAP_SIZE
#define LEDGER_MAP_SIZE (64u << 20)
#endif
#ifndef LEDGER_PUSH_RECORDS
#define LEDGER_PUSH_RECORDS 600
#endif
#define LEDGER_TODAY 20261124u
#define LEDGER_NOW_US date_start_us(LEDGER_TODAY)
#define LEDGER_NOTE_MAX NOTE_SIZE_MAX

/* The last is Li's second key: whoever signs with it has signed as Li. */
enum { OFFICER_LI, OFFICER_WANG, OFFICER_ZHAO, OFFICER_SUN, OFFICER_LI_SPARE, LEDGER_SIGNERS };
#define LEDGER_OFFICERS OFFICER_LI_SPARE

struct ledger_fixture {
	char folder[64];
	struct store *store;
	struct store_txn *txn;		/* a write transaction, open all the time */
	struct ledger ledger;
	uint64_t now_us;
	char ledger_id[LEDGER_ID_SIZE + 1];
	struct signer *ledger_signer;
	struct signer *officers[LEDGER_SIGNERS];
	unsigned order_number;
	struct why why;			/* of the last refusal */
};

static inline struct signer *ledger_make_signer(enum key_type type, const char *name, unsigned number)
{
	struct hash secret = hash_sha256(slice_of(&number, sizeof(number)));
	struct signer *signer;

	assert_int_equal(signer_from_secret(type, slice_text(name), secret.bytes, &signer), OK);
	return signer;
}

/* With one key, or with two. */
static inline json_t *ledger_officer(const struct signer *signer, const struct signer *spare, const char *role)
{
	char vkey[KEY_VKEY_SIZE], spare_vkey[KEY_VKEY_SIZE];

	key_format(signer_key(signer), vkey);
	if (spare != NULL)
		key_format(signer_key(spare), spare_vkey);
	return json_pack(
	    "{s:s,s:s,s:[s,s*]}", "name", signer_key(signer)->name, "role", role, "keys", vkey, spare != NULL ? spare_vkey : NULL);
}

/* The genesis note of these officers, signed by the first `signature_count` of them and then by the ledger. */
static inline void ledger_genesis_note(struct ledger_fixture *fixture, size_t signature_count, bool is_ledger_signed, struct buf *ret_note)
{
	struct signer *signers[LEDGER_SIGNERS];
	uint8_t random[32] = {7};
	char vkey[KEY_VKEY_SIZE];
	struct buf text;
	json_t *draft;

	key_format(signer_key(fixture->ledger_signer), vkey);
	draft = json_pack("{s:s,s:s,s:[o,o,o,o],s:{s:[[s],[s,s]],s:[[s],[s,s]],s:[[s]]}}", "origin", FIXTURE_ORIGIN, "ledger_key", vkey, "officers",
	    ledger_officer(fixture->officers[OFFICER_LI], fixture->officers[OFFICER_LI_SPARE], "clerk"),
	    ledger_officer(fixture->officers[OFFICER_WANG], NULL, "clerk"),
	    ledger_officer(fixture->officers[OFFICER_ZHAO], NULL, "reviewer"),
	    ledger_officer(fixture->officers[OFFICER_SUN], NULL, "leader"),
	    "quorums", "default", "clerk", "reviewer", "leader", "policy.adopt", "clerk", "clerk", "leader", "grant.add:enterprise",
	    "clerk");
	assert_non_null(draft);
	buf_init(&text, LEDGER_NOTE_MAX);
	if (genesis_compose(draft, random, &text, &fixture->why) != OK)
		fail_msg("%s", fixture->why.text);
	json_decref(draft);
	memcpy(signers, fixture->officers, LEDGER_OFFICERS * sizeof(signers[0]));
	if (is_ledger_signed)
		signers[signature_count] = fixture->ledger_signer;
	assert_int_equal(note_sign(buf_slice(&text), signers, signature_count + (is_ledger_signed ? 1 : 0), ret_note), OK);
	buf_done(&text);
}

static inline void ledger_stamp_now(struct ledger_fixture *fixture)
{
	uint8_t seed[32] = {1, 2, 3};
	struct stamp stamp = ledger_stamp(&fixture->ledger, fixture->now_us, seed);

	ledger_begin_command(&fixture->ledger, &stamp);
}

/*
 * A new ledger with its genesis. Quorums: one clerk and one reviewer or leader; for policies a clerk and another clerk or
 * the leader; a clerk alone for enterprises' grants.
 */
static inline void ledger_setup(struct ledger_fixture *fixture)
{
	static const char *const names[LEDGER_SIGNERS] = {"li", "wang", "zhao", "sun", "li"};
	struct ledger_identity identity;
	struct genesis *genesis = malloc(sizeof(*genesis));
	struct buf note;

	memset(fixture, 0, sizeof(*fixture));
	assert_int_equal(key_global_init(), OK);
	snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/subsidyd-test-XXXXXX");
	assert_non_null(mkdtemp(fixture->folder));
	fixture->now_us = LEDGER_NOW_US;
	fixture->ledger_signer = ledger_make_signer(KEY_ED25519, FIXTURE_ORIGIN, 100);
	for (unsigned i = 0; i < LEDGER_SIGNERS; i++)
		fixture->officers[i] = ledger_make_signer(KEY_ED25519, names[i], 200 + i);
	assert_int_equal(store_open(fixture->folder, LEDGER_MAP_SIZE, STORE_CREATE, &fixture->store, &fixture->why), OK);
	assert_int_equal(store_write(fixture->store, &fixture->txn), OK);
	assert_int_equal(ledger_load(&fixture->ledger, fixture->txn), OK);
	buf_init(&note, LEDGER_NOTE_MAX);
	ledger_genesis_note(fixture, LEDGER_OFFICERS, true, &note);
	if (genesis_check(buf_slice(&note), true, genesis, &fixture->why) != OK)
		fail_msg("%s", fixture->why.text);
	ledger_stamp_now(fixture);
	fold_genesis(&fixture->ledger, fixture->txn, buf_slice(&note), genesis);
	ledger_save(&fixture->ledger, fixture->txn);
	assert_int_equal(store_error(fixture->txn), OK);
	assert_int_equal(ledger_read_identity(fixture->txn, &identity), OK);
	snprintf(fixture->ledger_id, sizeof(fixture->ledger_id), "%s", identity.ledger_id);
	buf_done(&note);
	free(genesis);
}

/* Commits what was done, and begins again. */
static inline void ledger_commit(struct ledger_fixture *fixture)
{
	assert_int_equal(store_commit(fixture->txn), OK);
	assert_int_equal(store_write(fixture->store, &fixture->txn), OK);
}

/* Commits what was done and leaves no transaction open: for tests that go on with other means. */
static inline void ledger_leave(struct ledger_fixture *fixture)
{
	assert_int_equal(store_commit(fixture->txn), OK);
	fixture->txn = NULL;
}

static inline void ledger_remove_folder(const char *folder)
{
	static const char *const files[] = {"data.mdb", "lock.mdb", "lock"};
	char path[128];

	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
		unlink(path);
	}
	rmdir(folder);
}

static inline void ledger_teardown(struct ledger_fixture *fixture)
{
	store_abort(fixture->txn);
	store_close(fixture->store);
	ledger_done(&fixture->ledger);
	signer_free(fixture->ledger_signer);
	for (unsigned i = 0; i < LEDGER_SIGNERS; i++)
		signer_free(fixture->officers[i]);
	ledger_remove_folder(fixture->folder);
}

/* A hash over every row of every database: has anything changed? */
static inline struct hash ledger_digest(struct store_txn *txn)
{
	struct hash digest = hash_empty();

	for (unsigned db = 0; db < STORE_DB_COUNT; db++) {
		struct store_cursor cursor;

		store_cursor_open(&cursor, txn, db);
		for (bool is_there = store_cursor_first(&cursor); is_there; is_there = store_cursor_next(&cursor)) {
			struct slice parts[] = {hash_slice(&digest), slice_of(&db, sizeof(db)), cursor.key, cursor.value};

			digest = hash_sha256_parts(parts, 4);
		}
		store_cursor_close(&cursor);
	}
	assert_int_equal(store_error(txn), OK);
	return digest;
}

/* ---- orders */

struct ledger_order {
	enum order_type type;
	json_t *body;			/* taken over; NULL for {} */
	struct slice items[8];
	size_t item_count;
	unsigned signers[LEDGER_SIGNERS + 1];	/* officers, 1 + index; 0 ends */
	/* Zero: as they should be. */
	const char *id, *origin, *ledger_id;
	uint32_t expires;
	uint64_t made_at_size;
};

/* The day of the next command: that of the clock, or of the newest entry where the clock lies behind it. */
static inline uint32_t ledger_today(const struct ledger_fixture *fixture)
{
	uint64_t next_us = fixture->ledger.head.last_time_us + 1;

	return date_of_time(next_us > fixture->now_us ? next_us : fixture->now_us);
}

/* Composes and signs. */
static inline void ledger_order_note(struct ledger_fixture *fixture, const struct ledger_order *order, struct buf *ret_note)
{
	struct signer *signers[LEDGER_SIGNERS];
	char id[32];
	size_t count = 0;
	struct buf text;
	struct order_draft draft = {.type = order->type,
	    .id = order->id != NULL ? order->id : id,
	    .origin = order->origin != NULL ? order->origin : FIXTURE_ORIGIN,
	    .ledger_id = order->ledger_id != NULL ? order->ledger_id : fixture->ledger_id,
	    .expires = order->expires != 0 ? order->expires : ledger_today(fixture),
	    .made_at_size = order->made_at_size != 0 ? order->made_at_size : 1,
	    .body = order->body,
	    .items = order->items,
	    .item_count = order->item_count};

	snprintf(id, sizeof(id), "order-%u", ++fixture->order_number);
	buf_init(&text, FIXTURE_TEXT_MAX);
	if (order_compose(&draft, &text, &fixture->why) != OK)
		fail_msg("%s", fixture->why.text);
	while (order->signers[count] != 0) {
		signers[count] = fixture->officers[order->signers[count] - 1];
		count++;
	}
	assert_int_equal(note_sign(buf_slice(&text), signers, count, ret_note), OK);
	buf_done(&text);
	json_decref(order->body);
}

/* Checks a ready note and, where it may, folds it. */
static inline enum err ledger_apply_note(
    struct ledger_fixture *fixture, struct slice note, const struct slice *items, size_t item_count, uint64_t *ret_index)
{
	struct order_plan plan;
	enum err err;

	order_plan_init(&plan, note, items, item_count);
	err = order_plan_decode(&plan, &fixture->why);
	ledger_stamp_now(fixture);
	if (err == OK)
		err = order_check(&plan, fixture->txn, date_of_time(fixture->ledger.stamp.time_us), &fixture->why);
	if (err == OK)
		*ret_index = plan.is_known ? plan.known_index : fold_order(&fixture->ledger, fixture->txn, &plan);
	ledger_save(&fixture->ledger, fixture->txn);
	assert_int_equal(store_error(fixture->txn), OK);
	order_plan_done(&plan);
	return err;
}

static inline enum err ledger_try_order(struct ledger_fixture *fixture, const struct ledger_order *order, uint64_t *ret_index)
{
	struct buf note;
	enum err err;

	buf_init(&note, LEDGER_NOTE_MAX);
	ledger_order_note(fixture, order, &note);
	err = ledger_apply_note(fixture, buf_slice(&note), order->items, order->item_count, ret_index);
	buf_done(&note);
	return err;
}

static inline uint64_t ledger_order(struct ledger_fixture *fixture, struct ledger_order order)
{
	uint64_t index = 0;

	if (order.signers[0] == 0) {
		order.signers[0] = 1 + OFFICER_LI;
		order.signers[1] = 1 + OFFICER_ZHAO;
	}
	if (ledger_try_order(fixture, &order, &index) != OK)
		fail_msg("%s", fixture->why.text);
	return index;
}

static inline struct signer *ledger_license(struct ledger_fixture *fixture, enum key_type type, const char *venue)
{
	struct signer *signer = ledger_make_signer(type, venue, 300);
	char vkey[KEY_VKEY_SIZE];

	key_format(signer_key(signer), vkey);
	ledger_order(fixture,
	    (struct ledger_order){.type = ORDER_VENUE_LICENSE,
	        .body = json_pack("{s:s,s:s,s:[s]}", "venue", venue, "name", "Exchange", "keys", vkey)});
	return signer;
}

/* An item line with a fixed salt; the buffer owns it. */
static inline struct slice ledger_item(enum order_type type, const struct order_item *item, struct buf *ret_line)
{
	static const uint8_t salt[SALT_SIZE] = {9};

	buf_init(ret_line, FIXTURE_TEXT_MAX);
	assert_int_equal(order_item_format(type, item, salt, ret_line), OK);
	return buf_slice(ret_line);
}

static inline uint64_t ledger_register(struct ledger_fixture *fixture, const char *code, const char *name, const char *list)
{
	struct order_item item = {.code = slice_text(code), .name = slice_text(name)};
	struct ledger_order order = {.type = ORDER_ENTERPRISE_REGISTER, .item_count = 1};
	struct buf line;
	uint64_t index;

	if (list != NULL) {
		item.list_count = 1;
		item.lists[0] = slice_text(list);
	}
	order.items[0] = ledger_item(order.type, &item, &line);
	index = ledger_order(fixture, order);
	buf_done(&line);
	return index;
}

/* A policy of 5 % flat over trades of one venue. */
static inline json_t *ledger_policy(const char *id, int version, const char *venue)
{
	return json_pack("{s:{s:s,s:i,s:s,s:s,s:s,s:{s:s,s:s},s:[s],s:{s:s,s:i},s:{s:s}}}", "policy", "policy", id, "version", version,
	    "status", "assumed", "title", "t", "basis", "b", "window", "from", "2025-01-01", "to", "2026-12-31", "venues", venue,
	    "rate", "type", "flat", "ppm", 50000, "cap", "amount", "300000.00");
}

static inline enum err ledger_try_relate(struct ledger_fixture *fixture, const char *first, const char *second, uint64_t *ret_index)
{
	struct order_item item = {.code = slice_text(first), .second = slice_text(second)};
	struct ledger_order order = {.type = ORDER_ENTERPRISE_RELATE, .item_count = 1, .signers = {1 + OFFICER_LI, 1 + OFFICER_ZHAO}};
	struct buf line;
	enum err err;

	order.items[0] = ledger_item(order.type, &item, &line);
	err = ledger_try_order(fixture, &order, ret_index);
	buf_done(&line);
	return err;
}

/* An order of one item. */
static inline enum err ledger_try_item(
    struct ledger_fixture *fixture, enum order_type type, const struct order_item *item, uint64_t *ret_index)
{
	struct ledger_order order = {.type = type, .item_count = 1, .signers = {1 + OFFICER_LI, 1 + OFFICER_ZHAO}};
	struct buf line;
	enum err err;

	order.items[0] = ledger_item(type, item, &line);
	err = ledger_try_order(fixture, &order, ret_index);
	buf_done(&line);
	return err;
}

/* trade.hold, trade.release or trade.void of one trade. */
static inline enum err ledger_try_trade(struct ledger_fixture *fixture, enum order_type type, const char *venue,
    const char *trade_no, uint64_t *ret_index)
{
	struct order_item item = {
	    .venue = slice_text(venue), .trade_no = slice_text(trade_no), .reason = slice_text("because")};

	return ledger_try_item(fixture, type, &item, ret_index);
}

/* ---- pushes */

/* A trade that is right in every field. */
static inline struct record ledger_trade(const char *trade_no, const char *supplier, const char *buyer, uint64_t amount_fen)
{
	static const uint8_t contract_hash[HASH_SIZE] = {5};
	struct record record = {.kind = RECORD_TRADE};

	record.trade = (struct trade){.trade_no = slice_text(trade_no),
	    .contract_no = slice_text("HT-1"),
	    .contract_hash = slice_of(contract_hash, HASH_SIZE),
	    .contract_kind = CONTRACT_PROVIDE,
	    .product_code = slice_text("P1"),
	    .product_name = slice_text("data"),
	    .product_kind = PRODUCT_DATASET,
	    .supplier = slice_text(supplier),
	    .buyer = slice_text(buyer),
	    .amount_fen = amount_fen,
	    .tax_fen = amount_fen / 10,
	    .instalment = 1,
	    .signed_on = 20250110,
	    .settled_on = 20250215,
	    .voucher_no = slice_text("V1"),
	    .related_declared = DECLARED_NO,
	    .other_subsidy = DECLARED_NOT_STATED};
	return record;
}

static inline struct record ledger_refund(const char *adjust_no, const char *trade_no, uint64_t amount_fen, uint64_t tax_fen)
{
	struct record record = {.kind = RECORD_REFUND};

	record.refund = (struct refund){.adjust_no = slice_text(adjust_no),
	    .original_trade_no = slice_text(trade_no),
	    .amount_fen = amount_fen,
	    .tax_fen = tax_fen,
	    .occurred_on = 20250320,
	    .reason_code = slice_text("R1")};
	return record;
}

struct ledger_push {
	struct signer *signer;
	const char *venue;
	uint64_t start;
	const struct record *records;
	size_t record_count;
	const struct hash *earlier;	/* leaf hashes of the feed before `start` */
	/* Zero: as they should be. */
	const char *origin;
	uint64_t size;
	const struct hash *root;
};

/* The body of a signed push. */
static inline void ledger_push_body(struct ledger_fixture *fixture, const struct ledger_push *push, struct buf *ret_body)
{
	static struct slice slices[LEDGER_PUSH_RECORDS];
	struct push message = {.start = push->start, .record_count = push->record_count, .records = slices};
	struct checkpoint checkpoint = {.size = push->size != 0 ? push->size : push->start + push->record_count};
	struct buf records, text, note;
	struct frontier frontier;
	size_t ends[LEDGER_PUSH_RECORDS + 1] = {0};

	assert_true(push->record_count <= LEDGER_PUSH_RECORDS);
	buf_init(&records, PUSH_SIZE_MAX);
	buf_init(&text, LEDGER_NOTE_MAX);
	buf_init(&note, LEDGER_NOTE_MAX);
	frontier_init(&frontier);
	for (uint64_t i = 0; i < push->start && push->earlier != NULL; i++)
		frontier_append(&frontier, &push->earlier[i]);
	for (size_t i = 0; i < push->record_count; i++) {
		assert_int_equal(record_encode(&push->records[i], &records), OK);
		ends[i + 1] = records.size;
	}
	for (size_t i = 0; i < push->record_count; i++) {
		struct hash leaf;

		slices[i] = slice_of(records.data + ends[i], ends[i + 1] - ends[i]);
		leaf = hash_leaf(slices[i]);
		frontier_append(&frontier, &leaf);
	}
	if (push->origin != NULL)
		snprintf(checkpoint.origin, sizeof(checkpoint.origin), "%s", push->origin);
	else
		feed_origin_format(push->venue, fixture->ledger_id, 1, checkpoint.origin);
	checkpoint.root = push->root != NULL ? *push->root : frontier_root(&frontier);
	checkpoint_format(&checkpoint, &text);
	assert_int_equal(note_sign(buf_slice(&text), &push->signer, 1, &note), OK);
	message.note = buf_slice(&note);
	assert_int_equal(push_encode(&message, ret_body), OK);
	buf_done(&records);
	buf_done(&text);
	buf_done(&note);
}

/* Decodes, checks and folds a push body; *ret_index is that of its push entry, or 0 where all was held. */
static inline enum err ledger_apply_push(struct ledger_fixture *fixture, const char *venue, struct slice body, uint64_t *ret_index)
{
	struct ingest ingest;
	enum err err;

	*ret_index = 0;
	ingest_init(&ingest, venue, body, false);
	err = ingest_decode(&ingest, &fixture->why);
	ledger_stamp_now(fixture);
	if (err == OK)
		err = ingest_check(&ingest, fixture->txn, &fixture->why);
	if (err == OK)
		err = ingest_check_dates(&ingest, date_of_time(fixture->ledger.stamp.time_us), &fixture->why);
	if (err == OK && ingest_new_count(&ingest) > 0)
		*ret_index = fold_push(&fixture->ledger, fixture->txn, &ingest);
	ledger_save(&fixture->ledger, fixture->txn);
	assert_int_equal(store_error(fixture->txn), OK);
	ingest_done(&ingest);
	return err;
}

static inline enum err ledger_try_push(struct ledger_fixture *fixture, const struct ledger_push *push, uint64_t *ret_index)
{
	struct buf body;
	enum err err;

	buf_init(&body, PUSH_SIZE_MAX);
	ledger_push_body(fixture, push, &body);
	err = ledger_apply_push(fixture, push->venue, buf_slice(&body), ret_index);
	buf_done(&body);
	return err;
}

/* A push that contradicts what is held, kept as the writer keeps it; the evidence entry's index. */
static inline uint64_t ledger_conflict(struct ledger_fixture *fixture, const struct ledger_push *push)
{
	struct evidence evidence;
	struct ingest ingest;
	struct buf body;
	uint64_t index;

	buf_init(&body, PUSH_SIZE_MAX);
	ledger_push_body(fixture, push, &body);
	ingest_init(&ingest, push->venue, buf_slice(&body), false);
	assert_int_equal(ingest_decode(&ingest, &fixture->why), OK);
	ledger_stamp_now(fixture);
	assert_int_equal(ingest_check(&ingest, fixture->txn, &fixture->why), ERR_FEED_CONFLICT);
	assert_int_equal(evidence_of_push(&ingest, fixture->txn, &evidence), OK);
	index = fold_evidence(&fixture->ledger, fixture->txn, &evidence);
	assert_int_equal(store_error(fixture->txn), OK);
	ingest_done(&ingest);
	buf_done(&body);
	return index;
}

static inline struct hash ledger_leaf_of(const struct record *record)
{
	struct buf bytes;
	struct hash leaf;

	buf_init(&bytes, RECORD_SIZE_MAX);
	assert_int_equal(record_encode(record, &bytes), OK);
	leaf = hash_leaf(buf_slice(&bytes));
	buf_done(&bytes);
	return leaf;
}

/* Pushes records at the end of a feed of which `earlier` are the leaves. */
static inline uint64_t ledger_push(struct ledger_fixture *fixture, struct signer *signer, const char *venue, struct hash *leaves,
    uint64_t start, const struct record *records, size_t record_count)
{
	struct ledger_push push = {
	    .signer = signer, .venue = venue, .start = start, .records = records, .record_count = record_count, .earlier = leaves};
	uint64_t index;

	if (ledger_try_push(fixture, &push, &index) != OK)
		fail_msg("%s", fixture->why.text);
	for (size_t i = 0; i < record_count; i++)
		leaves[start + i] = ledger_leaf_of(&records[i]);
	return index;
}

/* The entry at an index. */
static inline void ledger_get(struct ledger_fixture *fixture, uint64_t index, struct arena *arena, struct entry *ret_entry)
{
	assert_int_equal(ledger_entry(fixture->txn, index, arena, ret_entry), OK);
}

#endif
