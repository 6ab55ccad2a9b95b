#include "proto/claim.h"

#include <inttypes.h>
#include <string.h>

#define LINE_COUNT 7

/* The lines without their newlines. False where they are more or fewer, or the last does not end. */
static bool take_lines(struct slice text, struct slice ret_lines[static LINE_COUNT])
{
	for (size_t i = 0; i < LINE_COUNT; i++) {
		const uint8_t *newline = text.size == 0 ? NULL : memchr(text.data, '\n', text.size);

		if (newline == NULL)
			return false;
		ret_lines[i] = slice_of(text.data, (size_t)(newline - text.data));
		text = slice_of(newline + 1, text.size - ret_lines[i].size - 1);
	}
	return text.size == 0;
}

static enum err parse_numbers(const struct slice *lines, struct claim *claim, struct why *why)
{
	if (decimal_parse(lines[5], TREE_SIZE_MAX, &claim->size) != OK || claim->size == 0)
		return why_set(why, ERR_SYNTAX,
		    "line 6 of the claim is not a ledger size: a decimal number from 1 to %llu without leading zeros",
		    TREE_SIZE_MAX);
	if (decimal_parse(lines[4], TREE_SIZE_MAX - 1, &claim->last_index) != OK || claim->last_index == 0 ||
	    claim->last_index >= claim->size)
		return why_set(why, ERR_SYNTAX,
		    "line 5 of the claim is not the index of an entry: a decimal number from 1 on, below the size");
	return OK;
}

enum err claim_parse(struct slice text, struct claim *ret_claim, struct why *why)
{
	struct claim claim = {.size = 0};
	uint8_t id[LEDGER_ID_SIZE / 2];
	struct slice lines[LINE_COUNT];
	size_t size;
	enum err err;

	if (!take_lines(text, lines))
		return why_set(why, ERR_SYNTAX, "a claim has exactly %d lines, each with its newline", LINE_COUNT);
	if (!slice_equal(lines[0], slice_text(CLAIM_HEADER)))
		return why_set(why, ERR_SYNTAX, "this is not a claim: its first line is not \"%s\"", CLAIM_HEADER);
	if (!origin_is_valid(lines[1]))
		return why_set(why, ERR_SYNTAX, "line 2 of the claim is not an origin");
	memcpy(claim.origin, lines[1].data, lines[1].size);
	if (hex_parse(lines[2], id, sizeof(id)) != OK)
		return why_set(
		    why, ERR_SYNTAX, "line 3 of the claim is not a ledger id of %d hex digits", LEDGER_ID_SIZE);
	memcpy(claim.ledger_id, lines[2].data, LEDGER_ID_SIZE);
	if (usci_check(lines[3], NULL) != USCI_OK)
		return why_set(why, ERR_SYNTAX, "line 4 of the claim is not the code of an enterprise");
	memcpy(claim.code, lines[3].data, USCI_SIZE);
	if ((err = parse_numbers(lines, &claim, why)) != OK)
		return err;
	if (base64_parse(lines[6], claim.root.bytes, HASH_SIZE, &size) != OK || size != HASH_SIZE)
		return why_set(why, ERR_SYNTAX, "line 7 of the claim is not a root: the base64 of %d bytes", HASH_SIZE);
	*ret_claim = claim;
	return OK;
}

void claim_format(const struct claim *claim, struct buf *ret_text)
{
	buf_printf(ret_text, CLAIM_HEADER "\n%s\n%s\n%s\n%" PRIu64 "\n%" PRIu64 "\n", claim->origin, claim->ledger_id,
	    claim->code, claim->last_index, claim->size);
	base64_add(ret_text, hash_slice(&claim->root));
	buf_u8(ret_text, '\n');
}

bool claim_key_is_own(const struct key *key, const char *origin)
{
	size_t size = strlen(origin);

	return key->type == KEY_ED25519 && strncmp(key->name, origin, size) == 0 &&
	       strcmp(key->name + size, CLAIM_KEY_SUFFIX) == 0;
}
