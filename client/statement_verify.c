#include "client/statement_verify.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/out.h"
#include "client/statement_internal.h"
#include "client/view.h"
#include "proto/claim.h"

#define ITEM_ARENA_SIZE (ORDER_ARENA_SIZE + 16u * ENTRY_SIZE_MAX) /* a proof, its entry, and an order's line */

bool statement_is_folder(const char *folder)
{
	return statement_files_has(folder, STATEMENT_FILE);
}

/* ---- statement.json and the checkpoint */

static enum err read_head(struct statement *statement, struct why *why)
{
	struct why cause = {""};
	enum err err = statement_files_read(statement->folder, STATEMENT_FILE, &statement->bytes, &cause);

	if (err == OK)
		err = statement_head_parse(buf_slice(&statement->bytes), &statement->head, &cause);
	if (err == OK && statement->check->ledger_id != NULL &&
	    strcmp(statement->check->ledger_id, statement->head.ledger_id) != 0)
		err = why_set(&cause, ERR_INVALID,
		    "it is of ledger %s, and the one that is known here is %s; if it is meant, name its key: --vkey "
		    "KEY",
		    statement->head.ledger_id, statement->check->ledger_id);
	return err == OK ? OK : statement_wrong(why, err, STATEMENT_FILE, &cause);
}

static enum err compare_head(const struct statement *statement, struct why *why)
{
	struct why cause = {""};
	enum err err = OK;

	if (strcmp(statement->checkpoint.origin, statement->head.origin) != 0)
		err = why_set(&cause, ERR_INVALID, "it says %s, and the checkpoint is of %s", statement->head.origin,
		    statement->checkpoint.origin);
	else if (statement->checkpoint.size != statement->head.size)
		err = why_set(&cause, ERR_INVALID, "it says size %llu, and the checkpoint is of size %llu",
		    (unsigned long long)statement->head.size, (unsigned long long)statement->checkpoint.size);
	return err == OK ? OK : statement_wrong(why, err, STATEMENT_FILE, &cause);
}

/* A key that is not among those given may have been announced by one that is: that is seen once the acts were folded. */
static enum err check_given_keys(struct statement *statement, struct why *why)
{
	const struct statement_check *check = statement->check;
	uint64_t signed_by;
	enum err err = note_verify(&statement->checkpoint_note, check->keys, check->key_count, &signed_by);

	statement->is_signed_directly = err == OK;
	if (err == OK || err == ERR_UNKNOWN_KEY)
		return OK;
	return why_set(why, err, "the ledger's signature does not match: it was changed after signing, or forged");
}

static enum err read_checkpoint(struct statement *statement, struct why *why)
{
	struct why cause = {""};
	enum err err =
	    statement_files_read(statement->folder, STATEMENT_CHECKPOINT_FILE, &statement->checkpoint_bytes, &cause);

	if (err == OK)
		err = note_parse(buf_slice(&statement->checkpoint_bytes), &statement->checkpoint_note, &cause);
	if (err == OK)
		err = checkpoint_parse(statement->checkpoint_note.text, &statement->checkpoint, &cause);
	if (err == OK)
		err = check_given_keys(statement, &cause);
	if (err != OK)
		return statement_wrong(why, err, STATEMENT_CHECKPOINT_FILE, &cause);
	return compare_head(statement, why);
}

/* Does what was given lead to the beginning of this ledger, whose acts then say which keys are its own? */
static bool is_anchored(const struct statement *statement)
{
	const struct statement_check *check = statement->check;

	for (size_t i = 0; i < check->key_count; i++)
		if (key_equal(&check->keys[i], &statement->offices.log_keys[0].key))
			return true;
	if (check->ledger_id == NULL)
		return false;
	for (size_t i = 0; i < check->key_count; i++)
		if (offices_had_key(&statement->offices, &check->keys[i]))
			return true;
	return false;
}

static enum err check_ledger_keys(const struct statement *statement, struct why *why)
{
	struct key keys[LOG_KEYS_EVER_MAX];
	size_t count = offices_valid_keys(&statement->offices, false, keys);
	uint64_t signed_by;
	enum err err;

	if (!statement->is_signed_directly && !is_anchored(statement))
		return why_set(why, ERR_UNKNOWN_KEY,
		    "the key that was given has not signed it, and is not the one that this ledger began with; name "
		    "the key "
		    "that has: --vkey KEY");
	err = note_verify(&statement->checkpoint_note, keys, count, &signed_by);
	return err == OK ? OK : why_set(why, err, "no key that is the ledger's own at this size has signed it");
}

