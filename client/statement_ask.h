/*
 * A statement that was proven by itself, held against the ledger as it is now: is its checkpoint part of it, and is the
 * entry with which its chain ended still the newest one below that size?
 */
#ifndef CLIENT_STATEMENT_ASK_H
#define CLIENT_STATEMENT_ASK_H

#include "client/kept.h"
#include "client/statement_verify.h"

struct statement_question {
	const char *folder;
	const struct kept_question *kept;
	const struct statement_facts *facts;
	const struct kept_head *held; /* the statement's checkpoint */
};

/*
 * Of the two the second: needs an access code. Complains by itself. EXIT_UNVERIFIED, with the evidence, where the ledger
 * now gives another entry: the claim that it signed then, and the proof of the entry that it left out or leaves out now.
 */
enum exit_code statement_ask_chain(const struct statement_question *question) must_check;

#endif
