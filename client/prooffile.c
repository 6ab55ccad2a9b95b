#include "client/prooffile.h"

#include <inttypes.h>
#include <string.h>

#include "client/file.h"
#include "client/out.h"
#include "proto/date.h"
#include "proto/entry.h"

#define ARENA_SIZE (8u * ENTRY_SIZE_MAX)

void prooffile_init(struct prooffile *file)
{
	*file = (struct prooffile){.is_of_feed = false};
	buf_init(&file->bytes, CLIENT_FILE_SIZE_MAX);
	arena_init(&file->arena, ARENA_SIZE);
}

void prooffile_done(struct prooffile *file)
{
	arena_done(&file->arena);
	buf_done(&file->bytes);
}

static enum err check(struct prooffile *file, const struct ledger_id *ledger, struct why *why)
{
	const struct key *key;
	struct why why_feed = {""};
	enum err err = proof_parse(buf_slice(&file->bytes), &file->arena, &file->proof, why);

	if (err != OK)
		return err;
	key = pin_signer(ledger, file->proof.note);
	file->signer = *key;
	err = proof_verify(&file->proof, key, &file->checkpoint, why);
	if (err != ERR_PROOF)
		return err;
	/* A venue's key signs its feeds, whose origins begin with its name. */
	file->is_of_feed = proof_verify_feed(&file->proof, key, &file->checkpoint, &why_feed) == OK;
	return file->is_of_feed ? OK : err;
}

enum exit_code prooffile_load(const char *path, const struct ledger_id *ledger, struct prooffile *ret_file)
{
	struct why why = {""}, whole;
	enum err err = file_read_given(path, &ret_file->bytes, &why);

	if (err != OK)
		return out_fail(err, &why, NULL);
	err = check(ret_file, ledger, &why);
	if (err == OK)
		return EXIT_OK;
	(void)why_set(&whole, err, "%s: %s", path, why.text);
	if (err == ERR_MEMORY)
		return out_fail(err, &whole, NULL);
	if (err == ERR_UNKNOWN_KEY)
		(void)out_fail(err, &whole,
		    "if it is of an older key, or of a ledger before this one, name that key: `subsidy verify FILE "
		    "--vkey KEY`");
	else
		(void)out_fail(err, &whole, "it proves nothing: ask whoever gave it to you for another one");
	return EXIT_UNVERIFIED;
}

/* ---- showing it */

const struct table_column prooffile_columns[PROOFFILE_COLUMNS] = {
    {"file", false}, {"index", true}, {"kind", false}, {"time", false}, {"in", false}, {"size", true}};

/* Kind and time, where the leaf is an entry: else "-" and none. */
static const char *describe(const struct prooffile *file, char ret_time[static TIME_TEXT_SIZE])
{
	struct arena arena;
	struct entry entry;
	const char *kind = file->is_of_feed ? "record" : "-";

	ret_time[0] = '\0';
	arena_init(&arena, ARENA_SIZE);
	if (!file->is_of_feed && entry_decode(file->proof.extra, &arena, &entry) == OK) {
		kind = entry_kind_name(entry.kind);
		time_format(entry.time_us, ret_time);
	}
	arena_done(&arena);
	return kind;
}

void prooffile_row(const struct prooffile *file, const char *path, struct table *table)
{
	char time[TIME_TEXT_SIZE];
	const char *kind = describe(file, time);

	table_cell(table, path);
	table_cellf(table, "%" PRIu64, file->proof.index);
	table_cell(table, kind);
	table_cell(table, time[0] != '\0' ? time : NULL);
	table_cell(table, file->checkpoint.origin);
	table_cellf(table, "%" PRIu64, file->checkpoint.size);
}

json_t *prooffile_json(const struct prooffile *file, const char *path)
{
	char time[TIME_TEXT_SIZE];
	const char *kind = describe(file, time);

	return json_pack("{s:s, s:I, s:s, s:s?, s:s, s:I}", "file", path, "index", (json_int_t)file->proof.index,
	    "kind", kind, "time", time[0] != '\0' ? time : NULL, "origin", file->checkpoint.origin, "size",
	    (json_int_t)file->checkpoint.size);
}

/* ---- whose signature? */

enum err prooffile_keys(const struct settings *settings, struct ledger_id *ret_ledger, struct why *why)
{
	if (settings->vkey != NULL) {
		*ret_ledger = (struct ledger_id){.older_count = 0};
		return key_parse(slice_text(settings->vkey), &ret_ledger->key) == OK
			   ? OK
			   : why_set(why, ERR_CONFIG, "--vkey is not a public key: name+xxxxxxxx+base64");
	}
	if (settings->server == NULL)
		return why_set(why, ERR_CONFIG, "say whose signature it must be: --vkey KEY");
	return pin_recall(settings, LINK_SERVER, ret_ledger, why);
}
