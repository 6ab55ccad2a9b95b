#include "daemon/trustfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static enum err read_bytes(const char *path, struct buf *ret_bytes, struct why *why)
{
	uint8_t block[4096];
	ssize_t size = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		while ((size = read(fd, block, sizeof(block))) > 0 && ret_bytes->err == OK)
			buf_add(ret_bytes, block, (size_t)size);
	if (size < 0)
		why_set(why, ERR_CONFIG, "%s: %s", path, strerror(errno));
	else if (ret_bytes->err == ERR_TOO_LARGE)
		why_set(why, ERR_CONFIG, "%s: a policy file has at most %d bytes", path, TRUST_SIZE_MAX);
	if (fd >= 0)
		close(fd);
	return size < 0 || ret_bytes->err == ERR_TOO_LARGE ? ERR_CONFIG : ret_bytes->err;
}

enum err trustfile_read(const char *path, struct trust **ret_trust, struct why *why)
{
	struct why cause = {""};
	struct buf bytes;
	enum err err;

	buf_init(&bytes, TRUST_SIZE_MAX);
	err = read_bytes(path, &bytes, why);
	if (err == OK) {
		err = trust_parse(buf_slice(&bytes), ret_trust, &cause);
		if (err != OK && err != ERR_MEMORY)
			err = why_set_cause(why, ERR_CONFIG, &cause, "%s: ", path);
	}
	buf_done(&bytes);
	return err;
}

enum err trustfile_check_witnesses(const char *path, const struct trust *trust, struct why *why)
{
	size_t count = trust_witness_count(trust);

	if (count == 0)
		return why_set(why, ERR_CONFIG, "%s: no witness is named; expected witness NAME VKEY", path);
	if (count > COSIGNATURES_MAX)
		return why_set(why, ERR_CONFIG,
		    "%s: %zu witnesses are named; a checkpoint carries at most %d "
		    "cosignatures",
		    path, count, COSIGNATURES_MAX);
	return OK;
}

enum err trustfile_check_log(
    const char *path, const struct trust *trust, const struct key *keys, size_t key_count, struct why *why)
{
	for (size_t i = 0; i < key_count; i++)
		if (trust_takes_log(trust, &keys[i]))
			return OK;
	return why_set(why, ERR_CONFIG,
	    "%s: the logs that it names are others; expected log and the ledger's key, or "
	    "no log line",
	    path);
}

enum err trustfile_load(
    const char *path, const struct key *keys, size_t key_count, struct trust **ret_trust, struct why *why)
{
	struct trust *trust;
	enum err err = trustfile_read(path, &trust, why);

	if (err != OK)
		return err;
	err = trustfile_check_witnesses(path, trust, why);
	if (err == OK)
		err = trustfile_check_log(path, trust, keys, key_count, why);
	if (err == OK)
		*ret_trust = trust;
	else
		trust_free(trust);
	return err;
}
