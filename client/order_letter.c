#include "client/order_letter.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/file.h"
#include "client/link.h"
#include "client/order_token.h"
#include "client/out.h"

#define PATH_SIZE_MAX 4096
#define INDEX_SIZE_MAX (64u << 20) /* bytes: some 30,000 rows with every field at its longest */
#define INDEX_NAME "index.html"

/* ---- before anybody signs */

/* True where nothing is, or a folder with nothing in it. */
static bool folder_is_free(const char *path)
{
	DIR *folder = opendir(path);
	const struct dirent *entry;
	bool is_free = true;

	if (folder == NULL)
		return errno == ENOENT;
	while (is_free && (entry = readdir(folder)) != NULL)
		is_free = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
	(void)closedir(folder);
	return is_free;
}

bool order_letter_check(const struct args *args)
{
	const char *folder = args_text(args, "letters"), *contact = args_text(args, "contact");

	if (folder == NULL && contact != NULL)
		(void)out_usage("--contact is what letters say: --letters DIR");
	else if (contact != NULL && (contact[0] == '\0' || strlen(contact) > LETTER_CONTACT_SIZE_MAX ||
					!utf8_is_text(slice_text(contact))))
		(void)out_usage("--contact has 1 to %d bytes of text in one line", LETTER_CONTACT_SIZE_MAX);
	else if (folder != NULL && !folder_is_free(folder))
		(void)out_usage("%s is there already; letters go to a folder of their own", folder);
	else
		return true;
	return false;
}

/* ---- names */

/* Where the ledger tells the subject's name. False for the bureau and auditors, who have none. */
static bool path_of_subject(const char *subject, struct buf *path)
{
	static const char venue[] = "venue:";

	if (strcmp(subject, "bureau") == 0 || strcmp(subject, "auditor") == 0)
		return false;
	if (strncmp(subject, venue, strlen(venue)) == 0)
		buf_printf(path, "/v1/feeds/%s", subject + strlen(venue));
	else
		buf_printf(path, "/v1/enterprises/%s", subject);
	return true;
}

/* One that the ledger does not know has no name, and that is no error. */
static enum exit_code name_ask(struct link *link, struct items *items, struct item *item)
{
	struct link_answer answer;
	struct buf path;
	enum exit_code code = EXIT_OK;
	const char *name;
	enum err err;

	buf_init(&path, HTTP_TARGET_SIZE_MAX);
	if (item->name[0] != '\0' || !path_of_subject(item->subject, &path)) {
		buf_done(&path);
		return EXIT_OK;
	}
	err = link_get(link, buf_text(&path), &answer);
	name = err == OK ? json_string_value(json_object_get(answer.json, "name")) : NULL;
	if (err != OK && err != ERR_NOT_FOUND)
		code = out_fail_answer(&answer);
	else if (name != NULL && strlen(name) <= PARTY_NAME_SIZE_MAX && utf8_is_text(slice_text(name)))
		item->name = items_keep_text(items, slice_text(name));
	if (items->err != OK)
		code = out_fail(items->err, NULL, NULL);
	link_answer_done(&answer);
	buf_done(&path);
	return code;
}

enum exit_code order_letter_ask_names(const struct settings *settings, struct items *items)
{
	struct why why = {""};
	struct link *link;
	enum exit_code code = EXIT_OK;
	enum err err;

	if (settings->server == NULL || settings->token == NULL)
		return EXIT_OK;
	err = link_open(settings, &link, &why);
	if (err != OK)
		return out_fail(err, &why, NULL);
	for (size_t i = 0; code == EXIT_OK && i < items->item_count; i++)
		code = name_ask(link, items, &items->items[i]);
	link_close(link);
	return code;
}

/* ---- writing them */

struct mailing {
	const struct letter_issue *issue;
	const struct items *items;
	struct buf folder, folder_new; /* without a slash at the end */
	struct buf path;               /* of the file at hand */
	size_t written_count;
	bool is_index_written;
};

static struct letter letter_of(const struct item *item)
{
	struct letter letter = {
	    .subject = item->subject,
	    .name = item->name[0] != '\0' ? item->name : NULL,
	    .holder = item->holder,
	    .expires = item->expires,
	};

	memcpy(letter.token, item->token, sizeof(letter.token));
	return letter;
}

static enum err path_set(struct mailing *mailing, size_t index)
{
	enum err err;

	buf_clear(&mailing->path);
	buf_printf(&mailing->path, "%s/", buf_text(&mailing->folder_new));
	err = order_token_name(mailing->items, index, &mailing->path);
	buf_add_text(&mailing->path, ".html");
	return err != OK ? err : mailing->path.err;
}

static enum err letter_write(struct mailing *mailing, size_t index, struct why *why)
{
	struct letter letter = letter_of(&mailing->items->items[index]);
	struct buf html;
	enum err err = path_set(mailing, index);

