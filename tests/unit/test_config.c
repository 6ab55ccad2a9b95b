/* Every rule of the configuration file, every refusal with its place, and what `check` finds. */
#include "daemon/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/certificate.h"

#include "proto/key.h"
#include "proto/limits.h"

#define LEDGER "[ledger]\ndata = data\nguard = guard/g\nkey = ledger.key\n"
#define FEED "[feed]\nlisten = 127.0.0.1:0\ncertificate = a.crt\nkey = a.key\n"
#define PUBLIC "[public]\nlisten = 0.0.0.0:8443\ncertificate = a.crt\nkey = a.key\n"
#define WHOLE LEDGER FEED PUBLIC

static char folder[FOLDER_SIZE], path[PATH_SIZE];

static enum err load(const char *text, struct config *ret_config, struct why *why)
{
	file_write(folder, "subsidyd.conf", text);
	return config_load(path, ret_config, why);
}

static void reads_every_key(void **state)
{
	static const char text[] =
	    "# a ledger\n; for Qingdao\n\n  [ledger]  \r\n"
	    "data=/srv/数据\n\tguard\t=\tguard/g\nkey = /run/key = x\nmap_size = 64G\n"
	    "next_key = next\nheads_key = heads\nnext_heads_key = /h\n"
	    "[run]\nworkers = 16\nlog = debug\naddresses = addresses\n"
	    "[feed]\nlisten = [::1]:8444\ncertificate = f.crt\nkey = f.key\nclient_ca = ca.crt\nopen = yes\n"
	    "[public]\nlisten = 0.0.0.0:8443\ncertificate = p.crt\nkey = p.key\n"
	    "[witness]\npolicy = policy\ninterval = 7\ntimeout = 8\n"
	    "[metrics]\nlisten = 127.0.0.1:9100";
	struct config config;
	struct why why = {""};
	char expected[PATH_SIZE];

	(void)state;
	if (load(text, &config, &why) != OK)
		fail_msg("%s", why.text);
	assert_string_equal(config.data, "/srv/数据");
	assert_string_equal(config.guard, folder_path(folder, "guard/g", expected));
	assert_string_equal(config.ledger_key, "/run/key = x");
	assert_string_equal(config.next_ledger_key, folder_path(folder, "next", expected));
	assert_string_equal(config.heads_key, folder_path(folder, "heads", expected));
	assert_string_equal(config.next_heads_key, "/h");
	assert_true(config.has_map_size);
	assert_int_equal(config.map_size, 64ULL << 30);
	assert_int_equal(config.worker_count, 16);
	assert_int_equal(config.log, LOG_LEVEL_DEBUG);
	assert_string_equal(config.addresses, folder_path(folder, "addresses", expected));
	assert_string_equal(config.feed_listen, "[::1]:8444");
	assert_string_equal(config.feed_certificate, folder_path(folder, "f.crt", expected));
	assert_string_equal(config.feed_key, folder_path(folder, "f.key", expected));
	assert_string_equal(config.feed_client_ca, folder_path(folder, "ca.crt", expected));
	assert_true(config.feed_is_open);
	assert_string_equal(config.public_listen, "0.0.0.0:8443");
	assert_string_equal(config.public_certificate, folder_path(folder, "p.crt", expected));
	assert_string_equal(config.public_key, folder_path(folder, "p.key", expected));
	assert_string_equal(config.metrics_listen, "127.0.0.1:9100");
	assert_string_equal(config.witness_policy, folder_path(folder, "policy", expected));
	assert_int_equal(config.witness_interval_s, 7);
	assert_int_equal(config.witness_timeout_s, 8);
	config_done(&config);
}

static void has_defaults(void **state)
{
	struct config config;
	struct why why = {""};

	(void)state;
	assert_int_equal(load(WHOLE, &config, &why), OK);
	assert_int_equal(config.map_size, MAP_SIZE_MAX);
	assert_false(config.has_map_size);
	assert_in_range(config.worker_count, 1, WORKERS_MAX);
	assert_int_equal(config.log, LOG_LEVEL_INFO);
	assert_false(config.feed_is_open);
	assert_null(config.feed_client_ca);
	assert_null(config.metrics_listen);
	assert_null(config.witness_policy);
	assert_int_equal(config.witness_interval_s, WITNESS_INTERVAL_S);
	assert_int_equal(config.witness_timeout_s, WITNESS_TIMEOUT_S);
	assert_null(config.addresses);
	config_done(&config);
}

