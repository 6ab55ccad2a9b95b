/*
 * Cursors: where a page ended, as text that only this process can have written.
 *
 * A cursor carries its place in the open and a MAC over it, over who asks and over what was asked: a cursor of
 * another viewer or of another query is refused, so that nobody pages through answers that were not made for them. The
 * secret lives as long as the process; after a restart a client begins again. Pure; any thread.
 */
#ifndef DAEMON_CURSOR_H
#define DAEMON_CURSOR_H

#include "proto/hash.h"

#define CURSOR_MAC_SIZE 16	/* bytes */
#define CURSOR_TEXT_SIZE (2 * (2 * 8 + CURSOR_MAC_SIZE) + 1)	/* hex digits of the place and the MAC, and NUL */
#define CURSOR_KEY_SIZE 64	/* bytes: a block of SHA-256 */

struct cursor_secret {
	uint8_t inner[CURSOR_KEY_SIZE], outer[CURSOR_KEY_SIZE];
};

void cursor_secret_init(struct cursor_secret *secret);
void cursor_secret_done(struct cursor_secret *secret);

/* Where a page ended. */
struct cursor_place {
	uint64_t position;
	uint64_t size;			/* of the ledger that all pages are of; 0 where they need not be of one */
};

/* `binding` says unambiguously who asks for what. */
void cursor_format(const struct cursor_secret *secret, struct slice binding, const struct cursor_place *place,
    char ret_text[static CURSOR_TEXT_SIZE]);
/* ERR_BAD_REQUEST for any text that cursor_format did not make with this secret and binding. */
enum err cursor_parse(const struct cursor_secret *secret, struct slice binding, struct slice text,
    struct cursor_place *ret_place, struct why *why) must_check;

#endif
