#include "daemon/finding.h"

const char *finding_name(enum finding_kind kind)
{
	switch (kind) {
	case FINDING_NONE: return "none";
	case FINDING_UNUSABLE: return "unusable";
	case FINDING_INVALID: return "invalid";
	case FINDING_MISSING: return "missing";
	case FINDING_GAP: return "gap";
	case FINDING_STATE: return "state differs";
	}
	return "";
}
