#include "daemon/access.h"

#include "proto/date.h"

enum err access_identify(
    struct store_txn *txn, struct slice bearer, uint32_t today, struct viewer *ret_viewer, struct why *why)
{
	uint8_t token[ACCESS_TOKEN_SIZE];
	struct grant_row row;
	struct hash hash;
	char day[DATE_TEXT_SIZE];

	if (bearer.data == NULL)
		return why_set(why, ERR_UNAUTHORIZED, "send the access code as \"Authorization: Bearer …\"");
	if (hex_parse(bearer, token, sizeof(token)) != OK)
		return why_set(
		    why, ERR_UNAUTHORIZED, "an access code is %d lower-case hex digits", 2 * ACCESS_TOKEN_SIZE);
	hash = hash_sha256(slice_of(token, sizeof(token)));
	key_wipe(token, sizeof(token));
	if (!grant_get(txn, hash.bytes, &row))
		return why_set(why, ERR_UNAUTHORIZED, "this access code is not known");
	if (row.revoked_index != 0)
		return why_set(why, ERR_UNAUTHORIZED, "this access code was revoked");
	if (row.grant.expires < today) {
		date_format(row.grant.expires, day);
		return why_set(why, ERR_UNAUTHORIZED, "this access code was valid until %s", day);
	}
	ret_viewer->grant = row.grant;
	return OK;
}

bool access_is_oversight(const struct viewer *viewer)
{
	return viewer->grant.subject == SUBJECT_BUREAU || viewer->grant.subject == SUBJECT_AUDITOR;
}

enum err access_absent(enum access access, struct why *why)
{
	return why_set(why, ERR_NOT_FOUND,
	    access == ACCESS_VENUE ? "no venue of this name is known to this access code"
				   : "no enterprise of this code is known to this access code");
}

enum err access_check(const struct viewer *viewer, enum access access, struct slice subject, struct why *why)
{
	enum grant_subject own = access == ACCESS_VENUE ? SUBJECT_VENUE : SUBJECT_ENTERPRISE;

	if (access == ACCESS_OPEN || access == ACCESS_ANY || access_is_oversight(viewer))
		return OK;
	if (access == ACCESS_OVERSIGHT)
		return why_set(why, ERR_FORBIDDEN, "this is for the bureau and for auditors");
	if (viewer->grant.subject != own)
		return why_set(why, ERR_FORBIDDEN,
		    own == SUBJECT_VENUE ? "this is for venues, for the bureau and for auditors"
					 : "this is for enterprises, for the bureau and for auditors");
	if (!slice_equal(subject, slice_text(viewer->grant.name)))
		return access_absent(access, why);
	return OK;
}