static bool has_text(const json_t *list, const char *text)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (strcmp(json_string_value(json_array_get(list, i)), text) == 0)
			return true;
	return false;
}

static enum err check_vkeys(const struct statement *statement, struct why *why)
{
	struct key keys[LOG_KEYS_EVER_MAX];
	size_t count = offices_valid_keys(&statement->offices, false, keys);
	char vkey[KEY_VKEY_SIZE];

	for (size_t i = 0; i < count; i++) {
		key_format(&keys[i], vkey);
		if (!has_text(statement->head.vkeys, vkey))
			return why_set(why, ERR_INVALID, "\"vkeys\" does not name the ledger's key %s", vkey);
	}
	if (json_array_size(statement->head.vkeys) != count)
		return why_set(why, ERR_INVALID, "\"vkeys\" has %zu keys, and %zu are valid at this size",
		    json_array_size(statement->head.vkeys), count);
	return OK;
}

/* What the acts say of the ledger's keys, and of the entries' number. */
static enum err check_ledger(struct statement *statement, struct why *why)
{
	struct why cause = {""};
	uint64_t count = statement->shown_count + statement->withheld_count;
	enum err err = check_ledger_keys(statement, &cause);

	if (err != OK)
		return statement_wrong(why, err, STATEMENT_CHECKPOINT_FILE, &cause);
	err = check_vkeys(statement, &cause);
	if (err == OK && statement->head.entry_count != count)
		err = why_set(&cause, ERR_INVALID, "it says %llu entries, and %llu are there",
		    (unsigned long long)statement->head.entry_count, (unsigned long long)count);
	return err == OK ? OK : statement_wrong(why, err, STATEMENT_FILE, &cause);
}

/* ---- where the chain ends */

static enum err compare_claim(const struct statement *statement, const struct claim *claim, struct why *why)
{
	if (strcmp(claim->origin, statement->head.origin) != 0 ||
	    strcmp(claim->ledger_id, statement->head.ledger_id) != 0)
		return why_set(why, ERR_INVALID, "it is of ledger %s of %s", claim->ledger_id, claim->origin);
	if (strcmp(claim->code, statement->head.code.text) != 0)
		return why_set(why, ERR_INVALID, "it is about %s, another enterprise", claim->code);
	if (claim->size != statement->checkpoint.size || !hash_equal(&claim->root, &statement->checkpoint.root))
		return why_set(why, ERR_INVALID, "it is not of the checkpoint's size and root, but of size %llu",
		    (unsigned long long)claim->size);
	if (claim->last_index > statement->last_index)
		return why_set(why, ERR_PROOF,
		    "the newest entry is %llu by it, and no entry %llu is in the statement: it was left out",
		    (unsigned long long)claim->last_index, (unsigned long long)claim->last_index);
	if (claim->last_index < statement->last_index)
		return why_set(why, ERR_PROOF,
		    "the newest entry is %llu by it, and yet entry %llu concerns the enterprise: the ledger "
		    "contradicts itself",
		    (unsigned long long)claim->last_index, (unsigned long long)statement->last_index);
	return OK;
}

static enum err check_claim_note(struct statement *statement, struct why *why)
{
	struct key keys[LOG_KEYS_EVER_MAX];
	size_t count = offices_valid_keys(&statement->offices, true, keys);
	struct claim claim;
	struct note note;
	uint64_t signed_by;
	enum err err = note_parse(buf_slice(&statement->bytes), &note, why);

	if (err == OK)
		err = claim_parse(note.text, &claim, why);
	if (err != OK)
		return err;
	err = note_verify(&note, keys, count, &signed_by);
	if (err == ERR_UNKNOWN_KEY)
		return why_set(why, err, "no claim key of the ledger, valid at this size, has signed it");
	if (err != OK)
		return why_set(why, err, "its signature does not match: it was changed after signing, or forged");
	statement->has_claim = true;
	return compare_claim(statement, &claim, why);
}

static enum err check_claim(struct statement *statement, struct why *why)
{
	struct key keys[LOG_KEYS_EVER_MAX];
	struct why cause = {""};
	enum err err = statement_files_read(statement->folder, STATEMENT_HEAD_FILE, &statement->bytes, &cause);

