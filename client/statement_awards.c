/*
 * What the chain comes to under each policy in force, computed anew and compared with what the statement says: the same
 * arithmetic as the daemon's, over trades that were proven one by one.
 */
#include <stdlib.h>
#include <string.h>

#include "client/statement_internal.h"
#include "proto/money.h"
#include "proto/text.h"

/* One policy under way. */
struct award {
	const struct offices_policy *row;
	struct policy_sums sums;
	struct policy_result result;
	struct life_cap cap;
};

/* ---- the trades once more */

/* The item of a trade record, from the bytes that were proven in the first round. */
static enum err read_again(struct statement *statement, const struct statement_record *record, struct chain_item *item)
{
	struct record_fault faults[RECORD_FAULTS_MAX];
	const struct statement_trade *trade = statement_trade_at(statement, record->trade_index);
	size_t fault_count;
	enum err err;

	*item = (struct chain_item){.index = record->index,
	    .trade_index = record->trade_index,
	    .supplier = trade->supplier,
	    .buyer = trade->buyer};
	arena_reset(&statement->arena);
	err = entry_decode(record->bytes, &statement->arena, &item->entry);
	if (err == OK)
		err = record_decode(item->entry.record.record, &statement->arena, &item->record, faults, &fault_count);
	return err;
}

static enum err add_trade(const struct statement *statement, const struct life_trade *trade, struct award *award)
{
	const struct code *code = &statement->head.code;
	char venue[VENUE_ID_SIZE_MAX + 1] = "";
	struct policy_fact fact;
	enum err err;

	memcpy(venue, trade->venue.data, trade->venue.size);
	if (!life_trade_counts(trade))
		return OK;
	fact = life_fact(trade->trade, venue, life_side(trade, code), trade->is_listed, &trade->touched);
	err = policy_add(&award->row->policy, &award->sums, &fact);
	return err == OK ? life_cap_add(&award->cap, trade, code, venue) : err;
}

static enum err add_trades(struct statement *statement, struct award *awards, size_t award_count, struct why *why)
{
	char name[STATEMENT_NAME_SIZE];
	struct chain_item item;
	struct life_trade trade;
	enum err err = OK;

	for (size_t i = 0; i < statement->records.count && err == OK; i++) {
		const struct statement_record *record = array_at(&statement->records, i);

		err = read_again(statement, record, &item);
		if (err == OK)
			err = life_trade(&statement->life, &item, &trade);
		for (size_t j = 0; j < award_count && err == OK; j++)
			err = add_trade(statement, &trade, &awards[j]);
		if (err != OK && err != ERR_MEMORY) {
			statementfolder_name(STATEMENT_ENTRIES_FOLDER, record->index, STATEMENT_PROOF_SUFFIX, name);
			return why_set(
			    why, ERR_PROOF, "%s: the sums over it can't be right: %s", name, err_sentence(err));
		}
	}
	return err;
}

/* ---- comparing */

static json_t *money_or_null(bool has_value, int64_t fen)
{
	char text[MONEY_TEXT_SIZE];

	money_format(fen, text);
	return has_value ? json_string(text) : json_null();
}

static enum err differs(struct why *why, const char *key, const json_t *stated, const json_t *right)
{
	char *stated_text = json_dumps(stated, JSON_COMPACT | JSON_ENCODE_ANY);
	char *right_text = json_dumps(right, JSON_COMPACT | JSON_ENCODE_ANY);

	(void)why_set(why, ERR_PROOF, "\"%s\" is %.100s; by the entries and the policy it is %.100s", key,
	    stated_text != NULL ? stated_text : "-", right_text != NULL ? right_text : "-");
	free(stated_text);
	free(right_text);
	return ERR_PROOF;
}

/* Takes `right` over. */
static enum err compare(const json_t *object, const char *key, json_t *right, struct why *why)
{
	const json_t *stated = json_object_get(object, key);
	enum err err = OK;

	if (right == NULL)
		return ERR_MEMORY;
	if (stated == NULL)
		err = why_set(why, ERR_INVALID, "the key \"%s\" is missing", key);
	else if (!json_equal(stated, right))
		err = differs(why, key, stated, right);
	json_decref(right);
	return err;
}

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

/* The row of statement.json; the same goes out as result. */
static enum err compare_row(struct statement *statement, const struct award *award, struct why *why)
{
	const struct policy *policy = &award->row->policy;
	const json_t *row = NULL;
	enum err err;

