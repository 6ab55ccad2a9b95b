/*
 * Records: one encoding only, every second one refused; every field's rule at its bounds; every fault named.
 */
#include "proto/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mutate.h"
#include "proto/date.h"

/* FORMAT.md shows these two. */
/* clang-format off */
static const char trade_hex[] =
    "0801" /* 1 version: 1 */
    "12bf02" /* 2 trade: 319 bytes */
    "0a0e51442d323032352d303030313233" /* 1 trade_no: "QD-2025-000123" */
    "1214e99d92e695b0e3809432303235e3809537e58fb7" /* 2 contract_no: "青数〔2025〕7号" */
    /* 3 contract_hash: 00 01 02 … 1f */
    "1a20000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
    "2001" /* 4 contract_kind: 1 provide */
    "2a0744532d30303037" /* 5 product_code: "DS-0007" */
    "3215e98193e8b7afe5aea2e6b581e695b0e68daee99b86" /* 6 product_name: "道路客流数据集" */
    "3801" /* 7 product_kind: 1 dataset */
    "4212393133373032303032363435373432353145" /* 8 supplier: "91370200264574251E" */
    /* 9 supplier_name: "海尔智家股份有限公司" */
    "4a1ee6b5b7e5b094e699bae5aeb6e882a1e4bbbde69c89e99990e585ace58fb8"
    "521239313337303230324d413058544530313143" /* 10 buyer: "91370202MA0XTE011C" */
    /* 11 buyer_name: "示例数据有限公司" */
    "5a18e7a4bae4be8be695b0e68daee69c89e99990e585ace58fb8"
    "6212393133373032303230303030303030313951" /* 12 broker: "91370202000000019Q" */
    "68959aef3a" /* 13 amount: 123456789 fen = 1,234,567.89 yuan */
    "70c09fab03" /* 14 tax: 7000000 fen */
    "7801" /* 15 instalment: 1 */
    "8001fefbd309" /* 16 signed_on: 20250110 */
    "880183fcd309" /* 17 settled_on: 20250115 */
    "9201104a59505a2d323032352d303030313233" /* 18 voucher_no: "JYPZ-2025-000123" */
    "9a01143235333732303030303030303132333435363738" /* 19 invoice_no: "25372000000012345678" */
    "9a0112333730303230303133303132333435363738" /* 19 invoice_no: "370020013012345678" */
    "a00101" /* 20 related_declared: 1 no */
    "a80103"; /* 21 other_subsidy: 3 not_stated */

static const char refund_hex[] =
    "0801" /* 1 version: 1 */
    "1a62" /* 3 refund: 98 bytes */
    "0a0c544b2d323032352d30303031" /* 1 adjust_no: "TK-2025-0001" */
    "120e51442d323032352d303030313233" /* 2 original_trade_no: "QD-2025-000123" */
    "18ce958f01" /* 3 amount: 2345678 fen */
    "20888f08" /* 4 tax: 133000 fen */
    "28ecfcd309" /* 5 occurred_on: 20250220 */
    "32075155414c495459" /* 6 reason_code: "QUALITY" */
    "3a15e983a8e58886e695b0e68daee4b88de59088e6a0bc" /* 7 reason: "部分数据不合格" */
    "42143235333732303030303030303837363534333231"; /* 8 red_invoice_no: "25372000000087654321" */

/* clang-format on */

#define ARENA_MAX (1u << 20)

static struct record_fault faults[RECORD_FAULTS_MAX];
static size_t fault_count;

static enum err decode(struct slice bytes)
{
	static struct record record;
	struct arena arena;
	enum err err;

	arena_init(&arena, ARENA_MAX);
	fault_count = SIZE_MAX;
	err = record_decode(bytes, &arena, &record, faults, &fault_count);
	/* A refusal says why, an acceptance says nothing. */
	assert_true(err == OK ? fault_count == 0 : fault_count >= 1 && fault_count <= RECORD_FAULTS_MAX);
	for (size_t i = 0; i < fault_count; i++)
		assert_true(strlen(faults[i].reason.text) > 10);
	arena_done(&arena);
	return err;
}

static struct trade good_trade(void)
{
	static const uint8_t hash[HASH_SIZE];

	return (struct trade){
	    .trade_no = slice_text("T-1"),
	    .contract_no = slice_text("C-1"),
	    .contract_hash = slice_of(hash, sizeof(hash)),
	    .contract_kind = CONTRACT_PROCESS,
	    .product_code = slice_text("P-1"),
	    .product_name = slice_text("数据"),
	    .product_kind = PRODUCT_API,
	    .supplier = slice_text("91370200264574251E"),
	    .buyer = slice_text("91370202MA0XTE011C"),
	    .amount_fen = 1000,
	    .tax_fen = 60,
	    .instalment = 1,
	    .signed_on = 20250101,
	    .settled_on = 20250131,
	    .voucher_no = slice_text("V-1"),
	    .related_declared = DECLARED_NO,
	    .other_subsidy = DECLARED_NOT_STATED,
	};
}

static struct refund good_refund(void)
{
	return (struct refund){
	    .adjust_no = slice_text("R-1"),
	    .original_trade_no = slice_text("T-1"),
	    .amount_fen = 1000,
	    .tax_fen = 60,
	    .occurred_on = 20250201,
	    .reason_code = slice_text("QUALITY"),
	};
}

/* ---- vectors */

