/* subsidy key: makes a private key, and shows the public one of a private key. */
#include <stdio.h>
#include <string.h>

#include "client/client.h"
#include "client/commands.h"
#include "client/file.h"
#include "client/out.h"
#include "proto/key.h"

static enum exit_code vkey_print(const struct settings *settings, const struct signer *signer)
{
	char vkey[KEY_VKEY_SIZE];

	key_format(signer_key(signer), vkey);
	if (settings->is_json)
		return out_json(json_pack("{s:s,s:s}", "name", signer_key(signer)->name, "vkey", vkey));
	puts(vkey);
	return EXIT_OK;
}

static bool type_parse(const char *name, enum key_type *ret_type)
{
	static const struct {
		const char *name;
		enum key_type type;
	} types[] = {{"ed25519", KEY_ED25519}, {"sm2", KEY_SM2}, {"cosignature", KEY_COSIGNATURE}};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(name, types[i].name) == 0) {
			*ret_type = types[i].type;
			return true;
		}
	}
	return false;
}

static enum exit_code key_new(const struct settings *settings, const struct args *args)
{
	const char *path = args_text(args, "o"), *type_name = args_text(args, "type"), *name = args->words[1];
	enum key_type type = KEY_ED25519;
	struct signer *signer = NULL;
	struct why why = {""};
	enum exit_code code;
	struct buf text;
	enum err err;

	if (path == NULL)
		return out_usage("say where to write the private key: -o FILE");
	if (type_name != NULL && !type_parse(type_name, &type))
		return out_usage("--type is ed25519, sm2 or cosignature; found \"%s\"", type_name);
	if (!key_name_is_valid(slice_text(name)))
		return out_usage(
		    "a key's name is at most %d bytes without spaces and '+'; found \"%s\"", KEY_NAME_SIZE_MAX, name);
	buf_init(&text, CLIENT_FILE_SIZE_MAX);
	err = signer_generate(type, slice_text(name), &signer);
	if (err == OK)
		err = signer_format(signer, &text);
	if (err == OK) {
		buf_add_text(&text, "\n");
		err = text.err;
	}
	if (err == OK)
		err = file_create(path, buf_slice(&text), 0600, &why);
	if (text.data != NULL)
		key_wipe(text.data, text.size);
	buf_done(&text);
	if (err != OK) {
		signer_free(signer);
		return out_fail(
		    err, &why, err == ERR_IO ? "a key file is never written over; choose another name" : NULL);
	}
	code = vkey_print(settings, signer);
	signer_free(signer);
	return code;
}

static enum exit_code key_show(const struct settings *settings, const struct args *args)
{
	struct signer *signer = NULL;
	struct why why = {""};
	enum exit_code code;
	enum err err;

	if (args_has(args, "o") || args_has(args, "type"))
		return out_usage("-o and --type belong to `subsidy key new`");
	err = file_load_signer(args->words[1], &signer, &why);
	code = err == OK ? vkey_print(settings, signer) : out_fail(err, &why, NULL);
	signer_free(signer);
	return code;
}

static enum exit_code key_run(const struct settings *settings, const struct args *args)
{
	if (strcmp(args->words[0], "new") == 0)
		return key_new(settings, args);
	if (strcmp(args->words[0], "show") == 0)
		return key_show(settings, args);
	return out_usage("`subsidy key` has new and show; found \"%s\"", args->words[0]);
}

static const struct option options[] = {
    {"o", "FILE", "where the private key goes; must not exist yet", false},
    {"type", "TYPE", "ed25519 (the default), sm2, or cosignature: a witness's", false},
    {0},
};

const struct command cmd_key = {
    .name = "key",
    .usage = "new NAME [--type ed25519|sm2|cosignature] -o FILE | show FILE",
    .summary = "make a signing key; show its public half",
    .help =
	"`key new` writes a private key, readable by you alone, and prints its public key, which the bureau\n"
	"licenses (a venue's) or which genesis names (an officer's, the ledger's). NAME is the venue's id, the\n"
	"officer's name, or the ledger's origin. Whoever has the file can sign: keep it, and a copy of it, safe.\n"
	"A key of type cosignature is a witness's, whose monitor cosigns what it has checked; its NAME is an address\n"
	"of the witness without https://. `key show` prints the public key of a private one.\n"
	"\n"
	"  subsidy key new qddex -o qddex.key\n"
	"  subsidy key new qddex --type sm2 -o qddex-sm2.key\n"
	"  subsidy key new witness.qddex.example --type cosignature -o witness.key\n"
	"  subsidy key show qddex.key\n",
    .options = options,
    .word_min = 2,
    .word_max = 2,
    .run = key_run,
};
