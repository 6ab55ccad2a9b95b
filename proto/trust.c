/*
 * Witnesses and groups are nodes, and a set of nodes is one word of 64 bits: witnesses from bit 0 on, groups behind
 * them in the order of the file. Since a group names only nodes above it, asking whether a group is met takes one pass
 * over the groups, without recursion.
 */
#include "proto/trust.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proto/text.h"

#define GROUP_BIT TRUST_WITNESSES_MAX /* of the first group */

static_assert(TRUST_WITNESSES_MAX + TRUST_GROUPS_MAX <= 64, "a set of nodes is one word");

struct witness {
	char name[KEY_NAME_SIZE_MAX + 1];
	char url[TRUST_URL_SIZE_MAX + 1];
};

struct group {
	char name[KEY_NAME_SIZE_MAX + 1];
	unsigned threshold; /* members that must be met */
	uint64_t members;
};

struct trust {
	size_t log_count;
	struct key logs[TRUST_LOGS_MAX];
	size_t witness_count;
	struct key witness_keys[TRUST_WITNESSES_MAX]; /* apart from the names: note_verify takes an array of keys */
	struct witness witnesses[TRUST_WITNESSES_MAX];
	size_t group_count;
	struct group groups[TRUST_GROUPS_MAX];
	uint64_t grouped; /* nodes that are members of a group */
	bool has_quorum;
	uint64_t quorum; /* one node; 0 for none */
};

/* ---- words */

static bool is_blank(uint8_t byte)
{
	return byte == ' ' || byte == '\t';
}

/* Takes the next word off the line; empty where none is left. */
static struct slice take_word(struct slice *line)
{
	size_t start = 0, end;

	while (start < line->size && is_blank(line->data[start]))
		start++;
	end = start;
	while (end < line->size && !is_blank(line->data[end]))
		end++;
	*line = slice_of(line->data + end, line->size - end);
	return slice_of(line->data - (end - start), end - start);
}

static bool is_word(struct slice word, const char *text)
{
	return slice_equal(word, slice_text(text));
}

/* UTF-8 without control characters but tabs. */
static bool is_line(struct slice line)
{
	while (line.size > 0) {
		const uint8_t *tab = memchr(line.data, '\t', line.size);
		size_t size = tab == NULL ? line.size : (size_t)(tab - line.data);

		if (!utf8_is_text(slice_of(line.data, size)))
			return false;
		size += tab != NULL;
		line = slice_of(line.data + size, line.size - size);
	}
	return true;
}

static enum err check_end(struct slice *line, struct why *why)
{
	struct slice word = take_word(line);

	return word.size == 0 ? OK : why_set(why, ERR_SYNTAX, "there is one word too many");
}

/* ---- names */

/* The node of that name; 0 if there is none. */
static uint64_t find_node(const struct trust *trust, struct slice name)
{
	for (size_t i = 0; i < trust->witness_count; i++)
		if (is_word(name, trust->witnesses[i].name))
			return 1ULL << i;
	for (size_t i = 0; i < trust->group_count; i++)
		if (is_word(name, trust->groups[i].name))
			return 1ULL << (GROUP_BIT + i);
	return 0;
}

/* A name of something new: witnesses and groups share their names. */
static enum err parse_new_name(
    const struct trust *trust, struct slice *line, char ret_name[static KEY_NAME_SIZE_MAX + 1], struct why *why)
{
	struct slice name = take_word(line);

	if (name.size == 0)
		return why_set(why, ERR_SYNTAX, "the name is missing");
	if (name.size > KEY_NAME_SIZE_MAX)
		return why_set(
		    why, ERR_TOO_LARGE, "the name has %zu bytes; at most %d are allowed", name.size, KEY_NAME_SIZE_MAX);
	if (is_word(name, "none"))
		return why_set(why, ERR_INVALID, "the name \"none\" stands for no cosignatures and can't be given");
	if (find_node(trust, name) != 0)
		return why_set(why, ERR_INVALID, "the name \"%.*s\" is given already", (int)name.size, name.data);
	memcpy(ret_name, name.data, name.size);
	ret_name[name.size] = '\0';
	return OK;
}

