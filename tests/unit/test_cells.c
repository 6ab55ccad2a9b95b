/* Cells: packing, sums, and the rows of one enterprise found among others', against a plain array. */
#define LEDGER_MAP_SIZE (1u << 30)
#include "ledger_fixture.h"

#include "daemon/cells.h"
#include "policy_fixture.h"

#define CODES 5
#define MONTHS 7
#define MODEL_MAX 4096

static struct code codes[CODES];

static int setup(void **state)
{
	struct ledger_fixture *fixture = malloc(sizeof(*fixture));

	for (unsigned i = 0; i < CODES; i++)
		fixture_code(i + 1, codes[i].text);
	ledger_setup(fixture);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	ledger_teardown(*state);
	free(*state);
	return 0;
}

static struct cell_key key_of(unsigned code, uint16_t settled_month, uint16_t signed_month, enum side side)
{
	return (struct cell_key){.settled_month = settled_month,
	    .code = codes[code],
	    .signed_month = signed_month,
	    .venue_number = 1,
	    .side = side,
	    .product_kind = PRODUCT_API};
}

/* Puts the cells that come into an array. */
struct found {
	size_t count, stop_at;
	struct cell_key keys[MODEL_MAX];
	struct cell_sums sums[MODEL_MAX];
};
static struct found found;

static enum err collect(void *cookie, const struct cell_key *key, const struct cell_sums *sums)
{
	(void)cookie;
	assert_true(found.count < MODEL_MAX);
	found.keys[found.count] = *key;
	found.sums[found.count++] = *sums;
	return found.count == found.stop_at ? ERR_OVERFLOW : OK;
}

static size_t collect_code(struct ledger_fixture *fixture, unsigned code)
{
	found.count = found.stop_at = 0;
	assert_int_equal(cells_each(fixture->txn, &codes[code], collect, NULL), OK);
	return found.count;
}

static uint64_t row_count(struct ledger_fixture *fixture)
{
	struct store_cursor cursor;
	uint64_t count = 0;

	store_cursor_open(&cursor, fixture->txn, STORE_CELLS);
	for (bool is_there = store_cursor_first(&cursor); is_there; is_there = store_cursor_next(&cursor))
		count++;
	store_cursor_close(&cursor);
	return count;
}

static void packs_a_row_as_documented(void **state)
{
	static const struct cell_sums sums = {1, 127, 128, 3, 4, 5, 16384, 7, 8, 300};
	static const uint8_t want[] = {
	    0x01, 0x02, 0x03, 0x04, 2, 7, 17, 1, 0x7f, 0x80, 0x01, 3, 4, 5, 0x80, 0x80, 0x01, 7, 8, 0xac, 0x02};
	struct ledger_fixture *fixture = *state;
	struct cell_key key = {.settled_month = 0x0506,
	    .code = codes[0],
	    .signed_month = 0x0102,
	    .venue_number = 0x0304,
	    .side = SIDE_BUYER,
	    .product_kind = PRODUCT_OTHER,
	    .flags = CELL_DECLARED | CELL_NOT_COUNTED};
	uint8_t row_key[2 + USCI_SIZE] = {0x05, 0x06};
	struct slice row;

	memcpy(row_key + 2, codes[0].text, USCI_SIZE);
	cells_change(fixture->txn, &key, &sums, false);
	assert_true(store_get(fixture->txn, STORE_CELLS, slice_of(row_key, sizeof(row_key)), &row));
	assert_int_equal(row.size, sizeof(want));
	assert_memory_equal(row.data, want, sizeof(want));
	assert_int_equal(collect_code(fixture, 0), 1);
	assert_memory_equal(&found.sums[0], &sums, sizeof(sums));
	assert_int_equal(found.keys[0].settled_month, 0x0506);
	assert_true(code_equal(&found.keys[0].code, &codes[0]));
	assert_int_equal(found.keys[0].venue_number, 0x0304);
	assert_int_equal(found.keys[0].flags, CELL_DECLARED | CELL_NOT_COUNTED);
}

