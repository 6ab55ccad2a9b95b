/*
 * Pushing, against a ledger made here: what is sent, sent again, believed and refused. The network is a fake that
 * takes the place of link.c at link time; receipts are real ones.
 */
#include "client/push.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "client/commands.h"
#include "client/file.h"
#include "tests/unit/client_fixture.h"

#define LEDGER_ID "00112233aabbccdd"
#define ORIGIN "ledger.example/qd"
#define RECORDS_MAX 64
#define ENTRIES_MAX 64

/* What the ledger does with the next push. */
enum mischief {
	HONEST,
	LOSES_ANSWER,     /* stores, and the answer is lost */
	IS_BUSY,          /* 503, nothing stored */
	IS_DOWN,          /* every request: unreachable */
	FORGES_RECEIPT,   /* one byte of it */
	SUSPENDS,         /* 403 */
	FINDS_RECORD_BAD, /* in the check, the second one */
};

static struct {
	struct signer *key, *venue, *stranger;
	char *folder;
	/* the feed */
	struct slice records[RECORDS_MAX];
	size_t record_count;
	struct buf note;
	/* the ledger: entries of pushes, behind a genesis of zeroes */
	struct hash leaves[ENTRIES_MAX];
	struct buf entries[ENTRIES_MAX];
	size_t entry_count;
	enum mischief mischief;
	unsigned mischief_count; /* requests until it is honest again */
	bool has_token, is_tampering;
	unsigned push_count, check_count, sleep_count;
	struct buf first_body; /* of the first push, to compare with the next */
	bool was_same_body;
} ledger;

unsigned sleep(unsigned seconds);

unsigned sleep(unsigned seconds)
{
	(void)seconds;
	ledger.sleep_count++;
	return 0;
}

/* ---- the ledger's side */

static void note_make(const struct checkpoint *checkpoint, struct signer *signer, struct buf *ret_note)
{
	struct buf text;

	buf_init(&text, NOTE_TEXT_SIZE_MAX);
	buf_init(ret_note, NOTE_SIZE_MAX);
	checkpoint_format(checkpoint, &text);
	assert_int_equal(note_sign(buf_slice(&text), &signer, 1, ret_note), OK);
	buf_done(&text);
}

static struct hash feed_root(size_t count)
{
	struct hash leaves[RECORDS_MAX + 1];

	for (size_t i = 0; i < count; i++)
		leaves[i] = hash_leaf(ledger.records[i]);
	return tree_root(leaves, count);
}

static enum err source_hash(void *cookie, unsigned level, uint64_t index, struct hash *ret_hash)
{
	(void)cookie;
	*ret_hash = tree_root(ledger.leaves + (index << level), 1ull << level);
	return OK;
}

static json_t *receipt_of(size_t entry)
{
	struct tree_source source = {.hash = source_hash};
	struct checkpoint checkpoint = {.origin = ORIGIN, .size = ledger.entry_count};
	struct proof proof = {.has_extra = true, .extra = buf_slice(&ledger.entries[entry]), .index = entry};
	struct buf note, text;
	json_t *json;

	checkpoint.root = tree_root(ledger.leaves, ledger.entry_count);
	note_make(&checkpoint, ledger.key, &note);
	assert_int_equal(tree_inclusion(&source, entry, ledger.entry_count, &proof.path), OK);
	proof.note = buf_slice(&note);
	buf_init(&text, 1 << 20);
	proof_format(&proof, &text);
	if (ledger.mischief == FORGES_RECEIPT)
		text.data[60] ^= 1;
	json = json_pack("{s:s,s:s%}", "venue", "qddex", "receipt", text.data, text.size);
	buf_done(&text);
	buf_done(&note);
	return json;
}

