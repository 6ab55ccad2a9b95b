/*
 * The file is read line by line into a table of rules, one per key. There is no general INI library beneath: the
 * packaged inih cuts lines at 200 bytes and takes indented lines for continued values, and what is left after
 * refusing both is the loop below.
 */
#include "daemon/config.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/bytes.h"
#include "proto/limits.h"
#include "daemon/address.h"
#include "daemon/log_signers.h"

struct parser {
	const char *path;
	char folder[PATH_MAX]; /* of the file: what relative paths are relative to */
	unsigned line_number;
	const char *section;
	bool has_witness; /* the section is there */
	uint64_t seen;    /* bit i: rules[i] was given */
	struct config *config;
	struct why *why;
};

struct rule {
	const char *section;
	const char *key;
	bool is_required;
	size_t member; /* offset of the char * that takes the text; unused by the other setters */
	enum err (*set)(struct parser *parser, const struct rule *rule, const char *value);
	const char *expected;
};

static enum err set_path(struct parser *parser, const struct rule *rule, const char *value);
static enum err set_address(struct parser *parser, const struct rule *rule, const char *value);
static enum err set_map_size(struct parser *parser, const struct rule *rule, const char *value);
static enum err set_open(struct parser *parser, const struct rule *rule, const char *value);
static enum err set_workers(struct parser *parser, const struct rule *rule, const char *value);
static enum err set_interval(struct parser *parser, const struct rule *rule, const char *value);
static enum err set_timeout(struct parser *parser, const struct rule *rule, const char *value);
static enum err set_log(struct parser *parser, const struct rule *rule, const char *value);

#define PATH_RULE(section, key, is_required, member, expected)                                                         \
	{                                                                                                              \
		section, key, is_required, offsetof(struct config, member), set_path, expected                         \
	}
#define ADDRESS_RULE(section, member)                                                                                  \
	{                                                                                                              \
		section, "listen", false, offsetof(struct config, member), set_address,                                \
		    "an address and a port in numbers, as 127.0.0.1:8443 or [::1]:8443"                                \
	}

static const struct rule rules[] = {
    PATH_RULE("ledger", "data", true, data, "the folder of the ledger"),
    PATH_RULE("ledger", "guard", true, guard, "the guard file, outside the data folder"),
    PATH_RULE("ledger", "key", true, ledger_key, "the file of the ledger's private key"),
    PATH_RULE("ledger", "next_key", false, next_ledger_key, "the file of the private key that comes next"),
    PATH_RULE("ledger", "heads_key", false, heads_key, "the file of the private key that signs claims"),
    PATH_RULE("ledger", "next_heads_key", false, next_heads_key, "the file of the private key that signs claims next"),
    {"ledger", "map_size", false, 0, set_map_size, "a size from 64M to 1T, as 64G"},
    ADDRESS_RULE("feed", feed_listen),
    PATH_RULE("feed", "certificate", true, feed_certificate, "a PEM file"),
    PATH_RULE("feed", "key", true, feed_key, "a PEM file"),
    PATH_RULE("feed", "client_ca", false, feed_client_ca, "a PEM file"),
    {"feed", "open", false, 0, set_open, "yes or no"},
    ADDRESS_RULE("public", public_listen),
    PATH_RULE("public", "certificate", true, public_certificate, "a PEM file"),
    PATH_RULE("public", "key", true, public_key, "a PEM file"),
    ADDRESS_RULE("metrics", metrics_listen),
    PATH_RULE("witness", "policy", false, witness_policy, "a file that names witnesses and their quorum"),
    {"witness", "interval", false, 0, set_interval, "seconds, from 1 to 3600"},
    {"witness", "timeout", false, 0, set_timeout, "seconds, from 1 to 86400"},
    {"run", "workers", false, 0, set_workers, "a number of threads from 1 to 16"},
    {"run", "log", false, 0, set_log, "error, warn, notice, info or debug"},
    PATH_RULE("run", "addresses", false, addresses, "a file to write"),
};
#define RULE_COUNT (sizeof(rules) / sizeof(rules[0]))

_Static_assert(RULE_COUNT <= 64, "one bit each in parser.seen");
_Static_assert(WITNESS_INTERVAL_MAX_S == 3600 && WITNESS_TIMEOUT_MAX_S == 86400, "as the rules say");
_Static_assert(MAP_SIZE_MIN == 64ULL << 20 && MAP_SIZE_MAX == 1ULL << 40 && WORKERS_MAX == 16, "as the rules say");

static enum err refuse_value(const struct parser *parser, const struct rule *rule, const char *value)
{
	return why_set(parser->why, ERR_CONFIG, "%s:%u: [%s] %s = %s: expected %s", parser->path, parser->line_number,
	    rule->section, rule->key, value, rule->expected);
}