static void keeps_sums_of_any_size(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct cell_key key = key_of(0, 1, 1, SIDE_SUPPLIER);
	struct cell_sums sums = {.trades = UINT64_MAX, .amount_fen = UINT64_MAX - 1, .tax_fen = 1ULL << 63},
			 one = {.amount_fen = 1};

	cells_change(fixture->txn, &key, &sums, false);
	cells_change(fixture->txn, &key, &one, false);
	assert_int_equal(collect_code(fixture, 0), 1);
	assert_int_equal(found.sums[0].trades, UINT64_MAX);
	assert_int_equal(found.sums[0].amount_fen, UINT64_MAX);
	assert_int_equal(found.sums[0].tax_fen, 1ULL << 63);
	cells_change(fixture->txn, &key, &one, false);
	assert_int_equal(store_error(fixture->txn), ERR_DAMAGED); /* beyond what a sum holds */
}

static void gives_those_of_the_months_asked_for(void **state)
{
	static const uint16_t months[] = {0, 1, 255, 256, 257, UINT16_MAX};
	static const struct {
		uint16_t first, last;
		size_t from, count; /* of the months above */
	} rows[] = {{0, UINT16_MAX, 0, 6}, {1, 256, 1, 3}, {2, 254, 0, 0}, {256, 256, 3, 1}, {257, UINT16_MAX, 4, 2},
	    {0, 0, 0, 1}, {UINT16_MAX, UINT16_MAX, 5, 1}};
	const struct cell_sums one = {.trades = 1};
	struct ledger_fixture *fixture = *state;

	for (size_t i = 0; i < 6; i++)
		for (unsigned code = 0; code < 2; code++) {
			struct cell_key key = key_of(code, months[i], 1, SIDE_SUPPLIER);

			cells_change(fixture->txn, &key, &one, false);
		}
	ledger_commit(fixture);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		found.count = found.stop_at = 0;
		assert_int_equal(cells_each_all(fixture->txn, rows[i].first, rows[i].last, collect, NULL), OK);
		assert_int_equal(found.count, 2 * rows[i].count);
		for (size_t k = 0; k < found.count; k++)
			assert_int_equal(found.keys[k].settled_month, months[rows[i].from + k / 2]);
	}
}

/* Zeros are read in one go where they stand side by side. */
static void gives_back_each_sum_by_itself(void **state)
{
	struct ledger_fixture *fixture = *state;

	for (unsigned i = 0; i < sizeof(struct cell_sums) / sizeof(uint64_t); i++) {
		uint64_t values[sizeof(struct cell_sums) / sizeof(uint64_t)] = {1};
		struct cell_key key = key_of(0, (uint16_t)(1 + i), 1, SIDE_SUPPLIER);
		struct cell_sums sums;

		values[i] = 300;
		memcpy(&sums, values, sizeof(sums));
		cells_change(fixture->txn, &key, &sums, false);
		assert_int_equal(collect_code(fixture, 0), 1 + i);
		assert_memory_equal(&found.sums[i], &sums, sizeof(sums));
	}
}

static void orders_cells_by_key(void **state)
{
	static const struct {
		uint16_t signed_month, venue_number;
		enum side side;
		uint8_t flags;
	} rows[] = {{2, 1, SIDE_SUPPLIER, 0}, {1, 256, SIDE_SUPPLIER, 0}, {1, 1, SIDE_BUYER, 0},
	    {1, 1, SIDE_SUPPLIER, 2}, {1, 1, SIDE_SUPPLIER, 0}, {256, 1, SIDE_SUPPLIER, 0}};
	static const size_t want[] = {4, 3, 2, 1, 0, 5};
	struct ledger_fixture *fixture = *state;
	struct cell_sums one = {.trades = 1};

	for (size_t i = 0; i < 6; i++) {
		struct cell_key key = key_of(0, 9, rows[i].signed_month, rows[i].side);

		key.venue_number = rows[i].venue_number;
		key.flags = rows[i].flags;
		one.amount_fen = i;
		cells_change(fixture->txn, &key, &one, false);
	}
	assert_int_equal(collect_code(fixture, 0), 6);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(found.sums[i].amount_fen, want[i]);
}

