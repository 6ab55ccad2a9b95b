#include "client/notefile.h"

#include <unistd.h>

#include "client/file.h"
#include "client/out.h"

enum exit_code notefile_load(const char *path, struct bundle *bundle)
{
	struct why cause = {""}, why = {""};
	struct buf bytes;
	enum err err;

	buf_init(&bytes, CLIENT_FILE_SIZE_MAX);
	err = file_read_given(path, &bytes, &why);
	if (err == OK && (err = bundle_parse(buf_slice(&bytes), bundle, &cause)) != OK)
		(void)why_set(&why, err, "%s: %s", path, cause.text);
	buf_done(&bytes);
	return err == OK ? EXIT_OK : out_fail(err, &why, NULL);
}

static enum err format(const struct bundle *bundle, struct buf *ret_bytes, struct why *why)
{
	enum err err = bundle_format(bundle, ret_bytes);

	if (err == ERR_TOO_LARGE)
		(void)why_set(why, err, "the orders have more than %u bytes; divide the list", CLIENT_FILE_SIZE_MAX);
	return err;
}

enum exit_code notefile_create(const struct bundle *bundle, const char *path)
{
	struct why why = {""};
	struct buf bytes;
	enum err err;

	buf_init(&bytes, CLIENT_FILE_SIZE_MAX);
	err = format(bundle, &bytes, &why);
	if (err == OK)
		err = file_create(path, buf_slice(&bytes), 0644, &why);
	buf_done(&bytes);
	if (err != OK)
		return out_fail(
		    err, &why, err == ERR_IO ? "an order's file is never written over; choose another name" : NULL);
	return EXIT_OK;
}

enum exit_code notefile_replace(const struct bundle *bundle, const char *path)
{
	struct why why = {""};
	struct buf bytes;
	enum err err;

	buf_init(&bytes, CLIENT_FILE_SIZE_MAX);
	err = format(bundle, &bytes, &why);
	if (err == OK)
		err = file_write(path, buf_slice(&bytes), 0644, &why);
	buf_done(&bytes);
	return err == OK ? EXIT_OK : out_fail(err, &why, NULL);
}

bool notefile_is_free(const char *path)
{
	if (access(path, F_OK) != 0)
		return true;
	(void)out_usage("%s is there already; an order's file is never written over", path);
	return false;
}

enum err notefile_read_json(const char *path, json_t **ret_json, struct why *why)
{
	json_error_t error;
	struct buf bytes;
	enum err err;

	buf_init(&bytes, CLIENT_FILE_SIZE_MAX);
	err = file_read_given(path, &bytes, why);
	if (err == OK) {
		*ret_json = json_loadb((const char *)bytes.data, bytes.size, JSON_REJECT_DUPLICATES, &error);
		if (*ret_json == NULL)
			err = why_set(why, ERR_SYNTAX, "%s: line %d: %s", path, error.line, error.text);
	}
	buf_done(&bytes);
	return err;
}
