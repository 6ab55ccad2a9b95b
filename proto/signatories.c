#include "proto/signatories.h"

#include <string.h>

void signatories_add(struct signatories *signatories, const struct note *note, const struct officer *officer)
{
	for (size_t i = 0; i < officer->key_count && signatories->count < NOTE_SIGNATURES_MAX; i++) {
		struct signatory *signatory = &signatories->officers[signatories->count];

		if (!note_names_key(note, &officer->keys[i]))
			continue;
		signatories->keys[signatories->count++] = officer->keys[i];
		memcpy(signatory->name, officer->name, sizeof(signatory->name));
		signatory->role = officer->role;
	}
}

/* Roles of the officers, each named once, whose signature holds. */
static size_t signer_roles(
    const struct signatories *signatories, uint64_t signed_by, enum officer_role ret_roles[static NOTE_SIGNATURES_MAX])
{
	const char *names[NOTE_SIGNATURES_MAX];
	size_t count = 0;

	for (size_t i = 0; i < signatories->count; i++) {
		bool is_new = (signed_by >> i & 1) != 0;

		for (size_t known = 0; known < count && is_new; known++)
			is_new = strcmp(names[known], signatories->officers[i].name) != 0;
		if (!is_new)
			continue;
		names[count] = signatories->officers[i].name;
		ret_roles[count++] = signatories->officers[i].role;
	}
	return count;
}

static bool are_all_enterprises(const struct order *order)
{
	if (order->type != ORDER_GRANT_ADD)
		return false;
	for (size_t i = 0; i < order->item_count; i++)
		if (order->items[i].grant.subject != SUBJECT_ENTERPRISE)
			return false;
	return true;
}

enum err signatories_verify(const struct signatories *signatories, const struct note *note, const struct order *order,
    const struct quorums *quorums, bool *ret_is_quorum, struct why *why)
{
	enum officer_role roles[NOTE_SIGNATURES_MAX];
	const struct quorum *quorum;
	uint64_t signed_by;
	size_t role_count;
	struct why wanted;
	enum err err = note_verify(note, signatories->keys, signatories->count, &signed_by);

	if (err == ERR_UNKNOWN_KEY)
		return why_set(why, err, "no officer in office has signed this order");
	if (err != OK)
		return why_set(why, err, "a signature does not match the order's text; it was changed after signing");
	role_count = signer_roles(signatories, signed_by, roles);
	quorum = quorum_for(quorums, order->type, are_all_enterprises(order));
	*ret_is_quorum = quorum_is_met(quorum, roles, role_count);
	if (!*ret_is_quorum) {
		quorum_format(quorum, &wanted);
		(void)why_set(why, ERR_QUORUM,
		    "%s needs the signatures of %s, each another officer; %zu of the officers in office signed",
		    order_type_name(order->type), wanted.text, role_count);
	}
	return OK;
}