static void removes_cells_and_rows_that_come_to_nothing(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct cell_key first = key_of(0, 9, 1, SIDE_SUPPLIER), second = key_of(0, 9, 2, SIDE_SUPPLIER);
	struct cell_sums sums = {.trades = 1, .contracts = 1, .amount_fen = 100, .tax_fen = 9},
			 part = {.amount_fen = 40};

	cells_change(fixture->txn, &first, &sums, false);
	cells_change(fixture->txn, &second, &sums, false);
	cells_change(fixture->txn, &first, &part, true);
	assert_int_equal(collect_code(fixture, 0), 2);
	assert_int_equal(found.sums[0].amount_fen, 60);
	assert_int_equal(found.sums[1].amount_fen, 100);
	cells_change(fixture->txn, &second, &sums, true);
	assert_int_equal(collect_code(fixture, 0), 1);
	sums.amount_fen = 60;
	cells_change(fixture->txn, &first, &sums, true);
	assert_int_equal(row_count(fixture), 0);
	assert_int_equal(store_error(fixture->txn), OK);
}

/* Each of the ten sums by itself, a cell that is not there, and a row that is not there. */
static void takes_a_removal_of_more_than_is_there_for_damage(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct cell_key key = key_of(0, 9, 5, SIDE_SUPPLIER);
	const struct cell_key others[] = {key_of(0, 9, 4, SIDE_SUPPLIER), key_of(0, 9, 6, SIDE_SUPPLIER),
	    key_of(0, 8, 5, SIDE_SUPPLIER), key_of(1, 9, 5, SIDE_SUPPLIER)};
	uint64_t values[10];
	struct cell_sums sums;

	for (size_t i = 0; i < 10; i++)
		values[i] = 10 + i;
	memcpy(&sums, values, sizeof(sums));
	cells_change(fixture->txn, &key, &sums, false);
	ledger_commit(fixture);
	for (size_t i = 0; i < 10; i++) {
		for (uint64_t more = 0; more <= 1; more++) {
			memset(values, 0, sizeof(values));
			values[i] = 10 + i + more;
			memcpy(&sums, values, sizeof(sums));
			cells_change(fixture->txn, &key, &sums, true);
			if (store_error(fixture->txn) != (more == 0 ? OK : ERR_DAMAGED))
				fail_msg("sum %zu, %llu more than there is", i, (unsigned long long)more);
			store_abort(fixture->txn);
			assert_int_equal(store_write(fixture->store, &fixture->txn), OK);
		}
	}
	sums = (struct cell_sums){.trades = 1};
	for (size_t i = 0; i < 4; i++) {
		cells_change(fixture->txn, &others[i], &sums, true);
		assert_int_equal(store_error(fixture->txn), ERR_DAMAGED);
		store_abort(fixture->txn);
		assert_int_equal(store_write(fixture->store, &fixture->txn), OK);
	}
}

/* ---- against a plain array */

struct model {
	size_t count;
	struct cell_key keys[MODEL_MAX];
	uint64_t trades[MODEL_MAX];
};

static uint8_t *pack(const struct cell_key *key, uint8_t ret_bytes[static 27])
{
	ret_bytes[0] = (uint8_t)(key->settled_month >> 8);
	ret_bytes[1] = (uint8_t)key->settled_month;
	memcpy(ret_bytes + 2, key->code.text, USCI_SIZE);
	ret_bytes[20] = (uint8_t)(key->signed_month >> 8);
	ret_bytes[21] = (uint8_t)key->signed_month;
	ret_bytes[22] = (uint8_t)(key->venue_number >> 8);
	ret_bytes[23] = (uint8_t)key->venue_number;
	ret_bytes[24] = (uint8_t)key->side;
	ret_bytes[25] = (uint8_t)key->product_kind;
	ret_bytes[26] = key->flags;
	return ret_bytes;
}

static int key_order(const struct cell_key *left, const struct cell_key *right)
{
	uint8_t left_bytes[27], right_bytes[27];

	return memcmp(pack(left, left_bytes), pack(right, right_bytes), 27);
}