static void entry_add(const struct push *push, uint64_t start)
{
	struct entry entry = {.time_us = 1767225600000000 + ledger.entry_count, .salt = {1}, .kind = ENTRY_PUSH};

	entry.push.venue = slice_text("qddex");
	entry.push.generation = 1;
	entry.push.start = start;
	entry.push.count = push->start + push->record_count - start;
	entry.push.first_index = 1;
	entry.push.note = push->note;
	entry.push.tally_count = 1;
	entry.push.tally[0] = (struct tally){DISPOSITION_COUNTED, entry.push.count};
	buf_init(&ledger.entries[ledger.entry_count], ENTRY_SIZE_MAX);
	assert_int_equal(entry_encode(&entry, &ledger.entries[ledger.entry_count]), OK);
	ledger.leaves[ledger.entry_count] = hash_leaf(buf_slice(&ledger.entries[ledger.entry_count]));
	ledger.entry_count++;
}

static enum err answer_refuse(struct link_answer *answer, enum err err)
{
	answer->status = err_status(err);
	answer->json = json_pack("{s:s}", "title", err_sentence(err));
	return answer->err = why_set(&answer->why, err, "says the ledger");
}

static enum err answer_json(struct link_answer *answer, json_t *json)
{
	answer->status = 200;
	answer->json = json;
	return answer->err = OK;
}

static json_t *root_text(const struct hash *root)
{
	struct buf text;
	json_t *json;

	buf_init(&text, 100);
	base64_add(&text, hash_slice(root));
	json = json_string(buf_text(&text));
	buf_done(&text);
	return json;
}

/* Compares what is held; false for a conflict. */
static bool held_is_equal(const struct push *push)
{
	for (size_t i = 0; i < push->record_count && push->start + i < ledger.record_count; i++)
		if (!slice_equal(push->records[i], ledger.records[push->start + i]))
			return false;
	return true;
}

static void records_store(const struct push *push)
{
	for (uint64_t i = ledger.record_count - push->start; i < push->record_count; i++) {
		uint8_t *copy = malloc(push->records[i].size);

		assert_non_null(copy);
		memcpy(copy, push->records[i].data, push->records[i].size);
		ledger.records[ledger.record_count++] = slice_of(copy, push->records[i].size);
	}
}

static enum err push_answer(const struct push *push, struct slice body, struct link_answer *answer)
{
	size_t held = ledger.record_count;

	if (ledger.push_count++ == 0)
		buf_add_slice(&ledger.first_body, body);
	ledger.was_same_body = slice_equal(buf_slice(&ledger.first_body), body);
	if (!held_is_equal(push))
		return answer_refuse(answer, ERR_FEED_CONFLICT);
	if (ledger.mischief == IS_BUSY || ledger.mischief == SUSPENDS)
		return answer_refuse(answer, ledger.mischief == IS_BUSY ? ERR_OVERLOADED : ERR_SUSPENDED);
	if (push->start + push->record_count > held) {
		records_store(push);
		buf_clear(&ledger.note);
		buf_add_slice(&ledger.note, push->note);
		entry_add(push, held);
	}
	if (ledger.mischief == LOSES_ANSWER)
		return answer->err = why_set(&answer->why, ERR_UNCERTAIN, "cut off");
	return answer_json(answer, receipt_of(ledger.entry_count - 1));
}

static enum err check_answer(const struct push *push, struct link_answer *answer)
{
	struct hash leaves[RECORDS_MAX], root;
	uint64_t size = push->start + push->record_count;

	ledger.check_count++;
	assert_int_equal(push->note.size, 0);
	if (push->start > ledger.record_count)
		return answer_refuse(answer, ERR_FEED_GAP);
	if (!held_is_equal(push))
		return answer_refuse(answer, ERR_FEED_CONFLICT);
	if (ledger.mischief == FINDS_RECORD_BAD) {
		(void)answer_refuse(answer, ERR_RECORDS);
		(void)json_object_set_new(answer->json, "errors",
		    json_pack("[{s:I,s:s,s:s}]", "index", (json_int_t)push->start + 1, "field", "settled_on", "reason",
			"late"));
		return ERR_RECORDS;
	}
	for (size_t i = 0; i < push->start; i++)
		leaves[i] = hash_leaf(ledger.records[i]);
	for (size_t i = 0; i < push->record_count; i++)
		leaves[push->start + i] = hash_leaf(push->records[i]);
	if (size < ledger.record_count)
		size = ledger.record_count;
	root = tree_root(leaves, push->start + push->record_count);
	return answer_json(
	    answer, json_pack("{s:i,s:I,s:o}", "generation", 1, "size", (json_int_t)size, "root", root_text(&root)));
}

