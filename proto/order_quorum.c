/*
 * Quorums: whether the officers who signed may act.
 *
 * Each slot needs an officer of its own. Giving each officer the first free slot can miss a way that exists (a
 * leader put into "reviewer or leader" is missed by "leader"), so the answer is Hall's: every slot can be filled
 * exactly if, for each set of slots, at least as many officers fit into one of them as there are slots in the set.
 * Eight slots have 255 such sets, and officers of one role are alike, so counts by role decide.
 */
#include "proto/order.h"

#include <assert.h>
#include <string.h>

#include "proto/order_internal.h"
#include "proto/text.h"

#define DEFAULT_KEY "default"
#define GRANT_ENTERPRISE_KEY "grant.add:enterprise"

_Static_assert(ROLE_COUNT <= 8, "a slot keeps its roles in eight bits");

static const char *const role_names[ROLE_COUNT] = {
    [ROLE_CLERK] = "clerk",
    [ROLE_REVIEWER] = "reviewer",
    [ROLE_LEADER] = "leader",
    [ROLE_AUDITOR] = "auditor",
};

const char *officer_role_name(enum officer_role role)
{
	assert(role >= ROLE_CLERK && role < ROLE_COUNT);
	return role_names[role];
}

enum officer_role officer_role_by_name(const char *name)
{
	for (int role = ROLE_CLERK; role < ROLE_COUNT; role++)
		if (strcmp(role_names[role], name) == 0)
			return (enum officer_role)role;
	return (enum officer_role)0;
}

bool quorum_is_met(const struct quorum *quorum, const enum officer_role *roles, size_t signer_count)
{
	size_t role_counts[ROLE_COUNT] = {0};

	assert(quorum->slot_count <= QUORUM_SLOTS_MAX);
	for (size_t i = 0; i < signer_count; i++) {
		assert(roles[i] >= ROLE_CLERK && roles[i] < ROLE_COUNT);
		role_counts[roles[i]]++;
	}
	for (unsigned set = 1; set < 1u << quorum->slot_count; set++) {
		size_t wanted = 0, fitting = 0;
		unsigned union_of_roles = 0;

		for (size_t slot = 0; slot < quorum->slot_count; slot++) {
			if ((set >> slot & 1u) != 0) {
				union_of_roles |= quorum->slots[slot];
				wanted++;
			}
		}
		for (unsigned role = ROLE_CLERK; role < ROLE_COUNT; role++)
			if ((union_of_roles >> role & 1u) != 0)
				fitting += role_counts[role];
		if (fitting < wanted)
			return false;
	}
	return quorum->slot_count > 0;
}

/* "2 reviewers or leaders" */
static void add_slot(struct buf *buf, size_t count, uint8_t roles)
{
	static const char *const one[ROLE_COUNT] = {[ROLE_CLERK] = TEXT("clerk"),
	    [ROLE_REVIEWER] = TEXT("reviewer"),
	    [ROLE_LEADER] = TEXT("leader"),
	    [ROLE_AUDITOR] = TEXT("auditor")};
	static const char *const many[ROLE_COUNT] = {[ROLE_CLERK] = TEXT("clerks"),
	    [ROLE_REVIEWER] = TEXT("reviewers"),
	    [ROLE_LEADER] = TEXT("leaders"),
	    [ROLE_AUDITOR] = TEXT("auditors")};
	bool is_first = true;

	if (buf->size > 0)
		buf_add_text(buf, T(" and "));
	for (unsigned role = ROLE_CLERK; role < ROLE_COUNT; role++) {
		const char *word = text_of(count > 1 ? many[role] : one[role]);

		if (((unsigned)roles >> role & 1u) == 0)
			continue;
		if (is_first)
			buf_printf(buf, T("%zu %s"), count, word);
		else
			buf_printf(buf, T(" or %s"), word);
		is_first = false;
	}
}

void quorum_format(const struct quorum *quorum, struct why *ret_text)
{
	struct buf buf;

	buf_init(&buf, WHY_SIZE - 1);
	for (size_t i = 0; i < quorum->slot_count; i++) {
		size_t count = 1, earlier = 0;

		while (earlier < i && quorum->slots[earlier] != quorum->slots[i])
			earlier++;
		if (earlier < i)
			continue;
		for (size_t j = i + 1; j < quorum->slot_count; j++)
			count += quorum->slots[j] == quorum->slots[i];
		add_slot(&buf, count, quorum->slots[i]);
	}
	why_set(ret_text, OK, "%s", buf_text(&buf));
	buf_done(&buf);
}

const struct quorum *quorum_for(const struct quorums *quorums, enum order_type type, bool is_all_enterprises)
{
	assert(type >= ORDER_VENUE_LICENSE && type < ORDER_TYPE_COUNT);
	if (type == ORDER_GRANT_ADD && is_all_enterprises && quorums->grant_enterprise.slot_count > 0)
		return &quorums->grant_enterprise;
	if (quorums->by_type[type].slot_count > 0)
		return &quorums->by_type[type];
	return &quorums->fallback;
}