/* Adds to or takes from a random cell of the model, and of the store. */
static void change_at_random(struct ledger_fixture *fixture, struct model *model, uint64_t *seed)
{
	static const uint16_t months[MONTHS] = {0, 1, 255, 256, 420, 421, UINT16_MAX};
	struct cell_key key = key_of(fixture_random(seed, CODES - 1), months[fixture_random(seed, MONTHS)],
	    months[fixture_random(seed, 2)], fixture_random(seed, 2) == 0 ? SIDE_SUPPLIER : SIDE_BUYER);
	struct cell_sums sums = {.trades = 1 + fixture_random(seed, 3), .amount_fen = 5};
	size_t at = 0;
	bool is_removal;

	while (at < model->count && key_order(&model->keys[at], &key) < 0)
		at++;
	is_removal = at < model->count && key_order(&model->keys[at], &key) == 0 && fixture_random(seed, 2) == 0;
	if (is_removal) { /* all of it */
		sums.trades = model->trades[at];
		sums.amount_fen = 5;
		memmove(&model->keys[at], &model->keys[at + 1], (model->count - at - 1) * sizeof(key));
		memmove(&model->trades[at], &model->trades[at + 1], (model->count - at - 1) * sizeof(uint64_t));
		model->count--;
	} else if (at < model->count && key_order(&model->keys[at], &key) == 0) {
		sums.amount_fen = 0;
		model->trades[at] += sums.trades;
	} else {
		assert_true(model->count < MODEL_MAX);
		memmove(&model->keys[at + 1], &model->keys[at], (model->count - at) * sizeof(key));
		memmove(&model->trades[at + 1], &model->trades[at], (model->count - at) * sizeof(uint64_t));
		model->keys[at] = key;
		model->trades[at] = sums.trades;
		model->count++;
	}
	cells_change(fixture->txn, &key, &sums, is_removal);
	assert_int_equal(store_error(fixture->txn), OK);
}

static void expect_model(const struct model *model, const struct code *code)
{
	size_t place = 0;

	for (size_t i = 0; i < model->count; i++) {
		if (code != NULL && !code_equal(&model->keys[i].code, code))
			continue;
		assert_true(place < found.count);
		assert_int_equal(key_order(&found.keys[place], &model->keys[i]), 0);
		assert_int_equal(found.sums[place].trades, model->trades[i]);
		place++;
	}
	assert_int_equal(found.count, place);
}

static void agrees_with_a_plain_array(void **state)
{
	struct ledger_fixture *fixture = *state;
	static struct model model;
	uint64_t seed = 1;

	model.count = 0;
	for (int round = 0; round < 1500; round++) {
		change_at_random(fixture, &model, &seed);
		if (round % 50 != 0 && round > 40)
			continue;
		for (unsigned code = 0; code < CODES; code++) { /* the last has no cells */
			collect_code(fixture, code);
			expect_model(&model, &codes[code]);
		}
		found.count = found.stop_at = 0;
		assert_int_equal(cells_each_all(fixture->txn, 0, UINT16_MAX, collect, NULL), OK);
		expect_model(&model, NULL);
	}
	assert_true(model.count > 50);
}

static void stops_on_the_first_error_of_its_caller(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct cell_sums one = {.trades = 1};

	for (uint16_t month = 1; month <= 4; month++) {
		struct cell_key first = key_of(0, month, 1, SIDE_SUPPLIER), second = key_of(0, month, 2, SIDE_SUPPLIER);

		cells_change(fixture->txn, &first, &one, false);
		cells_change(fixture->txn, &second, &one, false);
	}
	for (size_t stop_at = 1; stop_at <= 8; stop_at++) {
		found.count = 0;
		found.stop_at = stop_at;
		assert_int_equal(cells_each(fixture->txn, &codes[0], collect, NULL), ERR_OVERFLOW);
		assert_int_equal(found.count, stop_at);
		found.count = 0;
		assert_int_equal(cells_each_all(fixture->txn, 0, UINT16_MAX, collect, NULL), ERR_OVERFLOW);
		assert_int_equal(found.count, stop_at);
	}
}

