/*
 * Letters: an access code on paper, for its holder, and the list of who gets one. HTML that needs nothing but itself:
 * no script, no picture, no font, no address that a reader's program would ask for. Pure.
 */
#ifndef CLIENT_LETTER_H
#define CLIENT_LETTER_H

#include "client/client.h"
#include "proto/order.h"

#define LETTER_TOKEN_SIZE 32
#define LETTER_SIZE_MAX 32768			/* bytes; the fields below allow about 12,000 */
#define LETTER_CONTACT_SIZE_MAX 200		/* bytes of UTF-8 */
#define LETTER_REFERENCE_SIZE 17		/* 16 digits and NUL */

/* What the letters of one order share. */
struct letter_issue {
	const char *origin, *order_id;
	const char *server;			/* NULL: a line to write it on */
	const char *contact;			/* whom to ask; NULL: who handed the letter over */
	uint32_t issued_on;
};

struct letter {
	const char *subject;			/* as in the grant */
	const char *name, *holder;		/* name: NULL where nobody knows it */
	uint32_t expires;
	uint8_t token[LETTER_TOKEN_SIZE];
};

/* By which letter and grant are found again: the first digits of the code's hash. */
void letter_reference(const struct letter *letter, char ret_text[static LETTER_REFERENCE_SIZE]);
/* One page of A4. The buffer is one of LETTER_SIZE_MAX, and holds the code: wipe it. */
enum err letter_format(const struct letter_issue *issue, const struct letter *letter, struct buf *ret_html) must_check;
/* The list, without any code, to tick off: head, a row for each letter, end. */
void letter_index_begin(const struct letter_issue *issue, size_t letter_count, struct buf *html);
void letter_index_add(const struct letter *letter, size_t number, const char *file_name, struct buf *html);
void letter_index_end(struct buf *html);

#endif