	for (size_t i = 0; i < json_array_size(statement->head.policies); i++) {
		const json_t *candidate = json_array_get(statement->head.policies, i);

		if (strcmp(json_string_value(json_object_get(candidate, "policy")), policy->id) != 0)
			continue;
		if (row != NULL)
			return why_set(why, ERR_INVALID, "policy %s is in it twice", policy->id);
		row = candidate;
	}
	if (row == NULL)
		return why_set(why, ERR_INVALID, "policy %s, which entry %llu adopted, is not in it", policy->id,
		    (unsigned long long)award->row->index);
	if ((err = compare(row, "version", number(policy->version), why)) != OK ||
	    (err = compare(row, "index", number(award->row->index), why)) != OK ||
	    (err = compare(row, "eligible_volume", money_or_null(true, award->result.volume_fen), why)) != OK ||
	    (err = compare(row, "award", money_or_null(award->result.has_award, award->result.award_fen), why)) != OK)
		return err;
	return OK;
}

/* Everything of a step but its sentence. */
static bool steps_equal_but_for_texts(const json_t *stated, const json_t *right)
{
	bool are_equal = json_array_size(stated) == json_array_size(right);

	for (size_t i = 0; i < json_array_size(right) && are_equal; i++) {
		json_t *a = json_copy(json_array_get(stated, i)), *b = json_copy(json_array_get(right, i));

		(void)json_object_del(a, "text");
		(void)json_object_del(b, "text");
		are_equal = a != NULL && b != NULL && json_equal(a, b);
		json_decref(a);
		json_decref(b);
	}
	return are_equal;
}

static bool steps_are_right(const json_t *stated, const struct award *award, enum text_language language)
{
	enum text_language own = text_language();
	json_t *right;
	bool are_equal;

	text_use(language);
	right = policy_explain(&award->row->policy, &award->sums, &award->result);
	text_use(own);
	are_equal = right != NULL && json_equal(stated, right);
	json_decref(right);
	return are_equal;
}

/* The first step that is another, for people. */
static enum err wrong_step(const json_t *stated, const struct award *award, struct why *why)
{
	json_t *right = policy_explain(&award->row->policy, &award->sums, &award->result);
	size_t place = 0;

	if (right == NULL)
		return ERR_MEMORY;
	if (steps_equal_but_for_texts(stated, right)) {
		json_decref(right);
		return why_set(why, ERR_PROOF,
		    "the sentences of its steps are not those that belong to their figures, in either language; the "
		    "figures are right");
	}
	while (place < json_array_size(stated) && place < json_array_size(right)) {
		json_t *a = json_copy(json_array_get(stated, place)), *b = json_copy(json_array_get(right, place));
		bool is_equal;

		(void)json_object_del(a, "text");
		(void)json_object_del(b, "text");
		is_equal = json_equal(a, b) != 0;
		json_decref(a);
		json_decref(b);
		if (!is_equal)
			break;
		place++;
	}
	json_decref(right);
	return why_set(why, ERR_PROOF, "step %zu is not what the entries and the policy give", place + 1);
}

/* In which language it was asked for does not matter. */
static enum err compare_steps(const json_t *answer, const struct award *award, struct why *why)
{
	const json_t *steps = json_object_get(answer, "steps");

	if (!json_is_array(steps))
		return why_set(why, ERR_INVALID, "the key \"%s\" is missing", "steps");
	if (steps_are_right(steps, award, TEXT_ENGLISH) || steps_are_right(steps, award, TEXT_CHINESE))
		return OK;
	return wrong_step(steps, award, why);
}

static json_t *capped_at_json(const struct award *award)
{
	if (!award->result.has_award || !award->result.is_capped || !award->cap.is_found)
		return json_null();
	return json_pack("{s:I, s:s}", "index", (json_int_t)award->cap.index, "trade_no", award->cap.trade_no);
}

static json_t *name_json(const struct statement *statement)
{
	struct account account;
	struct slice name = statement->last_name;

	if (life_account(&statement->life, &account))
		return json_string(account.name);
	return name.size > 0 ? json_stringn((const char *)name.data, name.size) : json_null();
}

static enum err compare_answer(
    const struct statement *statement, const struct award *award, const json_t *answer, struct why *why)
{
	const struct policy *policy = &award->row->policy;
	const struct slice text = award->row->text;
	enum err err;

	if ((err = compare(answer, "code", json_string(statement->head.code.text), why)) != OK ||
	    (err = compare(answer, "ledger_size", number(statement->checkpoint.size), why)) != OK ||
	    (err = compare(answer, "policy", json_string(policy->id), why)) != OK ||
	    (err = compare(answer, "version", number(policy->version), why)) != OK ||
	    (err = compare(answer, "status", json_string(policy->is_assumed ? "assumed" : "published"), why)) != OK ||
	    (err = compare(answer, "policy_index", number(award->row->index), why)) != OK ||
	    (err = compare(answer, "policy_text",
		 json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, NULL), why)) != OK ||
	    (err = compare(answer, "award", money_or_null(award->result.has_award, award->result.award_fen), why)) !=
		OK ||
	    (err = compare(answer, "capped_at", capped_at_json(award), why)) != OK ||
	    (err = compare_steps(answer, award, why)) != OK)
		return err;
	/* What a withheld entry's trade calls the enterprise is not to be seen. */
	return statement->is_last_withheld ? OK : compare(answer, "name", name_json(statement), why);
}