static enum err feed_answer(struct link_answer *answer)
{
	struct hash root = feed_root(ledger.record_count);

	return answer_json(answer, json_pack("{s:i,s:I,s:o,s:s%}", "generation", 1, "size",
				       (json_int_t)ledger.record_count, "root", root_text(&root), "note",
				       ledger.note.size > 0 ? (const char *)ledger.note.data : "", ledger.note.size));
}

static enum err records_answer(uint64_t from, struct link_answer *answer)
{
	json_t *rows = json_array();

	/* Two at a time, so that there is more than one page. */
	for (uint64_t i = from; i < ledger.record_count && i < from + 2; i++) {
		struct buf text;

		buf_init(&text, BASE64_SIZE(RECORD_SIZE_MAX));
		base64_add(&text, ledger.records[ledger.is_tampering && i > 0 ? i - 1 : i]);
		(void)json_array_append_new(
		    rows, json_pack("{s:I,s:s}", "feed_index", (json_int_t)i, "record", buf_text(&text)));
		buf_done(&text);
	}
	return answer_json(answer, json_pack("{s:o}", "records", rows));
}

/* ---- link.h, as far as pushing goes */

enum err link_open(const struct settings *settings, struct link **ret_link, struct why *why)
{
	(void)settings;
	(void)why;
	*ret_link = NULL;
	return OK;
}

void link_close(struct link *link)
{
	(void)link;
}

bool link_has_token(const struct link *link)
{
	(void)link;
	return ledger.has_token;
}

static enum err post_answer(const struct link_request *request, bool is_check, struct link_answer *answer)
{
	struct arena arena;
	struct push push;
	enum err err;

	assert_string_equal(request->content_type, "application/protobuf");
	arena_init(&arena, 1 << 20);
	assert_int_equal(push_decode(request->body, &arena, &push, NULL), OK);
	err = is_check ? check_answer(&push, answer) : push_answer(&push, request->body, answer);
	arena_done(&arena);
	if (ledger.mischief_count > 0 && --ledger.mischief_count == 0)
		ledger.mischief = HONEST;
	return err;
}

enum err link_ask(struct link *link, const struct link_request *request, struct link_answer *ret_answer)
{
	static const char records[] = "/v1/feeds/qddex/records?from=";
	char vkey[KEY_VKEY_SIZE];

	(void)link;
	*ret_answer = (struct link_answer){.why = {""}};
	buf_init(&ret_answer->body, CLIENT_ANSWER_SIZE_MAX);
	if (ledger.mischief == IS_DOWN)
		return ret_answer->err = why_set(&ret_answer->why, ERR_UNREACHABLE, "down");
	if (strcmp(request->path, "/v1/ledger") == 0) {
		key_format(signer_key(ledger.key), vkey);
		return answer_json(ret_answer, json_pack("{s:s,s:s,s:s,s:I}", "origin", ORIGIN, "ledger_id", LEDGER_ID,
						   "vkey", vkey, "size", (json_int_t)ledger.entry_count));
	}
	if (request->content_type != NULL)
		return post_answer(request, strstr(request->path, "?check=1") != NULL, ret_answer);
	assert_true(ledger.has_token);
	if (strncmp(request->path, records, sizeof(records) - 1) == 0)
		return records_answer(strtoull(request->path + sizeof(records) - 1, NULL, 10), ret_answer);
	assert_string_equal(request->path, "/v1/feeds/qddex");
	return feed_answer(ret_answer);
}

enum err link_get(struct link *link, const char *path, struct link_answer *ret_answer)
{
	struct link_request request = {.path = path};

	return link_ask(link, &request, ret_answer);
}

void link_answer_done(struct link_answer *answer)
{
	json_decref(answer->json);
	answer->json = NULL;
	buf_done(&answer->body);
}

/* ---- the client's side */

