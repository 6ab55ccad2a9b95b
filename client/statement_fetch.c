/*
 * Pages belong to one size, which the first page fixes; the cursor dies with the daemon that gave it. Then all begins
 * anew, at the size that is published by then, a few times at most.
 */
#include "client/statement_fetch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/out.h"
#include "client/statement_parts.h"
#include "client/statementfolder.h"
#include "client/view.h"
#include "proto/limits.h"

#define ASK "nothing of it is to be believed: ask the bureau, and an auditor, about it"

void statement_fetch_init(struct statement_fetch *fetch)
{
	*fetch = (struct statement_fetch){.link = NULL};
	kept_head_init(&fetch->head);
	buf_init(&fetch->last_proof, CLIENT_FILE_SIZE_MAX);
	buf_init(&fetch->before_proof, CLIENT_FILE_SIZE_MAX);
	statement_row_init(&fetch->row);
	array_init(&fetch->wanted_acts, sizeof(uint64_t));
}

void statement_fetch_done(struct statement_fetch *fetch)
{
	json_decref(fetch->policies);
	json_decref(fetch->vkeys);
	array_done(&fetch->wanted_acts);
	statement_row_done(&fetch->row);
	buf_done(&fetch->before_proof);
	buf_done(&fetch->last_proof);
	kept_head_done(&fetch->head);
}

enum exit_code statement_fail(enum err err, const struct why *why)
{
	if (err == ERR_MEMORY || err == ERR_IO || err == ERR_DISK_FULL)
		return out_fail(err, why, NULL);
	(void)out_fail(err, why, ASK);
	return EXIT_UNVERIFIED;
}

/* ---- writing a row */

static void row_proof(const struct statement_fetch *fetch, struct buf *ret_text)
{
	const struct statement_row *row = &fetch->row;
	struct proof proof = {.has_extra = true,
	    .extra = row->bytes,
	    .index = row->index,
	    .path = row->path,
	    .note = buf_slice(&fetch->head.note)};

	proof_format(&proof, ret_text);
}

static enum err write_proof(struct statement_fetch *fetch, const char *folder, struct why *why)
{
	const struct statement_row *row = &fetch->row;
	char name[STATEMENT_NAME_SIZE];
	struct buf bytes;
	enum err err;

	buf_init(&bytes, CLIENT_FILE_SIZE_MAX);
	row_proof(fetch, &bytes);
	statementfolder_name(folder, row->index, STATEMENT_PROOF_SUFFIX, name);
	err = bytes.err == OK ? stage_write(fetch->stage, name, buf_slice(&bytes), why) : bytes.err;
	buf_done(&bytes);
	return err;
}

static enum err write_row_json(struct statement_fetch *fetch, const char *folder, json_t *json, struct why *why)
{
	char name[STATEMENT_NAME_SIZE];

	statementfolder_name(folder, fetch->row.index, STATEMENT_JSON_SUFFIX, name);
	return statement_write_json(fetch->stage, name, json, why);
}

static enum err write_withheld(struct statement_fetch *fetch, const json_t *json, struct why *why)
{
	fetch->withheld_count++;
	return write_row_json(fetch, STATEMENT_WITHHELD_FOLDER,
	    json_pack("{s:O, s:O, s:O}", "index", json_object_get(json, "index"), "leaf", json_object_get(json, "leaf"),
		"hashes", json_object_get(json, "hashes")),
	    why);
}

static enum err write_order(struct statement_fetch *fetch, struct why *why)
{
	static const char *const names[] = {"item", "note", "line", "count", "hashes"};
	const json_t *order = fetch->row.order;
	json_t *json = json_pack("{s:O}", "order_index", json_object_get(order, "index"));

	for (size_t i = 0; json != NULL && i < sizeof(names) / sizeof(names[0]); i++)
		if (json_object_set(json, names[i], json_object_get(order, names[i])) != 0) {
			json_decref(json);
			json = NULL;
		}
	return write_row_json(fetch, STATEMENT_ORDERS_FOLDER, json, why);
}

static enum err write_row(struct statement_fetch *fetch, const json_t *json, struct why *why)
{
	const struct statement_row *row = &fetch->row;
	char name[STATEMENT_NAME_SIZE];
	enum err err;

