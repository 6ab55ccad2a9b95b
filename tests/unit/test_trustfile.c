/* The policy file of the witnesses: whatever is wrong with it is said with its path. */
#include "daemon/trustfile.h"

#include <sys/stat.h>

#include "tests/unit/certificate.h"
#include "witness_fixture.h"

static char folder[FOLDER_SIZE], path[PATH_SIZE];

static int set_up(void **state)
{
	(void)state;
	folder_make(folder);
	folder_path(folder, "policy", path);
	return key_global_init() == OK ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	folder_remove(folder);
	return 0;
}

static void write_policy(unsigned witness_count, const char *lines)
{
	struct buf text;

	buf_init(&text, 2 * TRUST_SIZE_MAX);
	if (witness_count > 0)
		witness_add_lines(&text, 0, witness_count - 1);
	buf_add_text(&text, lines);
	file_write(folder, "policy", buf_text(&text));
	buf_done(&text);
}

static enum err load(struct why *why)
{
	struct trust *trust = NULL;
	struct key keys[2];
	enum err err;

	assert_int_equal(key_parse(slice_text(LOG_VKEY), &keys[1]), OK);
	keys[0] = keys[1];
	keys[0].material[0] ^= 1;
	err = trustfile_load(path, keys, 2, &trust, why);
	assert_true((err == OK) == (trust != NULL));
	trust_free(trust);
	return err;
}

static void judges_what_it_reads(void **state)
{
	static const struct {
		unsigned witness_count;
		const char *lines, *word; /* NULL: good */
	} rows[] = {
	    {1, "quorum w0\n", NULL},
	    {1, "quorum none\n", NULL},
	    {1, "log " LOG_VKEY "\nquorum w0\n", NULL},
	    {3, "group g 2 w0 w1 w2\nquorum g\n", NULL},
	    {COSIGNATURES_MAX - 1, "quorum w0\n", NULL},
	    {COSIGNATURES_MAX, "quorum w0\n", NULL},
	    {COSIGNATURES_MAX + 1, "quorum w0\n", "at most 30 cosignatures"},
	    {0, "quorum none\n", "no witness is named"},
	    {1, "quorum w1\n", "line 2: "},
	    {1, "", "no line \"quorum\""},
	    {1, "log example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k\nquorum w0\n", "others"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct why why = {""};
		enum err err;

		write_policy(rows[i].witness_count, rows[i].lines);
		err = load(&why);
		if (err != (rows[i].word == NULL ? OK : ERR_CONFIG))
			fail_msg("row %zu: %s %s", i, err_name(err), why.text);
		if (err != OK && (strstr(why.text, rows[i].word) == NULL || strncmp(why.text, path, strlen(path)) != 0))
			fail_msg("row %zu: %s", i, why.text);
	}
}

static void says_what_it_cannot_read(void **state)
{
	struct why why = {""};

	(void)state;
	for (int over = -1; over <= 1; over++) {
		char *lines = calloc(1, TRUST_SIZE_MAX + 2);
		struct buf witness;
		size_t size;

		buf_init(&witness, 1000);
		witness_add_lines(&witness, 0, 0);
		size = (size_t)(TRUST_SIZE_MAX + over) - witness.size;
		buf_done(&witness);
		memset(lines, '#', size);
		memcpy(lines, "quorum w0\n", 10);
		lines[size - 1] = '\n';
		write_policy(1, lines);
		assert_int_equal(load(&why), over > 0 ? ERR_CONFIG : OK);
		free(lines);
	}
	assert_non_null(strstr(why.text, "at most 65536 bytes"));
	unlink(path);
	assert_int_equal(load(&why), ERR_CONFIG);
	assert_non_null(strstr(why.text, "No such file"));
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(load(&why), ERR_CONFIG);
	assert_non_null(strstr(why.text, "directory"));
	rmdir(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(judges_what_it_reads),
	    cmocka_unit_test(says_what_it_cannot_read),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