static char *path_of(const char *name)
{
	char *path = NULL;

	assert_true(asprintf(&path, "%s/%s", ledger.folder, name) > 0);
	return path;
}

static void key_write(const char *name, const struct signer *signer)
{
	char *path = path_of(name);
	struct buf text;

	buf_init(&text, 1000);
	assert_int_equal(signer_format(signer, &text), OK);
	assert_int_equal(file_create(path, buf_slice(&text), 0600, NULL), OK);
	buf_done(&text);
	free(path);
}

static struct signer *signer_make(const char *name, uint8_t first)
{
	uint8_t secret[32] = {first};
	struct signer *signer = NULL;

	assert_int_equal(signer_from_secret(KEY_ED25519, slice_text(name), secret, &signer), OK);
	return signer;
}

static int begin(void **state)
{
	(void)state;
	memset(&ledger, 0, sizeof(ledger));
	if (key_global_init() != OK)
		return -1;
	ledger.key = signer_make(ORIGIN, 1);
	ledger.venue = signer_make("qddex", 2);
	ledger.stranger = signer_make("qddex", 3);
	ledger.folder = fixture_folder();
	ledger.leaves[0] = hash_leaf(slice_of("", 0));
	ledger.entry_count = 1;
	buf_init(&ledger.note, NOTE_SIZE_MAX);
	buf_init(&ledger.first_body, PUSH_SIZE_MAX);
	key_write("key", ledger.venue);
	key_write("other-key", ledger.stranger);
	return 0;
}

static int end(void **state)
{
	(void)state;
	for (size_t i = 0; i < ledger.record_count; i++)
		fixture_free(ledger.records[i]);
	for (size_t i = 1; i < ledger.entry_count; i++)
		buf_done(&ledger.entries[i]);
	buf_done(&ledger.first_body);
	buf_done(&ledger.note);
	signer_free(ledger.key);
	signer_free(ledger.venue);
	signer_free(ledger.stranger);
	fixture_folder_remove(ledger.folder);
	return 0;
}

/* `subsidy push` of refunds A-first..A-last, `rows` a push. */
static enum exit_code push_with(const char *key, unsigned first, unsigned last, const char *reason)
{
	static const struct option key_option = {"key", "FILE", "", false}, rows_option = {"rows", "N", "", false};
	struct args *args = calloc(1, sizeof(*args));
	char *file_path = path_of("file.csv"), *key_path = path_of(key), *state = path_of("state");
	struct settings settings = {.state = state, .is_json = true};
	FILE *file = fopen(file_path, "w");
	enum exit_code code;

	assert_non_null(args);
	assert_non_null(file);
	fprintf(file, "kind,amount,tax,adjust_no,original_trade_no,occurred_on,reason_code\n");
	for (unsigned i = first; i <= last; i++)
		fprintf(file, "refund,1,0,A-%u,T-1,2025-01-01,%s\n", i, reason);
	fclose(file);
	settings.server = strdup("https://ledger.example");
	args->word_count = 2;
	args->words[0] = "qddex";
	args->words[1] = file_path;
	args->value_count = 2;
	args->values[0].option = &key_option;
	args->values[0].text = key_path;
	args->values[1].option = &rows_option;
	args->values[1].text = "3";
	code = cmd_push.run(&settings, args);
	free(settings.server);
	free(state);
	free(key_path);
	free(file_path);
	free(args);
	return code;
}

static enum exit_code push(unsigned first, unsigned last)
{
	return push_with("key", first, last, "x");
}

static size_t receipt_count(void)
{
	char *path = path_of("state/" LEDGER_ID "/qddex/receipts");
	DIR *folder = opendir(path);
	size_t count = 0;

	assert_non_null(folder);
	for (struct dirent *file; (file = readdir(folder)) != NULL;)
		count += file->d_name[0] != '.';
	closedir(folder);
	free(path);
	return count;
}

static void state_lose(void)
{
	char *path = path_of("state/" LEDGER_ID);

	fixture_remove(path);
	free(path);
}

