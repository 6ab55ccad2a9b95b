/*
 * Reading a policy's JSON strictly: one object at a time, every key known or an error.
 *
 * The first thing that is wrong is kept in a policy_check that all objects of one policy share; after it every call
 * is a no-op, so a parser is straight lines and the error is looked at once, at the end. A reader of an absent key
 * leaves what it was given, so that defaults are written before. Every refusal names the key with its path, the
 * rule, and what would be right. Internal to policy_parse.c and its neighbours.
 */
#ifndef PROTO_POLICY_JSON_H
#define PROTO_POLICY_JSON_H

#include <jansson.h>

#include "proto/policy.h"

#define POLICY_PATH_SIZE 64 /* "rate.by_side.supplier.tiers[31]" and its NUL */

struct policy_check {
	enum err err;
	struct why *why; /* may be NULL */
};

struct policy_json {
	struct policy_check *check;
	const json_t *object;        /* NULL after an error */
	char path[POLICY_PATH_SIZE]; /* "" for the policy itself */
};

/* Words of the policy, NULL-terminated; the index is the enum's value minus one. */
extern const char *const policy_json_statuses[]; /* 1 assumed, 2 published */
extern const char *const policy_json_date_bases[];
extern const char *const policy_json_sides[];
extern const char *const policy_json_bases[];
extern const char *const policy_json_enterprises[]; /* 1 all, 2 listed */
extern const char *const policy_json_related[];
extern const char *const policy_json_other_subsidy[]; /* 1 exclude, 2 allow */
extern const char *const policy_json_rate_types[];
extern const char *const policy_json_cap_scopes[];
extern const char *const policy_json_round_modes[];
extern const char *const policy_json_pool_methods[];
extern const char *const policy_json_reviews[];   /* 1 lower */
extern const char *const policy_json_clawbacks[]; /* 1 recompute */

/* Keeps "path.key: …" as ERR_INVALID, unless something was wrong before. `key` may be "" or begin with '['. */
void policy_json_refuse(const struct policy_json *node, const char *key, const char *format, ...) printf_like(3, 4);

/* Sets up a node, which must be an object. `path` is copied. */
void policy_json_open(struct policy_json *node, struct policy_check *check, const json_t *json, const char *path);
/* Refuses keys that are not in `keys` (NULL-terminated) and misses those written there with a '!' before them. */
void policy_json_keys(const struct policy_json *node, const char *const *keys);
/* The value of a key; NULL where it is absent, and after an error. */
const json_t *policy_json_get(const struct policy_json *node, const char *key);
/* As get, and NULL for null as well. */
const json_t *policy_json_get_set(const struct policy_json *node, const char *key);
/* Opens the object under `key` and checks its keys. False where it is absent, and after an error. */
bool policy_json_child(
    const struct policy_json *node, const char *key, const char *const *keys, struct policy_json *ret_child);
/* As child, and false for null as well. */
bool policy_json_child_set(
    const struct policy_json *node, const char *key, const char *const *keys, struct policy_json *ret_child);

/* A list of 1..max values (from 0 where may_be_empty); returns its size, 0 where it is absent or wrong. */
size_t policy_json_list(const struct policy_json *node, const char *key, bool may_be_empty, size_t max);

/* Values. `json` is the value at `path.key`; NULL is a no-op. */
void policy_json_text(
    const struct policy_json *node, const char *key, const json_t *json, size_t size_max, char *ret_text);
/* A name made of lower-case letters, digits, '-' and what `more` allows ("A" stands for upper-case letters). */
struct policy_json_name_rule {
	const char *more;
	size_t size_max;
	const char *sentence;
};
void policy_json_name(const struct policy_json *node, const char *key, const json_t *json,
    const struct policy_json_name_rule *rule, char *ret_name);
/* One of `words`; the return is its index plus one, 0 where it is absent or wrong. */
unsigned policy_json_word(
    const struct policy_json *node, const char *key, const json_t *json, const char *const *words);
/* A whole number; the return is false where it is absent or wrong. */
bool policy_json_int(const struct policy_json *node, const char *key, int64_t min, int64_t max, int64_t *ret_value);
void policy_json_ppm(const struct policy_json *node, const char *key, uint32_t min, uint32_t max, uint32_t *ret_ppm);
void policy_json_amount(const struct policy_json *node, const char *key, int64_t min_fen, int64_t *ret_fen);
/* "from" and "to" of a window: the first day of a month and the last one of the same or a later month. */
void policy_json_window(const struct policy_json *node, uint32_t *ret_from, uint32_t *ret_to);

#endif
