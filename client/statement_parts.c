#include "client/statement_parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/out.h"
#include "client/statementfolder.h"
#include "client/view.h"
#include "proto/claim.h"
#include "proto/limits.h"
#include "proto/text.h"

/* ---- writing */

enum err statement_write_json(struct stage *stage, const char *name, json_t *json, struct why *why)
{
	struct buf bytes;
	enum err err;

	buf_init(&bytes, CLIENT_ANSWER_SIZE_MAX);
	err = json_format(json, JSON_COMPACT, &bytes);
	if (err == OK)
		err = stage_write(stage, name, buf_slice(&bytes), why);
	buf_done(&bytes);
	return err;
}

/* ---- the ledger's keys */

/* Is the key of this row one that signs checkpoints of the size? {"vkey","use","since","until"} */
static bool is_valid_at(const json_t *row, const struct statement_fetch *fetch)
{
	const json_t *since = json_object_get(row, "since"), *until = json_object_get(row, "until");
	json_int_t size = (json_int_t)fetch->head.checkpoint.size;
	struct key key;

	return strcmp(json_text_or(row, "use", ""), "checkpoint") == 0 &&
	       key_parse(slice_text(json_text_or(row, "vkey", "")), &key) == OK &&
	       strcmp(key.name, fetch->ledger->origin) == 0 && json_is_integer(since) &&
	       json_integer_value(since) < size && (!json_is_integer(until) || json_integer_value(until) >= size);
}

/* What the ledger says of its keys; the acts prove it. */
enum exit_code statement_fetch_keys(struct statement_fetch *fetch)
{
	char vkey[KEY_VKEY_SIZE];
	struct link_answer answer;
	json_t *vkeys = json_array();
	enum exit_code code = EXIT_OK;
	enum err err = link_get(fetch->link, "/v1/keys", &answer);

	key_format(&fetch->ledger->key, vkey);
	if (err == OK) {
		const json_t *rows = json_object_get(answer.json, "keys");

		for (size_t i = 0; i < json_array_size(rows); i++)
			if (is_valid_at(json_array_get(rows, i), fetch))
				(void)json_array_append(vkeys, json_object_get(json_array_get(rows, i), "vkey"));
	} else if (err != ERR_NOT_FOUND) {
		code = out_fail_answer(&answer);
	}
	/* At least the one that was asked for. */
	if (code == EXIT_OK && json_array_size(vkeys) == 0 && json_array_append_new(vkeys, json_string(vkey)) != 0)
		code = out_fail(ERR_MEMORY, NULL, NULL);
	fetch->vkeys = vkeys;
	link_answer_done(&answer);
	return code;
}

/* ---- the claim */

/* It must say what was just proven. Whose signature is under it, the acts must tell. */
static enum err claim_check(const struct statement_fetch *fetch, struct slice bytes, struct why *why)
{
	const struct checkpoint *checkpoint = &fetch->head.checkpoint;
	struct claim claim;
	struct note note;
	enum err err = note_parse(bytes, &note, why);

	if (err == OK)
		err = claim_parse(note.text, &claim, why);
	if (err != OK)
		return err;
	if (strcmp(claim.origin, fetch->ledger->origin) == 0 && strcmp(claim.ledger_id, fetch->ledger->id) == 0 &&
	    strcmp(claim.code, fetch->code) == 0 && claim.size == checkpoint->size &&
	    hash_equal(&claim.root, &checkpoint->root) && claim.last_index == fetch->newest_index)
		return OK;
	return why_set(why, ERR_PROOF,
	    "the ledger claims that the chain ends with entry %" PRIu64 " at size %" PRIu64
	    ", and gives one that ends with entry %" PRIu64 " at size %" PRIu64,
	    claim.last_index, claim.size, fetch->newest_index, checkpoint->size);
}

enum exit_code statement_fetch_claim(struct statement_fetch *fetch)
{
	struct link_request request = {.door = LINK_SERVER, .answer_max = NOTE_SIZE_MAX};
	struct link_answer answer;
	struct why why = {""};
	struct buf path;
	enum exit_code code = EXIT_OK;
	enum err err;

	view_path_init(&path, fetch->path);
	buf_printf(&path, "/head?size=%" PRIu64, fetch->head.checkpoint.size);
	request.path = buf_text(&path);
	err = link_ask(fetch->link, &request, &answer);
	if (err == ERR_NOT_FOUND) {
		out_info("subsidy: the ledger has announced no key for claims: it does not sign where the chain ends");
	} else if (err != OK) {
		code = out_fail_answer(&answer);
	} else {
		err = claim_check(fetch, buf_slice(&answer.body), &why);
		if (err == OK)
			err = stage_write(fetch->stage, STATEMENT_HEAD_FILE, buf_slice(&answer.body), &why);
		fetch->has_claim = err == OK;
		if (err != OK)
			code = statement_fail(err, &why);
	}
	link_answer_done(&answer);
	buf_done(&path);
	return code;
}

/* ---- policies */

/* As file name it must be one: letters, digits, '-', '.', '_'. */
static bool is_policy_id(const char *text)
{
	size_t size = strlen(text);

	return size > 0 && size <= POLICY_ID_SIZE_MAX &&
	       strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._") == size;
}

static enum exit_code not_understood(const char *path)
{
	struct why why = {""};

	(void)why_set(&why, ERR_SYNTAX, "%s: the answer is not of the form that was expected", path);
	return out_fail(ERR_SYNTAX, &why, "is this client older than the ledger?");
}