static void pushes_in_parts_and_skips_what_is_there(void **state)
{
	(void)state;
	assert_int_equal(push(1, 7), EXIT_OK);
	assert_int_equal(ledger.record_count, 7);
	assert_int_equal(ledger.push_count, 3);
	assert_int_equal(receipt_count(), 3);
	assert_int_equal(push(1, 7), EXIT_OK);
	assert_int_equal(ledger.push_count, 3);
	assert_int_equal(push(5, 8), EXIT_OK);
	assert_int_equal(ledger.push_count, 4);
	assert_int_equal(ledger.record_count, 8);
	assert_int_equal(ledger.check_count, 4);
}

static void sends_the_same_bytes_again_when_an_answer_is_lost(void **state)
{
	(void)state;
	ledger.mischief = LOSES_ANSWER;
	ledger.mischief_count = 3; /* the check, and two pushes */
	assert_int_equal(push(1, 2), EXIT_OK);
	assert_int_equal(ledger.push_count, 3);
	assert_true(ledger.was_same_body);
	assert_int_equal(ledger.record_count, 2);
	assert_int_equal(ledger.sleep_count, 2);
	assert_int_equal(receipt_count(), 1);
}

static void gives_up_after_a_while_and_begins_with_the_same_bytes(void **state)
{
	(void)state;
	ledger.mischief = LOSES_ANSWER;
	assert_int_equal(push(1, 2), EXIT_UNREACHABLE);
	assert_int_equal(ledger.push_count, CLIENT_TRIES_MAX);
	ledger.mischief = HONEST;
	assert_int_equal(push(3, 3), EXIT_OK);
	assert_int_equal(ledger.push_count, CLIENT_TRIES_MAX + 2);
	assert_int_equal(ledger.record_count, 3);
	assert_int_equal(receipt_count(), 2);
}

static void waits_for_a_busy_ledger(void **state)
{
	(void)state;
	ledger.mischief = IS_BUSY;
	ledger.mischief_count = 3;
	assert_int_equal(push(1, 1), EXIT_OK);
	assert_int_equal(ledger.sleep_count, 2);
	ledger.mischief = IS_DOWN;
	assert_int_equal(push(2, 2), EXIT_UNREACHABLE);
}

static void signs_nothing_when_a_number_comes_with_other_content(void **state)
{
	(void)state;
	assert_int_equal(push(1, 2), EXIT_OK);
	assert_int_equal(push_with("key", 2, 4, "y"), EXIT_REFUSED);
	assert_int_equal(ledger.push_count, 1);
	assert_int_equal(ledger.check_count, 1);
}

static void signs_nothing_when_the_check_finds_a_record_bad(void **state)
{
	(void)state;
	ledger.mischief = FINDS_RECORD_BAD;
	assert_int_equal(push(1, 3), EXIT_REFUSED);
	assert_int_equal(ledger.push_count, 0);
	ledger.mischief = HONEST;
	assert_int_equal(push(1, 3), EXIT_OK);
}

static void forgets_a_refused_push(void **state)
{
	(void)state;
	ledger.mischief = SUSPENDS;
	assert_int_equal(push(1, 2), EXIT_NOT_ALLOWED);
	assert_int_equal(ledger.push_count, 1);
	ledger.mischief = HONEST;
	assert_int_equal(push(3, 4), EXIT_OK);
	assert_int_equal(ledger.push_count, 2);
	assert_int_equal(ledger.record_count, 2);
}

static void believes_no_forged_receipt(void **state)
{
	(void)state;
	ledger.mischief = FORGES_RECEIPT;
	assert_int_equal(push(1, 2), EXIT_UNVERIFIED);
	assert_int_equal(receipt_count(), 0);
	ledger.mischief = HONEST;
	/* The state had not moved: the push is still pending, and is answered truly now. */
	assert_int_equal(push(1, 2), EXIT_OK);
	assert_true(ledger.was_same_body);
	assert_int_equal(receipt_count(), 1);
}

static void notices_another_ledger_at_the_same_address(void **state)
{
	(void)state;
	assert_int_equal(push(1, 1), EXIT_OK);
	signer_free(ledger.key);
	ledger.key = signer_make(ORIGIN, 9);
	assert_int_equal(push(2, 2), EXIT_UNVERIFIED);
	assert_int_equal(ledger.push_count, 1);
}

