/*
 * Everything that can be wrong is looked at before anybody signs: options, lists, keys. Access codes are written down
 * before the order is, for an order whose code is lost has granted nothing to anybody.
 */
#include "client/order_make.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/draft.h"
#include "client/file.h"
#include "client/notefile.h"
#include "client/order_body.h"
#include "client/order_letter.h"
#include "client/order_list.h"
#include "client/order_replace.h"
#include "client/order_set.h"
#include "client/order_submit.h"
#include "client/order_token.h"
#include "client/out.h"
#include "client/pin.h"
#include "client/signers.h"
#include "proto/date.h"

#define ORDER_DAYS_DEFAULT 14
#define GRANT_DAYS_DEFAULT 365

struct making {
	const struct settings *settings;
	const struct args *args;
	uint32_t today;
	struct order_draft draft;
	char id[ORDER_ID_SIZE_MAX + 1], origin[ORIGIN_TEXT_SIZE], ledger_id[LEDGER_ID_SIZE + 1];
	json_t *body;
	struct items items;
	bool is_replacement;  /* grant.replace: what is drafted is the grant.add of it */
	struct items revoked; /* by a replacement */
	struct slice *lines;
	struct signers signers;
	struct bundle bundle;
};

/* ---- options */

/* An option that this type of order needs, or has nothing to do with. */
static bool option_check(const struct args *args, const char *name, bool is_needed, bool is_allowed)
{
	if (is_needed && !args_has(args, name))
		(void)out_usage("%s needs --%s", args->words[0], name);
	else if (!is_allowed && args_has(args, name))
		(void)out_usage("%s takes no --%s", args->words[0], name);
	else
		return true;
	return false;
}

/* Which item, if any, stands on the command line? Its reason may also be that of a whole list. */
static const char *item_on_line(const struct args *args, enum order_type type)
{
	for (enum item_column column = ITEM_CODE; column < ITEM_COLUMN_COUNT; column++)
		if (column != ITEM_REASON && order_type_has_items(type) && items_has_column(type, column) &&
		    order_set_text(args, items_columns[column].name) != NULL)
			return items_columns[column].name;
	return NULL;
}

static bool options_check(const struct args *args, enum order_type type, bool is_replacement)
{
	bool is_grant = type == ORDER_GRANT_ADD, is_list = args_has(args, "file");
	bool needs_file = type == ORDER_ENTERPRISE_REGISTER || type == ORDER_ENTERPRISE_RELATE ||
			  type == ORDER_POLICY_ADOPT || type == ORDER_QUORUM_SET;
	const char *item = item_on_line(args, type);

	if (!args_has(args, "o") && !args_has(args, "submit"))
		(void)out_usage("say where the signed order goes: -o NOTE, or --submit, or both");
	else if (!args_has(args, "submit") && args_has(args, "receipt"))
		(void)out_usage("a receipt is what comes of --submit");
	else if (is_list && item != NULL)
		(void)out_usage("the items come from --file or from --set %s=…, not from both", item);
	else
		return option_check(
			   args, "file", needs_file, needs_file || (order_type_has_items(type) && !is_replacement)) &&
		       option_check(args, "key", true, true) &&
		       option_check(args, "token-out", false, is_grant && !is_list) &&
		       option_check(args, "tokens-dir", is_grant && is_list && !args_has(args, "letters"),
			   is_grant && is_list) &&
		       option_check(args, "letters", false, is_grant) && order_letter_check(args);
	return false;
}

/* ---- what is ordered */

static enum exit_code list_read(struct making *making)
{
	const char *path = args_text(making->args, "file");
	struct why cause = {""}, why = {""};
	FILE *file = fopen(path, "re");
	enum err err;

	if (file == NULL) {
		(void)why_set(&why, ERR_IO, "%s: %m", path);
		return out_fail(ERR_IO, &why, NULL);
	}
	err = order_list_read(&making->items, file, &cause);
	(void)fclose(file);
	(void)why_set(&why, err, "%s: %s", path, cause.text);
	return err == OK ? EXIT_OK : out_fail(err, &why, "nothing was signed");
}

/* The one item that stands on the command line. */
static enum exit_code item_take(struct making *making)
{
	struct item_row row = {.number = 0};

	for (enum item_column column = ITEM_CODE; column < ITEM_COLUMN_COUNT; column++) {
		const char *text = items_has_column(making->draft.type, column)
				       ? order_set_text(making->args, items_columns[column].name)
				       : NULL;

		if (text != NULL) {
			row.columns |= 1u << column;
			row.cells[column] = slice_text(text);
		} else if (items_needs_column(&making->items, column)) {
			return out_usage("%s needs --set %s=…, or a list: --file LIST.csv%s", making->args->words[0],
			    items_columns[column].name,
			    making->draft.type == ORDER_GRANT_ADD ? " --tokens-dir DIR" : "");
		}
	}
	items_add(&making->items, &row);
	return EXIT_OK;
}