static void decodes_the_trade_vector(void **state)
{
	struct arena arena;
	struct record record;
	struct buf hex, again;
	struct slice bytes = bytes_of_hex(trade_hex, &hex);

	(void)state;
	arena_init(&arena, ARENA_MAX);
	assert_int_equal(record_decode(bytes, &arena, &record, faults, &fault_count), OK);
	assert_int_equal(fault_count, 0);
	assert_int_equal(record.kind, RECORD_TRADE);
	assert_true(slice_equal(record.trade.trade_no, slice_text("QD-2025-000123")));
	assert_true(slice_equal(record.trade.contract_no, slice_text("青数〔2025〕7号")));
	assert_int_equal(record.trade.contract_hash.size, HASH_SIZE);
	assert_int_equal(record.trade.contract_hash.data[31], 0x1f);
	assert_int_equal(record.trade.contract_kind, CONTRACT_PROVIDE);
	assert_true(slice_equal(record.trade.product_code, slice_text("DS-0007")));
	assert_true(slice_equal(record.trade.product_name, slice_text("道路客流数据集")));
	assert_int_equal(record.trade.product_kind, PRODUCT_DATASET);
	assert_true(slice_equal(record.trade.supplier, slice_text("91370200264574251E")));
	assert_true(slice_equal(record.trade.supplier_name, slice_text("海尔智家股份有限公司")));
	assert_true(slice_equal(record.trade.buyer, slice_text("91370202MA0XTE011C")));
	assert_true(slice_equal(record.trade.buyer_name, slice_text("示例数据有限公司")));
	assert_true(slice_equal(record.trade.broker, slice_text("91370202000000019Q")));
	assert_int_equal(record.trade.amount_fen, 123456789);
	assert_int_equal(record.trade.tax_fen, 7000000);
	assert_int_equal(record.trade.instalment, 1);
	assert_int_equal(record.trade.signed_on, 20250110);
	assert_int_equal(record.trade.settled_on, 20250115);
	assert_true(slice_equal(record.trade.voucher_no, slice_text("JYPZ-2025-000123")));
	assert_int_equal(record.trade.invoice_count, 2);
	assert_true(slice_equal(record.trade.invoice_no[0], slice_text("25372000000012345678")));
	assert_true(slice_equal(record.trade.invoice_no[1], slice_text("370020013012345678")));
	assert_int_equal(record.trade.related_declared, DECLARED_NO);
	assert_int_equal(record.trade.other_subsidy, DECLARED_NOT_STATED);
	assert_int_equal(record_latest_date(&record), 20250115);
	assert_true(slice_equal(record_number(&record), slice_text("QD-2025-000123")));

	buf_init(&again, RECORD_SIZE_MAX);
	assert_int_equal(record_encode(&record, &again), OK);
	assert_true(slice_equal(buf_slice(&again), bytes));
	buf_done(&again);
	buf_done(&hex);
	arena_done(&arena);
}

static void decodes_the_refund_vector(void **state)
{
	struct arena arena;
	struct record record;
	struct buf hex, again;
	struct slice bytes = bytes_of_hex(refund_hex, &hex);

	(void)state;
	arena_init(&arena, ARENA_MAX);
	assert_int_equal(record_decode(bytes, &arena, &record, faults, &fault_count), OK);
	assert_int_equal(record.kind, RECORD_REFUND);
	assert_true(slice_equal(record.refund.adjust_no, slice_text("TK-2025-0001")));
	assert_true(slice_equal(record.refund.original_trade_no, slice_text("QD-2025-000123")));
	assert_int_equal(record.refund.amount_fen, 2345678);
	assert_int_equal(record.refund.tax_fen, 133000);
	assert_int_equal(record.refund.occurred_on, 20250220);
	assert_true(slice_equal(record.refund.reason_code, slice_text("QUALITY")));
	assert_true(slice_equal(record.refund.reason, slice_text("部分数据不合格")));
	assert_true(slice_equal(record.refund.red_invoice_no, slice_text("25372000000087654321")));
	assert_int_equal(record_latest_date(&record), 20250220);
	assert_true(slice_equal(record_number(&record), slice_text("TK-2025-0001")));

	buf_init(&again, RECORD_SIZE_MAX);
	assert_int_equal(record_encode(&record, &again), OK);
	assert_true(slice_equal(buf_slice(&again), bytes));
	buf_done(&again);
	buf_done(&hex);
	arena_done(&arena);
}

/* ---- second encodings */

static void refuses_a_record_cut_anywhere(void **state)
{
	const char *const vectors[] = {trade_hex, refund_hex};

	(void)state;
	for (size_t v = 0; v < 2; v++) {
		struct buf hex;
		struct slice bytes = bytes_of_hex(vectors[v], &hex);

		for (size_t size = 0; size < bytes.size; size++)
			if (decode(slice_of(bytes.data, size)) == OK)
				fail_msg("vector %zu cut to %zu bytes was taken", v, size);
		buf_done(&hex);
	}
}

static void refuses_trailing_bytes(void **state)
{
	const char *const vectors[] = {trade_hex, refund_hex};
	struct buf hex;

	(void)state;
	for (size_t v = 0; v < 2; v++) {
		struct slice bytes = bytes_of_hex(vectors[v], &hex);

		for (unsigned byte = 0; byte < 256; byte++) {
			buf_u8(&hex, (uint8_t)byte);
			if (decode(buf_slice(&hex)) == OK)
				fail_msg("vector %zu with byte %02x after it was taken", v, byte);
			hex.size = bytes.size;
		}
		buf_done(&hex);
	}
}

