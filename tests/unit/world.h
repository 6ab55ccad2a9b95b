/*
 * A real ledger in a folder of its own, filled by the fold: orders signed by two officers, pushes signed by venues,
 * each checked as if it had just arrived. Every command is one commit, which stores every cell, or leaves those that have
 * changed in memory.
 */
#ifndef TESTS_UNIT_WORLD_H
#define TESTS_UNIT_WORLD_H

#include "tests/unit/order_fixture.h"

#include <ftw.h>
#include <unistd.h>

#include "daemon/fold.h"
#include "proto/date.h"

#define WORLD_MAP_SIZE (256u << 20)
#define WORLD_START "2026-01-05"
#define WORLD_RECORDS_MAX 4096
#define WORLD_VENUES 3
#define WORLD_YUAN(n) ((uint64_t)(n)*100)

static const char *const world_venues[WORLD_VENUES] = {"qddex", "sddex", "jndex"};

/* What a commit does with the cells that have changed. */
enum world_cells {
	WORLD_STORES,
	WORLD_LEAVES,		/* where a reader can account for what they lack, as the writer does */
	WORLD_LEAVES_WRONGLY	/* whatever came: a damaged ledger */
};

struct world {
	char folder[64];
	enum world_cells cells;
	struct store *store;
	struct signer *officers[2], *ledger_key, *venue_keys[WORLD_VENUES];
	char ledger_id[LEDGER_ID_SIZE + 1];
	uint64_t now_us;
	unsigned order_count;
	size_t record_count; /* waiting for the next push */
	struct buf records[WORLD_RECORDS_MAX];
};

static inline struct signer *world_signer(const char *name, unsigned number)
{
	struct hash secret = hash_sha256(slice_of(&number, sizeof(number)));
	struct signer *signer;

	assert_int_equal(signer_from_secret(KEY_ED25519, slice_text(name), secret.bytes, &signer), OK);
	return signer;
}

static inline json_t *world_vkey(const struct signer *signer)
{
	char vkey[KEY_VKEY_SIZE];

	key_format(signer_key(signer), vkey);
	return json_string(vkey);
}

/* ---- commands */

static inline void world_begin(struct world *world, struct ledger *ledger, struct store_txn **ret_txn)
{
	uint8_t seed[32] = {0};
	struct stamp stamp;

	world->now_us += 1000000;
	assert_int_equal(store_write(world->store, ret_txn), OK);
	assert_int_equal(ledger_load(ledger, *ret_txn), OK);
	ledger->may_lag = true;
	stamp = ledger_stamp(ledger, world->now_us, seed);
	ledger_begin_command(ledger, &stamp);
}

static inline uint64_t world_end(const struct world *world, struct ledger *ledger, struct store_txn *txn)
{
	uint64_t size = ledger->head.size;

	if (world->cells == WORLD_STORES || (world->cells == WORLD_LEAVES && ledger->must_fold) || !store_leave_cells(txn))
		ledger_set_folded(ledger);
	ledger_save(ledger, txn);
	assert_int_equal(store_error(txn), OK);
	assert_int_equal(store_commit(txn), OK);
	ledger_done(ledger);
	return size;
}

static inline void world_make_genesis(struct world *world)
{
	const uint8_t random[32] = {7};
	json_t *draft;
	struct buf text, note;
	struct genesis *genesis = malloc(sizeof(*genesis));
	struct signer *signers[] = {world->officers[0], world->officers[1], world->ledger_key};
	struct ledger_identity identity;
	struct ledger ledger;
	struct store_txn *txn;
	struct why why = {0};

	assert_non_null(genesis);
	draft = json_pack("{s:s,s:o,s:[{s:s,s:s,s:[o]},{s:s,s:s,s:[o]}],s:{s:[[s],[s]]}}", "origin", FIXTURE_ORIGIN,
	    "ledger_key", world_vkey(world->ledger_key), "officers", "name", "wang", "role", "clerk", "keys",
	    world_vkey(world->officers[0]), "name", "li", "role", "leader", "keys", world_vkey(world->officers[1]),
	    "quorums", "default", "clerk", "leader");
	buf_init(&text, FIXTURE_TEXT_MAX);
	buf_init(&note, FIXTURE_TEXT_MAX);
	if (genesis_compose(draft, random, &text, &why) != OK)
		fail_msg("genesis: %s", why.text);
	assert_int_equal(note_sign(buf_slice(&text), signers, 3, &note), OK);
	assert_int_equal(genesis_check(buf_slice(&note), true, genesis, &why), OK);
	world_begin(world, &ledger, &txn);
	fold_genesis(&ledger, txn, buf_slice(&note), genesis);
	assert_int_equal(ledger_read_identity(txn, &identity), OK);
	memcpy(world->ledger_id, identity.ledger_id, sizeof(world->ledger_id));
	world_end(world, &ledger, txn);
	buf_done(&text);
	buf_done(&note);
	json_decref(draft);
	free(genesis);
}