static char **text_member(struct config *config, const struct rule *rule)
{
	return (char **)(void *)((char *)config + rule->member);
}

static enum err set_path(struct parser *parser, const struct rule *rule, const char *value)
{
	char **member = text_member(parser->config, rule);

	if (value[0] == '/')
		*member = strdup(value);
	else if (asprintf(member, "%s/%s", parser->folder, value) < 0)
		*member = NULL;
	return *member == NULL ? why_set(parser->why, ERR_MEMORY, "no memory for the configuration") : OK;
}

static enum err set_address(struct parser *parser, const struct rule *rule, const char *value)
{
	char **member = text_member(parser->config, rule);
	struct address address;

	if (address_parse(value, &address, NULL) != OK)
		return refuse_value(parser, rule, value);
	*member = strdup(value);
	return *member == NULL ? why_set(parser->why, ERR_MEMORY, "no memory for the configuration") : OK;
}

static enum err set_map_size(struct parser *parser, const struct rule *rule, const char *value)
{
	static const char suffixes[] = "KMGT";
	size_t digit_count = strspn(value, "0123456789");
	const char *suffix = value[digit_count] == '\0' ? NULL : strchr(suffixes, value[digit_count]);
	unsigned shift = suffix == NULL ? 0 : 10 * (unsigned)(suffix - suffixes + 1);
	uint64_t size;

	if (value[digit_count] != '\0' && (suffix == NULL || value[digit_count + 1] != '\0'))
		return refuse_value(parser, rule, value);
	if (decimal_parse(slice_of(value, digit_count), MAP_SIZE_MAX >> shift, &size) != OK)
		return refuse_value(parser, rule, value);
	size <<= shift;
	if (size < MAP_SIZE_MIN)
		return refuse_value(parser, rule, value);
	parser->config->map_size = size;
	parser->config->has_map_size = true;
	return OK;
}

static enum err set_open(struct parser *parser, const struct rule *rule, const char *value)
{
	parser->config->feed_is_open = strcmp(value, "yes") == 0;
	if (!parser->config->feed_is_open && strcmp(value, "no") != 0)
		return refuse_value(parser, rule, value);
	return OK;
}

static enum err set_workers(struct parser *parser, const struct rule *rule, const char *value)
{
	uint64_t worker_count;

	if (decimal_parse(slice_text(value), WORKERS_MAX, &worker_count) != OK || worker_count == 0)
		return refuse_value(parser, rule, value);
	parser->config->worker_count = (unsigned)worker_count;
	return OK;
}

static enum err parse_seconds(
    struct parser *parser, const struct rule *rule, const char *value, uint64_t max_s, unsigned *ret_seconds)
{
	uint64_t seconds;

	if (decimal_parse(slice_text(value), max_s, &seconds) != OK || seconds == 0)
		return refuse_value(parser, rule, value);
	*ret_seconds = (unsigned)seconds;
	return OK;
}

static enum err set_interval(struct parser *parser, const struct rule *rule, const char *value)
{
	return parse_seconds(parser, rule, value, WITNESS_INTERVAL_MAX_S, &parser->config->witness_interval_s);
}

static enum err set_timeout(struct parser *parser, const struct rule *rule, const char *value)
{
	return parse_seconds(parser, rule, value, WITNESS_TIMEOUT_MAX_S, &parser->config->witness_timeout_s);
}

static enum err set_log(struct parser *parser, const struct rule *rule, const char *value)
{
	if (!log_level_parse(value, &parser->config->log))
		return refuse_value(parser, rule, value);
	return OK;
}

/* Cuts white space from both ends, in place. */
static char *trim(char *text)
{
	size_t size;

	text += strspn(text, " \t\r\n");
	size = strlen(text);
	while (size > 0 && strchr(" \t\r\n", text[size - 1]) != NULL)
		size--;
	text[size] = '\0';
	return text;
}

static enum err refuse_line(const struct parser *parser, const char *what)
{
	return why_set(parser->why, ERR_CONFIG, "%s:%u: %s", parser->path, parser->line_number, what);
}

static enum err parse_section(struct parser *parser, char *line)
{
	size_t size = strlen(line);

	if (line[size - 1] != ']')
		return refuse_line(parser, "expected [section]");
	line[size - 1] = '\0';
	for (size_t i = 0; i < RULE_COUNT; i++) {
		if (strcmp(rules[i].section, line + 1) == 0) {
			parser->section = rules[i].section;
			if (strcmp(parser->section, "witness") == 0)
				parser->has_witness = true;
			return OK;
		}
	}
	return why_set(parser->why, ERR_CONFIG,
	    "%s:%u: [%s]: there is no such section; expected ledger, feed, public, metrics, witness or run",
	    parser->path, parser->line_number, line + 1);
}