/* What a mutation at any field must come to. */
static void expect_mutation(enum mutation mutation, enum err err, unsigned number)
{
	switch (mutation) {
	case MUTATE_NOTHING: assert_int_equal(err, OK); break;
	case MUTATE_UNKNOWN_NUMBER:
	case MUTATE_UNKNOWN_BYTES: assert_int_equal(err, ERR_SYNTAX); break;
	case MUTATE_SWAPPED:
	case MUTATE_LONG_TAG:
	case MUTATE_LONG_VALUE: assert_int_equal(err, ERR_NOT_CANONICAL); break;
	case MUTATE_DOUBLED:
	case MUTATE_WRONG_TYPE:
	case MUTATE_DROPPED:
	case MUTATE_COUNT:
		if (err == OK)
			fail_msg("%s field %u was taken", mutation_name(mutation), number);
		break;
	}
}

static bool is_optional(bool is_trade, unsigned number)
{
	return is_trade ? number == 9 || number == 11 || number == 12 || number == 14 || number == 19
			: number == 4 || number == 7 || number == 8;
}

static void refuses_every_second_encoding(void **state)
{
	const char *const vectors[] = {trade_hex, refund_hex};
	const size_t path[] = {1};
	unsigned count = 0;

	(void)state;
	for (size_t v = 0; v < 2; v++) {
		struct buf hex, bytes;
		struct slice good = bytes_of_hex(vectors[v], &hex);

		buf_init(&bytes, RECORD_SIZE_MAX);
		for (size_t depth = 0; depth < 2; depth++)
			for (enum mutation mutation = 0; mutation < MUTATE_COUNT; mutation++)
				for (size_t at = 0; mutate(good, path, depth, at, mutation, &bytes); at++) {
					struct parts parts = parts_of(good);
					unsigned number;

					if (depth == 1)
						parts = parts_of(part_field(parts.rows[1]).bytes);
					number = part_field(parts.rows[at]).number;
					count++;
					/* A third invoice, or their other order, is another record, as is one without. */
					if (depth == 1 && v == 0 && number == 19 &&
					    (mutation == MUTATE_DOUBLED ||
						(mutation == MUTATE_SWAPPED &&
						    part_field(parts.rows[at + 1]).number == 19)))
						continue;
					if (mutation == MUTATE_DROPPED && depth == 1 && is_optional(v == 0, number)) {
						assert_int_equal(decode(buf_slice(&bytes)), OK);
						continue;
					}
					expect_mutation(mutation, decode(buf_slice(&bytes)), number);
				}
		buf_done(&bytes);
		buf_done(&hex);
	}
	assert_true(count > 200);
}

/* Replaces the first `from` in the vector by `to`, both hex, of equal or different size, with the sizes put right. */
static enum err decode_replaced(const char *vector, const char *from, const char *to)
{
	char text[2048];
	const char *body = vector + (strncmp(vector + 4, "12", 2) == 0 && vector[6] >= '8' ? 10 : 8);
	const char *place = strstr(body, from);
	struct buf inner, outer;
	enum err err;

	if (place == NULL)
		fail_msg("%s is not in the vector", from);
	(void)snprintf(text, sizeof(text), "%.*s%s%s", (int)(place - body), body, to, place + strlen(from));
	buf_init(&outer, RECORD_SIZE_MAX);
	buf_add(&outer, "\x08\x01", 2);
	add_part(&outer, vector == trade_hex ? 2 : 3, bytes_of_hex(text, &inner));
	err = decode(buf_slice(&outer));
	buf_done(&inner);
	buf_done(&outer);
	return err;
}

