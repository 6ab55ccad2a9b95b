/* Who a token is, until when, and what its holder may see. */
#include "daemon/access.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/world.h"

#define EXPIRES 20261130u
#define TOKEN_TEXT_SIZE (2 * ACCESS_TOKEN_SIZE + 1)

static const char *const subjects[] = {"bureau", "auditor", "venue:qddex", "91370202MA0XTE011C"};
#define SUBJECT_COUNT 4

static void token_of(unsigned number, char ret_text[static TOKEN_TEXT_SIZE])
{
	struct hash bytes = hash_sha256(slice_of(&number, sizeof(number)));

	hex_format(hash_slice(&bytes), ret_text);
}

/* Grants token i to subjects[i]. */
static void grant_all(struct world *world)
{
	struct store_txn *txn;

	assert_int_equal(store_write(world->store, &txn), OK);
	for (unsigned i = 0; i < SUBJECT_COUNT; i++) {
		struct grant_row row = {.index = 1};
		struct hash token = hash_sha256(slice_of(&i, sizeof(i))), token_hash = hash_sha256(hash_slice(&token));

		assert_int_equal(grant_subject_parse(slice_text(subjects[i]), &row.grant), OK);
		memcpy(row.grant.token_hash, token_hash.bytes, HASH_SIZE);
		snprintf(row.grant.holder, sizeof(row.grant.holder), "holder %u", i);
		row.grant.expires = EXPIRES;
		grant_put(txn, &row);
	}
	assert_int_equal(store_commit(txn), OK);
}

static int setup(void **state)
{
	struct world *world = world_new();

	grant_all(world);
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	world_free(*state);
	return 0;
}

static enum err identify(struct world *world, struct slice bearer, uint32_t today, struct viewer *ret_viewer)
{
	struct store_txn *txn = world_read(world);
	struct why why = {.text = ""};
	enum err err = access_identify(txn, bearer, today, ret_viewer, &why);

	assert_int_equal(store_error(txn), OK);
	if (err != OK)
		assert_true(why.text[0] != '\0');
	store_abort(txn);
	return err;
}

static void knows_each_token_by_its_hash(void **state)
{
	for (unsigned i = 0; i < SUBJECT_COUNT; i++) {
		struct viewer viewer;
		char token[TOKEN_TEXT_SIZE], subject[64], holder[16];

		token_of(i, token);
		assert_int_equal(identify(*state, slice_text(token), EXPIRES, &viewer), OK);
		grant_subject_format(&viewer.grant, subject);
		assert_string_equal(subject, subjects[i]);
		snprintf(holder, sizeof(holder), "holder %u", i);
		assert_string_equal(viewer.grant.holder, holder);
		assert_int_equal(access_is_oversight(&viewer), i < 2);
	}
}

static void refuses_what_is_no_granted_token(void **state)
{
	struct hash token, token_hash;
	struct viewer viewer;
	char text[TOKEN_TEXT_SIZE + 1];
	unsigned number = 0;

	assert_int_equal(identify(*state, slice_of(NULL, 0), EXPIRES, &viewer), ERR_UNAUTHORIZED);
	assert_int_equal(identify(*state, slice_text(""), EXPIRES, &viewer), ERR_UNAUTHORIZED);
	token_of(SUBJECT_COUNT, text);
	assert_int_equal(identify(*state, slice_text(text), EXPIRES, &viewer), ERR_UNAUTHORIZED);
	/* What the ledger stores opens nothing. */
	token = hash_sha256(slice_of(&number, sizeof(number)));
	token_hash = hash_sha256(hash_slice(&token));
	hex_format(hash_slice(&token_hash), text);
	assert_int_equal(identify(*state, slice_text(text), EXPIRES, &viewer), ERR_UNAUTHORIZED);
	/* Sizes and form. */
	token_of(0, text);
	assert_int_equal(identify(*state, slice_of(text, TOKEN_TEXT_SIZE - 2), EXPIRES, &viewer), ERR_UNAUTHORIZED);
	text[TOKEN_TEXT_SIZE - 1] = '0';
	assert_int_equal(identify(*state, slice_of(text, TOKEN_TEXT_SIZE), EXPIRES, &viewer), ERR_UNAUTHORIZED);
	text[0] = ' ';
	assert_int_equal(identify(*state, slice_of(text, TOKEN_TEXT_SIZE - 1), EXPIRES, &viewer), ERR_UNAUTHORIZED);
}

