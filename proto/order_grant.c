/* Whom a grant is for, as text. */
#include "proto/order.h"

#include <stdio.h>
#include <string.h>

#include "proto/feed.h"
#include "proto/order_internal.h"
#include "proto/usci.h"

#define VENUE_PREFIX "venue:"

enum err grant_subject_parse(struct slice text, struct grant *ret_grant)
{
	const struct slice prefix = {(const uint8_t *)VENUE_PREFIX, sizeof(VENUE_PREFIX) - 1};
	enum grant_subject subject = SUBJECT_ENTERPRISE;
	struct slice name = text;

	if (slice_equal(text, slice_text("bureau")) || slice_equal(text, slice_text("auditor"))) {
		subject = text.data[0] == 'b' ? SUBJECT_BUREAU : SUBJECT_AUDITOR;
		name.size = 0;
	} else if (text.size > prefix.size && memcmp(text.data, prefix.data, prefix.size) == 0) {
		subject = SUBJECT_VENUE;
		name = slice_of(text.data + prefix.size, text.size - prefix.size);
		if (!venue_id_is_valid(name))
			return ERR_INVALID;
	} else if (usci_check(text, NULL) != USCI_OK) {
		return ERR_INVALID;
	}
	ret_grant->subject = subject;
	order_text_copy(name, ret_grant->name, sizeof(ret_grant->name));
	return OK;
}

void grant_subject_format(const struct grant *grant, char ret_text[static 64])
{
	const char *prefix = "", *name = grant->name;

	_Static_assert(sizeof(VENUE_PREFIX) + VENUE_ID_SIZE_MAX <= 64, "a subject fits");
	switch (grant->subject) {
	case SUBJECT_BUREAU: name = "bureau"; break;
	case SUBJECT_AUDITOR: name = "auditor"; break;
	case SUBJECT_VENUE: prefix = VENUE_PREFIX; break;
	case SUBJECT_ENTERPRISE: break;
	}
	snprintf(ret_text, 64, "%s%s", prefix, name);
}
