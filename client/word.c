#include "client/word.h"

#include <string.h>

#include "proto/text.h"

static const char *const words[] = {
    /* dispositions, and sums of them */
    TEXT("counted"), TEXT("duplicate_trade"), TEXT("duplicate_adjust"), TEXT("self_trade"), TEXT("refund_unknown"),
    TEXT("refund_exceeds"), TEXT("overflow"), TEXT("not_counted"), TEXT("all"), TEXT("total"),
    /* kinds, sides, states */
    TEXT("trade"), TEXT("refund"), TEXT("trade - refund"), TEXT("registered"), TEXT("related"), TEXT("delisted"),
    TEXT("held"), TEXT("released"), TEXT("voided"), TEXT("supplier"), TEXT("buyer"),
    /* gates and reasons of policies */
    TEXT("eligible"), TEXT("window"), TEXT("side"), TEXT("venue"), TEXT("list"), TEXT("other_subsidy"),
    TEXT("product_kind"), TEXT("not_listed"), TEXT("rate_not_set"), TEXT("below_threshold"), TEXT("no_eligible_trade"),
    /* whose an access code is */
    TEXT("bureau"), TEXT("auditor")};

/* NULL where it is none of these. */
static const char *word_find(const char *word)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i], word) == 0)
			return words[i];
	return NULL;
}

const char *word_text(const char *word)
{
	const char *found = word_find(word);

	return found != NULL ? text_of(found) : word;
}

void word_cell(struct table *table, const char *word)
{
	const char *found = word != NULL ? word_find(word) : NULL;

	if (found != NULL)
		table_word(table, found);
	else
		table_cell(table, word);
}
