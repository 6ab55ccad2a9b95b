#include "daemon/answers.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define LANGUAGES (TEXT_CHINESE + 1)
#define NUMBER_SIZE_MAX 20 /* digits of a size */

struct text {
	struct query_stamp stamp; /* last_index is 0 where there is none */
	uint8_t *bytes;
	size_t size, size_start, size_end;
};

struct known {
	TAILQ_ENTRY(known) by_use, with_text;
	bool has_text;
	LIST_ENTRY(known) in_bucket;
	struct code code;
	struct text texts[LANGUAGES];
	struct history_cap *caps;
	size_t cap_count;
};

struct answers {
	struct answers_limits limits;
	struct answers_counts counts;
	/* Those asked about last are first. */
	TAILQ_HEAD(known_list, known) by_use, with_text;
	struct buf given;    /* the text that was found last */
	size_t bucket_count; /* a power of two */
	LIST_HEAD(bucket, known) buckets[];
};

enum err answers_new(const struct answers_limits *limits, struct answers **ret_answers)
{
	struct answers *answers;
	size_t bucket_count = 16;

	assert(limits->count_max > 0 && limits->text_size_max <= limits->size_max);
	while (bucket_count < limits->count_max)
		bucket_count *= 2;
	answers = calloc(1, sizeof(*answers) + bucket_count * sizeof(answers->buckets[0]));
	if (answers == NULL)
		return ERR_MEMORY;
	answers->limits = *limits;
	answers->bucket_count = bucket_count;
	TAILQ_INIT(&answers->by_use);
	TAILQ_INIT(&answers->with_text);
	buf_init(&answers->given, limits->text_size_max + NUMBER_SIZE_MAX);
	*ret_answers = answers;
	return OK;
}

/* FNV-1a. Codes are those of the ledger, and at worst every one of the few thousand is looked at. */
static struct bucket *bucket_of(struct answers *answers, const struct code *code)
{
	uint64_t hash = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < USCI_SIZE; i++)
		hash = (hash ^ (uint8_t)code->text[i]) * 0x100000001b3ULL;
	return &answers->buckets[(hash ^ hash >> 32) & (answers->bucket_count - 1)];
}

static size_t known_size(const struct known *known)
{
	size_t size = sizeof(*known) + known->cap_count * sizeof(*known->caps);

	for (size_t i = 0; i < LANGUAGES; i++)
		size += known->texts[i].size;
	return size;
}

static void text_drop(struct text *text)
{
	free(text->bytes);
	*text = (struct text){.bytes = NULL};
}

/* Puts it among those with a text, or takes it out, after its texts have changed. */
static void list_text(struct answers *answers, struct known *known)
{
	bool has_text = false;

	for (size_t i = 0; i < LANGUAGES; i++)
		has_text |= known->texts[i].bytes != NULL;
	if (has_text && !known->has_text)
		TAILQ_INSERT_HEAD(&answers->with_text, known, with_text);
	else if (!has_text && known->has_text)
		TAILQ_REMOVE(&answers->with_text, known, with_text);
	known->has_text = has_text;
}

static void drop_texts(struct answers *answers, struct known *known)
{
	answers->counts.size -= known_size(known);
	for (size_t i = 0; i < LANGUAGES; i++)
		text_drop(&known->texts[i]);
	answers->counts.size += known_size(known);
	list_text(answers, known);
}

static void forget(struct answers *answers, struct known *known)
{
	drop_texts(answers, known);
	answers->counts.size -= known_size(known);
	answers->counts.count--;
	TAILQ_REMOVE(&answers->by_use, known, by_use);
	LIST_REMOVE(known, in_bucket);
	free(known->caps);
	free(known);
}

/* Back within the limits. */
static void trim(struct answers *answers)
{
	while (answers->counts.size > answers->limits.size_max && !TAILQ_EMPTY(&answers->with_text))
		drop_texts(answers, TAILQ_LAST(&answers->with_text, known_list));
	while (answers->counts.count > answers->limits.count_max || answers->counts.size > answers->limits.size_max)
		forget(answers, TAILQ_LAST(&answers->by_use, known_list));
}