/* A name that stands above. */
static enum err parse_known_name(const struct trust *trust, struct slice name, uint64_t *ret_node, struct why *why)
{
	uint64_t node;

	if (is_word(name, "none"))
		return why_set(why, ERR_INVALID, "\"none\" can't be a member of a group");
	node = find_node(trust, name);
	if (node == 0)
		return why_set(why, ERR_INVALID, "no witness and no group above this line is named \"%.*s\"",
		    name.size > KEY_NAME_SIZE_MAX ? 0 : (int)name.size, name.data);
	*ret_node = node;
	return OK;
}

/* ---- lines */

static enum err parse_key(struct slice *line, enum key_type type, struct key *ret_key, struct why *why)
{
	struct slice vkey = take_word(line);
	struct key key;
	enum err err;

	if (vkey.size == 0)
		return why_set(why, ERR_SYNTAX, "the public key is missing");
	err = key_parse(vkey, &key);
	if (err == ERR_INVALID)
		return why_set(why, err, "the public key's id does not belong to it, or it is none");
	if (err != OK)
		return why_set(why, err, "this is not a public key <name>+<key id>+<base64>");
	if (key.type != type)
		return type == KEY_COSIGNATURE
			   ? why_set(why, ERR_INVALID,
				 "the key is not of a witness: it must be a cosignature key (type 04)")
			   : why_set(why, ERR_INVALID, "the key is not of a log: it must be an Ed25519 key (type 01)");
	*ret_key = key;
	return OK;
}

/* The same key under another name would count twice. */
static bool has_material(const struct key *keys, size_t key_count, const struct key *key)
{
	for (size_t i = 0; i < key_count; i++)
		if (memcmp(keys[i].material, key->material, key->material_size) == 0)
			return true;
	return false;
}

static enum err parse_url(struct slice *line, char ret_url[static TRUST_URL_SIZE_MAX + 1], struct why *why)
{
	struct slice url = take_word(line);

	if (url.size > TRUST_URL_SIZE_MAX)
		return why_set(
		    why, ERR_TOO_LARGE, "the URL has %zu bytes; at most %d are allowed", url.size, TRUST_URL_SIZE_MAX);
	memcpy(ret_url, url.data, url.size);
	ret_url[url.size] = '\0';
	return check_end(line, why);
}

static enum err parse_log(struct trust *trust, struct slice *line, struct why *why)
{
	char url[TRUST_URL_SIZE_MAX + 1];
	struct key key;
	enum err err;

	if (trust->log_count == TRUST_LOGS_MAX)
		return why_set(why, ERR_TOO_LARGE, "there are more than %d logs", TRUST_LOGS_MAX);
	err = parse_key(line, KEY_ED25519, &key, why);
	if (err == OK)
		err = parse_url(line, url, why);
	if (err == OK && has_material(trust->logs, trust->log_count, &key))
		err = why_set(why, ERR_INVALID, "the log's key stands above already");
	if (err == OK)
		trust->logs[trust->log_count++] = key;
	return err;
}

static enum err parse_witness(struct trust *trust, struct slice *line, struct why *why)
{
	size_t count = trust->witness_count;
	struct witness witness;
	struct key key;
	enum err err;

	if (count == TRUST_WITNESSES_MAX)
		return why_set(why, ERR_TOO_LARGE, "there are more than %d witnesses", TRUST_WITNESSES_MAX);
	err = parse_new_name(trust, line, witness.name, why);
	if (err == OK)
		err = parse_key(line, KEY_COSIGNATURE, &key, why);
	if (err == OK)
		err = parse_url(line, witness.url, why);
	if (err == OK && has_material(trust->witness_keys, count, &key))
		err = why_set(why, ERR_INVALID, "the key of \"%s\" is that of another witness: it would count twice",
		    witness.name);
	if (err == OK) {
		trust->witnesses[count] = witness;
		trust->witness_keys[count] = key;
		trust->witness_count++;
	}
	return err;
}

