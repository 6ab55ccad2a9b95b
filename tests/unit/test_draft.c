#include "client/draft.h"

#include "tests/unit/order_fixture.h"

#define EXPIRES 20261224

/* How many of `count` equal lines fit one order. */
static size_t taken_of(struct slice line, size_t count)
{
	struct slice *lines = calloc(count, sizeof(*lines));
	size_t taken;

	assert_non_null(lines);
	for (size_t i = 0; i < count; i++)
		lines[i] = line;
	taken = draft_take(lines, count);
	free(lines);
	return taken;
}

static void bounds_an_order_by_the_number_of_its_items(void **state)
{
	struct slice line = slice_text("0123456789");

	(void)state;
	assert_int_equal(taken_of(line, 1), 1);
	assert_int_equal(taken_of(line, ORDER_ITEMS_MAX - 1), ORDER_ITEMS_MAX - 1);
	assert_int_equal(taken_of(line, ORDER_ITEMS_MAX), ORDER_ITEMS_MAX);
	assert_int_equal(taken_of(line, ORDER_ITEMS_MAX + 1), ORDER_ITEMS_MAX);
	assert_int_equal(draft_take(NULL, 0), 0);
}

/* The largest line of that letter that an order can carry. */
static size_t largest_line(char letter)
{
	size_t size = 0;

	for (size_t step = 1u << 16; step > 0; step /= 2) {
		char *text = fixture_repeat(letter, size + step);

		if (taken_of(slice_text(text), 1) == 1)
			size += step;
		free(text);
	}
	return size;
}

static void bounds_an_order_by_its_bytes(void **state)
{
	size_t plain = largest_line('x'), quotes = largest_line('"');
	char *text = fixture_repeat('x', plain + 1);

	(void)state;
	/* At, below and above the bound, in one line and in two. */
	assert_int_equal(taken_of(slice_of(text, plain - 1), 1), 1);
	assert_int_equal(taken_of(slice_of(text, plain), 1), 1);
	assert_int_equal(taken_of(slice_of(text, plain + 1), 1), 0);
	assert_int_equal(taken_of(slice_of(text, plain / 2), 3), 2);
	assert_int_equal(taken_of(slice_of(text, plain / 2 + 1), 3), 1);
	/* Room for the note is left, and no more than that; quotes take two bytes of the request. */
	assert_in_range(plain, ORDER_BODY_SIZE_MAX - 4096, ORDER_BODY_SIZE_MAX - 1);
	assert_in_range(quotes, HTTP_PUBLIC_BODY_MAX / 2 - 2048, HTTP_PUBLIC_BODY_MAX / 2 - 1);
	free(text);
}

/* ---- orders */

struct list {
	struct buf bytes[3000];
	struct slice lines[3000];
	size_t count;
};

/* Firms or pairs as the ledger would take them; `letter` fills the names. */
static void list_fill(struct list *list, enum order_type type, size_t count, char letter)
{
	char *name = fixture_repeat(letter, PARTY_NAME_SIZE_MAX);

	list->count = count;
	for (unsigned i = 0; i < count; i++) {
		uint8_t salt[SALT_SIZE] = {(uint8_t)(i >> 8), (uint8_t)i};
		char code[USCI_SIZE + 1], second[USCI_SIZE + 1];
		struct order_item item = {.name = slice_text(name)};

		fixture_code(i, code);
		fixture_code(i + 1, second);
		item.code = slice_text(code);
		item.second = slice_text(second);
		buf_init(&list->bytes[i], ORDER_BODY_SIZE_MAX);
		assert_int_equal(order_item_format(type, &item, salt, &list->bytes[i]), OK);
		list->lines[i] = buf_slice(&list->bytes[i]);
	}
	free(name);
}

static void list_done(struct list *list)
{
	for (size_t i = 0; i < list->count; i++)
		buf_done(&list->bytes[i]);
}

static struct order_draft draft_of(enum order_type type, const char *id, const struct list *list)
{
	return (struct order_draft){.type = type,
	    .id = id,
	    .origin = FIXTURE_ORIGIN,
	    .ledger_id = FIXTURE_LEDGER_ID,
	    .expires = EXPIRES,
	    .made_at_size = 7,
	    .items = list->lines,
	    .item_count = list->count};
}

/* The longest name an officer can have. */
static struct signer *officer_new(unsigned number)
{
	char name[OFFICER_NAME_SIZE_MAX + 1];
	struct hash secret = hash_sha256(slice_of(&number, sizeof(number)));
	struct signer *signer = NULL;

