/*
 * A ledger that answers pushes within the test's own process, for the client's tests. It takes the place of link.c at
 * link time, so one program includes it once. Its receipts are real ones, and it does mischief when told to.
 */
#ifndef TESTS_UNIT_PUSH_LEDGER_H
#define TESTS_UNIT_PUSH_LEDGER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/push.h"

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
	FORGETS_VENUE,    /* 403 */
	FINDS_RECORD_BAD, /* in the check, the second one */
};

static struct {
	const char *id;
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
	unsigned retry_after_s, slept_s; /* asked for by a refusal; the longest wait */
	struct buf first_body; /* of the first push, to compare with the next */
	bool was_same_body;
} ledger;

unsigned sleep(unsigned seconds);

unsigned sleep(unsigned seconds)
{
	if (seconds > ledger.slept_s)
		ledger.slept_s = seconds;
	ledger.sleep_count++;
	return 0;
}

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
	answer->retry_after_s = ledger.retry_after_s;
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
	if (ledger.mischief == IS_BUSY || ledger.mischief == FORGETS_VENUE)
		return answer_refuse(answer, ledger.mischief == IS_BUSY ? ERR_OVERLOADED : ERR_VENUE);
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
		return answer_json(ret_answer, json_pack("{s:s,s:s,s:s,s:I}", "origin", ORIGIN, "ledger_id", ledger.id,
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

#endif