static enum exit_code items_take(struct making *making)
{
	struct items *items = &making->items;
	enum exit_code code = args_has(making->args, "file") ? list_read(making) : item_take(making);

	if (code != EXIT_OK)
		return code;
	items_finish(items);
	if (items->err != OK)
		return out_fail(items->err, NULL, NULL);
	if (items->fault_total > 0)
		return order_list_print_faults(items, making->settings);
	making->lines = calloc(items->item_count, sizeof(*making->lines));
	if (making->lines == NULL)
		return out_fail(ERR_MEMORY, NULL, NULL);
	for (size_t i = 0; i < items->item_count; i++)
		making->lines[i] = items->items[i].line;
	making->draft.items = making->lines;
	making->draft.item_count = items->item_count;
	return EXIT_OK;
}

static enum exit_code content_take(struct making *making)
{
	if (!order_type_has_items(making->draft.type))
		return order_body_make(making->args, making->draft.type, &making->body);
	items_init(&making->items, making->draft.type, date_add_days(making->today, GRANT_DAYS_DEFAULT));
	making->items.reason = order_set_text(making->args, "reason");
	return items_take(making);
}

static enum exit_code revoked_take(struct making *making)
{
	if (!making->is_replacement)
		return EXIT_OK;
	if (order_set_text(making->args, "token_hash") == NULL)
		return out_usage("%s needs --set token_hash=…; `subsidy grants` lists the hashes", ORDER_REPLACE_NAME);
	order_replace_take(making->args, &making->revoked);
	if (making->revoked.err != OK)
		return out_fail(making->revoked.err, NULL, NULL);
	if (making->revoked.fault_total > 0)
		return order_list_print_faults(&making->revoked, making->settings);
	return order_replace_check(making->settings, making->args, making->items.items[0].subject);
}

/* ---- the head */

static enum exit_code head_set(struct making *making)
{
	const char *id = order_set_text(making->args, "id"), *expires = order_set_text(making->args, "order_expires");
	char today[DATE_TEXT_SIZE], random_text[9];
	uint8_t random[4];

	if (expires == NULL)
		making->draft.expires = date_add_days(making->today, ORDER_DAYS_DEFAULT);
	else if (date_parse(slice_text(expires), &making->draft.expires) != OK)
		return out_usage("--set order_expires=%s is not a date like 2026-12-24", expires);
	if (making->draft.expires < making->today ||
	    making->draft.expires > date_add_days(making->today, ORDER_EXPIRY_DAYS_MAX))
		return out_usage(
		    "--set order_expires=%s: an order expires today at the earliest, and in %d days at the latest",
		    expires, ORDER_EXPIRY_DAYS_MAX);
	if (id != NULL && strlen(id) > ORDER_ID_SIZE_MAX)
		return out_usage("--set id=… is longer than %d bytes", ORDER_ID_SIZE_MAX);
	date_format(making->today, today);
	key_random(random, sizeof(random));
	hex_format(slice_of(random, sizeof(random)), random_text);
	if (id != NULL)
		(void)snprintf(making->id, sizeof(making->id), "%s", id);
	else
		(void)snprintf(making->id, sizeof(making->id), "%s-%s-%s", making->args->words[0], today, random_text);
	making->draft.id = making->id;
	return EXIT_OK;
}

/* The ledger says which it is; without it, three options do. */
static enum exit_code ledger_set(struct making *making)
{
	const char *origin = order_set_text(making->args, "origin"), *id = order_set_text(making->args, "ledger_id");
	const char *size = order_set_text(making->args, "size");
	struct ledger_id ledger = {.size = 0};
	struct why why = {""};
	struct link *link;
	enum exit_code code;
	enum err err;

	making->draft.origin = making->origin;
	making->draft.ledger_id = making->ledger_id;
	if (origin != NULL || id != NULL || size != NULL) {
		if (origin == NULL || id == NULL || size == NULL)
			return out_usage(
			    "without asking the ledger, all three are needed: --set origin=… --set ledger_id=… "
			    "--set size=…");
		if (strlen(origin) > ORIGIN_SIZE_MAX || strlen(id) != LEDGER_ID_SIZE)
			return out_usage(
			    "--set origin=… is too long, or ledger_id=… is not %d hex digits", LEDGER_ID_SIZE);
		if (decimal_parse(slice_text(size), TREE_SIZE_MAX, &making->draft.made_at_size) != OK)
			return out_usage("--set size=%s is not the size of a ledger", size);
		(void)snprintf(making->origin, sizeof(making->origin), "%s", origin);
		(void)snprintf(making->ledger_id, sizeof(making->ledger_id), "%s", id);
		return EXIT_OK;
	}
	err = link_open(making->settings, &link, &why);
	if (err != OK)
		return out_fail(err, &why, NULL);
	code = pin_ledger(link, making->settings, LINK_SERVER, &ledger);
	link_close(link);
	if (code != EXIT_OK)
		return code;
	memcpy(making->origin, ledger.origin, sizeof(making->origin));
	memcpy(making->ledger_id, ledger.id, sizeof(making->ledger_id));
	making->draft.made_at_size = ledger.size;
	return EXIT_OK;
}