	if (err == ERR_NOT_FOUND && offices_valid_keys(&statement->offices, true, keys) == 0)
		return OK;
	if (err == ERR_NOT_FOUND)
		err = why_set(&cause, err,
		    "it is missing, though the ledger signs claims: nothing shows that the newest entry here is the "
		    "last one");
	if (err == OK)
		err = check_claim_note(statement, &cause);
	return err == OK ? OK : statement_wrong(why, err, STATEMENT_HEAD_FILE, &cause);
}

/* ---- witnesses */

static enum err check_cosignatures(struct statement *statement, struct why *why)
{
	const struct trust *trust = statement->check->trust;
	struct why cause = {""};
	uint64_t cosigned = 0;
	enum err err;

	if (trust == NULL)
		return OK;
	err = trust_cosigned(trust, &statement->checkpoint_note, &cosigned);
	if (err != OK && err != ERR_MEMORY)
		(void)why_set(&cause, err, "a witness's signature under it does not match");
	statement->cosigned_count = (uint64_t)__builtin_popcountll(cosigned);
	if (err == OK && !trust_is_met(trust, cosigned))
		err = why_set(&cause, ERR_QUORUM,
		    "%llu of the %zu witnesses of the policy file cosigned it, and its quorum %s is not met",
		    (unsigned long long)statement->cosigned_count, trust_witness_count(trust), trust_quorum(trust));
	return err == OK ? OK : statement_wrong(why, err, STATEMENT_CHECKPOINT_FILE, &cause);
}

/* ---- the result */

static json_t *result_json(const struct statement *statement)
{
	const struct statement_head *head = &statement->head;

	return json_pack("{s:b, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:I, s:O}", "verified", 1,
	    "origin", head->origin, "ledger_id", head->ledger_id, "code", head->code.text, "size",
	    (json_int_t)head->size, "entries", (json_int_t)head->entry_count, "first",
	    (json_int_t)statement->first_index, "last", (json_int_t)statement->last_index, "withheld",
	    (json_int_t)statement->withheld_count, "acts", (json_int_t)statement->act_count, "records",
	    (json_int_t)statement->feed_count, "orders", (json_int_t)statement->order_count, "has_claim",
	    statement->has_claim, "cosignatures", (json_int_t)statement->cosigned_count, "policies",
	    statement->results);
}

static void say_counts(const struct statement *statement)
{
	const struct statement_head *head = &statement->head;

	view_say("%s at size %llu of ledger %s of %s", head->code.text, (unsigned long long)head->size, head->ledger_id,
	    head->origin);
	if (statement->withheld_count == 0)
		view_say(
		    "entries       %llu, from %llu to %llu; each is in the ledger, and none between them is missing",
		    (unsigned long long)head->entry_count, (unsigned long long)statement->first_index,
		    (unsigned long long)statement->last_index);
	else
		view_say("entries       %llu, from %llu to %llu; each is in the ledger; %llu are withheld",
		    (unsigned long long)head->entry_count, (unsigned long long)statement->first_index,
		    (unsigned long long)statement->last_index, (unsigned long long)statement->withheld_count);
	view_say("records       %llu, each signed by its venue", (unsigned long long)statement->feed_count);
	view_say(
	    "orders        %llu, each signed by the officers it needs", (unsigned long long)statement->order_count);
	view_say("acts          %llu, each signed by the officers it needs; that none is missing, only a copy of the "
		 "whole ledger shows",
	    (unsigned long long)statement->act_count);
	if (statement->has_claim)
		view_say("last entry    the ledger has signed that none follows");
	if (statement->check->trust != NULL)
		view_say("cosignatures  %llu; the quorum %s is met", (unsigned long long)statement->cosigned_count,
		    trust_quorum(statement->check->trust));
}

static enum exit_code print_policies(const struct statement *statement)
{
	static const struct table_column columns[] = {
	    {"policy", false}, {"version", true}, {"volume", true}, {"award", true}, {"cap", true}, {"capped", false}};
	static const char *const keys[] = {"policy", "version", "eligible_volume", "award", "cap", "capped"};
	struct table table;

	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < json_array_size(statement->results); i++)
		for (size_t j = 0; j < sizeof(keys) / sizeof(keys[0]); j++)
			view_cell(&table, json_array_get(statement->results, i), keys[j]);
	return view_print(&table);
}