static inline struct world *world_new(void)
{
	struct world *world = calloc(1, sizeof(*world));
	struct why why = {0};
	uint32_t date;

	assert_non_null(world);
	assert_int_equal(key_global_init(), OK);
	snprintf(world->folder, sizeof(world->folder), "/tmp/subsidy-world-XXXXXX");
	assert_non_null(mkdtemp(world->folder));
	if (store_open(world->folder, WORLD_MAP_SIZE, STORE_SCRATCH, &world->store, &why) != OK)
		fail_msg("store: %s", why.text);
	assert_int_equal(date_parse(slice_text(WORLD_START), &date), OK);
	world->now_us = date_start_us(date);
	world->officers[0] = world_signer("wang", 11);
	world->officers[1] = world_signer("li", 12);
	world->ledger_key = world_signer(FIXTURE_ORIGIN, 13);
	for (unsigned i = 0; i < WORLD_VENUES; i++)
		world->venue_keys[i] = world_signer(world_venues[i], 20 + i);
	world_make_genesis(world);
	return world;
}

static inline int world_remove(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path);
}

static inline void world_free(struct world *world)
{
	store_close(world->store);
	assert_int_equal(nftw(world->folder, world_remove, 8, FTW_DEPTH | FTW_PHYS), 0);
	for (size_t i = 0; i < world->record_count; i++)
		buf_done(&world->records[i]);
	for (unsigned i = 0; i < WORLD_VENUES; i++)
		signer_free(world->venue_keys[i]);
	signer_free(world->officers[0]);
	signer_free(world->officers[1]);
	signer_free(world->ledger_key);
	free(world);
}

/* ---- orders */

/* Gives the size after it. */
static inline uint64_t world_order(
    struct world *world, enum order_type type, const json_t *body, const struct slice *items, size_t item_count)
{
	uint32_t today = date_of_time(world->now_us);
	char id[32];
	struct order_draft draft = {.type = type,
	    .id = id,
	    .origin = FIXTURE_ORIGIN,
	    .ledger_id = world->ledger_id,
	    .expires = date_add_days(today, 10),
	    .made_at_size = 1,
	    .body = body,
	    .items = items,
	    .item_count = item_count};
	struct order_plan *plan = malloc(sizeof(*plan));
	struct ledger ledger;
	struct store_txn *txn;
	struct buf text, note;
	struct why why = {0};
	uint64_t size;

	assert_non_null(plan);
	snprintf(id, sizeof(id), "order-%u", ++world->order_count);
	buf_init(&text, FIXTURE_TEXT_MAX);
	buf_init(&note, FIXTURE_TEXT_MAX);
	if (order_compose(&draft, &text, &why) != OK)
		fail_msg("%s: %s", id, why.text);
	assert_int_equal(note_sign(buf_slice(&text), world->officers, 2, &note), OK);
	order_plan_init(plan, buf_slice(&note), items, item_count);
	assert_int_equal(order_plan_decode(plan, &why), OK);
	world_begin(world, &ledger, &txn);
	if (order_check(plan, txn, today, &why) != OK)
		fail_msg("%s: %s", id, why.text);
	fold_order(&ledger, txn, plan);
	size = world_end(world, &ledger, txn);
	order_plan_done(plan);
	free(plan);
	buf_done(&text);
	buf_done(&note);
	return size;
}

static inline uint64_t world_license(struct world *world, unsigned venue)
{
	char name[64];
	json_t *body;
	uint64_t size;

	snprintf(name, sizeof(name), "%s（样例）", world_venues[venue]);
	body = json_pack("{s:s,s:s,s:[o]}", "venue", world_venues[venue], "name", name, "keys",
	    world_vkey(world->venue_keys[venue]));
	size = world_order(world, ORDER_VENUE_LICENSE, body, NULL, 0);
	json_decref(body);
	return size;
}

static inline uint64_t world_item(struct world *world, enum order_type type, const struct order_item *item)
{
	const uint8_t salt[SALT_SIZE] = {1};
	struct buf line;
	struct slice lines[1];
	uint64_t size;

	buf_init(&line, FIXTURE_TEXT_MAX);
	assert_int_equal(order_item_format(type, item, salt, &line), OK);
	lines[0] = buf_slice(&line);
	size = world_order(world, type, NULL, lines, 1);
	buf_done(&line);
	return size;
}