static void is_valid_through_its_last_day(void **state)
{
	struct viewer viewer;
	char token[TOKEN_TEXT_SIZE];

	token_of(0, token);
	assert_int_equal(identify(*state, slice_text(token), EXPIRES - 1, &viewer), OK);
	assert_int_equal(identify(*state, slice_text(token), EXPIRES, &viewer), OK);
	assert_int_equal(identify(*state, slice_text(token), date_add_days(EXPIRES, 1), &viewer), ERR_UNAUTHORIZED);
}

static void gives_each_route_to_whom_it_is_for(void **state)
{
	/* By subject, in the order above. */
	static const struct {
		const char *name;
		enum access access;
		const char *subject;
		enum err expected[SUBJECT_COUNT];
	} rows[] = {
	    {"open", ACCESS_OPEN, "", {OK, OK, OK, OK}},
	    {"oversight", ACCESS_OVERSIGHT, "", {OK, OK, ERR_FORBIDDEN, ERR_FORBIDDEN}},
	    {"own venue", ACCESS_VENUE, "qddex", {OK, OK, OK, ERR_FORBIDDEN}},
	    {"other venue", ACCESS_VENUE, "sddex", {OK, OK, ERR_NOT_FOUND, ERR_FORBIDDEN}},
	    {"part of a venue", ACCESS_VENUE, "qdde", {OK, OK, ERR_NOT_FOUND, ERR_FORBIDDEN}},
	    {"own enterprise", ACCESS_ENTERPRISE, "91370202MA0XTE011C", {OK, OK, ERR_FORBIDDEN, OK}},
	    {"other enterprise", ACCESS_ENTERPRISE, "91370202MA0XTE02X4", {OK, OK, ERR_FORBIDDEN, ERR_NOT_FOUND}},
	    {"a venue's name as a code", ACCESS_ENTERPRISE, "qddex", {OK, OK, ERR_FORBIDDEN, ERR_NOT_FOUND}},
	};

	(void)state;
	for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++)
		for (unsigned i = 0; i < SUBJECT_COUNT; i++) {
			struct viewer viewer = {.grant = {.expires = EXPIRES}};
			struct why why = {.text = ""};
			enum err err;

			assert_int_equal(grant_subject_parse(slice_text(subjects[i]), &viewer.grant), OK);
			err = access_check(&viewer, rows[row].access, slice_text(rows[row].subject), &why);
			if (err != rows[row].expected[i])
				fail_msg("%s by %s: %s", rows[row].name, subjects[i], err_name(err));
		}
}

static void tells_foreign_and_absent_alike(void **state)
{
	static const enum access kinds[] = {ACCESS_VENUE, ACCESS_ENTERPRISE};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct viewer viewer = {.grant = {.expires = EXPIRES}};
		struct why foreign = {.text = ""}, absent = {.text = ""};

		assert_int_equal(grant_subject_parse(slice_text(subjects[2 + i]), &viewer.grant), OK);
		assert_int_equal(access_check(&viewer, kinds[i], slice_text("x"), &foreign), ERR_NOT_FOUND);
		assert_int_equal(access_absent(kinds[i], &absent), ERR_NOT_FOUND);
		assert_string_equal(foreign.text, absent.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(knows_each_token_by_its_hash),
	    cmocka_unit_test(refuses_what_is_no_granted_token),
	    cmocka_unit_test(is_valid_through_its_last_day),
	    cmocka_unit_test(gives_each_route_to_whom_it_is_for),
	    cmocka_unit_test(tells_foreign_and_absent_alike),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