/* The members, each known and in no other group. */
static enum err parse_members(struct trust *trust, struct slice *line, uint64_t *ret_members, struct why *why)
{
	struct slice name = take_word(line);
	uint64_t members = 0;

	if (name.size == 0)
		return why_set(why, ERR_SYNTAX, "the group has no members");
	for (; name.size > 0; name = take_word(line)) {
		uint64_t node;
		enum err err = parse_known_name(trust, name, &node, why);

		if (err != OK)
			return err;
		if (((trust->grouped | members) & node) != 0)
			return why_set(why, ERR_INVALID, "\"%.*s\" is a member already, of this group or of another",
			    (int)name.size, name.data);
		members |= node;
	}
	*ret_members = members;
	return OK;
}

static enum err parse_threshold(struct slice word, unsigned member_count, unsigned *ret_threshold, struct why *why)
{
	uint64_t number;

	if (is_word(word, "all")) {
		*ret_threshold = member_count;
	} else if (is_word(word, "any")) {
		*ret_threshold = 1;
	} else {
		if (decimal_parse(word, member_count, &number) != OK || number == 0)
			return why_set(why, ERR_INVALID,
			    "behind the group's name belongs \"all\", \"any\" or a number from 1 to %u, its members",
			    member_count);
		*ret_threshold = (unsigned)number;
	}
	return OK;
}

static enum err parse_group(struct trust *trust, struct slice *line, struct why *why)
{
	struct slice threshold;
	struct group group;
	enum err err;

	if (trust->group_count == TRUST_GROUPS_MAX)
		return why_set(why, ERR_TOO_LARGE, "there are more than %d groups", TRUST_GROUPS_MAX);
	err = parse_new_name(trust, line, group.name, why);
	if (err != OK)
		return err;
	threshold = take_word(line);
	err = parse_members(trust, line, &group.members, why);
	if (err == OK)
		err = parse_threshold(threshold, (unsigned)__builtin_popcountll(group.members), &group.threshold, why);
	if (err != OK)
		return err;
	trust->groups[trust->group_count++] = group;
	trust->grouped |= group.members;
	return OK;
}

static enum err parse_quorum(struct trust *trust, struct slice *line, struct why *why)
{
	struct slice name = take_word(line);
	uint64_t node = 0;
	enum err err = OK;

	if (trust->has_quorum)
		return why_set(why, ERR_INVALID, "there is a quorum already");
	if (name.size == 0)
		return why_set(why, ERR_SYNTAX, "the name is missing");
	if (!is_word(name, "none"))
		err = parse_known_name(trust, name, &node, why);
	if (err == OK)
		err = check_end(line, why);
	if (err == OK) {
		trust->has_quorum = true;
		trust->quorum = node;
	}
	return err;
}

static enum err parse_line(struct trust *trust, struct slice line, struct why *why)
{
	struct slice word;

	if (!is_line(line))
		return why_set(why, ERR_SYNTAX, "the line is not UTF-8, or has control characters other than tabs");
	word = take_word(&line);
	if (word.size == 0 || word.data[0] == '#')
		return OK;
	if (is_word(word, "log"))
		return parse_log(trust, &line, why);
	if (is_word(word, "witness"))
		return parse_witness(trust, &line, why);
	if (is_word(word, "group"))
		return parse_group(trust, &line, why);
	if (is_word(word, "quorum"))
		return parse_quorum(trust, &line, why);
	return why_set(why, ERR_SYNTAX, "the line begins with none of \"log\", \"witness\", \"group\" and \"quorum\"");
}