void answers_free(struct answers *answers)
{
	struct known *known;

	if (answers == NULL)
		return;
	while ((known = TAILQ_FIRST(&answers->by_use)) != NULL)
		forget(answers, known);
	buf_done(&answers->given);
	free(answers);
}

static struct known *find(struct answers *answers, const struct code *code)
{
	struct known *known;

	LIST_FOREACH(known, bucket_of(answers, code), in_bucket)
	if (code_equal(&known->code, code)) {
		TAILQ_REMOVE(&answers->by_use, known, by_use);
		TAILQ_INSERT_HEAD(&answers->by_use, known, by_use);
		if (known->has_text) {
			TAILQ_REMOVE(&answers->with_text, known, with_text);
			TAILQ_INSERT_HEAD(&answers->with_text, known, with_text);
		}
		return known;
	}
	return NULL;
}

static struct known *find_or_add(struct answers *answers, const struct code *code)
{
	struct known *known = find(answers, code);

	if (known != NULL)
		return known;
	known = calloc(1, sizeof(*known));
	if (known == NULL)
		return NULL;
	known->code = *code;
	TAILQ_INSERT_HEAD(&answers->by_use, known, by_use);
	LIST_INSERT_HEAD(bucket_of(answers, code), known, in_bucket);
	answers->counts.count++;
	answers->counts.size += known_size(known);
	return known;
}

/* ---- in and out */

bool answers_find(struct answers *answers, const struct code *code, enum text_language language,
    const struct query_stamp *stamp, uint64_t ledger_size, struct slice *ret_text)
{
	struct known *known = find(answers, code);
	const struct text *text;

	if (known == NULL || stamp->last_index == 0)
		return false;
	text = &known->texts[language];
	if (text->stamp.last_index != stamp->last_index || text->stamp.order_count != stamp->order_count)
		return false;
	buf_clear(&answers->given);
	buf_add(&answers->given, text->bytes, text->size_start);
	buf_printf(&answers->given, "%" PRIu64, ledger_size);
	buf_add(&answers->given, text->bytes + text->size_end, text->size - text->size_end);
	if (answers->given.err != OK)
		return false;
	answers->counts.found++;
	*ret_text = buf_slice(&answers->given);
	return true;
}

void answers_add_caps(struct answers *answers, const struct code *code, struct array *caps)
{
	const struct known *known = find(answers, code);
	struct history_cap *cap;

	for (size_t i = 0; known != NULL && i < known->cap_count; i++) {
		cap = array_add(caps);
		if (cap == NULL)
			return;
		*cap = known->caps[i];
	}
}

static void keep_text(struct text *text, const struct query_answer *answer, size_t size_max)
{
	size_t size = answer->text.size;
	uint8_t *bytes = size <= size_max ? realloc(text->bytes, size) : NULL;

	if (bytes == NULL) {
		text_drop(text);
		return;
	}
	memcpy(bytes, answer->text.data, size);
	*text = (struct text){.stamp = answer->stamp,
	    .bytes = bytes,
	    .size = size,
	    .size_start = answer->size_start,
	    .size_end = answer->size_end};
}

static void keep_caps(struct known *known, const struct array *caps)
{
	size_t size = caps->count * sizeof(*known->caps);
	struct history_cap *copy;

	if (caps->count == 0)
		return;
	copy = realloc(known->caps, size);
	if (copy == NULL)
		return;
	memcpy(copy, caps->items, size);
	known->caps = copy;
	known->cap_count = caps->count;
}

void answers_keep(
    struct answers *answers, const struct code *code, enum text_language language, const struct query_answer *answer)
{
	struct known *known;

	if (answer->stamp.last_index == 0 && answer->caps.count == 0)
		return;
	known = find_or_add(answers, code);
	if (known == NULL)
		return;
	answers->counts.size -= known_size(known);
	if (answer->stamp.last_index != 0)
		keep_text(&known->texts[language], answer, answers->limits.text_size_max);
	keep_caps(known, &answer->caps);
	answers->counts.size += known_size(known);
	list_text(answers, known);
	trim(answers);
}

struct answers_counts answers_counts(const struct answers *answers)
{
	return answers->counts;
}