/* A row of more bytes than the memory for rows holds is changed all the same: at its end, within, and by taking away. */
static void changes_a_row_that_memory_does_not_hold(void **state)
{
	struct ledger_fixture *fixture = *state;
	const size_t cell_size = 7 + 10, count = STORE_OVERLAY_MAX / cell_size - 1;
	uint8_t row_key[2 + USCI_SIZE] = {0, 9}, *bytes = calloc(count, cell_size);
	struct slice db_key = slice_of(row_key, sizeof(row_key)), value;
	struct cell_key key = key_of(0, 9, UINT16_MAX, SIDE_BUYER), second;
	struct cell_sums one = {.trades = 1, .amount_fen = 5};

	memcpy(row_key + 2, codes[0].text, USCI_SIZE);
	for (size_t i = 0; i < count; i++) {
		uint8_t *cell = bytes + i * cell_size;

		for (unsigned j = 0; j < 4; j++)
			cell[j] = (uint8_t)(i >> (24 - 8 * j));
		cell[4] = SIDE_SUPPLIER;
		cell[5] = PRODUCT_API;
		cell[7] = 1;
	}
	store_put(fixture->txn, STORE_CELLS, db_key, slice_of(bytes, count * cell_size));
	second = (struct cell_key){.settled_month = 9,
	    .code = codes[0],
	    .venue_number = 3,
	    .side = SIDE_SUPPLIER,
	    .product_kind = PRODUCT_API};
	cells_change(fixture->txn, &key, &one, false);
	cells_change(fixture->txn, &second, &one, false);
	assert_int_equal(store_error(fixture->txn), OK);
	assert_true(store_get(fixture->txn, STORE_CELLS, db_key, &value));
	assert_int_equal(value.size, (count + 1) * cell_size);
	assert_memory_equal(value.data, bytes, 3 * cell_size);
	assert_int_equal(value.data[3 * cell_size + 7], 2);
	assert_int_equal(value.data[3 * cell_size + 7 + 6], 5);
	assert_memory_equal(value.data + 4 * cell_size, bytes + 4 * cell_size, (count - 4) * cell_size);
	assert_int_equal(value.data[count * cell_size + 7 + 6], 5);
	cells_change(fixture->txn, &key, &one, true);
	cells_change(fixture->txn, &second, &one, true);
	assert_true(store_get(fixture->txn, STORE_CELLS, db_key, &value));
	assert_int_equal(value.size, count * cell_size);
	assert_memory_equal(value.data, bytes, count * cell_size);
	free(bytes);
}

static void takes_a_broken_row_for_damage(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct cell_key key = key_of(0, 9, 5, SIDE_SUPPLIER), second = key_of(0, 9, 6, SIDE_SUPPLIER);
	struct cell_sums sums = {.trades = 1, .amount_fen = 1ULL << 63};
	uint8_t row_key[2 + USCI_SIZE] = {0, 9}, row[128];
	struct slice db_key = slice_of(row_key, sizeof(row_key)), value;
	size_t size;

	memcpy(row_key + 2, codes[0].text, USCI_SIZE);
	cells_change(fixture->txn, &key, &sums, false);
	cells_change(fixture->txn, &second, &sums, false);
	assert_true(store_get(fixture->txn, STORE_CELLS, db_key, &value));
	size = value.size;
	memcpy(row, value.data, size);
	ledger_commit(fixture);
	for (size_t cut = 1; cut <= size; cut++) {
		bool is_whole = cut == size || cut == size / 2;

		store_put(fixture->txn, STORE_CELLS, db_key, slice_of(row, cut));
		found.count = found.stop_at = 0;
		assert_int_equal(cells_each(fixture->txn, &codes[0], collect, NULL), is_whole ? OK : ERR_DAMAGED);
		assert_int_equal(
		    cells_each_all(fixture->txn, 0, UINT16_MAX, collect, NULL), is_whole ? OK : ERR_DAMAGED);
		cells_change(fixture->txn, &second, &sums, false);
		if (store_error(fixture->txn) != (cut == size ? ERR_DAMAGED : is_whole ? OK : ERR_DAMAGED))
			fail_msg("cut at %zu", cut); /* at its full size the sum would overflow */
		store_abort(fixture->txn);
		assert_int_equal(store_write(fixture->store, &fixture->txn), OK);
	}
	/* Bytes of the key out of their ranges, and a number that never ends. */
	static const struct {
		size_t at;
		uint8_t value;
		bool is_right;
	} rows[] = {{4, 0, false}, {4, 3, false}, {4, 2, true}, {5, 1, true}, {5, 0, false}, {5, 8, false},
	    {5, 7, true}, {6, 32, false}, {6, 31, true}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t before = row[rows[i].at];

		row[rows[i].at] = rows[i].value;
		store_put(fixture->txn, STORE_CELLS, db_key, slice_of(row, size));
		found.count = found.stop_at = 0;
		if (cells_each(fixture->txn, &codes[0], collect, NULL) != (rows[i].is_right ? OK : ERR_DAMAGED))
			fail_msg("byte %zu: %u", rows[i].at, rows[i].value);
		row[rows[i].at] = before;
	}
	memset(row + 7, 0x80, sizeof(row) - 7);
	store_put(fixture->txn, STORE_CELLS, db_key, slice_of(row, sizeof(row)));
	assert_int_equal(cells_each(fixture->txn, &codes[0], collect, NULL), ERR_DAMAGED);
	/* A key of another length than month and code have. */
	store_delete(fixture->txn, STORE_CELLS, db_key);
	store_put(fixture->txn, STORE_CELLS, slice_of(row_key, sizeof(row_key) - 1), slice_of(row, 1));
	assert_int_equal(cells_each(fixture->txn, &codes[0], collect, NULL), ERR_DAMAGED);
	assert_int_equal(cells_each_all(fixture->txn, 0, UINT16_MAX, collect, NULL), ERR_DAMAGED);
}