static enum err parse_lines(struct trust *trust, struct slice text, struct why *why)
{
	struct why cause = {""};

	for (size_t number = 1; text.size > 0; number++) {
		const uint8_t *newline = memchr(text.data, '\n', text.size);
		size_t size = newline == NULL ? text.size : (size_t)(newline - text.data);
		enum err err = OK;

		/* A file that was cut may have lost more than that newline. */
		if (newline == NULL)
			err = why_set(&cause, ERR_SYNTAX, "the last line does not end in a newline");
		if (err == OK)
			err = parse_line(trust, slice_of(text.data, size), &cause);
		if (err != OK)
			return why_set_cause(why, err, &cause, "line %zu: ", number);
		text = slice_of(newline + 1, text.size - size - 1);
	}
	return trust->has_quorum ? OK : why_set(why, ERR_SYNTAX, "there is no line \"quorum\"");
}

enum err trust_parse(struct slice text, struct trust **ret_trust, struct why *why)
{
	struct trust *trust;
	enum err err;

	if (text.size > TRUST_SIZE_MAX)
		return why_set(why, ERR_TOO_LARGE, "the policy file has %zu bytes; at most %d are allowed", text.size,
		    TRUST_SIZE_MAX);
	trust = calloc(1, sizeof(*trust));
	if (trust == NULL)
		return why_set(why, ERR_MEMORY, "%s", err_sentence(ERR_MEMORY));
	err = parse_lines(trust, text, why);
	if (err == OK)
		*ret_trust = trust;
	else
		trust_free(trust);
	return err;
}

void trust_free(struct trust *trust)
{
	free(trust);
}

/* ---- asking */

size_t trust_log_count(const struct trust *trust)
{
	return trust->log_count;
}

const struct key *trust_log_key(const struct trust *trust, size_t index)
{
	assert(index < trust->log_count);
	return &trust->logs[index];
}

bool trust_takes_log(const struct trust *trust, const struct key *log)
{
	for (size_t i = 0; i < trust->log_count; i++)
		if (key_equal(&trust->logs[i], log))
			return true;
	return trust->log_count == 0;
}

size_t trust_witness_count(const struct trust *trust)
{
	return trust->witness_count;
}

const char *trust_witness_name(const struct trust *trust, size_t index)
{
	assert(index < trust->witness_count);
	return trust->witnesses[index].name;
}

const struct key *trust_witness_key(const struct trust *trust, size_t index)
{
	assert(index < trust->witness_count);
	return &trust->witness_keys[index];
}

const char *trust_witness_url(const struct trust *trust, size_t index)
{
	assert(index < trust->witness_count);
	return trust->witnesses[index].url;
}

const char *trust_quorum(const struct trust *trust)
{
	unsigned bit;

	if (trust->quorum == 0)
		return "none";
	bit = (unsigned)__builtin_ctzll(trust->quorum);
	return bit < GROUP_BIT ? trust->witnesses[bit].name : trust->groups[bit - GROUP_BIT].name;
}

bool trust_is_met(const struct trust *trust, uint64_t cosigned)
{
	uint64_t met = cosigned;

	assert(cosigned >> trust->witness_count == 0);
	for (size_t i = 0; i < trust->group_count; i++) {
		const struct group *group = &trust->groups[i];

		if ((unsigned)__builtin_popcountll(met & group->members) >= group->threshold)
			met |= 1ULL << (GROUP_BIT + i);
	}
	return (met & trust->quorum) == trust->quorum;
}

enum err trust_cosigned(const struct trust *trust, const struct note *note, uint64_t *ret_cosigned)
{
	uint64_t cosigned;
	enum err err = note_verify(note, trust->witness_keys, trust->witness_count, &cosigned);

	/* That none of them signed is an answer here. */
	if (err == ERR_UNKNOWN_KEY) {
		cosigned = 0;
		err = OK;
	}
	if (err == OK)
		*ret_cosigned = cosigned;
	return err;
}