/* What is not proven is said in any case, and not among the data. */
static void say_doubts(const struct statement *statement)
{
	if (!statement->has_claim)
		out_info("subsidy: without a claim (the file \"head\") nothing proves that entry %llu is the last one",
		    (unsigned long long)statement->last_index);
	if (statement->withheld_count > 0)
		out_info("subsidy: withheld entries, of which only the hash is here: %llu. The chain proves nothing "
			 "between the "
			 "entries around each of them; only an auditor's replay of the ledger does",
		    (unsigned long long)statement->withheld_count);
}

static enum exit_code print_result(const struct statement *statement)
{
	enum exit_code code;

	say_doubts(statement);
	if (statement->check->is_json)
		return out_json(result_json(statement));
	say_counts(statement);
	code = print_policies(statement);
	view_caveat(statement->results);
	view_say("verified");
	return code;
}

/* ---- the whole */

static enum err check_all(struct statement *statement, struct why *why)
{
	enum err err;

	if ((err = read_head(statement, why)) != OK || (err = read_checkpoint(statement, why)) != OK)
		return err;
	life_init(&statement->life, &statement->head.code);
	if ((err = statement_fold(statement, why)) != OK || (err = check_ledger(statement, why)) != OK ||
	    (err = check_claim(statement, why)) != OK || (err = check_cosignatures(statement, why)) != OK)
		return err;
	if (statement->last_index == 0)
		return why_set(
		    why, ERR_PROOF, "%s: it holds no entry, so it is a statement of nothing", STATEMENT_ENTRIES_FOLDER);
	return statement_check_awards(statement, why);
}

static void statement_init(struct statement *statement, const char *folder, const struct statement_check *check)
{
	statement->folder = folder;
	statement->check = check;
	buf_init(&statement->checkpoint_bytes, CHECKPOINT_SIZE_MAX);
	buf_init(&statement->bytes, CLIENT_FILE_SIZE_MAX);
	arena_init(&statement->arena, ITEM_ARENA_SIZE);
	arena_init(&statement->kept, STATEMENT_KEPT_MAX);
	array_init(&statement->trades, sizeof(struct statement_trade));
	array_init(&statement->records, sizeof(struct statement_record));
	array_init(&statement->numbers, sizeof(struct statement_number));
	offices_init(&statement->offices);
}

static void statement_done(struct statement *statement)
{
	statement_head_done(&statement->head);
	buf_done(&statement->checkpoint_bytes);
	buf_done(&statement->bytes);
	arena_done(&statement->arena);
	arena_done(&statement->kept);
	array_done(&statement->trades);
	array_done(&statement->records);
	array_done(&statement->numbers);
	offices_done(&statement->offices);
	life_done(&statement->life);
	json_decref(statement->results);
}

static enum exit_code facts_take(const struct statement *statement, struct statement_facts *ret_facts)
{
	*ret_facts = (struct statement_facts){
	    .size = statement->head.size, .last_index = statement->last_index, .has_claim = statement->has_claim};
	memcpy(ret_facts->origin, statement->head.origin, sizeof(ret_facts->origin));
	memcpy(ret_facts->ledger_id, statement->head.ledger_id, sizeof(ret_facts->ledger_id));
	memcpy(ret_facts->code, statement->head.code.text, USCI_SIZE);
	return EXIT_OK;
}

static enum exit_code fail(enum err err, const struct why *why)
{
	if (err == ERR_MEMORY || err == ERR_IO)
		return out_fail(err, why, NULL);
	out_info("subsidy: NOT VERIFIED: %s", why->text);
	return EXIT_UNVERIFIED;
}

/* One of the two: the result for people or programs, or facts for who asked (then `ret_facts` is not NULL). */
static enum exit_code verify(const char *folder, const struct statement_check *check, struct statement_facts *ret_facts)
{
	struct statement *statement = calloc(1, sizeof(*statement));
	struct why why = {""};
	enum exit_code code;
	enum err err;

	if (statement == NULL)
		return out_fail(ERR_MEMORY, NULL, NULL);
	statement_init(statement, folder, check);
	err = check_all(statement, &why);
	if (err != OK)
		code = fail(err, &why);
	else if (ret_facts == NULL)
		code = print_result(statement);
	else
		code = facts_take(statement, ret_facts);
	statement_done(statement);
	free(statement);
	return code;
}

enum exit_code statement_verify(const char *folder, const struct statement_check *check)
{
	return verify(folder, check, NULL);
}

enum exit_code statement_prove(
    const char *folder, const struct statement_check *check, struct statement_facts *ret_facts)
{
	return verify(folder, check, ret_facts);
}