	buf_init(&html, LETTER_SIZE_MAX);
	if (err == OK)
		err = letter_format(mailing->issue, &letter, &html);
	if (err == OK)
		err = file_create(buf_text(&mailing->path), buf_slice(&html), 0600, why);
	if (html.data != NULL)
		key_wipe(html.data, html.size);
	buf_done(&html);
	key_wipe(&letter, sizeof(letter));
	if (err == OK)
		mailing->written_count++;
	return err;
}

static enum err index_format(struct mailing *mailing, struct buf *html)
{
	const struct items *items = mailing->items;
	size_t folder_size = mailing->folder_new.size + 1;
	enum err err = OK;

	letter_index_begin(mailing->issue, items->item_count, html);
	for (size_t i = 0; err == OK && i < items->item_count; i++) {
		struct letter letter = letter_of(&items->items[i]);

		err = path_set(mailing, i);
		if (err == OK)
			letter_index_add(&letter, i + 1, buf_text(&mailing->path) + folder_size, html);
		key_wipe(&letter, sizeof(letter));
	}
	letter_index_end(html);
	return err != OK ? err : html->err;
}

static enum err index_write(struct mailing *mailing, struct why *why)
{
	struct buf html;
	enum err err;

	buf_init(&html, INDEX_SIZE_MAX);
	err = index_format(mailing, &html);
	buf_clear(&mailing->path);
	buf_printf(&mailing->path, "%s/" INDEX_NAME, buf_text(&mailing->folder_new));
	if (err == OK)
		err = file_create(buf_text(&mailing->path), buf_slice(&html), 0600, why);
	buf_done(&html);
	mailing->is_index_written = err == OK;
	return err;
}

static enum err folder_fill(struct mailing *mailing, struct why *why)
{
	const char *folder_new = buf_text(&mailing->folder_new);
	enum err err = OK;

	for (size_t i = 0; err == OK && i < mailing->items->item_count; i++)
		err = letter_write(mailing, i, why);
	if (err == OK)
		err = index_write(mailing, why);
	/* Over nothing, or an empty folder; over anything else it fails. */
	if (err == OK && rename(folder_new, buf_text(&mailing->folder)) != 0)
		err = why_set(why, ERR_IO, "%s: %m", buf_text(&mailing->folder));
	if (err == OK)
		err = file_sync_folder_of(buf_text(&mailing->folder), why);
	return err;
}

/* What was not finished holds codes that were never granted: gone, lest somebody hands them over. */
static void folder_empty(struct mailing *mailing)
{
	for (size_t i = 0; i < mailing->written_count; i++)
		if (path_set(mailing, i) == OK)
			(void)unlink(buf_text(&mailing->path));
	buf_clear(&mailing->path);
	buf_printf(&mailing->path, "%s/" INDEX_NAME, buf_text(&mailing->folder_new));
	if (mailing->is_index_written)
		(void)unlink(buf_text(&mailing->path));
	(void)rmdir(buf_text(&mailing->folder_new));
}

static enum err folder_make(struct mailing *mailing, const char *folder, struct why *why)
{
	size_t size = strlen(folder);
	enum err err;

	while (size > 1 && folder[size - 1] == '/')
		size--;
	buf_add(&mailing->folder, folder, size);
	buf_add_slice(&mailing->folder_new, buf_slice(&mailing->folder));
	buf_add_text(&mailing->folder_new, ".new");
	err = mailing->folder_new.err;
	if (err != OK)
		return err;
	if (mkdir(buf_text(&mailing->folder_new), 0700) == 0)
		return OK;
	if (errno == EEXIST)
		return why_set(why, ERR_IO,
		    "%s: left behind by a run that was interrupted; its codes were not granted: remove it",
		    buf_text(&mailing->folder_new));
	return why_set(why, ERR_IO, "%s: %m", buf_text(&mailing->folder_new));
}

enum exit_code order_letter_keep(const char *folder, const struct letter_issue *issue, const struct items *items)
{
	struct mailing mailing = {.issue = issue, .items = items};
	struct why why = {""};
	enum err err;

	buf_init(&mailing.folder, PATH_SIZE_MAX);
	buf_init(&mailing.folder_new, PATH_SIZE_MAX);
	buf_init(&mailing.path, PATH_SIZE_MAX);
	err = folder_make(&mailing, folder, &why);
	if (err == OK) {
		err = folder_fill(&mailing, &why);
		if (err != OK)
			folder_empty(&mailing);
	}
	buf_done(&mailing.folder);
	buf_done(&mailing.folder_new);
	buf_done(&mailing.path);
	if (err != OK)
		return out_fail(err, &why, "nothing was sent");
	out_info("%s: %zu letters, and " INDEX_NAME
		 " to tick off; print them, hand each to its holder, then remove them",
	    folder, items->item_count);
	return EXIT_OK;
}
