/*
 * Files of the client, read with a bound and written so that a crash leaves either the old or the new content.
 */
#ifndef CLIENT_FILE_H
#define CLIENT_FILE_H

#include "client/client.h"
#include "proto/key.h"

/* The whole file into ret_bytes (which has its maximum). "-" is stdin. ERR_NOT_FOUND, ERR_IO, ERR_TOO_LARGE. */
enum err file_read(const char *path, struct buf *ret_bytes, struct why *why) must_check;
/* The same for a file that the user named, which must be there: its absence is ERR_IO. */
enum err file_read_given(const char *path, struct buf *ret_bytes, struct why *why) must_check;
/* The same for a secret: refuses (ERR_KEY_FILE) a file that group or others can read. */
enum err file_read_secret(const char *path, struct buf *ret_bytes, struct why *why) must_check;
/* Replaces: temporary file, fsync, rename, fsync of the folder. */
enum err file_write(const char *path, struct slice bytes, unsigned mode, struct why *why) must_check;
/* Creates: ERR_IO if something is there already. fsync of file and folder. */
enum err file_create(const char *path, struct slice bytes, unsigned mode, struct why *why) must_check;
/* The folder and its parents, mode 0700. */
enum err file_make_folder(const char *path, struct why *why) must_check;
/* Holds "<path>/lock" until the descriptor is closed. ERR_LOCKED, with nothing said: the caller knows who it may be. */
enum err file_lock_folder(const char *path, int *ret_fd, struct why *why) must_check;
enum err file_sync_folder(const char *path, struct why *why) must_check;
/* The folder that the path lies in. */
enum err file_sync_folder_of(const char *path, struct why *why) must_check;

/* The signer of a key file (as `subsidy key new` writes it, mode 0600). ERR_KEY_FILE with the reason. */
enum err file_load_signer(const char *path, struct signer **ret_signer, struct why *why) must_check;

#endif