static enum err compare_file(struct statement *statement, const struct award *award, struct why *why)
{
	char name[STATEMENT_NAME_SIZE];
	json_t *answer = NULL;
	struct why cause = {""};
	enum err err;

	buf_clear(&statement->bytes);
	buf_printf(
	    &statement->bytes, "%s/%s%s", STATEMENT_POLICIES_FOLDER, award->row->policy.id, STATEMENT_JSON_SUFFIX);
	memcpy(name, buf_text(&statement->bytes), statement->bytes.size + 1);
	err = statement_files_read(statement->folder, name, &statement->bytes, &cause);
	if (err == ERR_NOT_FOUND)
		err = why_set(&cause, err, "it is missing, and entry %llu adopted that policy",
		    (unsigned long long)award->row->index);
	if (err == OK)
		err = statement_object_parse(buf_slice(&statement->bytes), &answer, &cause);
	if (err == OK)
		err = compare_answer(statement, award, answer, &cause);
	json_decref(answer);
	return err == OK ? OK : statement_wrong(why, err, name, &cause);
}

/* ---- all policies */

static enum err add_result(struct statement *statement, const struct award *award)
{
	const struct policy_result *result = &award->result;
	json_t *row = json_pack("{s:s, s:I, s:I, s:s, s:o, s:o, s:o, s:b, s:o}", "policy", award->row->policy.id,
	    "version", (json_int_t)award->row->policy.version, "index", (json_int_t)award->row->index, "status",
	    award->row->policy.is_assumed ? "assumed" : "published", "eligible_volume",
	    money_or_null(true, result->volume_fen), "award", money_or_null(result->has_award, result->award_fen),
	    "cap", money_or_null(true, result->cap_fen), "capped", result->has_award && result->is_capped, "reason",
	    result->reason == REASON_NONE ? json_null() : json_string(policy_reason_name(result->reason)));

	return row != NULL && json_array_append_new(statement->results, row) == 0 ? OK : ERR_MEMORY;
}

static enum err check_award(struct statement *statement, struct award *award, struct why *why)
{
	struct why cause = {""};
	enum err err = policy_evaluate(&award->row->policy, &award->sums, &award->result);

	if (err == OK)
		err = compare_row(statement, award, &cause);
	if (err != OK)
		return statement_wrong(why, err, STATEMENT_FILE, &cause);
	err = compare_file(statement, award, why);
	return err == OK ? add_result(statement, award) : err;
}

/* Each file and each row belongs to a policy in force, so that the numbers need only be the same. */
static enum err check_counts(const struct statement *statement, struct why *why)
{
	const struct statement_part part = {.folder = statement->folder, .part = STATEMENT_POLICIES_FOLDER};
	size_t in_force = statement->offices.policies.count, rows = json_array_size(statement->head.policies), files;
	enum err err = statement_files_count(&part, &files, why);

	if (err != OK)
		return err;
	if (rows != in_force)
		return why_set(why, ERR_PROOF,
		    "%s: it lists %zu policies, and %zu are in force: an act was left out, or a policy put in",
		    STATEMENT_FILE, rows, in_force);
	if (files != in_force)
		return why_set(why, ERR_PROOF, "%s: it holds %zu files, and %zu policies are in force",
		    STATEMENT_POLICIES_FOLDER, files, in_force);
	return OK;
}

enum err statement_check_awards(struct statement *statement, struct why *why)
{
	size_t count = statement->offices.policies.count;
	struct award *awards = calloc(count + 1, sizeof(*awards));
	struct account account;
	bool is_registered = life_account(&statement->life, &account);
	enum err err = OK;

	statement->results = json_array();
	if (awards == NULL || statement->results == NULL)
		err = ERR_MEMORY;
	for (size_t i = 0; i < count && err == OK; i++) {
		awards[i].row = array_at(&statement->offices.policies, i);
		policy_sums_init(
		    &awards[i].sums, life_lists_ok(&awards[i].row->policy, is_registered ? &account : NULL));
		life_cap_init(&awards[i].cap, &awards[i].row->policy, is_registered ? &account : NULL);
	}
	if (err == OK)
		err = add_trades(statement, awards, count, why);
	for (size_t i = 0; i < count && err == OK; i++)
		err = check_award(statement, &awards[i], why);
	if (err == OK)
		err = check_counts(statement, why);
	free(awards);
	return err;
}
