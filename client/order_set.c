#include "client/order_set.h"

#include <string.h>

#include "client/out.h"

#define TYPE(type) (1u << (type))
#define TYPES_ALL (TYPE(ORDER_TYPE_COUNT) - 1)
#define TRADES (TYPE(ORDER_TRADE_HOLD) | TYPE(ORDER_TRADE_RELEASE) | TYPE(ORDER_TRADE_VOID))

static const struct {
	const char *name;
	unsigned types; /* bits TYPE() */
	bool is_repeatable;
} set_keys[] = {
    {"id", TYPES_ALL, false},
    {"order_expires", TYPES_ALL, false},
    {"origin", TYPES_ALL, false},
    {"ledger_id", TYPES_ALL, false},
    {"size", TYPES_ALL, false},
    {"venue",
	TYPE(ORDER_VENUE_LICENSE) | TYPE(ORDER_VENUE_SUSPEND) | TYPE(ORDER_VENUE_RESUME) | TYPE(ORDER_VENUE_KEY) |
	    TYPE(ORDER_VENUE_DISTRUST) | TRADES,
	false},
    {"name", TYPE(ORDER_VENUE_LICENSE) | TYPE(ORDER_OFFICER_ADD) | TYPE(ORDER_OFFICER_REMOVE) | TYPE(ORDER_GRANT_ADD),
	false},
    {"key", TYPE(ORDER_VENUE_LICENSE) | TYPE(ORDER_OFFICER_ADD) | TYPE(ORDER_VENUE_DISTRUST), true},
    {"from", TYPE(ORDER_VENUE_DISTRUST), false},
    {"add", TYPE(ORDER_VENUE_KEY) | TYPE(ORDER_LOG_KEY), true},
    {"revoke", TYPE(ORDER_VENUE_KEY), true},
    {"retire", TYPE(ORDER_LOG_KEY), true},
    {"new_generation", TYPE(ORDER_VENUE_KEY), false},
    {"role", TYPE(ORDER_OFFICER_ADD), false},
    {"rules", TYPE(ORDER_RULES_SET), false},
    {"subject", TYPE(ORDER_GRANT_ADD), false},
    {"holder", TYPE(ORDER_GRANT_ADD), false},
    {"expires", TYPE(ORDER_GRANT_ADD), false},
    {"token_hash", TYPE(ORDER_GRANT_REVOKE), false},
    {"code", TYPE(ORDER_ENTERPRISE_DELIST), false},
    {"lists", TYPE(ORDER_ENTERPRISE_DELIST), false},
    {"trade_no", TRADES, false},
    {"reason",
	TYPE(ORDER_VENUE_SUSPEND) | TYPE(ORDER_VENUE_RESUME) | TYPE(ORDER_VENUE_KEY) | TYPE(ORDER_OFFICER_REMOVE) |
	    TYPE(ORDER_VENUE_DISTRUST) | TYPE(ORDER_ENTERPRISE_DELIST) | TYPE(ORDER_GRANT_REVOKE) |
	    TYPE(ORDER_LOG_KEY) | TRADES,
	false},
};

const char *order_set_text_at(const struct args *args, const char *name, size_t index)
{
	size_t size = strlen(name);

	for (size_t i = 0; i < args_count(args, "set"); i++) {
		const char *text = args_text_at(args, "set", i);

		if (strncmp(text, name, size) == 0 && text[size] == '=' && index-- == 0)
			return text + size + 1;
	}
	return NULL;
}

const char *order_set_text(const struct args *args, const char *name)
{
	return order_set_text_at(args, name, 0);
}

bool order_set_check(const struct args *args, unsigned types)
{
	for (size_t i = 0; i < args_count(args, "set"); i++) {
		const char *text = args_text_at(args, "set", i), *equals = strchr(text, '=');
		size_t size = equals != NULL ? (size_t)(equals - text) : 0, at = 0,
		       count = sizeof(set_keys) / sizeof(set_keys[0]);

		while (at < count && (strlen(set_keys[at].name) != size || memcmp(set_keys[at].name, text, size) != 0 ||
					 (set_keys[at].types & types) == 0))
			at++;
		if (at == count) {
			(void)out_usage("%s has no --set %s", args->words[0], text);
			return false;
		}
		if (!set_keys[at].is_repeatable && order_set_text_at(args, set_keys[at].name, 1) != NULL) {
			(void)out_usage("--set %s is given twice", set_keys[at].name);
			return false;
		}
	}
	return true;
}
