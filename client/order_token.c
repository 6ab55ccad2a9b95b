#include "client/order_token.h"

#include <string.h>

#include "client/file.h"
#include "client/out.h"

#define TEXT_SIZE (2 * ITEM_TOKEN_SIZE + 1)
#define PATH_SIZE_MAX 4096

/* The hash is no secret: with it a code that was lost can be revoked. */
static void hashes_say(const struct items *items)
{
	char text[2 * HASH_SIZE + 1];

	for (size_t i = 0; i < items->item_count; i++) {
		struct hash hash = hash_sha256(slice_of(items->items[i].token, ITEM_TOKEN_SIZE));

		hex_format(hash_slice(&hash), text);
		out_info("%s: token_hash %s (grant.revoke asks for it)", items->items[i].subject, text);
	}
}

/* As a token file holds it: the digits and a newline. */
static enum exit_code token_create(const struct item *item, const char *path)
{
	char text[TEXT_SIZE];
	struct why why = {""};
	enum err err;

	hex_format(slice_of(item->token, sizeof(item->token)), text);
	text[TEXT_SIZE - 1] = '\n';
	err = file_create(path, slice_of(text, TEXT_SIZE), 0600, &why);
	key_wipe(text, sizeof(text));
	return err == OK ? EXIT_OK : out_fail(err, &why, "an access code is never written over; nothing was sent");
}

enum err order_token_name(const struct items *items, size_t index, struct buf *ret_name)
{
	const char *subject = items->items[index].subject;
	size_t number = 1;

	for (size_t i = 0; i < index; i++)
		number += strcmp(items->items[i].subject, subject) == 0;
	for (; *subject != '\0'; subject++)
		buf_u8(ret_name, (uint8_t)(*subject == ':' ? '-' : *subject));
	if (number > 1)
		buf_printf(ret_name, "_%zu", number);
	return ret_name->err;
}

static enum err path_make(const char *folder, const struct items *items, size_t index, struct buf *ret_path)
{
	enum err err;

	buf_printf(ret_path, "%s/", folder);
	err = order_token_name(items, index, ret_path);
	buf_add_text(ret_path, ".token");
	return err != OK ? err : ret_path->err;
}

static enum exit_code folder_fill(const char *folder, const struct items *items)
{
	struct why why = {""};
	enum exit_code code = EXIT_OK;
	enum err err = file_make_folder(folder, &why);

	if (err != OK)
		return out_fail(err, &why, NULL);
	for (size_t i = 0; code == EXIT_OK && i < items->item_count; i++) {
		struct buf path;

		buf_init(&path, PATH_SIZE_MAX);
		err = path_make(folder, items, i, &path);
		code = err == OK ? token_create(&items->items[i], buf_text(&path)) : out_fail(err, NULL, NULL);
		buf_done(&path);
	}
	if (code == EXIT_OK)
		out_info("%s: %zu access codes, one file each; hand each to its holder, and to nobody else", folder,
		    items->item_count);
	return code;
}

static enum exit_code token_print(const struct settings *settings, const struct item *item)
{
	char text[TEXT_SIZE];
	enum exit_code code = EXIT_OK;

	hex_format(slice_of(item->token, sizeof(item->token)), text);
	if (settings->is_json)
		code = out_json(json_pack("{s:s,s:s}", "subject", item->subject, "token", text));
	else
		puts(text);
	key_wipe(text, sizeof(text));
	if (code == EXIT_OK)
		code = out_flush(); /* who did not read it can't have it: then no order goes out */
	if (code == EXIT_OK)
		out_info("This is the access code. It is shown once: keep it in a file of mode 0600.");
	return code;
}

enum exit_code order_token_keep(const struct settings *settings, const struct args *args, const struct items *items)
{
	const char *folder = args_text(args, "tokens-dir"), *path = args_text(args, "token-out");
	enum exit_code code = EXIT_OK;

	if (folder != NULL)
		code = folder_fill(folder, items);
	else if (path != NULL)
		code = token_create(&items->items[0], path);
	else if (!args_has(args, "letters"))
		code = token_print(settings, &items->items[0]);
	if (code == EXIT_OK)
		hashes_say(items);
	return code;
}