	if (row->is_withheld)
		return write_withheld(fetch, json, why);
	err = write_proof(fetch, STATEMENT_ENTRIES_FOLDER, why);
	if (err == OK && row->feed != NULL) {
		statementfolder_name(STATEMENT_FEEDS_FOLDER, row->index, STATEMENT_PROOF_SUFFIX, name);
		err = stage_write(fetch->stage, name, slice_text(row->feed), why);
	}
	if (err == OK && row->order != NULL)
		err = write_order(fetch, why);
	return err;
}

/* ---- rows in their order */

/* Where the act stands among the wanted ones, or their count. */
static size_t wanted_find(const struct statement_fetch *fetch, uint64_t index)
{
	size_t i = 0;

	while (i < fetch->wanted_acts.count && *(const uint64_t *)array_at(&fetch->wanted_acts, i) != index)
		i++;
	return i;
}

static enum err wanted_add(struct statement_fetch *fetch, uint64_t index)
{
	uint64_t *row;

	if (index == 0 || wanted_find(fetch, index) < fetch->wanted_acts.count)
		return OK;
	row = array_add(&fetch->wanted_acts);
	if (row == NULL)
		return ERR_MEMORY;
	*row = index;
	return OK;
}

/* The last one takes the place of the one that was found. */
static void wanted_remove(struct statement_fetch *fetch, uint64_t index)
{
	struct array *acts = &fetch->wanted_acts;
	size_t i = wanted_find(fetch, index);

	if (i < acts->count) {
		*(uint64_t *)array_at(acts, i) = *(uint64_t *)array_at(acts, acts->count - 1);
		acts->count--;
	}
}

static bool is_below_floor(const struct statement_fetch *fetch)
{
	return fetch->stage == NULL && fetch->entry_count > 0 && fetch->last_index < fetch->floor;
}

/* The row is but passed, on the way to the floor. */
static enum err pass_row(struct statement_fetch *fetch)
{
	buf_clear(&fetch->before_proof);
	buf_add_slice(&fetch->before_proof, buf_slice(&fetch->last_proof));
	buf_clear(&fetch->last_proof);
	if (!fetch->row.is_withheld)
		row_proof(fetch, &fetch->last_proof);
	return fetch->before_proof.err != OK ? fetch->before_proof.err : fetch->last_proof.err;
}

/* Newest first, each led to by the one before: what is left out is noticed at once. */
static enum err entry_take(struct statement_fetch *fetch, const json_t *json, struct why *why)
{
	const struct statement_row *row = &fetch->row;
	enum err err = statement_row_read(json, &fetch->head.checkpoint, &fetch->row, why);

	if (err != OK)
		return err;
	if (fetch->entry_count == 0) {
		fetch->newest_index = row->index;
		progress_begin(&fetch->progress, PROGRESS_ENTRIES, row->index);
	} else if (row->index >= fetch->last_index || !statement_link_holds(&fetch->link_on, row->index)) {
		return why_set(why, ERR_PROOF,
		    "entry %" PRIu64 " does not lead to entry %" PRIu64 ": the chain has a gap", fetch->last_index,
		    row->index);
	}
	fetch->last_index = row->index;
	fetch->link_on = statement_row_link(row);
	fetch->entry_count++;
	progress_show(&fetch->progress, fetch->newest_index - row->index);
	if (fetch->stage == NULL)
		return pass_row(fetch);
	err = wanted_add(fetch, row->act_index);
	return err == OK ? write_row(fetch, json, why) : err;
}

static enum err act_take(struct statement_fetch *fetch, const json_t *json, struct why *why)
{
	const struct statement_row *row = &fetch->row;
	char id[2 * HASH_SIZE + 1];
	enum err err = statement_act_read(json, &fetch->head.checkpoint, &fetch->row, why);

	if (err != OK)
		return err;
	if (fetch->act_count > 0 && row->index >= fetch->last_index)
		return why_set(why, ERR_PROOF,
		    "the acts are not in their order: entry %" PRIu64 " stands behind %" PRIu64, row->index,
		    fetch->last_index);
	hex_format(hash_slice(&row->leaf), id);
	if (row->index == 0 && memcmp(id, fetch->ledger->id, LEDGER_ID_SIZE) != 0)
		return why_set(why, ERR_PROOF, "entry 0 is not the genesis of ledger %s", fetch->ledger->id);
	fetch->last_index = row->index;
	fetch->act_count++;
	wanted_remove(fetch, row->index);
	return write_proof(fetch, STATEMENT_ACTS_FOLDER, why);
}

