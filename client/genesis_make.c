#include "client/genesis_make.h"

#include "client/notefile.h"
#include "client/out.h"
#include "client/signers.h"

/* What `subsidyd restore --describe` has written goes into the draft. */
static enum err draft_add_continued(const char *path, json_t *draft, struct why *why)
{
	json_t *continued = NULL;
	enum err err = notefile_read_json(path, &continued, why);

	if (err == OK && !json_is_object(draft))
		json_decref(continued); /* genesis_compose says what a draft is */
	else if (err == OK && json_object_set_new(draft, "continues", continued) != 0)
		err = ERR_MEMORY;
	return err;
}

static enum err genesis_sign(
    const struct args *args, const struct signers *signers, struct bundle *bundle, struct why *why)
{
	uint8_t random[32];
	json_t *draft = NULL;
	struct buf text;
	enum err err;

	buf_init(&text, NOTE_TEXT_SIZE_MAX);
	key_random(random, sizeof(random));
	err = notefile_read_json(args_text(args, "file"), &draft, why);
	if (err == OK && args_has(args, "continues"))
		err = draft_add_continued(args_text(args, "continues"), draft, why);
	if (err == OK)
		err = genesis_compose(draft, random, &text, why);
	if (err == OK)
		err = bundle_add_genesis(bundle, buf_slice(&text), signers->signers[0], why);
	for (size_t i = 1; err == OK && i < signers->count; i++)
		err = bundle_sign(bundle, signers->signers[i], why);
	json_decref(draft);
	buf_done(&text);
	return err;
}

enum exit_code genesis_make(const struct args *args)
{
	const char *path = args_text(args, "o");
	struct signers signers;
	struct why why = {""};
	struct bundle bundle;
	enum exit_code code;
	enum err err;

	if (!args_has(args, "file") || !args_has(args, "key"))
		return out_usage("genesis needs --file DRAFT.json and --key FILE, the key of one of its officers");
	if (path == NULL)
		return out_usage("say where the genesis note goes: -o NOTE");
	if (!notefile_is_free(path))
		return EXIT_USAGE;
	bundle_init(&bundle);
	code = signers_load(args, &signers);
	if (code == EXIT_OK) {
		err = genesis_sign(args, &signers, &bundle, &why);
		code = err == OK ? notefile_create(&bundle, path) : out_fail(err, &why, "nothing was signed");
	}
	if (code == EXIT_OK && args_has(args, "continues"))
		out_info("%s: signed by %zu; when all its officers have signed, `subsidyd restore --accept-loss "
			 "--genesis %s` takes it",
		    path, signers.count, path);
	else if (code == EXIT_OK)
		out_info("%s: signed by %zu; when all its officers have signed, `subsidyd init --genesis %s` takes it",
		    path, signers.count, path);
	signers_done(&signers);
	bundle_done(&bundle);
	return code;
}
