/* What is handed on of a checkpoint: the ledger's own lines, of one key or of two, and nobody else's. */
#include "client/cosigner.h"

#include "key_fixture.h"

#define DASH "\xe2\x80\x94 "
#define NEXT_LINE DASH LOG_NAME " AAAAAgEC\n"
#define OTHER_LINE DASH "witness.example AAAAAwEC\n"

static void hands_on_every_line_of_the_ledger(void **state)
{
	static const struct {
		const char *lines, *wanted;
	} rows[] = {
	    {NEXT_LINE, NEXT_LINE},
	    {NEXT_LINE NEXT_LINE, NEXT_LINE NEXT_LINE},
	    {OTHER_LINE NEXT_LINE OTHER_LINE NEXT_LINE, NEXT_LINE NEXT_LINE},
	    {OTHER_LINE, ""},
	};
	struct kept_head head;
	struct buf note, wanted;
	struct note parsed;

	(void)state;
	kept_head_init(&head);
	buf_init(&note, CHECKPOINT_SIZE_MAX);
	buf_init(&wanted, CHECKPOINT_SIZE_MAX);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_clear(&head.note);
		buf_add_text(&head.note, CHECKPOINT_TEXT "\n");
		buf_add_text(&head.note, rows[i].lines);
		assert_int_equal(note_parse(buf_slice(&head.note), &parsed, NULL), OK);
		assert_int_equal(checkpoint_parse(parsed.text, &head.checkpoint, NULL), OK);
		buf_clear(&note);
		assert_int_equal(cosigner_note(&head, &note), OK);
		buf_clear(&wanted);
		buf_add_text(&wanted, CHECKPOINT_TEXT "\n");
		buf_add_text(&wanted, rows[i].wanted);
		assert_string_equal(buf_text(&note), buf_text(&wanted));
	}
	buf_done(&wanted);
	buf_done(&note);
	kept_head_done(&head);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(hands_on_every_line_of_the_ledger)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
