/*
 * Cursors: where a page ended, as text that only this process can have written.
 *
 * A cursor carries its position in the open and a MAC over it, over who asks and over what was asked: a cursor of
 * another viewer or of another query is refused, so that nobody pages through answers that were not made for them. The
 * secret lives as long as the process; after a restart a client begins again. Pure; any thread.
 */
#ifndef DAEMON_CURSOR_H
#define DAEMON_CURSOR_H

#include "proto/hash.h"

#define CURSOR_MAC_SIZE 16	/* bytes */
#define CURSOR_TEXT_SIZE (2 * (8 + CURSOR_MAC_SIZE) + 1)	/* hex digits of position and MAC, and NUL */
#define CURSOR_KEY_SIZE 64	/* bytes: a block of SHA-256 */

struct cursor_secret {
	uint8_t inner[CURSOR_KEY_SIZE], outer[CURSOR_KEY_SIZE];
};

void cursor_secret_init(struct cursor_secret *secret);
void cursor_secret_done(struct cursor_secret *secret);

/* `binding` says unambiguously who asks for what. */
void cursor_format(const struct cursor_secret *secret, struct slice binding, uint64_t position,
    char ret_text[static CURSOR_TEXT_SIZE]);
/* ERR_BAD_REQUEST for any text that cursor_format did not make with this secret and binding. */
enum err cursor_parse(const struct cursor_secret *secret, struct slice binding, struct slice text,
    uint64_t *ret_position, struct why *why) must_check;

#endif