static void refuses_what_protobuf_alone_would_take(void **state)
{
	static const struct {
		const char *name, *vector, *from, *to, *field;
		enum err err;
	} rows[] = {
	    {"the vector itself", trade_hex, "2001", "2001", NULL, OK},
	    {"the refund itself", refund_hex, "5155414c495459", "5155414c495459", NULL, OK},
	    {"a default written out: tax 0", trade_hex, "70c09fab03", "7000", "", ERR_NOT_CANONICAL},
	    {"a default written out: empty broker", trade_hex, "6212393133373032303230303030303030313951", "6200", "",
		ERR_NOT_CANONICAL},
	    {"a default written out: empty reason", refund_hex, "3a15e983a8e58886e695b0e68daee4b88de59088e6a0bc",
		"3a00", "", ERR_NOT_CANONICAL},
	    {"NUL at a text's end", trade_hex, "0a0e51442d323032352d303030313233", "0a0e51442d323032352d303030313200",
		"", ERR_NOT_CANONICAL},
	    {"NUL inside a text", trade_hex, "0a0e51442d323032352d303030313233", "0a0e51442d003032352d303030313233", "",
		ERR_NOT_CANONICAL},
	    {"a text of one NUL", trade_hex, "0a0e51442d323032352d303030313233", "0a0100", "", ERR_NOT_CANONICAL},
	    {"invalid UTF-8", trade_hex, "3215e98193e8b7afe5", "3215e98193e8b7afff", "product_name", ERR_INVALID},
	    {"a surrogate", trade_hex, "3215e98193e8b7afe5aea2", "3215e98193e8b7afeda080", "product_name", ERR_INVALID},
	    {"an overlong form", trade_hex, "3215e98193e8b7afe5aea2", "3215e98193e8b7afe08080", "product_name",
		ERR_INVALID},
	    {"a line break", trade_hex, "3215e98193e8b7afe5aea2", "3215e98193e8b7af0a6162", "product_name",
		ERR_INVALID},
	    {"an enum of 0", trade_hex, "2001", "2000", "", ERR_NOT_CANONICAL},
	    {"an enum absent", trade_hex, "2001", "", "contract_kind", ERR_INVALID},
	    {"an enum beyond", trade_hex, "2001", "2005", "contract_kind", ERR_INVALID},
	    {"an enum of -1, ten bytes", trade_hex, "2001", "20ffffffffffffffffff01", "contract_kind",
		ERR_NOT_CANONICAL},
	    {"an enum of -1, five bytes", trade_hex, "2001", "20ffffffff0f", "contract_kind", ERR_INVALID},
	    {"an enum of 2^32 + 1", trade_hex, "2001", "208180808010", "", ERR_NOT_CANONICAL},
	    {"a number of 32 bits and more", trade_hex, "7801", "788180808010", "", ERR_NOT_CANONICAL},
	    {"a number of more than 64 bits", trade_hex, "7801", "78ffffffffffffffffff7f", "", ERR_NOT_CANONICAL},
	    {"a fixed number", trade_hex, "7801", "7d01000000", "", ERR_SYNTAX},
	    {"a group", trade_hex, "7801", "7b7c", "", ERR_SYNTAX},
	    {"a field of number 0", trade_hex, "7801", "78010001", "", ERR_SYNTAX},
	    {"a size beyond the message", trade_hex, "a80103", "aa017f41", "", ERR_SYNTAX},
	    {"a size of 2^64 - 1", trade_hex, "a80103", "aa01ffffffffffffffffff01", "", ERR_SYNTAX},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum err err = decode_replaced(rows[i].vector, rows[i].from, rows[i].to);

		if (err != rows[i].err)
			fail_msg("%s: %s, not %s (%s)", rows[i].name, err_name(err), err_name(rows[i].err),
			    err == OK ? "" : faults[0].reason.text);
		if (err != OK && err != ERR_NOT_CANONICAL && strcmp(faults[0].field, rows[i].field) != 0)
			fail_msg("%s: names field %s, not %s", rows[i].name, faults[0].field, rows[i].field);
	}
}

static void refuses_other_bodies_and_versions(void **state)
{
	static const struct {
		const char *name, *hex;
		enum err err;
	} rows[] = {
	    {"nothing", "", ERR_SYNTAX},
	    {"a version alone", "0801", ERR_SYNTAX},
	    {"an empty trade", "08011200", ERR_INVALID},
	    {"an empty refund", "08011a00", ERR_INVALID},
	    {"version 2", "08021200", ERR_INVALID},
	    {"no version", "1200", ERR_INVALID},
	    {"two bodies", "080112001a00", ERR_NOT_CANONICAL},
	    {"two bodies of a kind", "080112001200", ERR_NOT_CANONICAL},
	    {"an unknown body", "08012200", ERR_SYNTAX},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf hex;
		enum err err = decode(bytes_of_hex(rows[i].hex, &hex));

		if (err != rows[i].err)
			fail_msg("%s: %s, not %s", rows[i].name, err_name(err), err_name(rows[i].err));
		buf_done(&hex);
	}
}

static void accepts_no_changed_byte_but_another_record(void **state)
{
	const char *const vectors[] = {trade_hex, refund_hex};

	(void)state;
	for (size_t v = 0; v < 2; v++) {
		struct buf hex;
		struct slice good = bytes_of_hex(vectors[v], &hex);

		for (size_t at = 0; at < good.size; at++)
			for (unsigned bit = 0; bit < 8; bit++) {
				struct arena arena;
				struct record record;
				struct buf again;

				hex.data[at] ^= (uint8_t)(1u << bit);
				arena_init(&arena, ARENA_MAX);
				buf_init(&again, RECORD_SIZE_MAX);
				if (record_decode(good, &arena, &record, faults, &fault_count) == OK) {
					assert_int_equal(record_check(&record, faults, &fault_count), OK);
					assert_int_equal(record_encode(&record, &again), OK);
					assert_true(slice_equal(buf_slice(&again), good));
				}
				buf_done(&again);
				arena_done(&arena);
				hex.data[at] ^= (uint8_t)(1u << bit);
			}
		assert_int_equal(decode(good), OK);
		buf_done(&hex);
	}
}

static void bounds_size_and_memory(void **state)
{
	struct buf bytes, body;
	struct arena arena;
	struct record record;

	(void)state;
	/* One long text: at the limit it is a field's fault, beyond it the record's. */
	for (size_t size = RECORD_SIZE_MAX - 1; size <= RECORD_SIZE_MAX + 1; size++) {
		buf_init(&bytes, 2 * RECORD_SIZE_MAX);
		buf_init(&body, 2 * RECORD_SIZE_MAX);
		buf_add(&body, "\x0a", 1);
		buf_u8(&body, (uint8_t)((size - 8) & 0x7f) | 0x80);
		buf_u8(&body, (uint8_t)((size - 8) >> 7));
		while (body.size < size - 5)
			buf_add(&body, "x", 1);
		buf_add(&bytes, "\x08\x01", 2);
		add_part(&bytes, 2, buf_slice(&body));
		assert_int_equal(bytes.size, size);
		assert_int_equal(decode(buf_slice(&bytes)), size > RECORD_SIZE_MAX ? ERR_TOO_LARGE : ERR_INVALID);
		buf_done(&body);
		buf_done(&bytes);
	}
	/* Thousands of tiny fields would cost many times their size. */
	buf_init(&bytes, RECORD_SIZE_MAX);
	while (bytes.size + 3 <= RECORD_SIZE_MAX)
		buf_add(&bytes, "\xfa\x01\x00", 3);
	arena_init(&arena, ARENA_MAX);
	assert_int_equal(record_decode(buf_slice(&bytes), &arena, &record, faults, &fault_count), ERR_SYNTAX);
	assert_int_equal(arena.used_size, 0);
	arena_done(&arena);
	buf_done(&bytes);
	/* An arena at its end is not the record's fault. */
	arena_init(&arena, 64);
	bytes_of_hex(trade_hex, &bytes);
	assert_int_equal(record_decode(buf_slice(&bytes), &arena, &record, faults, &fault_count), ERR_MEMORY);
	assert_int_equal(fault_count, 1);
	arena_done(&arena);
	buf_done(&bytes);
}