static void shows_a_cell_to_policies(void **state)
{
	struct cell_key key = key_of(0, 9, 5, SIDE_BUYER);
	struct cell_sums sums = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
	struct policy_fact fact = cell_fact(&key, &sums, "qddex");

	(void)state;
	assert_true(fact.settled_month == 9 && fact.signed_month == 5 && fact.side == SIDE_BUYER);
	assert_true(fact.product_kind == PRODUCT_API && strcmp(fact.venue, "qddex") == 0);
	assert_true(
	    fact.trades == 1 && fact.contracts == 2 && fact.gross_zero_trades == 3 && fact.gross_zero_contracts == 4);
	assert_true(
	    fact.net_zero_trades == 5 && fact.net_zero_contracts == 6 && fact.amount_fen == 7 && fact.tax_fen == 8);
	assert_true(fact.refunded_fen == 9 && fact.refunded_tax_fen == 10);
	for (unsigned flag = 1; flag <= CELL_NOT_COUNTED; flag <<= 1) {
		key.flags = (uint8_t)flag;
		fact = cell_fact(&key, &sums, "qddex");
		assert_int_equal(fact.is_related_declared, flag == CELL_DECLARED);
		assert_int_equal(fact.is_related_listed, flag == CELL_LISTED);
		assert_int_equal(fact.has_other_subsidy, flag == CELL_OTHER_SUBSIDY);
		assert_int_equal(fact.has_invoice, flag == CELL_INVOICE);
	}
}

static void takes_a_fact_back_into_its_cell(void **state)
{
	struct cell_sums sums = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, again_sums;
	struct cell_key key = key_of(2, 9, 5, SIDE_SUPPLIER), again;

	(void)state;
	for (unsigned flags = 0; flags < CELL_NOT_COUNTED; flags++) {
		struct policy_fact fact;

		key.flags = (uint8_t)flags;
		fact = cell_fact(&key, &sums, "qddex");
		cell_of_fact(&fact, &codes[2], key.venue_number, &again, &again_sums);
		assert_int_equal(again.flags, flags);
		assert_true(code_equal(&again.code, &key.code));
		assert_true(again.settled_month == 9 && again.signed_month == 5 && again.venue_number == 1);
		assert_true(again.side == SIDE_SUPPLIER && again.product_kind == PRODUCT_API);
		assert_memory_equal(&again_sums, &sums, sizeof(sums));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(packs_a_row_as_documented, setup, teardown),
	    cmocka_unit_test_setup_teardown(keeps_sums_of_any_size, setup, teardown),
	    cmocka_unit_test_setup_teardown(gives_those_of_the_months_asked_for, setup, teardown),
	    cmocka_unit_test_setup_teardown(gives_back_each_sum_by_itself, setup, teardown),
	    cmocka_unit_test_setup_teardown(orders_cells_by_key, setup, teardown),
	    cmocka_unit_test_setup_teardown(removes_cells_and_rows_that_come_to_nothing, setup, teardown),
	    cmocka_unit_test_setup_teardown(takes_a_removal_of_more_than_is_there_for_damage, setup, teardown),
	    cmocka_unit_test_setup_teardown(agrees_with_a_plain_array, setup, teardown),
	    cmocka_unit_test_setup_teardown(stops_on_the_first_error_of_its_caller, setup, teardown),
	    cmocka_unit_test_setup_teardown(changes_a_row_that_memory_does_not_hold, setup, teardown),
	    cmocka_unit_test_setup_teardown(takes_a_broken_row_for_damage, setup, teardown),
	    cmocka_unit_test(shows_a_cell_to_policies),
	    cmocka_unit_test(takes_a_fact_back_into_its_cell),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
