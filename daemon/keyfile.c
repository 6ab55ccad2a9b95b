#include "daemon/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum err keyfile_load(const char *path, struct signer **ret_signer, struct why *why)
{
	char text[KEY_FILE_SIZE_MAX];
	ssize_t size = -1;
	enum err err;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		size = read(fd, text, sizeof(text));
	if (size < 0)
		err = why_set(why, ERR_KEY_FILE, "can't read the key file %s: %s", path, strerror(errno));
	else if ((size_t)size == sizeof(text))
		err = why_set(why, ERR_KEY_FILE, "%s is too long for a key file", path);
	else
		err = signer_parse(slice_of(text, (size_t)size), ret_signer);
	if (err != OK && err != ERR_MEMORY && size >= 0 && (size_t)size < sizeof(text))
		err = why_set(why, ERR_KEY_FILE, "%s is not a private key; subsidy key new makes one", path);
	key_wipe(text, sizeof(text));
	if (fd >= 0)
		close(fd);
	return err;
}