/* `list` and `second_list` (behind it in order) may be NULL. */
static inline uint64_t world_register(
    struct world *world, const char *code, const char *name, const char *list, const char *second_list)
{
	struct order_item item = {.code = slice_text(code), .name = slice_text(name)};

	if (list != NULL)
		item.lists[item.list_count++] = slice_text(list);
	if (second_list != NULL)
		item.lists[item.list_count++] = slice_text(second_list);
	return world_item(world, ORDER_ENTERPRISE_REGISTER, &item);
}

static inline uint64_t world_relate(struct world *world, const char *a, const char *b)
{
	bool is_ordered = strcmp(a, b) < 0;
	struct order_item item = {.code = slice_text(is_ordered ? a : b), .second = slice_text(is_ordered ? b : a)};

	return world_item(world, ORDER_ENTERPRISE_RELATE, &item);
}

/* JSON with single quotes. */
static inline uint64_t world_adopt(struct world *world, const char *single_quoted)
{
	char text[4096];
	json_t *body;
	uint64_t size;

	assert_true(strlen(single_quoted) < sizeof(text));
	for (size_t i = 0; i <= strlen(single_quoted); i++)
		text[i] = single_quoted[i] == '\'' ? '"' : single_quoted[i];
	body = json_pack("{s:o}", "policy", json_loads(text, 0, NULL));
	assert_non_null(body);
	size = world_order(world, ORDER_POLICY_ADOPT, body, NULL, 0);
	json_decref(body);
	return size;
}

/* ---- records */

/* A trade of 2025-03-10 that nothing stands against; tax is 6 %, rounded down. */
static inline struct trade world_trade(
    const char *trade_no, const char *supplier, const char *buyer, uint64_t amount_fen)
{
	static const uint8_t contract_hash[HASH_SIZE] = {0};

	return (struct trade){.trade_no = slice_text(trade_no),
	    .contract_no = slice_text("C-1"),
	    .contract_hash = slice_of(contract_hash, HASH_SIZE),
	    .contract_kind = CONTRACT_PROVIDE,
	    .product_code = slice_text("P-1"),
	    .product_name = slice_text("道路客流数据集"),
	    .product_kind = PRODUCT_DATASET,
	    .supplier = slice_text(supplier),
	    .supplier_name = slice_text("claimed supplier"),
	    .buyer = slice_text(buyer),
	    .buyer_name = slice_text("claimed buyer"),
	    .amount_fen = amount_fen,
	    .tax_fen = amount_fen * 6 / 100,
	    .instalment = 1,
	    .signed_on = 20250301,
	    .settled_on = 20250310,
	    .voucher_no = slice_text("V-1"),
	    .related_declared = DECLARED_NO,
	    .other_subsidy = DECLARED_NO};
}

static inline void world_add_record(struct world *world, const struct record *record)
{
	struct buf *bytes = &world->records[world->record_count];

	assert_true(world->record_count < WORLD_RECORDS_MAX);
	buf_init(bytes, RECORD_SIZE_MAX);
	assert_int_equal(record_encode(record, bytes), OK);
	world->record_count++;
}

static inline void world_add_trade(struct world *world, struct trade trade)
{
	struct record record = {.kind = RECORD_TRADE, .trade = trade};

	world_add_record(world, &record);
}

static inline void world_add_refund(
    struct world *world, const char *adjust_no, const char *trade_no, uint64_t amount_fen, uint64_t tax_fen)
{
	struct record record = {.kind = RECORD_REFUND,
	    .refund = {.adjust_no = slice_text(adjust_no),
		.original_trade_no = slice_text(trade_no),
		.amount_fen = amount_fen,
		.tax_fen = tax_fen,
		.occurred_on = 20250420,
		.reason_code = slice_text("QUALITY"),
		.reason = slice_text("部分数据不合格")}};

	world_add_record(world, &record);
}

/* The feed checkpoint over what is held and what waits. */
static inline void world_sign_feed(
    struct world *world, unsigned venue, const struct slice *records, struct buf *ret_note, uint64_t *ret_start)
{
	struct checkpoint checkpoint = {0};
	struct venue row;
	struct feed feed;
	struct store_txn *txn;
	struct buf text;