/* Each refusal names the file, the line (0: none), the key and what would be right. */
static void refuses_with_file_line_key_and_advice(void **state)
{
	static const struct {
		const char *text;
		unsigned line;
		const char *words[2];
	} rows[] = {
	    {LEDGER "sync = no\n", 5, {"[ledger]", "'sync'"}},
	    {"[leger]\n" WHOLE, 1, {"[leger]", "expected ledger"}},
	    {"[ledger\n" WHOLE, 1, {"[section]", ""}},
	    {"data = x\n" WHOLE, 1, {"before the first", ""}},
	    {"nonsense\n" WHOLE, 1, {"key = value", ""}},
	    {LEDGER "data = other\n", 5, {"data", "twice"}},
	    {WHOLE "[ledger]\ndata = other\n", 14, {"data", "twice"}},
	    {LEDGER "map_size = 63M\n", 5, {"map_size", "64M"}},
	    {LEDGER "map_size = 2T\n", 5, {"map_size", "1T"}},
	    {LEDGER "map_size = 64X\n", 5, {"map_size", "as 64G"}},
	    {LEDGER "map_size = 64GB\n", 5, {"map_size", "as 64G"}},
	    {LEDGER "map_size = -1\n", 5, {"map_size", "as 64G"}},
	    {LEDGER "map_size = 18446744073709551616\n", 5, {"map_size", "as 64G"}},
	    {LEDGER "map_size =\n", 5, {"map_size", "as 64G"}},
	    {"[ledger]\ndata =\n", 2, {"data", "the folder"}},
	    {"[feed]\nlisten = localhost:1\n", 2, {"listen", "127.0.0.1:8443"}},
	    {"[feed]\nlisten = 127.0.0.1\n", 2, {"listen", "a port"}},
	    {"[feed]\nlisten = 127.0.0.1:65536\n", 2, {"listen", "a port"}},
	    {"[feed]\nlisten = ::1:80\n", 2, {"listen", "a port"}},
	    {"[feed]\nopen = true\n", 2, {"open", "yes or no"}},
	    {"[run]\nworkers = 0\n", 2, {"workers", "from 1 to 16"}},
	    {"[run]\nworkers = 17\n", 2, {"workers", "from 1 to 16"}},
	    {"[run]\nlog = loud\n", 2, {"log", "notice"}},
	    {"[run]\nlog = a\x01\n", 2, {"control", ""}},
	    {"[run]\nlog = \xff\n", 2, {"UTF-8", ""}},
	    {FEED PUBLIC, 0, {"[ledger] data is missing", "the folder"}},
	    {"[ledger]\ndata = d\nkey = k\n" FEED PUBLIC, 0, {"guard is missing", "outside"}},
	    {"[ledger]\ndata = d\nguard = g/g\n" FEED PUBLIC, 0, {"[ledger] key is missing", "private key"}},
	    {LEDGER PUBLIC, 0, {"[feed] certificate is missing", "PEM"}},
	    {LEDGER FEED, 0, {"[public] certificate is missing", "PEM"}},
	    {LEDGER PUBLIC "[feed]\nlisten = 127.0.0.1:0\n", 0, {"[feed] certificate is missing", "PEM"}},
	    {LEDGER PUBLIC "[feed]\nlisten = 127.0.0.1:0\ncertificate = a\n", 0, {"[feed] key is missing", "PEM"}},
	    {"[ledger]\ndata = data\nguard = data/g\nkey = k\n" FEED PUBLIC, 0, {"guard", "outside"}},
	    {"[ledger]\ndata = data\nguard = guard/../data/g\nkey = k\n" FEED PUBLIC, 0, {"guard", "outside"}},
	    {"[ledger]\ndata = data\nguard = link/g\nkey = k\n" FEED PUBLIC, 0, {"guard", "outside"}},
	    {LEDGER PUBLIC "[feed]\nlisten = 0.0.0.0:1\ncertificate = a\nkey = a\n", 0,
		{"[feed] listen", "open = yes"}},
	    {LEDGER PUBLIC "[feed]\nlisten = [::]:1\ncertificate = a\nkey = a\nopen = no\n", 0,
		{"[feed]", "client_ca"}},
	    {"[witness]\ninterval = 0\n", 2, {"interval", "from 1 to 3600"}},
	    {"[witness]\ninterval = 3601\n", 2, {"interval", "from 1 to 3600"}},
	    {"[witness]\ninterval = 1.5\n", 2, {"interval", "seconds"}},
	    {"[witness]\ntimeout = 0\n", 2, {"timeout", "from 1 to 86400"}},
	    {"[witness]\ntimeout = 86401\n", 2, {"timeout", "from 1 to 86400"}},
	    {"[witness]\ntimeout = 30s\n", 2, {"timeout", "seconds"}},
	    {"[witness]\nquorum = 2\n", 2, {"[witness]", "'quorum'"}},
	    {WHOLE "[witness]\n", 0, {"[witness] policy is missing", "no such section"}},
	    {WHOLE "[witness]\ninterval = 5\n", 0, {"[witness] policy is missing", "witnesses"}},
	    {WHOLE "[metrics]\nlisten = 0.0.0.0:1\n", 0, {"[metrics] listen", "loopback"}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config config;
		struct why why = {""};
		char place[PATH_SIZE + 16];

		if (load(rows[i].text, &config, &why) != ERR_CONFIG)
			fail_msg("row %zu: not refused", i);
		if (rows[i].line != 0)
			snprintf(place, sizeof(place), "%s:%u: ", path, rows[i].line);
		else
			snprintf(place, sizeof(place), "%s: ", path);
		if (strncmp(why.text, place, strlen(place)) != 0 || strstr(why.text, rows[i].words[0]) == NULL ||
		    strstr(why.text, rows[i].words[1]) == NULL)
			fail_msg("row %zu: %s", i, why.text);
	}
}

static void opens_the_feed_to_the_world_only_on_purpose(void **state)
{
	static const struct {
		const char *listen, *more;
		bool is_taken;
	} rows[] = {
	    {"127.0.0.1:1", "", true},
	    {"127.8.0.1:1", "", true},
	    {"[::1]:1", "", true},
	    {"0.0.0.0:1", "", false},
	    {"10.0.0.1:1", "open = no\n", false},
	    {"[fd00::1]:1", "", false},
	    {"0.0.0.0:1", "open = yes\n", true},
	    {"0.0.0.0:1", "client_ca = ca.crt\n", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[1000];
		struct config config;
		struct why why;

		snprintf(text, sizeof(text), LEDGER PUBLIC "[feed]\nlisten = %s\ncertificate = a\nkey = a\n%s",
		    rows[i].listen, rows[i].more);
		if (load(text, &config, &why) != (rows[i].is_taken ? OK : ERR_CONFIG))
			fail_msg("row %zu", i);
		if (rows[i].is_taken)
			config_done(&config);
	}
}

static void takes_lines_up_to_the_limit(void **state)
{
	(void)state;
	for (int over = -1; over <= 1; over++) {
		char text[CONFIG_LINE_SIZE_MAX + 1000];
		struct config config;
		struct why why = {""};
		int size = CONFIG_LINE_SIZE_MAX + over;

		snprintf(text, sizeof(text), "#%0*d\n" WHOLE, size - 1, 0);
		assert_int_equal(load(text, &config, &why), over > 0 ? ERR_CONFIG : OK);
		if (over > 0)
			assert_non_null(strstr(why.text, ":1: a line is at most"));
		else
			config_done(&config);
	}
}

static void keeps_to_the_bounds_of_numbers(void **state)
{
	static const struct {
		const char *value;
		uint64_t size;
	} sizes[] = {{"64M", MAP_SIZE_MIN}, {"67108864", MAP_SIZE_MIN}, {"65536K", MAP_SIZE_MIN}, {"1T", MAP_SIZE_MAX},
	    {"1024G", MAP_SIZE_MAX}};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char text[1000];
		struct config config;
		struct why why;

		snprintf(text, sizeof(text), WHOLE "[ledger]\nmap_size = %s\n[run]\nworkers = 1\n", sizes[i].value);
		assert_int_equal(load(text, &config, &why), OK);
		assert_int_equal(config.map_size, sizes[i].size);
		assert_int_equal(config.worker_count, 1);
		config_done(&config);
	}
}

static void keeps_to_the_bounds_of_seconds(void **state)
{
	static const unsigned rows[][2] = {{1, 1}, {3599, 86399}, {WITNESS_INTERVAL_MAX_S, WITNESS_TIMEOUT_MAX_S}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config config;
		char text[1000];
		struct why why;

		snprintf(text, sizeof(text), WHOLE "[witness]\npolicy = p\ninterval = %u\ntimeout = %u\n", rows[i][0],
		    rows[i][1]);
		assert_int_equal(load(text, &config, &why), OK);
		assert_int_equal(config.witness_interval_s, rows[i][0]);
		assert_int_equal(config.witness_timeout_s, rows[i][1]);
		config_done(&config);
	}
}

static void refuses_a_nul_and_a_missing_file(void **state)
{
	FILE *file = fopen(path, "w");
	struct config config;
	struct why why;

	(void)state;
	fwrite("[run]\nlog = \0debug\n", 1, 19, file);
	fclose(file);
	assert_int_equal(config_load(path, &config, &why), ERR_CONFIG);
	assert_non_null(strstr(why.text, "NUL"));
	assert_int_equal(config_load("/nonexistent/subsidyd.conf", &config, &why), ERR_IO);
	assert_non_null(strstr(why.text, "/nonexistent/subsidyd.conf"));
}

static void writes_the_real_addresses(void **state)
{
	struct config config;
	struct why why = {""};
	char text[200], name[PATH_SIZE];
	struct stat stat_;
	FILE *file;

	(void)state;
	assert_int_equal(load(WHOLE "[run]\naddresses = addresses\n", &config, &why), OK);
	assert_int_equal(config_write_addresses(&config, "127.0.0.1:1", "127.0.0.1:2", NULL, &why), OK);
	assert_int_equal(config_write_addresses(&config, "127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3", &why), OK);
	file = fopen(folder_path(folder, "addresses", name), "r");
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	assert_string_equal(text, "feed=127.0.0.1:1\npublic=127.0.0.1:2\nmetrics=127.0.0.1:3\n");
	assert_int_equal(stat(folder_path(folder, "addresses.new", name), &stat_), -1);
	config_done(&config);
	assert_int_equal(load(WHOLE "[run]\naddresses = nowhere/addresses\n", &config, &why), OK);
	assert_int_equal(config_write_addresses(&config, "127.0.0.1:1", "127.0.0.1:2", NULL, &why), ERR_IO);
	config_done(&config);
}

static size_t check(const char *text, struct buf *findings)
{
	struct config config;
	struct why why = {""};
	size_t count;

	buf_clear(findings);
	if (load(text, &config, &why) != OK)
		fail_msg("%s", why.text);
	count = config_check(&config, findings);
	config_done(&config);
	return count;
}

static void finds_everything_that_is_wrong(void **state)
{
	struct buf findings;
	char name[PATH_SIZE];

	(void)state;
	buf_init(&findings, 10000);
	if (check(WHOLE, &findings) != 0)
		fail_msg("%s", buf_text(&findings));
	assert_int_equal(check("[ledger]\ndata = nodata/ledger\nguard = noguard/g\nkey = nokey\n"
			       "[feed]\nlisten = 127.0.0.1:0\ncertificate = no.crt\nkey = a.key\n"
			       "[public]\nlisten = 0.0.0.0:8443\ncertificate = a.crt\nkey = b.key\n"
			       "[run]\naddresses = norun/addresses\n",
			     &findings),
	    6);
	assert_non_null(strstr(buf_text(&findings), "/nodata: No such file"));
	assert_non_null(strstr(buf_text(&findings), "/noguard: No such file"));
	assert_non_null(strstr(buf_text(&findings), "/nokey: No such file"));
	assert_non_null(strstr(buf_text(&findings), "[feed] "));
	assert_non_null(strstr(buf_text(&findings), "/no.crt: No such file"));
	assert_non_null(strstr(buf_text(&findings), "/b.key: this key is not the certificate's"));
	assert_non_null(strstr(buf_text(&findings), "/norun: No such file"));
	assert_int_equal(check("[ledger]\ndata = a.crt\nguard = guard/g\nkey = a.key\n" FEED PUBLIC, &findings), 2);
	assert_non_null(strstr(buf_text(&findings), "a.crt: not a folder"));
	assert_non_null(strstr(buf_text(&findings), "a.key: not a private key"));
	/* init makes the folder itself. */
	assert_int_equal(
	    check("[ledger]\ndata = newdata\nguard = guard/g\nkey = ledger.key\n" FEED PUBLIC, &findings), 0);
	assert_int_equal(check("[ledger]\ndata = data\nguard = guard/g\nkey = sm2.key\n" FEED PUBLIC, &findings), 1);
	assert_non_null(strstr(buf_text(&findings), "of type ed25519"));
	chmod(folder_path(folder, "ledger.key", name), 0644);
	assert_int_equal(check(WHOLE, &findings), 1);
	assert_non_null(strstr(buf_text(&findings), "others can read"));
	chmod(name, 0600);
	chmod(folder_path(folder, "a.key", name), 0604);
	assert_int_equal(check(WHOLE, &findings), 2);
	assert_non_null(strstr(buf_text(&findings), "[feed] key: "));
	assert_non_null(strstr(buf_text(&findings), "[public] key: "));
	chmod(name, 0600);
	/* What only the start can tell is no finding. */
	assert_int_equal(check(LEDGER "[feed]\ncertificate = a.crt\nkey = a.key\n" PUBLIC, &findings), 0);
	assert_non_null(strstr(buf_text(&findings), "note: [feed] has no listen"));
	assert_null(strstr(buf_text(&findings), "note: [public]"));
	assert_int_equal(check(LEDGER FEED "[public]\ncertificate = a.crt\nkey = a.key\n", &findings), 0);
	assert_non_null(strstr(buf_text(&findings), "note: [public] has no listen"));
	buf_done(&findings);
}

/* Of a policy that is bad in two ways both are told; the ledger's own key decides about its log line. */
static void finds_what_is_wrong_with_a_policy(void **state)
{
	static const char log[] = "log example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k\n";
	static const char witness[] =
	    "witness w witness.example/bureau+adda3fdd+BD1AF8PoQ4lakrcKp00bfrycmCzPLsSWjMDNVfEq9GYM\n";
	static const struct {
		const char *lines[3];
		size_t count;
		const char *words[2];
	} rows[] = {
	    {{witness, "quorum w\n", ""}, 0, {"", ""}},
	    {{witness, "quorum v\n", ""}, 1, {"[witness] policy: /", "line 2"}},
	    {{log, witness, "quorum w\n"}, 1, {"[witness] policy: /", "others"}},
	    {{log, "quorum none\n", ""}, 2, {"no witness", "others"}},
	};
	struct buf findings;

	(void)state;
	buf_init(&findings, 10000);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[1000];
		size_t count;

		snprintf(text, sizeof(text), "%s%s%s", rows[i].lines[0], rows[i].lines[1], rows[i].lines[2]);
		file_write(folder, "policy", text);
		count = check(WHOLE "[witness]\npolicy = policy\n", &findings);
		if (count != rows[i].count || strstr(buf_text(&findings), rows[i].words[0]) == NULL ||
		    strstr(buf_text(&findings), rows[i].words[1]) == NULL)
			fail_msg("row %zu: %zu findings: %s", i, count, buf_text(&findings));
	}
	assert_int_equal(check(WHOLE "[witness]\npolicy = nothing\n", &findings), 1);
	assert_non_null(strstr(buf_text(&findings), "/nothing: No such file"));
	/* Where the ledger's key is no good that is the one finding. */
	assert_int_equal(
	    check("[ledger]\ndata = data\nguard = guard/g\nkey = sm2.key\n" FEED PUBLIC "[witness]\npolicy = policy\n",
		&findings),
	    2);
	assert_null(strstr(buf_text(&findings), "others"));
	buf_done(&findings);
}

