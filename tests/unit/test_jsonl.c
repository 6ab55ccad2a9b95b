/* JSON Lines: the same records as from CSV, strict keys and types, faults by line. */
#include "client/jsonl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/client_fixture.h"

#define REST                                                                                                           \
	"\"tax\":\"5.5\",\"adjust_no\":\"A-1\",\"original_trade_no\":\"T-1\",\"occurred_on\":\"2025-03-07\","          \
	"\"reason_code\":\"quality\",\"reason\":\"质量不符\",\"red_invoice_no\":\"26370000000000000917\"}"

static enum err jsonl_take(const char *text, size_t size, struct rows *ret_rows, struct why *why)
{
	FILE *file = tmpfile();
	enum err err;

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, size, file), size);
	rewind(file);
	rows_init(ret_rows);
	err = jsonl_read(file, ret_rows, why);
	fclose(file);
	return err;
}

static void gives_the_bytes_that_csv_gives(void **state)
{
	static const char trade[] =
	    "{\"trade_no\":\"T-1\",\"contract_no\":\"C〔2025〕1号\",\"contract_hash\":\"" FIXTURE_HASH "\","
	    "\"contract_kind\":\"provide\",\"product_code\":\"P-1\",\"product_name\":\"气象数据\",\"product_kind\":"
	    "\"dataset\","
	    "\"supplier\":\"91370202MA0XTE011C\",\"supplier_name\":\"供方\",\"buyer\":\"91370202MA0XTE02X4\","
	    "\"buyer_name\":\"需方\",\"broker\":\"91370202MA0XTE0384\",\"amount\":\"1234.5\",\"tax\":\"34.56\","
	    "\"instalment\":2,\"signed_on\":\"2025-01-05\",\"settled_on\":\"2025-02-06\",\"voucher_no\":\"V-1\","
	    "\"invoice_no\":[\"26370000000000000915\",\"26370000000000000916\"],\"related_declared\":\"no\","
	    "\"other_subsidy\":\"yes\",\"reason\":null}\n"
	    "\n"
	    "{\"kind\":\"refund\",\"amount\":\"100\"," REST;
	struct row rows_wanted[2] = {fixture_row(fixture_trade), fixture_row(fixture_refund)};
	struct rows rows, wanted;

	(void)state;
	rows_init(&wanted);
	row_add(&rows_wanted[0], &wanted);
	row_add(&rows_wanted[1], &wanted);
	assert_int_equal(jsonl_take(trade, sizeof(trade) - 1, &rows, NULL), OK);
	assert_int_equal(rows.fault_total, 0);
	assert_int_equal(rows.record_count, 2);
	for (size_t i = 0; i < 2; i++)
		assert_true(slice_equal(rows_record(&rows, i), rows_record(&wanted, i)));
	assert_int_equal(rows.records[1].row, 3);
	rows_done(&wanted);
	rows_done(&rows);
}

static void names_line_and_key_of_faults(void **state)
{
	static const struct {
		const char *text;
		const char *column, *rule;
	} vectors[] = {
	    {"{\"kind\":\"refund\",\"amount\":100," REST, "amount", "must be a string"},
	    {"{\"kind\":\"refund\",\"amount\":[\"100\"]," REST, "amount", "must be a string"},
	    {"{\"kind\":\"refund\",\"amount\":\"x\"," REST, "amount", "yuan"},
	    {"{\"kind\":\"refund\"," REST, "amount", "is missing"},
	    {"{\"kind\":\"refund\",\"amount\":null," REST, "amount", "is missing"},
	    {"{\"kind\":\"refund\",\"amount\":\"1\",\"amount\":\"2\"," REST, "", "not JSON"},
	    {"{\"kind\":\"refund\",\"amount\":\"10\",\"prize\":\"1\"," REST, "", "no key of this name"},
	    {"{\"kind\":\"refund\",\"金额\":\"10\"," REST, "", "no key of this name"},
	    {"{\"kind\":\"refund\",\"instalment\":1.5,\"amount\":\"10\"," REST, "instalment", "a number or a string"},
	    {"{\"kind\":\"refund\",\"invoice_no\":[1],\"amount\":\"10\"," REST, "invoice_no", "array of strings"},
	    {"[]", "", "one object"},
	    {"{", "", "not JSON"},
	    {"{} {}", "", "not JSON"},
	    {"{\"a\":\"\xff\"}", "", "not JSON"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct rows rows;

		assert_int_equal(jsonl_take(vectors[i].text, strlen(vectors[i].text), &rows, NULL), OK);
		if (rows.fault_total != 1 || rows.record_count != 0)
			fail_msg("row %zu: %llu faults", i, (unsigned long long)rows.fault_total);
		if (rows.faults[0].row != 1 || strcmp(rows.faults[0].column, vectors[i].column) != 0 ||
		    strstr(rows.faults[0].rule, vectors[i].rule) == NULL)
			fail_msg("row %zu: %s: %s", i, rows.faults[0].column, rows.faults[0].rule);
		rows_done(&rows);
	}
}

static void bounds_the_size_of_a_line(void **state)
{
	char *text = malloc(CSV_FIELD_SIZE_MAX + 1);
	struct why why = {""};
	struct rows rows;

	(void)state;
	assert_non_null(text);
	memset(text, ' ', CSV_FIELD_SIZE_MAX + 1);
	assert_int_equal(jsonl_take(text, CSV_FIELD_SIZE_MAX, &rows, &why), OK);
	rows_done(&rows);
	assert_int_equal(jsonl_take(text, CSV_FIELD_SIZE_MAX + 1, &rows, &why), ERR_TOO_LARGE);
	rows_done(&rows);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(gives_the_bytes_that_csv_gives),
	    cmocka_unit_test(names_line_and_key_of_faults),
	    cmocka_unit_test(bounds_the_size_of_a_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