static json_t *format_quorum(const struct quorum *quorum)
{
	json_t *slots = json_array();
	int failed = slots == NULL;

	for (size_t i = 0; i < quorum->slot_count; i++) {
		json_t *slot = json_array();

		for (unsigned role = ROLE_CLERK; role < ROLE_COUNT; role++)
			if ((quorum->slots[i] >> role & 1u) != 0)
				failed |= json_array_append_new(slot, json_string(role_names[role])) != 0;
		failed |= json_array_append_new(slots, slot) != 0;
	}
	if (failed) {
		json_decref(slots);
		return NULL;
	}
	return slots;
}

json_t *quorums_format(const struct quorums *quorums)
{
	json_t *json = json_object();
	int failed = json_object_set_new(json, DEFAULT_KEY, format_quorum(&quorums->fallback));

	for (int type = ORDER_VENUE_LICENSE; type < ORDER_TYPE_COUNT; type++)
		if (quorums->by_type[type].slot_count > 0)
			failed |= json_object_set_new(
			    json, order_type_name((enum order_type)type), format_quorum(&quorums->by_type[type]));
	if (quorums->grant_enterprise.slot_count > 0)
		failed |= json_object_set_new(json, GRANT_ENTERPRISE_KEY, format_quorum(&quorums->grant_enterprise));
	if (failed) {
		json_decref(json);
		return NULL;
	}
	return json;
}

static enum err parse_slot(const json_t *json, const char *key, uint8_t *ret_roles, struct why *why)
{
	uint8_t roles = 0;

	if (!json_is_array(json) || json_array_size(json) == 0)
		return why_set(why, ERR_INVALID, "quorum \"%s\": a slot is not an array of roles", key);
	for (size_t i = 0; i < json_array_size(json); i++) {
		const char *name = json_string_value(json_array_get(json, i));
		enum officer_role role = name == NULL ? (enum officer_role)0 : officer_role_by_name(name);

		if (role == 0)
			return why_set(why, ERR_INVALID, "quorum \"%s\": unknown role: %s", key,
			    name == NULL ? T("not a string") : name);
		if ((roles >> role & 1) != 0)
			return why_set(why, ERR_INVALID, "quorum \"%s\": one slot names the role %s twice", key, name);
		roles = (uint8_t)(roles | 1u << role);
	}
	*ret_roles = roles;
	return OK;
}

static enum err parse_quorum(
    const json_t *json, const char *key, size_t slots_min, struct quorum *ret_quorum, struct why *why)
{
	struct quorum quorum = {.slot_count = json_array_size(json)};

	if (!json_is_array(json) || quorum.slot_count > QUORUM_SLOTS_MAX)
		return why_set(why, ERR_INVALID, "quorum \"%s\" is not an array of %zu to %d slots", key, slots_min,
		    QUORUM_SLOTS_MAX);
	if (quorum.slot_count < slots_min)
		return why_set(why, ERR_INVALID, "quorum \"%s\" asks for %zu signatures; at least %zu are needed", key,
		    quorum.slot_count, slots_min);
	for (size_t i = 0; i < quorum.slot_count; i++) {
		enum err err = parse_slot(json_array_get(json, i), key, &quorum.slots[i], why);

		if (err != OK)
			return err;
	}
	*ret_quorum = quorum;
	return OK;
}

enum err quorums_parse(const json_t *json, struct quorums *ret_quorums, struct why *why)
{
	struct quorums quorums = {.fallback.slot_count = 0};
	const char *keys[1 + ORDER_TYPE_COUNT] = {DEFAULT_KEY};
	enum err err;

	for (int type = ORDER_VENUE_LICENSE; type < ORDER_TYPE_COUNT; type++)
		keys[type] = order_type_name((enum order_type)type);
	keys[ORDER_TYPE_COUNT] = GRANT_ENTERPRISE_KEY;
	err = order_json_keys(json, keys, 1, 1 + ORDER_TYPE_COUNT, why);
	for (int i = 0; i <= ORDER_TYPE_COUNT && err == OK; i++) {
		const json_t *value = json_object_get(json, keys[i]);
		struct quorum *quorum = &quorums.grant_enterprise;

		if (value == NULL)
			continue;
		if (i < ORDER_TYPE_COUNT)
			quorum = i == 0 ? &quorums.fallback : &quorums.by_type[i];
		err = parse_quorum(value, keys[i], i == ORDER_TYPE_COUNT ? 1 : 2, quorum, why);
	}
	if (err != OK)
		return err;
	*ret_quorums = quorums;
	return OK;
}

static enum err check_reachable(const struct quorum *quorum, const char *name, const enum officer_role *roles,
    size_t officer_count, struct why *why)
{
	struct why wanted;

	if (quorum->slot_count == 0 || quorum_is_met(quorum, roles, officer_count))
		return OK;
	quorum_format(quorum, &wanted);
	return why_set(why, ERR_INVALID, "the officers can't meet the quorum of %s: it asks for %s", name, wanted.text);
}

enum err quorums_check_reachable(
    const struct quorums *quorums, const enum officer_role *roles, size_t officer_count, struct why *why)
{
	enum err err = check_reachable(&quorums->fallback, DEFAULT_KEY, roles, officer_count, why);

	for (int type = ORDER_VENUE_LICENSE; type < ORDER_TYPE_COUNT && err == OK; type++)
		err = check_reachable(
		    &quorums->by_type[type], order_type_name((enum order_type)type), roles, officer_count, why);
	if (err == OK)
		err = check_reachable(&quorums->grant_enterprise, GRANT_ENTERPRISE_KEY, roles, officer_count, why);
	return err;
}