	assert_int_equal(store_read(world->store, &txn), OK);
	assert_true(venue_get(txn, slice_text(world_venues[venue]), &row));
	assert_true(feed_get(txn, row.number, row.generation, &feed));
	store_abort(txn);
	*ret_start = feed.frontier.size;
	for (size_t i = 0; i < world->record_count; i++) {
		struct hash leaf = hash_leaf(records[i]);

		frontier_append(&feed.frontier, &leaf);
	}
	feed_origin_format(row.id, world->ledger_id, row.generation, checkpoint.origin);
	checkpoint.size = feed.frontier.size;
	checkpoint.root = frontier_root(&feed.frontier);
	buf_init(&text, FIXTURE_TEXT_MAX);
	checkpoint_format(&checkpoint, &text);
	assert_int_equal(note_sign(buf_slice(&text), &world->venue_keys[venue], 1, ret_note), OK);
	buf_done(&text);
}

/* Pushes what waits. Gives the size after it. */
static inline uint64_t world_push(struct world *world, unsigned venue)
{
	struct slice *records = calloc(WORLD_RECORDS_MAX, sizeof(*records));
	struct push push = {.record_count = world->record_count, .records = records};
	struct ingest *ingest = malloc(sizeof(*ingest));
	struct ledger ledger;
	struct store_txn *txn;
	struct buf note, body;
	struct why why = {0};
	uint64_t size;

	assert_true(records != NULL && ingest != NULL);
	for (size_t i = 0; i < world->record_count; i++)
		records[i] = buf_slice(&world->records[i]);
	buf_init(&note, NOTE_SIZE_MAX);
	buf_init(&body, PUSH_SIZE_MAX);
	world_sign_feed(world, venue, records, &note, &push.start);
	push.note = buf_slice(&note);
	assert_int_equal(push_encode(&push, &body), OK);
	ingest_init(ingest, world_venues[venue], buf_slice(&body), false);
	if (ingest_decode(ingest, &why) != OK)
		fail_msg("push: %s", why.text);
	world_begin(world, &ledger, &txn);
	if (ingest_check(ingest, txn, &why) != OK ||
	    ingest_check_dates(ingest, date_of_time(world->now_us), &why) != OK)
		fail_msg("push: %s", why.text);
	fold_push(&ledger, txn, ingest);
	size = world_end(world, &ledger, txn);
	for (size_t i = 0; i < world->record_count; i++)
		buf_done(&world->records[i]);
	world->record_count = 0;
	ingest_done(ingest);
	free(ingest);
	free(records);
	buf_done(&note);
	buf_done(&body);
	return size;
}

/* One trade, or one refund, as a push of its own. */
static inline uint64_t world_push_trade(struct world *world, unsigned venue, struct trade trade)
{
	world_add_trade(world, trade);
	return world_push(world, venue);
}

static inline uint64_t world_push_refund(struct world *world, unsigned venue, const char *adjust_no,
    const char *trade_no, uint64_t amount_fen, uint64_t tax_fen)
{
	world_add_refund(world, adjust_no, trade_no, amount_fen, tax_fen);
	return world_push(world, venue);
}

/* ---- reading */

static inline struct store_txn *world_read(struct world *world)
{
	struct store_txn *txn;

	assert_int_equal(store_read(world->store, &txn), OK);
	return txn;
}

static inline struct code world_code(const char *text)
{
	return code_of(slice_text(text));
}

/* Five firms. */
static const char *const world_firms[] = {
    "91370202MA0XTE011C", "91370202MA0XTE02X4", "91370202MA0XTE0384", "91370202000000019Q", "91350100M000100Y43"};
#define WORLD_FIRMS 5

/* 5 % of the net amount of enterprises on list "default", at most 300,000.00 for the term. */
#define WORLD_FLAT                                                                                                     \
	"{'policy':'qd-2025-47-5','version':1,'status':'assumed','title':'数据流通交易奖补',"                  \
	"'basis':'青政办字〔2025〕47号 (五)','window':{'from':'2025-01-01','to':'2026-12-31'},"                \
	"'venues':['qddex','sddex'],'rate':{'type':'flat','ppm':50000},'cap':{'amount':'300000.00'}}"
/* Gross, everyone, related parties too, a cap each year, no threshold; published. */
#define WORLD_YEARLY                                                                                                   \
	"{'policy':'zz-yearly','version':1,'status':'published','title':'yearly','basis':'x',"                         \
	"'window':{'from':'2024-01-01','to':'2025-12-31'},'base':'gross','enterprises':'all','related':'allow',"       \
	"'venues':['qddex','sddex'],'rate':{'type':'flat','ppm':100000},"                                              \
	"'cap':{'amount':'1000.00','scope':'year'}}"

#endif