static void write_key(enum key_type type, const char *name)
{
	struct signer *signer;
	struct buf text;
	char key_path[PATH_SIZE];

	assert_int_equal(signer_generate(type, slice_text("subsidy.example/test"), &signer), OK);
	buf_init(&text, 1000);
	assert_int_equal(signer_format(signer, &text), OK);
	buf_add_text(&text, "\n");
	file_write(folder, name, buf_text(&text));
	assert_int_equal(chmod(folder_path(folder, name, key_path), 0600), 0);
	buf_done(&text);
	signer_free(signer);
}

static int set_up(void **state)
{
	char name[PATH_SIZE], target[PATH_SIZE];

	(void)state;
	if (key_global_init() != OK)
		return -1;
	folder_make(folder);
	folder_path(folder, "subsidyd.conf", path);
	certificate_make(folder, "a");
	certificate_make(folder, "b");
	write_key(KEY_ED25519, "ledger.key");
	write_key(KEY_SM2, "sm2.key");
	if (mkdir(folder_path(folder, "data", target), 0700) != 0 ||
	    mkdir(folder_path(folder, "guard", name), 0700) != 0)
		return -1;
	return symlink(target, folder_path(folder, "link", name));
}

static int tear_down(void **state)
{
	(void)state;
	folder_remove(folder);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_every_key),
	    cmocka_unit_test(has_defaults),
	    cmocka_unit_test(refuses_with_file_line_key_and_advice),
	    cmocka_unit_test(opens_the_feed_to_the_world_only_on_purpose),
	    cmocka_unit_test(takes_lines_up_to_the_limit),
	    cmocka_unit_test(keeps_to_the_bounds_of_numbers),
	    cmocka_unit_test(keeps_to_the_bounds_of_seconds),
	    cmocka_unit_test(refuses_a_nul_and_a_missing_file),
	    cmocka_unit_test(writes_the_real_addresses),
	    cmocka_unit_test(finds_everything_that_is_wrong),
	    cmocka_unit_test(finds_what_is_wrong_with_a_policy),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