static enum err parse_setting(struct parser *parser, char *line)
{
	char *equals = strchr(line, '='), *key, *value;

	if (equals == NULL)
		return refuse_line(parser, "expected key = value, [section] or # comment");
	*equals = '\0';
	key = trim(line);
	value = trim(equals + 1);
	if (parser->section == NULL)
		return refuse_line(parser, "a key before the first [section]");
	for (size_t i = 0; i < RULE_COUNT; i++) {
		if (strcmp(rules[i].section, parser->section) != 0 || strcmp(rules[i].key, key) != 0)
			continue;
		if (parser->seen >> i & 1)
			return why_set(parser->why, ERR_CONFIG, "%s:%u: [%s] %s is given twice; keep one", parser->path,
			    parser->line_number, parser->section, key);
		parser->seen |= 1ULL << i;
		if (value[0] == '\0')
			return refuse_value(parser, &rules[i], "(nothing)");
		return rules[i].set(parser, &rules[i], value);
	}
	return why_set(parser->why, ERR_CONFIG, "%s:%u: [%s] has no key '%s'", parser->path, parser->line_number,
	    parser->section, key);
}

static enum err parse_line(struct parser *parser, char *line, size_t size)
{
	char *text;

	parser->line_number++;
	if (size > 0 && line[size - 1] == '\n')
		line[--size] = '\0';
	if (size > CONFIG_LINE_SIZE_MAX)
		return why_set(parser->why, ERR_CONFIG, "%s:%u: a line is at most %d bytes", parser->path,
		    parser->line_number, CONFIG_LINE_SIZE_MAX);
	if (strlen(line) != size)
		return refuse_line(parser, "a NUL byte");
	text = trim(line);
	for (char *c = text; *c != '\0'; c++)
		if (*c == '\t')
			*c = ' ';
	if (!utf8_is_text(slice_text(text)))
		return refuse_line(parser, "control characters, or not UTF-8");
	if (text[0] == '\0' || text[0] == '#' || text[0] == ';')
		return OK;
	return text[0] == '[' ? parse_section(parser, text) : parse_setting(parser, text);
}

/* The path without links, as far as it exists; the guard itself may not exist yet. */
static void resolve(const char *path, char ret_path[static PATH_MAX])
{
	char folder_copy[PATH_MAX], name_copy[PATH_MAX], folder[PATH_MAX];
	int size;

	snprintf(folder_copy, sizeof(folder_copy), "%s", path);
	snprintf(name_copy, sizeof(name_copy), "%s", path);
	if (realpath(path, ret_path) != NULL)
		return;
	if (realpath(dirname(folder_copy), folder) == NULL) {
		snprintf(ret_path, PATH_MAX, "%s", path);
		return;
	}
	size = snprintf(ret_path, PATH_MAX, "%s/%s", folder, basename(name_copy));
	if (size < 0 || size >= PATH_MAX)
		snprintf(ret_path, PATH_MAX, "%s", path);
}

static bool is_inside(const char *path, const char *folder)
{
	char real_path[PATH_MAX], real_folder[PATH_MAX];
	size_t size;

	resolve(path, real_path);
	resolve(folder, real_folder);
	size = strlen(real_folder);
	return strncmp(real_path, real_folder, size) == 0 && (real_path[size] == '/' || real_path[size] == '\0');
}

enum err config_load_signers(const struct config *config, struct log_signers *ret_signers, struct why *why)
{
	const struct log_signer_files files = {.key = config->ledger_key,
	    .next_key = config->next_ledger_key,
	    .heads_key = config->heads_key,
	    .next_heads_key = config->next_heads_key};

	return log_signers_load(&files, ret_signers, why);
}

enum err config_check_feed(const struct config *config, const struct address *address, struct why *why)
{
	char text[ADDRESS_TEXT_SIZE];

	if (config->feed_client_ca != NULL || config->feed_is_open || address_is_loopback(address))
		return OK;
	address_format(address, text);
	return why_set(why, ERR_CONFIG,
	    "[feed] listen = %s is open to the world without client certificates: expected client_ca, a loopback "
	    "address, or open = yes",
	    text);
}

enum err config_check_metrics(const struct address *address, struct why *why)
{
	char text[ADDRESS_TEXT_SIZE];

	if (address_is_loopback(address))
		return OK;
	address_format(address, text);
	return why_set(
	    why, ERR_CONFIG, "[metrics] listen = %s: expected a loopback address, for metrics are not protected", text);
}