	memset(name, 'a' + (int)number, sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(signer_from_secret(KEY_SM2, slice_text(name), secret.bytes, &signer), OK);
	return signer;
}

/* Every order is taken as the daemon takes it, even with as many signatures as a quorum may ask for. */
static void expect_whole(enum order_type type, size_t count, char letter, size_t order_count_min)
{
	struct list *list = calloc(1, sizeof(*list));
	struct signer *officers[QUORUM_SLOTS_MAX];
	struct why why = {""};
	struct bundle bundle;
	struct order_draft draft;
	size_t done = 0;

	assert_non_null(list);
	list_fill(list, type, count, letter);
	draft = draft_of(type, "a-list", list);
	for (unsigned i = 0; i < QUORUM_SLOTS_MAX; i++)
		officers[i] = officer_new(i);
	bundle_init(&bundle);
	assert_int_equal(draft_sign(&draft, officers, 1, &bundle, &why), OK);
	for (size_t i = 1; i < QUORUM_SLOTS_MAX; i++)
		assert_int_equal(bundle_sign(&bundle, officers[i], &why), OK);
	assert_true(bundle.order_count >= order_count_min);
	for (size_t i = 0; i < bundle.order_count; i++) {
		const struct bundle_order *order = &bundle.orders[i];
		struct slice note_bytes, *items;
		struct order parsed;
		struct arena arena;
		struct note note;
		struct buf body;
		size_t item_count;
		char id[32];

		buf_init(&body, HTTP_PUBLIC_BODY_MAX);
		arena_init(&arena, ORDER_ARENA_SIZE);
		assert_int_equal(
		    order_request_encode(buf_slice(&order->note), order->items, order->item_count, &body), OK);
		if (order_request_decode(buf_slice(&body), &arena, &note_bytes, &items, &item_count, &why) != OK)
			fail_msg("order %zu: %s", i, why.text);
		assert_int_equal(note_parse(note_bytes, &note, &why), OK);
		assert_int_equal(note.signature_count, QUORUM_SLOTS_MAX);
		if (order_parse(note.text, items, item_count, &arena, &parsed, &why) != OK)
			fail_msg("order %zu: %s", i, why.text);
		snprintf(id, sizeof(id), bundle.order_count > 1 ? "a-list-%zu" : "a-list", i + 1);
		assert_string_equal(parsed.id, id);
		for (size_t j = 0; j < item_count; j++)
			assert_true(slice_equal(items[j], list->lines[done++]));
		arena_done(&arena);
		buf_done(&body);
	}
	assert_int_equal(done, count);
	for (size_t i = 0; i < QUORUM_SLOTS_MAX; i++)
		signer_free(officers[i]);
	bundle_done(&bundle);
	list_done(list);
	free(list);
}

static void divides_a_long_list_and_loses_nothing(void **state)
{
	(void)state;
	expect_whole(ORDER_ENTERPRISE_RELATE, 1, 'x', 1);
	expect_whole(ORDER_ENTERPRISE_RELATE, 400, 'x', 1);
	expect_whole(ORDER_ENTERPRISE_RELATE, 3000, 'x', 5);
	expect_whole(ORDER_ENTERPRISE_REGISTER, 500, 'x', 3);
}

static void leaves_room_for_the_quotes_in_names(void **state)
{
	(void)state;
	expect_whole(ORDER_ENTERPRISE_REGISTER, 400, '"', 4);
	expect_whole(ORDER_ENTERPRISE_REGISTER, 400, '\\', 4);
}

static void numbers_the_ids_of_a_bundle_only(void **state)
{
	struct list *list = calloc(1, sizeof(*list));
	struct signer *officer = officer_new(0);

	(void)state;
	assert_non_null(list);
	list_fill(list, ORDER_ENTERPRISE_RELATE, 600, 'x');
	for (size_t size = ORDER_ID_SIZE_MAX - 3; size <= ORDER_ID_SIZE_MAX; size++) {
		char *id = fixture_repeat('i', size);
		struct order_draft draft = draft_of(ORDER_ENTERPRISE_RELATE, id, list);
		bool has_room = size + 2 <= ORDER_ID_SIZE_MAX;
		struct why why = {""};
		struct bundle bundle;

		bundle_init(&bundle);
		assert_int_equal(draft_sign(&draft, &officer, 1, &bundle, &why), has_room ? OK : ERR_ORDER);
		if (!has_room)
			assert_non_null(strstr(why.text, "no room"));
		bundle_done(&bundle);
		bundle_init(&bundle);
		draft.item_count = 1;
		assert_int_equal(draft_sign(&draft, &officer, 1, &bundle, &why), OK);
		assert_int_equal(bundle.order_count, 1);
		bundle_done(&bundle);
		free(id);
	}
	signer_free(officer);
	list_done(list);
	free(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(bounds_an_order_by_the_number_of_its_items),
	    cmocka_unit_test(bounds_an_order_by_its_bytes),
	    cmocka_unit_test(divides_a_long_list_and_loses_nothing),
	    cmocka_unit_test(leaves_room_for_the_quotes_in_names),
	    cmocka_unit_test(numbers_the_ids_of_a_bundle_only),
	};

	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