/* The answer is kept as it came. */
static enum exit_code explanation_get(struct statement_fetch *fetch, const json_t *policy)
{
	const char *id = json_text_or(policy, "policy", "");
	char name[STATEMENT_NAME_SIZE];
	struct link_answer answer;
	struct why why = {""};
	struct buf path;
	json_t *row;
	enum exit_code code = EXIT_OK;
	enum err err;

	view_path_init(&path, fetch->path);
	buf_printf(&path, "/explain?policy=%s&as_of=%" PRIu64, id, fetch->head.checkpoint.size);
	if (link_get(fetch->link, buf_text(&path), &answer) != OK) {
		code = out_fail_answer(&answer);
		goto out;
	}
	row = json_pack("{s:O, s:O, s:O, s:O, s:O}", "policy", json_object_get(policy, "policy"), "version",
	    json_object_get(answer.json, "version"), "index", json_object_get(answer.json, "policy_index"),
	    "eligible_volume", json_object_get(policy, "eligible_volume"), "award",
	    json_object_get(answer.json, "award"));
	if (row == NULL || json_array_append_new(fetch->policies, row) != 0) {
		code = not_understood(buf_text(&path));
		goto out;
	}
	(void)snprintf(name, sizeof(name), "%s/%s%s", STATEMENT_POLICIES_FOLDER, id, STATEMENT_JSON_SUFFIX);
	err = stage_write(fetch->stage, name, buf_slice(&answer.body), &why);
	if (err != OK)
		code = out_fail(err, &why, NULL);
out:
	link_answer_done(&answer);
	buf_done(&path);
	return code;
}

enum exit_code statement_fetch_policies(struct statement_fetch *fetch)
{
	struct link_answer answer;
	const json_t *rows;
	struct buf path;
	enum exit_code code = EXIT_OK;

	fetch->policies = json_array();
	view_path_init(&path, fetch->path);
	buf_printf(&path, "?as_of=%" PRIu64, fetch->head.checkpoint.size);
	if (link_get(fetch->link, buf_text(&path), &answer) != OK)
		code = out_fail_answer(&answer);
	rows = json_object_get(answer.json, "policies");
	if (code == EXIT_OK && (!json_is_array(rows) || json_array_size(rows) > POLICIES_MAX))
		code = not_understood(buf_text(&path));
	for (size_t i = 0; code == EXIT_OK && i < json_array_size(rows); i++)
		code = is_policy_id(json_text_or(json_array_get(rows, i), "policy", ""))
			   ? explanation_get(fetch, json_array_get(rows, i))
			   : not_understood(buf_text(&path));
	link_answer_done(&answer);
	buf_done(&path);
	return code;
}

/* ---- what it is */

/* In both languages, whoever asked: it is kept for years and handed on. */
static const char readme[] = TEXT(
    "STATEMENT OF AN ENTERPRISE\n"
    "\n"
    "An enterprise fetched this folder from a ledger of data-trade subsidies: every entry that concerned it up to\n"
    "one size of the ledger, each with its proof; the acts of the bureau; and how each policy's figure comes about.\n"
    "Anybody can check it without asking the ledger's operator:\n"
    "\n"
    "  subsidy verify THIS-FOLDER --vkey KEY\n"
    "\n"
    "Take the ledger's public key from paper, or from whoever you trust; not from this folder. Entries hold amounts\n"
    "and counterparties, so guard it. Figures are accruals: no promise of payment.\n"
    "\n"
    "  statement.json  which ledger, which enterprise, which size, and what each policy comes to\n"
    "  checkpoint      signed by the ledger; every proof leads to it\n"
    "  head            the ledger's signed claim which entry is the newest (absent where it has no key for claims)\n"
    "  entries/        the entries with their inclusion proofs\n"
    "  withheld/       entries whose content is another's: the leaf's hash alone (absent where there are none)\n"
    "  feeds/          each record in its venue's own feed\n"
    "  orders/         the enterprise's own item of an order, under the officers' note\n"
    "  acts/           genesis, and the orders on licences, keys, officers, quorums, policies and the like\n"
    "  policies/       the arithmetic of each policy, step by step\n");

static void readme_add(struct buf *text, enum text_language language)
{
	enum text_language own = text_language();

	text_use(language);
	buf_add_text(text, text_of(readme));
	text_use(own);
}

static enum err write_readme(struct stage *stage, struct why *why)
{
	struct buf text;
	enum err err;

	buf_init(&text, CLIENT_FILE_SIZE_MAX);
	readme_add(&text, TEXT_CHINESE);
	buf_u8(&text, '\n');
	readme_add(&text, TEXT_ENGLISH);
	err = text.err == OK ? stage_write(stage, STATEMENT_README_FILE, buf_slice(&text), why) : text.err;
	buf_done(&text);
	return err;
}

enum exit_code statement_write_summary(struct statement_fetch *fetch)
{
	const struct ledger_id *ledger = fetch->ledger;
	struct why why = {""};
	json_t *json =
	    json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:O, s:O}", "format", STATEMENT_FORMAT, "origin", ledger->origin,
		"ledger_id", ledger->id, "code", fetch->code, "size", (json_int_t)fetch->head.checkpoint.size,
		"entries", (json_int_t)fetch->entry_count, "vkeys", fetch->vkeys, "policies", fetch->policies);
	enum err err = statement_write_json(fetch->stage, STATEMENT_FILE, json, &why);

	if (err == OK)
		err = write_readme(fetch->stage, &why);
	return err == OK ? EXIT_OK : out_fail(err, &why, NULL);
}