/* What no single key can say. */
static enum err check_together(struct parser *parser)
{
	struct config *config = parser->config;
	struct why why = {.text = ""};
	struct address address;
	enum err err = OK;

	for (size_t i = 0; i < RULE_COUNT; i++)
		if (rules[i].is_required && !(parser->seen >> i & 1))
			return why_set(parser->why, ERR_CONFIG, "%s: [%s] %s is missing: expected %s", parser->path,
			    rules[i].section, rules[i].key, rules[i].expected);
	if (parser->has_witness && config->witness_policy == NULL)
		return why_set(parser->why, ERR_CONFIG,
		    "%s: [witness] policy is missing: expected a file that names witnesses and their quorum, or no "
		    "such "
		    "section",
		    parser->path);
	if (is_inside(config->guard, config->data))
		return why_set(parser->why, ERR_CONFIG,
		    "%s: [ledger] guard lies in the data folder, where a restored backup would roll it back too: "
		    "expected a file outside %s",
		    parser->path, config->data);
	if (config->feed_listen != NULL)
		err = address_parse(config->feed_listen, &address, &why);
	if (err == OK && config->feed_listen != NULL)
		err = config_check_feed(config, &address, &why);
	if (err == OK && config->metrics_listen != NULL)
		err = address_parse(config->metrics_listen, &address, &why);
	if (err == OK && config->metrics_listen != NULL)
		err = config_check_metrics(&address, &why);
	return err == OK ? OK : why_set(parser->why, err, "%s: %s", parser->path, why.text);
}

static unsigned default_worker_count(void)
{
	long core_count = sysconf(_SC_NPROCESSORS_ONLN);

	if (core_count < 1)
		return 1;
	return core_count > WORKERS_MAX ? WORKERS_MAX : (unsigned)core_count;
}

static enum err parse_file(struct parser *parser, FILE *file)
{
	char *line = NULL;
	size_t capacity = 0;
	ssize_t size;
	enum err err = OK;

	errno = 0;
	while (err == OK && (size = getline(&line, &capacity, file)) >= 0)
		err = parse_line(parser, line, (size_t)size);
	if (err == OK && !feof(file))
		err = why_set(parser->why, ERR_IO, "%s: %s", parser->path, strerror(errno));
	free(line);
	return err == OK ? check_together(parser) : err;
}

enum err config_load(const char *path, struct config *ret_config, struct why *why)
{
	struct config config = {.map_size = MAP_SIZE_MAX,
	    .log = LOG_LEVEL_INFO,
	    .witness_interval_s = WITNESS_INTERVAL_S,
	    .witness_timeout_s = WITNESS_TIMEOUT_S};
	struct parser parser = {.path = path, .config = &config, .why = why};
	char copy[PATH_MAX];
	FILE *file;
	enum err err;

	if (strlen(path) >= sizeof(copy))
		return why_set(why, ERR_IO, "the configuration's path is too long");
	memcpy(copy, path, strlen(path) + 1);
	snprintf(parser.folder, sizeof(parser.folder), "%s", dirname(copy));
	config.worker_count = default_worker_count();
	file = fopen(path, "re");
	if (file == NULL)
		return why_set(why, ERR_IO, "%s: %s", path, strerror(errno));
	err = parse_file(&parser, file);
	fclose(file);
	if (err != OK)
		config_done(&config);
	else
		*ret_config = config;
	return err;
}

void config_done(struct config *config)
{
	for (size_t i = 0; i < RULE_COUNT; i++) {
		if (rules[i].set == set_path || rules[i].set == set_address) {
			char **member = text_member(config, &rules[i]);

			free(*member);
			*member = NULL;
		}
	}
}

enum err config_write_addresses(
    const struct config *config, const char *feed, const char *public, const char *metrics, struct why *why)
{
	const char *const names[] = {"feed", "public", "metrics"}, *const addresses[] = {feed, public, metrics};
	char *temporary;
	FILE *file;
	bool is_written = true;
	enum err err = OK;

	if (config->addresses == NULL)
		return OK;
	if (asprintf(&temporary, "%s.new", config->addresses) < 0)
		return ERR_MEMORY;
	file = fopen(temporary, "we");
	if (file == NULL) {
		err = why_set(why, ERR_IO, "%s: %s", temporary, strerror(errno));
		free(temporary);
		return err;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (addresses[i] != NULL && fprintf(file, "%s=%s\n", names[i], addresses[i]) < 0)
			is_written = false;
	if (fclose(file) != 0 || !is_written || rename(temporary, config->addresses) != 0) {
		err = why_set(why, ERR_IO, "%s: %s", config->addresses, strerror(errno));
		unlink(temporary);
	}
	free(temporary);
	return err;
}