/* ---- rules */

/* The one fault of the record must be of this field; NULL for none. */
static void expect_fault(const struct record *record, const char *field, const char *what)
{
	enum err err = record_check(record, faults, &fault_count);

	if (field == NULL) {
		if (err != OK)
			fail_msg("%s: refused: %s %s", what, faults[0].field, faults[0].reason.text);
		/* What passes can be written and read. */
		struct buf bytes;

		buf_init(&bytes, RECORD_SIZE_MAX);
		assert_int_equal(record_encode(record, &bytes), OK);
		if (decode(buf_slice(&bytes)) != OK)
			fail_msg("%s: not decoded: %s %s", what, faults[0].field, faults[0].reason.text);
		buf_done(&bytes);
		return;
	}
	if (err != ERR_INVALID || fault_count != 1 || strcmp(faults[0].field, field) != 0)
		fail_msg("%s: %s, %zu faults, the first of %s", what, err_name(err), fault_count,
		    fault_count > 0 ? faults[0].field : "none");
}

enum content { VISIBLE, TEXT };

static void keeps_texts_within_their_sizes(void **state)
{
	static const struct {
		const char *field;
		enum record_kind kind;
		size_t offset, min, max;
		enum content content;
	} rows[] = {
	    {"trade_no", RECORD_TRADE, offsetof(struct record, trade.trade_no), 1, TRADE_NO_SIZE_MAX, VISIBLE},
	    {"contract_no", RECORD_TRADE, offsetof(struct record, trade.contract_no), 1, CONTRACT_NO_SIZE_MAX, TEXT},
	    {"product_code", RECORD_TRADE, offsetof(struct record, trade.product_code), 1, PRODUCT_CODE_SIZE_MAX, TEXT},
	    {"product_name", RECORD_TRADE, offsetof(struct record, trade.product_name), 1, PRODUCT_NAME_SIZE_MAX, TEXT},
	    {"supplier_name", RECORD_TRADE, offsetof(struct record, trade.supplier_name), 0, PARTY_NAME_SIZE_MAX, TEXT},
	    {"buyer_name", RECORD_TRADE, offsetof(struct record, trade.buyer_name), 0, PARTY_NAME_SIZE_MAX, TEXT},
	    {"voucher_no", RECORD_TRADE, offsetof(struct record, trade.voucher_no), 1, TRADE_NO_SIZE_MAX, VISIBLE},
	    {"adjust_no", RECORD_REFUND, offsetof(struct record, refund.adjust_no), 1, TRADE_NO_SIZE_MAX, VISIBLE},
	    {"original_trade_no", RECORD_REFUND, offsetof(struct record, refund.original_trade_no), 1,
		TRADE_NO_SIZE_MAX, VISIBLE},
	    {"reason_code", RECORD_REFUND, offsetof(struct record, refund.reason_code), 1, REASON_CODE_SIZE_MAX,
		VISIBLE},
	    {"reason", RECORD_REFUND, offsetof(struct record, refund.reason), 0, REASON_SIZE_MAX, TEXT},
	};
	static char long_text[REASON_SIZE_MAX + 2];

	(void)state;
	memset(long_text, 'x', sizeof(long_text));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct record record = {.kind = rows[i].kind};
		struct slice *value = (struct slice *)(void *)((char *)&record + rows[i].offset);

		if (rows[i].kind == RECORD_TRADE)
			record.trade = good_trade();
		else
			record.refund = good_refund();
		*value = slice_of(long_text, rows[i].max - 1);
		expect_fault(&record, NULL, rows[i].field);
		*value = slice_of(long_text, rows[i].max);
		expect_fault(&record, NULL, rows[i].field);
		*value = slice_of(long_text, rows[i].max + 1);
		expect_fault(&record, rows[i].field, "one byte more");
		*value = slice_of(long_text, 1);
		expect_fault(&record, NULL, "one byte");
		*value = slice_of(NULL, 0);
		expect_fault(&record, rows[i].min == 0 ? NULL : rows[i].field, "empty");
		*value = slice_text("a b");
		expect_fault(&record, rows[i].content == TEXT ? NULL : rows[i].field, "a space");
		*value = slice_text("数");
		expect_fault(&record, rows[i].content == TEXT ? NULL : rows[i].field, "beyond ASCII");
		*value = slice_text("a\x7f");
		expect_fault(&record, rows[i].field, "a control character");
		*value = slice_text("a\xff");
		expect_fault(&record, rows[i].field, "invalid UTF-8");
	}
}