/* ---- pages */

struct paging {
	struct statement_fetch *fetch;
	const char *path, *array;
	enum err (*begin)(struct statement_fetch *fetch, const json_t *page, struct why *why);
	enum err (*take)(struct statement_fetch *fetch, const json_t *row, struct why *why);
	char *cursor;  /* of the next page, or NULL */
	bool is_stale; /* the cursor is not known any more */
};

/* Whose page it is; with the first one the checkpoint that all of them are under. */
static enum err begin_entries(struct statement_fetch *fetch, const json_t *page, struct why *why)
{
	const struct ledger_id *ledger = fetch->ledger;
	const json_t *size = json_object_get(page, "size");
	struct slice note = slice_text(json_text_or(page, "checkpoint", ""));
	enum err err = OK;

	if (strcmp(json_text_or(page, "origin", ""), ledger->origin) != 0 ||
	    strcmp(json_text_or(page, "ledger_id", ""), ledger->id) != 0 ||
	    strcmp(json_text_or(page, "code", ""), fetch->code) != 0)
		return why_set(why, ERR_PROOF, "the answer is about another enterprise or another ledger");
	if (fetch->entry_count == 0)
		err = kept_read_head(note, pin_signer(ledger, note), &fetch->head, why);
	if (err == OK && (!json_is_integer(size) || json_integer_value(size) < 0 ||
			     (uint64_t)json_integer_value(size) != fetch->head.checkpoint.size))
		err = why_set(why, ERR_PROOF, "a page is of another size than its checkpoint");
	return err;
}

static enum err begin_acts(struct statement_fetch *fetch, const json_t *page, struct why *why)
{
	const json_t *size = json_object_get(page, "size");

	if (json_is_integer(size) && json_integer_value(size) >= 0 &&
	    (uint64_t)json_integer_value(size) == fetch->head.checkpoint.size)
		return OK;
	return why_set(why, ERR_PROOF, "a page is of another size than its checkpoint");
}

static enum err page_take(struct paging *paging, const json_t *page, struct why *why)
{
	const json_t *rows = json_object_get(page, paging->array), *next = json_object_get(page, "cursor");
	enum err err;

	if (!json_is_array(rows) || (!json_is_null(next) && !json_is_string(next)))
		return why_set(why, ERR_SYNTAX, "the answer has no list of %s", paging->array);
	err = paging->begin(paging->fetch, page, why);
	for (size_t i = 0; i < json_array_size(rows) && err == OK && !is_below_floor(paging->fetch); i++)
		err = paging->take(paging->fetch, json_array_get(rows, i), why);
	free(paging->cursor);
	paging->cursor = json_is_string(next) ? strdup(json_string_value(next)) : NULL;
	if (json_is_string(next) && paging->cursor == NULL)
		err = ERR_MEMORY;
	return err;
}

static enum exit_code page_get(struct paging *paging)
{
	struct link_answer answer;
	struct why why = {""};
	struct buf path;
	enum exit_code code = EXIT_OK;
	enum err err;

	view_path_init(&path, paging->path);
	buf_printf(&path, "%climit=%d", strchr(paging->path, '?') == NULL ? '?' : '&', PAGE_ROWS_MAX);
	view_path_query(&path, "cursor", paging->cursor);
	err = link_get(paging->fetch->link, buf_text(&path), &answer);
	if (err == ERR_BAD_REQUEST && paging->cursor != NULL) {
		paging->is_stale = true;
	} else if (err != OK) {
		code = out_fail_answer(&answer);
	} else {
		err = page_take(paging, answer.json, &why);
		if (err != OK)
			code = statement_fail(err, &why);
	}
	link_answer_done(&answer);
	buf_done(&path);
	return code;
}

/* All pages. With *ret_is_stale they are not to be had any more: begin anew. */
static enum exit_code pages_get(struct paging *paging, bool *ret_is_stale)
{
	enum exit_code code;

	do {
		code = page_get(paging);
	} while (code == EXIT_OK && !paging->is_stale && paging->cursor != NULL && !is_below_floor(paging->fetch));
	*ret_is_stale = paging->is_stale;
	free(paging->cursor);
	return code;
}