/* ---- signing and keeping */

static enum exit_code order_sign(struct making *making)
{
	struct why why = {""};
	enum err err;

	making->draft.body = making->body;
	if (making->is_replacement)
		err = order_replace_sign(&making->draft, &making->revoked, &making->signers, &making->bundle, &why);
	else
		err = draft_sign(&making->draft, making->signers.signers, making->signers.count, &making->bundle, &why);
	return err == OK ? EXIT_OK : out_fail(err, &why, "nothing was sent");
}

/* An order whose outcome is unknown, or that lacks a signature, must not be lost: made anew, it would be another. */
static void order_rescue(const struct making *making)
{
	struct why why = {""};
	struct buf path;

	buf_init(&path, CLIENT_FILE_SIZE_MAX);
	buf_printf(&path, "%s/", making->settings->state);
	for (const char *at = making->id; *at != '\0'; at++)
		buf_u8(&path, (uint8_t)(*at == '/' ? '_' : *at));
	buf_add_text(&path, ".json");
	if (file_make_folder(making->settings->state, &why) != OK || path.err != OK)
		(void)out_fail(ERR_IO, &why, NULL);
	else if (notefile_create(&making->bundle, buf_text(&path)) == EXIT_OK)
		out_info("The order is kept: sign or submit it as %s", buf_text(&path));
	buf_done(&path);
}

static enum exit_code names_ask(struct making *making)
{
	return args_has(making->args, "letters") ? order_letter_ask_names(making->settings, &making->items) : EXIT_OK;
}

static enum exit_code letters_keep(const struct making *making)
{
	const struct letter_issue issue = {
	    .origin = making->origin,
	    .order_id = making->id,
	    .server = making->settings->server,
	    .contact = args_text(making->args, "contact"),
	    .issued_on = making->today,
	};
	const char *folder = args_text(making->args, "letters");

	return folder != NULL ? order_letter_keep(folder, &issue, &making->items) : EXIT_OK;
}

static enum exit_code order_keep(struct making *making)
{
	const char *path = args_text(making->args, "o");
	enum exit_code code = letters_keep(making);

	if (code == EXIT_OK && making->draft.type == ORDER_GRANT_ADD)
		code = order_token_keep(making->settings, making->args, &making->items);
	if (code == EXIT_OK && path != NULL) {
		code = notefile_create(&making->bundle, path);
		if (code == EXIT_OK)
			out_info("%s: %zu signed %s, to expire on %04u-%02u-%02u", path, making->bundle.order_count,
			    making->bundle.order_count == 1 ? "order" : "orders", making->draft.expires / 10000,
			    making->draft.expires / 100 % 100, making->draft.expires % 100);
	}
	if (code != EXIT_OK || !args_has(making->args, "submit"))
		return code;
	code = order_submit(making->settings, &making->bundle, args_text(making->args, "receipt"));
	if (code != EXIT_OK && path == NULL)
		order_rescue(making);
	return code;
}

enum exit_code order_make(const struct settings *settings, const struct args *args)
{
	static enum exit_code (*const steps[])(struct making * making) = {
	    head_set, content_take, ledger_set, revoked_take, names_ask, order_sign, order_keep};
	struct making making = {.settings = settings, .args = args};
	enum exit_code code;

	making.is_replacement = strcmp(args->words[0], ORDER_REPLACE_NAME) == 0;
	making.draft.type = making.is_replacement ? ORDER_GRANT_ADD : order_type_by_name(args->words[0]);
	if (!order_set_check(args, making.is_replacement ? ORDER_REPLACE_TYPES : 1u << making.draft.type) ||
	    !options_check(args, making.draft.type, making.is_replacement) ||
	    (args_has(args, "o") && !notefile_is_free(args_text(args, "o"))))
		return EXIT_USAGE;
	making.today = date_of_time((uint64_t)time(NULL) * 1000000);
	bundle_init(&making.bundle);
	code = signers_load(args, &making.signers);
	for (size_t i = 0; code == EXIT_OK && i < sizeof(steps) / sizeof(steps[0]); i++)
		code = steps[i](&making);
	signers_done(&making.signers);
	items_done(&making.items);
	items_done(&making.revoked);
	free(making.lines);
	json_decref(making.body);
	bundle_done(&making.bundle);
	return code;
}
