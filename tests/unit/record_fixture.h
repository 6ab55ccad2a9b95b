/* The two records that FORMAT.md shows, good ones to change, and what reads and checks them. */
#ifndef TESTS_RECORD_FIXTURE_H
#define TESTS_RECORD_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mutate.h"
#include "proto/record.h"

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

static inline enum err decode(struct slice bytes)
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

static inline struct trade good_trade(void)
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

static inline struct refund good_refund(void)
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

/* Replaces the first `from` in the vector by `to`, both hex, of equal or different size, with the sizes put right. */
static inline enum err decode_replaced(const char *vector, const char *from, const char *to)
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

/* The one fault of the record must be of this field; NULL for none. */
static inline void expect_fault(const struct record *record, const char *field, const char *what)
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

#endif