static void refuses_to_fork_a_feed_it_does_not_know(void **state)
{
	(void)state;
	assert_int_equal(push(1, 5), EXIT_OK);
	state_lose();
	/* Other rows, and no access code to see what is there. */
	assert_int_equal(push(6, 6), EXIT_REFUSED);
	assert_int_equal(ledger.push_count, 2);
}

static void builds_its_state_anew_from_the_ledger(void **state)
{
	(void)state;
	assert_int_equal(push(1, 5), EXIT_OK);
	state_lose();
	ledger.has_token = true;
	assert_int_equal(push(1, 7), EXIT_OK);
	assert_int_equal(ledger.record_count, 7);
	assert_int_equal(ledger.push_count, 3);
	/* And what was fetched is there the next time. */
	ledger.has_token = false;
	assert_int_equal(push(1, 7), EXIT_OK);
	assert_int_equal(ledger.push_count, 3);
}

static void extends_no_history_that_is_not_its_own(void **state)
{
	struct checkpoint checkpoint = {.size = 5};

	(void)state;
	assert_int_equal(push(1, 5), EXIT_OK);
	state_lose();
	ledger.has_token = true;
	/* Records that are not those of the note. */
	ledger.is_tampering = true;
	assert_int_equal(push(6, 6), EXIT_UNVERIFIED);
	ledger.is_tampering = false;
	/* A key that did not sign the feed. */
	assert_int_equal(push_with("other-key", 6, 6, "x"), EXIT_UNVERIFIED);
	/* A note by a stranger over the true records. */
	feed_origin_format("qddex", LEDGER_ID, 1, checkpoint.origin);
	checkpoint.root = feed_root(5);
	buf_done(&ledger.note);
	note_make(&checkpoint, ledger.stranger, &ledger.note);
	assert_int_equal(push(6, 6), EXIT_UNVERIFIED);
	assert_int_equal(ledger.push_count, 2);
}

static void notices_that_acknowledged_records_are_gone(void **state)
{
	(void)state;
	assert_int_equal(push(1, 5), EXIT_OK);
	fixture_free(ledger.records[--ledger.record_count]);
	assert_int_equal(push(6, 6), EXIT_UNVERIFIED); /* the check says: a gap */
	ledger.has_token = true;
	assert_int_equal(push(6, 6), EXIT_UNVERIFIED); /* the feed is shorter */
	assert_int_equal(ledger.check_count, 3);
	assert_int_equal(ledger.push_count, 2);
}

static void notices_that_acknowledged_records_have_changed(void **state)
{
	(void)state;
	assert_int_equal(push(1, 3), EXIT_OK);
	fixture_free(ledger.records[1]);
	ledger.records[1] = fixture_record("T-9", "100");
	assert_int_equal(push(4, 4), EXIT_UNVERIFIED); /* the check wants another root */
	ledger.has_token = true;
	assert_int_equal(push(4, 4), EXIT_UNVERIFIED); /* seen before anything is asked of it */
	assert_int_equal(ledger.check_count, 2);
	assert_int_equal(ledger.push_count, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(pushes_in_parts_and_skips_what_is_there),
	    TEST(sends_the_same_bytes_again_when_an_answer_is_lost),
	    TEST(gives_up_after_a_while_and_begins_with_the_same_bytes),
	    TEST(waits_for_a_busy_ledger),
	    TEST(signs_nothing_when_a_number_comes_with_other_content),
	    TEST(signs_nothing_when_the_check_finds_a_record_bad),
	    TEST(forgets_a_refused_push),
	    TEST(believes_no_forged_receipt),
	    TEST(notices_another_ledger_at_the_same_address),
	    TEST(refuses_to_fork_a_feed_it_does_not_know),
	    TEST(builds_its_state_anew_from_the_ledger),
	    TEST(extends_no_history_that_is_not_its_own),
	    TEST(notices_that_acknowledged_records_are_gone),
	    TEST(notices_that_acknowledged_records_have_changed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