static enum exit_code entries_get(struct statement_fetch *fetch, bool *ret_is_stale)
{
	struct paging paging = {.fetch = fetch, .array = "entries", .begin = begin_entries, .take = entry_take};
	struct why why = {""};
	struct buf path;
	enum exit_code code;

	view_path_init(&path, fetch->path);
	buf_add_text(&path, "/statement");
	paging.path = buf_text(&path);
	code = pages_get(&paging, ret_is_stale);
	progress_end(&fetch->progress);
	buf_done(&path);
	if (code != EXIT_OK || *ret_is_stale || is_below_floor(fetch) ||
	    (fetch->entry_count > 0 && statement_link_holds(&fetch->link_on, 0)))
		return code;
	(void)why_set(&why, ERR_PROOF, "the chain ends with entry %" PRIu64 ", which leads on", fetch->last_index);
	return statement_fail(ERR_PROOF, &why);
}

static enum exit_code acts_get(struct statement_fetch *fetch, bool *ret_is_stale)
{
	struct paging paging = {.fetch = fetch, .array = "acts", .begin = begin_acts, .take = act_take};
	struct why why = {""};
	struct buf path;
	enum exit_code code;

	view_path_init(&path, fetch->path);
	buf_printf(&path, "/acts?size=%" PRIu64, fetch->head.checkpoint.size);
	paging.path = buf_text(&path);
	code = pages_get(&paging, ret_is_stale);
	buf_done(&path);
	if (code != EXIT_OK || *ret_is_stale)
		return code;
	if (fetch->act_count == 0 || fetch->last_index != 0)
		(void)why_set(&why, ERR_PROOF, "the acts do not begin with genesis");
	else if (fetch->wanted_acts.count > 0)
		(void)why_set(&why, ERR_PROOF, "order %" PRIu64 ", which holds a trade, is not among the acts",
		    *(const uint64_t *)array_at(&fetch->wanted_acts, 0));
	else
		return EXIT_OK;
	return statement_fail(ERR_PROOF, &why);
}

/* ---- all of it */

static enum exit_code begin_anew(struct statement_fetch *fetch)
{
	struct why why = {""};
	enum err err = fetch->stage != NULL ? stage_clear(fetch->stage, &why) : OK;

	fetch->entry_count = fetch->withheld_count = fetch->act_count = 0;
	fetch->wanted_acts.count = 0;
	buf_clear(&fetch->last_proof);
	buf_clear(&fetch->before_proof);
	return err == OK ? EXIT_OK : out_fail(err, &why, NULL);
}

static enum exit_code rows_get(struct statement_fetch *fetch)
{
	struct why why = {""};
	bool is_stale = false;
	enum exit_code code;

	for (unsigned tries = 0; tries < CLIENT_STATEMENT_TRIES_MAX; tries++) {
		code = begin_anew(fetch);
		if (code == EXIT_OK)
			code = entries_get(fetch, &is_stale);
		if (code == EXIT_OK && !is_stale && fetch->stage != NULL)
			code = acts_get(fetch, &is_stale);
		if (code != EXIT_OK || !is_stale)
			return code;
		out_info("subsidy: the ledger was restarted between two pages; beginning anew");
	}
	(void)why_set(&why, ERR_OVERLOADED, "the pages broke off %d times", CLIENT_STATEMENT_TRIES_MAX);
	return out_fail(ERR_OVERLOADED, &why, NULL);
}

enum exit_code statement_fetch_all(struct statement_fetch *fetch)
{
	struct why why = {""};
	enum exit_code code = rows_get(fetch);
	enum err err;

	if (code != EXIT_OK)
		return code;
	err = stage_write(fetch->stage, STATEMENT_CHECKPOINT_FILE, buf_slice(&fetch->head.note), &why);
	if (err != OK)
		return out_fail(err, &why, NULL);
	code = statement_fetch_keys(fetch);
	if (code == EXIT_OK)
		code = statement_fetch_claim(fetch);
	if (code == EXIT_OK)
		code = statement_fetch_policies(fetch);
	return code == EXIT_OK ? statement_write_summary(fetch) : code;
}

enum exit_code statement_fetch_until(struct statement_fetch *fetch, uint64_t floor)
{
	fetch->floor = floor;
	return rows_get(fetch);
}
