/* The add-checkpoint call: what is sent, and what is taken for a cosignature. */
#include "client/witness.h"

#include "client/feeding.h"
#include "key_fixture.h"

#define DASH "\xe2\x80\x94 "
#define LOG_LINE                                                                                                       \
	DASH LOG_NAME " qm3qARJhljcAQuteB58xeuD/Kee8yLLAhWZCIc/"                                                       \
		      "zWIUxWk+MraNXf14twKlk728wYlKjR71OJwV8CvnUx0jTiBWZuwQ=\n"
#define WITNESS_LINE                                                                                                   \
	DASH WITNESS_NAME " rdo/3QAAAABkGFDL/WBDmGYdb8pweBiKkkD9UtR+I0peg4/+IarE6FECj+e7RM+SC4gtc3BTa2edOrbCQMxf/AhTC" \
			  "Wf5i0rvzaRRCQ==\n"
#define SPOILT_LINE                                                                                                    \
	DASH WITNESS_NAME " rdo/3QAAAABkGFDM/WBDmGYdb8pweBiKkkD9UtR+I0peg4/+IarE6FECj+e7RM+SC4gtc3BTa2edOrbCQMxf/AhTC" \
			  "Wf5i0rvzaRRCQ==\n"
#define UNKNOWN_LINE DASH "unknown.example AAAAAAA=\n"

static struct key witness_key(void)
{
	struct key key;

	assert_int_equal(key_parse(slice_text(WITNESS_VKEY), &key), OK);
	return key;
}

static void writes_the_body_of_the_call(void **state)
{
	struct tree_path path = {.count = 0};
	struct witness_call call = {.old_size = 0, .path = &path, .note = slice_text(CHECKPOINT_TEXT "\n" LOG_LINE)};
	struct buf body;

	(void)state;
	buf_init(&body, NOTE_SIZE_MAX);
	witness_format(&call, &body);
	assert_string_equal(buf_text(&body), "old 0\n\n" CHECKPOINT_TEXT "\n" LOG_LINE);
	buf_clear(&body);
	memset(path.hashes, 0, sizeof(path.hashes[0]));
	memset(&path.hashes[1], 0xff, sizeof(path.hashes[1]));
	path.count = 2;
	call.old_size = 9007199254740992;
	witness_format(&call, &body);
	assert_string_equal(buf_text(&body), "old 9007199254740992\n"
					     "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
					     "//////////////////////////////////////////8=\n"
					     "\n" CHECKPOINT_TEXT "\n" LOG_LINE);
	buf_done(&body);
}

static void takes_the_cosignature_of_its_key_and_no_other(void **state)
{
	static const struct {
		const char *lines;
		enum err err;
	} rows[] = {
	    {WITNESS_LINE, OK},
	    {UNKNOWN_LINE WITNESS_LINE LOG_LINE, OK},
	    {WITNESS_LINE WITNESS_LINE, OK},
	    {"", ERR_NOTE},
	    {"\n" WITNESS_LINE, ERR_NOTE},
	    {"no line\n", ERR_NOTE},
	    {DASH WITNESS_NAME " AAAA", ERR_NOTE},
	    {UNKNOWN_LINE, ERR_UNKNOWN_KEY},
	    {LOG_LINE, ERR_UNKNOWN_KEY},
	    {SPOILT_LINE, ERR_SIGNATURE},
	    {WITNESS_LINE SPOILT_LINE, ERR_SIGNATURE},
	    /* A whole note of its own, whose text is not ours. */
	    {"other\n\n" WITNESS_LINE, ERR_NOTE},
	};
	struct tree_path path = {.count = 0};
	struct key key = witness_key();
	struct witness_call call = {.url = "https://witness.example",
	    .key = &key,
	    .path = &path,
	    .note = slice_text(CHECKPOINT_TEXT "\n" LOG_LINE)};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct witness_answer answer = {.held_size = 99};
		struct why why = {""};
		enum err err = witness_parse(slice_text(rows[i].lines), &call, &answer, &why);

		if (err != rows[i].err)
			fail_msg("row %zu: %s", i, err_name(err));
		if (err == OK) {
			assert_int_equal(answer.cosignature_size, 72);
			assert_int_equal(key_verify(&key, slice_text(CHECKPOINT_TEXT),
					     slice_of(answer.cosignature, answer.cosignature_size)),
			    OK);
		} else {
			assert_int_equal(answer.held_size, 99);
			assert_non_null(strstr(why.text, "https://witness.example"));
		}
	}
}

static void leaves_a_witness_alone_longer_each_time(void **state)
{
	static const struct {
		unsigned failures, interval_s;
		uint64_t pause_ms;
	} rows[] = {{1, 10, 20000}, {2, 10, 40000}, {3, 10, 80000}, {4, 10, 160000}, {5, 10, 300000}, {6, 10, 300000},
	    {4000000000u, 10, 300000}, {1, 149, 298000}, {1, 150, 300000}, {1, 151, 300000}, {1, 86400, 300000},
	    {8, 1, 256000}, {9, 1, 300000}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (feeding_pause_ms(rows[i].failures, rows[i].interval_s) != rows[i].pause_ms)
			fail_msg("row %zu", i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(writes_the_body_of_the_call),
	    cmocka_unit_test(takes_the_cosignature_of_its_key_and_no_other),
	    cmocka_unit_test(leaves_a_witness_alone_longer_each_time),
	};

	return cmocka_run_group_tests(tests, init, NULL);
}