static void checks_a_trade_field_by_field(void **state)
{
	static const uint8_t hash[HASH_SIZE + 1];

	(void)state;
/* One change to a good trade, and the field it is refused for (NULL: it passes). */
#define CASE(change, field)                                                                                            \
	do {                                                                                                           \
		struct record record = {.kind = RECORD_TRADE, .trade = good_trade()};                                  \
		struct trade *t = &record.trade;                                                                       \
		change;                                                                                                \
		expect_fault(&record, field, #change);                                                                 \
	} while (0)
	CASE((void)t, NULL);
	CASE(t->contract_hash = slice_of(hash, HASH_SIZE - 1), "contract_hash");
	CASE(t->contract_hash = slice_of(hash, HASH_SIZE + 1), "contract_hash");
	CASE(t->contract_hash = slice_of(NULL, 0), "contract_hash");
	CASE(t->contract_kind = 0, "contract_kind");
	CASE(t->contract_kind = CONTRACT_INTERMEDIARY, NULL);
	CASE(t->contract_kind = CONTRACT_INTERMEDIARY + 1, "contract_kind");
	CASE(t->product_kind = 0, "product_kind");
	CASE(t->product_kind = PRODUCT_OTHER, NULL);
	CASE(t->product_kind = PRODUCT_OTHER + 1, "product_kind");
	CASE(t->related_declared = 0, "related_declared");
	CASE(t->related_declared = DECLARED_NOT_STATED + 1, "related_declared");
	CASE(t->other_subsidy = 0, "other_subsidy");
	CASE(t->other_subsidy = DECLARED_YES, NULL);
	CASE(t->other_subsidy = DECLARED_NOT_STATED + 1, "other_subsidy");
	CASE(t->supplier = slice_text("91370200264574251F"), "supplier");
	CASE(t->supplier = slice_text(""), "supplier");
	CASE(t->supplier = slice_text("91370200264574251e"), "supplier");
	CASE(t->supplier = t->buyer, NULL); /* a trade with oneself enters, and doesn't count */
	CASE(t->buyer = slice_text("9133010057462616XH"), "buyer");
	CASE(t->buyer = slice_text(" 91370202MA0XTE011C"), "buyer");
	CASE(t->broker = slice_text("91370202000000019Q"), NULL);
	CASE(t->broker = slice_text("91370202000000019R"), "broker");
	CASE(t->amount_fen = 0; t->tax_fen = 0, "amount");
	CASE(t->amount_fen = 1; t->tax_fen = 0, NULL);
	CASE(t->amount_fen = AMOUNT_FEN_MAX - 1, NULL);
	CASE(t->amount_fen = AMOUNT_FEN_MAX, NULL);
	CASE(t->amount_fen = AMOUNT_FEN_MAX + 1, "amount");
	CASE(t->amount_fen = UINT64_MAX, "amount");
	CASE(t->amount_fen = AMOUNT_FEN_MAX; t->tax_fen = AMOUNT_FEN_MAX, "tax");
	CASE(t->tax_fen = 0, NULL);
	CASE(t->tax_fen = 999, NULL);
	CASE(t->tax_fen = 1000, "tax");
	CASE(t->tax_fen = UINT64_MAX, "tax");
	CASE(t->instalment = 0, "instalment");
	CASE(t->instalment = INSTALMENT_MAX, NULL);
	CASE(t->instalment = INSTALMENT_MAX + 1, "instalment");
	CASE(t->signed_on = 0, "signed_on");
	CASE(t->signed_on = 20250229, "signed_on");
	CASE(t->signed_on = 20240229, NULL);
	CASE(t->signed_on = t->settled_on, NULL);
	CASE(t->signed_on = t->settled_on + 70, "settled_on"); /* 20250201 */
	CASE(t->settled_on = 20250132, "settled_on");
	CASE(t->settled_on = (DATE_YEAR_MAX + 1) * 10000 + 101, "settled_on");
	CASE(t->settled_on = DATE_YEAR_MAX * 10000 + 1231, NULL);
	CASE(t->invoice_count = 1; t->invoice_no[0] = slice_text("12345678901234567890"), NULL);
	CASE(t->invoice_count = 1; t->invoice_no[0] = slice_text("123456789012345678"), NULL);
	CASE(t->invoice_count = 1; t->invoice_no[0] = slice_text("1234567890123456789"), "invoice_no");
	CASE(t->invoice_count = 1; t->invoice_no[0] = slice_text("123456789012345678901"), "invoice_no");
	CASE(t->invoice_count = 1; t->invoice_no[0] = slice_text("1234567890123456789x"), "invoice_no");
	CASE(t->invoice_count = 1; t->invoice_no[0] = slice_text("/2345678901234567890"), "invoice_no");
	CASE(t->invoice_count = 1; t->invoice_no[0] = slice_text(""), "invoice_no");
	for (size_t i = 0; i < INVOICE_COUNT_MAX; i++)
		CASE(t->invoice_count = i + 1;
		     for (size_t k = 0; k <= i; k++) t->invoice_no[k] = slice_text("12345678901234567890"), NULL);
#undef CASE
}

static void checks_a_refund_field_by_field(void **state)
{
	(void)state;
#define CASE(change, field)                                                                                            \
	do {                                                                                                           \
		struct record record = {.kind = RECORD_REFUND, .refund = good_refund()};                               \
		struct refund *r = &record.refund;                                                                     \
		change;                                                                                                \
		expect_fault(&record, field, #change);                                                                 \
	} while (0)
	CASE((void)r, NULL);
	CASE(r->amount_fen = 0; r->tax_fen = 0, "amount");
	CASE(r->amount_fen = AMOUNT_FEN_MAX, NULL);
	CASE(r->amount_fen = AMOUNT_FEN_MAX + 1, "amount");
	CASE(r->tax_fen = 0, NULL);
	CASE(r->tax_fen = 999, NULL);
	CASE(r->tax_fen = 1000, "tax");
	CASE(r->occurred_on = 0, "occurred_on");
	CASE(r->occurred_on = 20250431, "occurred_on");
	CASE(r->red_invoice_no = slice_text("12345678901234567890"), NULL);
	CASE(r->red_invoice_no = slice_text("1234567890123456789"), "red_invoice_no");
#undef CASE
}

static void refuses_a_ninth_invoice(void **state)
{
	struct record record = {.kind = RECORD_TRADE, .trade = good_trade()};
	struct buf bytes, longer;
	struct parts outer;

	(void)state;
	record.trade.invoice_count = INVOICE_COUNT_MAX;
	for (size_t i = 0; i < INVOICE_COUNT_MAX; i++)
		record.trade.invoice_no[i] = slice_text("12345678901234567890");
	buf_init(&bytes, RECORD_SIZE_MAX);
	assert_int_equal(record_encode(&record, &bytes), OK);
	assert_int_equal(decode(buf_slice(&bytes)), OK);
	buf_init(&longer, RECORD_SIZE_MAX);
	/* As many as fit don't excuse a second encoding. */
	assert_true(mutate(buf_slice(&bytes), (size_t[]){1}, 1, 0, MUTATE_LONG_VALUE, &longer));
	assert_int_equal(decode(buf_slice(&longer)), ERR_NOT_CANONICAL);
	outer = parts_of(buf_slice(&bytes));
	for (size_t at = 0; mutate(buf_slice(&bytes), (size_t[]){1}, 1, at, MUTATE_DOUBLED, &longer); at++)
		if (part_field(parts_of(part_field(outer.rows[1]).bytes).rows[at]).number == 19)
			break;
	assert_int_equal(decode(buf_slice(&longer)), ERR_INVALID);
	assert_int_equal(fault_count, 1);
	assert_string_equal(faults[0].field, "invoice_no");
	assert_non_null(strstr(faults[0].reason.text, "found 9"));
	record.trade.invoice_count = INVOICE_COUNT_MAX + 1;
	assert_int_equal(record_check(&record, faults, &fault_count), ERR_INVALID);
	buf_done(&longer);
	buf_done(&bytes);
}

static void names_every_fault_at_once(void **state)
{
	struct record record = {.kind = RECORD_TRADE};
	static const char *const fields[] = {"trade_no", "contract_no", "contract_hash", "contract_kind",
	    "product_code", "product_name", "product_kind", "supplier", "buyer", "amount", "instalment", "signed_on",
	    "settled_on", "voucher_no", "related_declared", "other_subsidy"};

	(void)state;
	assert_int_equal(record_check(&record, faults, &fault_count), ERR_INVALID);
	assert_int_equal(fault_count, sizeof(fields) / sizeof(fields[0]));
	for (size_t i = 0; i < fault_count; i++)
		assert_string_equal(faults[i].field, fields[i]);
	record.trade.invoice_count = INVOICE_COUNT_MAX;
	record.trade.tax_fen = 1;
	assert_int_equal(record_check(&record, faults, &fault_count), ERR_INVALID);
	assert_int_equal(fault_count, RECORD_FAULTS_MAX);
	record = (struct record){.kind = RECORD_TRADE, .trade = good_trade()};
	record.trade.amount_fen = 0;
	assert_int_equal(record_check(&record, faults, &fault_count), ERR_INVALID);
	assert_int_equal(fault_count, 2);
	assert_string_equal(faults[1].field, "tax");
}

static void says_what_was_found(void **state)
{
	struct record record = {.kind = RECORD_TRADE, .trade = good_trade()};

	(void)state;
	record.trade.product_kind = 0;
	expect_fault(&record, "product_kind", "an absent kind");
	assert_non_null(strstr(faults[0].reason.text, "it is absent"));
	record.trade.product_kind = PRODUCT_OTHER + 1;
	expect_fault(&record, "product_kind", "an unknown kind");
	assert_non_null(strstr(faults[0].reason.text, "found 8"));
	/* Where the size of the whole changes, that is the first difference. */
	assert_int_equal(decode_replaced(trade_hex, "7801", "788100"), ERR_NOT_CANONICAL);
	assert_non_null(strstr(faults[0].reason.text, "from byte 3 of 325"));
	assert_int_equal(decode_replaced(refund_hex, "18ce958f01",
			     "18ce958f01"
			     "18ce958f01"),
	    ERR_NOT_CANONICAL);
	assert_non_null(strstr(faults[0].reason.text, "from byte 3 of 107"));
	assert_int_equal(decode_replaced(trade_hex, "70c09fab037801", "780170c09fab03"), ERR_NOT_CANONICAL);
	assert_non_null(strstr(faults[0].reason.text, "from byte 236 of 324"));
}

static void does_not_encode_beyond_the_limit(void **state)
{
	static char text[RECORD_SIZE_MAX + 100];
	struct record record = {.kind = RECORD_REFUND, .refund = good_refund()};
	struct buf bytes;
	size_t size;

	(void)state;
	memset(text, 'x', sizeof(text));
	buf_init(&bytes, 2 * RECORD_SIZE_MAX);
	record.refund.reason = slice_of(text, 8000);
	assert_int_equal(record_encode(&record, &bytes), OK);
	size = 8000 + RECORD_SIZE_MAX - bytes.size;
	for (size_t more = 0; more <= 100 - 8; more++) {
		buf_clear(&bytes);
		record.refund.reason = slice_of(text, size - 1 + more);
		assert_int_equal(record_encode(&record, &bytes), more > 1 ? ERR_TOO_LARGE : OK);
	}
	buf_done(&bytes);
}

static void escapes_and_cuts_what_it_quotes(void **state)
{
	static const struct {
		const char *value, *shown;
	} rows[] = {
	    {"a b", "\"a b\""},
	    {"a\x1b[2J", "\"a\\x1b[2J\""},
	    {"quote\" back\\", "\"quote\\x22 back\\x5c\""},
	    {"a\xff\xe6", "\"a\\xff\\xe6\""},
	    {"数 据", "\"数 据\""},
	    {"c1 \xc2\x9b", "\"c1 \\xc2\\x9b\""},
	    {"not c1 \xc2\xa7", "\"not c1 §\""},
	    {"\xc2\x80 \xc2\x9f \xc2\xa0", "\"\\xc2\\x80 \\xc2\\x9f \xc2\xa0\""},
	    {"bad \x80", "\"bad \\x80\""},
	    {"123456789012345678901234567890123456789012345678 ", "…\""},
	    {"12345678901234567890123456789012345678901234567 ", "7 \""},
	    {"xx数据数据数据数据数据数据数据数据", "\"xx数据数据数据数据数据数据数据数…\""},
	};
	struct record record = {.kind = RECORD_TRADE, .trade = good_trade()};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		record.trade.trade_no = slice_text(rows[i].value);
		expect_fault(&record, "trade_no", rows[i].value);
		if (strstr(faults[0].reason.text, rows[i].shown) == NULL)
			fail_msg("%s does not show %s", faults[0].reason.text, rows[i].shown);
	}
	record.trade = good_trade();
	for (const char *const *code = (const char *const[]){"\x1b[2J", "91370200264574251\x07", "91370202\xff", NULL};
	     *code; code++) {
		record.trade.buyer = slice_text(*code);
		expect_fault(&record, "buyer", "a hostile code");
		for (const char *at = faults[0].reason.text; *at != '\0'; at++)
			assert_true((unsigned char)*at >= 0x20);
		assert_true(utf8_is_text(slice_text(faults[0].reason.text)));
	}
}

/* ---- words */

static void has_a_word_for_each_kind(void **state)
{
	(void)state;
	for (enum contract_kind kind = CONTRACT_PROVIDE; kind <= CONTRACT_INTERMEDIARY; kind++)
		assert_int_equal(contract_kind_by_name(slice_text(contract_kind_name(kind))), kind);
	for (enum product_kind kind = PRODUCT_DATASET; kind <= PRODUCT_OTHER; kind++)
		assert_int_equal(product_kind_by_name(slice_text(product_kind_name(kind))), kind);
	for (enum declaration said = DECLARED_NO; said <= DECLARED_NOT_STATED; said++)
		assert_int_equal(declaration_by_name(slice_text(declaration_name(said))), said);
	assert_string_equal(contract_kind_name(CONTRACT_INTERMEDIARY), "intermediary");
	assert_string_equal(product_kind_name(PRODUCT_COMPUTE), "compute");
	assert_string_equal(declaration_name(DECLARED_NOT_STATED), "not_stated");
	assert_int_equal(contract_kind_by_name(slice_text("Provide")), 0);
	assert_int_equal(product_kind_by_name(slice_text("")), 0);
	assert_int_equal(declaration_by_name(slice_text("no ")), 0);
	for (enum disposition disposition = DISPOSITION_COUNTED; disposition < DISPOSITION_COUNT; disposition++) {
		assert_true(strlen(disposition_name(disposition)) > 3);
		assert_true(strlen(disposition_sentence(disposition)) > 5);
	}
	assert_string_equal(disposition_name(DISPOSITION_OVERFLOW), "overflow");
	assert_string_equal(disposition_name(DISPOSITION_REFUND_EXCEEDS), "refund_exceeds");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(decodes_the_trade_vector),
	    cmocka_unit_test(decodes_the_refund_vector),
	    cmocka_unit_test(refuses_a_record_cut_anywhere),
	    cmocka_unit_test(refuses_trailing_bytes),
	    cmocka_unit_test(refuses_every_second_encoding),
	    cmocka_unit_test(refuses_what_protobuf_alone_would_take),
	    cmocka_unit_test(refuses_other_bodies_and_versions),
	    cmocka_unit_test(accepts_no_changed_byte_but_another_record),
	    cmocka_unit_test(bounds_size_and_memory),
	    cmocka_unit_test(keeps_texts_within_their_sizes),
	    cmocka_unit_test(checks_a_trade_field_by_field),
	    cmocka_unit_test(checks_a_refund_field_by_field),
	    cmocka_unit_test(refuses_a_ninth_invoice),
	    cmocka_unit_test(names_every_fault_at_once),
	    cmocka_unit_test(says_what_was_found),
	    cmocka_unit_test(does_not_encode_beyond_the_limit),
	    cmocka_unit_test(escapes_and_cuts_what_it_quotes),
	    cmocka_unit_test(has_a_word_for_each_kind),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
