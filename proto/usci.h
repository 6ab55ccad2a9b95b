/*
 * Unified social credit codes (统一社会信用代码, GB 32100-2015): normalising, checking, and saying what is wrong.
 *
 * The alphabet and the check character decide, nothing else. The inner GB 11714 check and the region digits are
 * hints; codes of moved firms keep their region for life.
 */
#ifndef PROTO_USCI_H
#define PROTO_USCI_H

#include <stdbool.h>

#include "proto/bytes.h"

#define USCI_SIZE 18
#define USCI_TEXT_SIZE_MAX 64	/* bytes of a normalised text: a name in the code's column is shown, an essay is not */

enum usci_fault {
	USCI_OK,
	USCI_LENGTH,		/* not 18 characters */
	USCI_LETTER,		/* a character outside the alphabet (no I O S V Z) */
	USCI_CHECK,		/* the check character does not match */
};

/* Checks exactly 18 bytes, upper case. `ret_position` (1..18, for USCI_LETTER) may be NULL. */
enum usci_fault usci_check(struct slice code, unsigned *ret_position);
/* The check character for the first 17 characters (all in the alphabet; asserted). */
char usci_check_character(const char code[static USCI_SIZE - 1]);
/* False where the inner organisation code (positions 9-17, GB 11714) does not check: worth a warning only. */
bool usci_inner_is_ok(struct slice code);
/* Trims white space (also U+3000), full-width to half-width, upper case; replaces what ret_code held. ERR_TOO_LARGE
 * if the result exceeds USCI_TEXT_SIZE_MAX. */
enum err usci_normalise(struct slice text, struct buf *ret_code) must_check;
/* ERR_INVALID, or OK for a right code. One English sentence: what is wrong, with the check character that would be
 * right where that is known. */
enum err usci_explain(struct slice code, struct why *ret_why);

#endif
