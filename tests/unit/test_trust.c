/* Policy files: what each line may say, which cosignatures make a quorum, and the bounds. */
#include "proto/trust.h"

#include "key_fixture.h"

#define DASH "\xe2\x80\x94 "
#define OTHER_NAME_VKEY "other.example+54dbad40+BD1AF8PoQ4lakrcKp00bfrycmCzPLsSWjMDNVfEq9GYM"
#define LOG_LINE                                                                                                       \
	DASH LOG_NAME " qm3qARJhljcAQuteB58xeuD/Kee8yLLAhWZCIc/"                                                       \
		      "zWIUxWk+MraNXf14twKlk728wYlKjR71OJwV8CvnUx0jTiBWZuwQ=\n"
#define WITNESS_LINE                                                                                                   \
	DASH WITNESS_NAME " rdo/3QAAAABkGFDL/WBDmGYdb8pweBiKkkD9UtR+I0peg4/+IarE6FECj+e7RM+SC4gtc3BTa2edOrbCQMxf/AhTC" \
			  "Wf5i0rvzaRRCQ==\n"
/* The time is another, so the signature is not of it. */
#define SPOILT_LINE                                                                                                    \
	DASH WITNESS_NAME " rdo/3QAAAABkGFDM/WBDmGYdb8pweBiKkkD9UtR+I0peg4/+IarE6FECj+e7RM+SC4gtc3BTa2edOrbCQMxf/AhTC" \
			  "Wf5i0rvzaRRCQ==\n"

/* A key of its own for each number. */
static const char *vkey_of(enum key_type type, unsigned number)
{
	static char vkeys[4][KEY_VKEY_SIZE];
	static unsigned next;
	char name[32], *vkey = vkeys[next++ % 4];
	uint8_t secret[32] = {1, (uint8_t)(number >> 8), (uint8_t)number};
	struct signer *signer;

	(void)snprintf(name, sizeof(name), "w%u.example", number);
	assert_int_equal(signer_from_secret(type, slice_text(name), secret, &signer), OK);
	key_format(signer_key(signer), vkey);
	signer_free(signer);
	return vkey;
}

/* The first `count` witnesses, named "w0", "w1", … */
static void add_witnesses(struct buf *text, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		buf_printf(text, "witness w%u %s\n", i, vkey_of(KEY_COSIGNATURE, i));
}

static struct trust *parse(const char *text)
{
	struct trust *trust = NULL;
	struct why why = {""};

	if (trust_parse(slice_text(text), &trust, &why) != OK)
		fail_msg("%s\n%s", why.text, text);
	return trust;
}

static void expect_refused(struct slice text, enum err err, const char *why_text)
{
	struct trust *trust = NULL;
	struct why why = {""};
	enum err got = trust_parse(text, &trust, &why);

	if (got != err || strcmp(why.text, why_text) != 0)
		fail_msg("%s: \"%s\", not %s: \"%s\"\n%.*s", err_name(got), why.text, err_name(err), why_text,
		    (int)(text.size < 4000 ? text.size : 4000), text.data);
	assert_null(trust);
}

/* The bureau and two of three exchanges: the example of FORMAT.md. */
static void answers_what_the_file_says(void **state)
{
	struct trust *trust;
	struct buf text;
	char bureau[KEY_VKEY_SIZE];

	(void)state;
	buf_init(&text, TRUST_SIZE_MAX);
	buf_printf(&text, "# who watches\n\nlog %s https://ledger.example\n", LOG_VKEY);
	buf_printf(&text, "\t witness  bureau\t%s \n", WITNESS_VKEY);
	for (unsigned i = 0; i < 3; i++)
		buf_printf(&text, "witness 交易所%u %s https://w%u.example/base\n", i, vkey_of(KEY_COSIGNATURE, i), i);
	buf_add_text(&text, "group exchanges 2 交易所0 交易所1 交易所2\n  # both\n");
	buf_add_text(&text, "group watchers all bureau exchanges\nquorum watchers\n");
	trust = parse(buf_text(&text));

	assert_int_equal(trust_log_count(trust), 1);
	assert_string_equal(trust_log_key(trust, 0)->name, LOG_NAME);
	assert_int_equal(trust_witness_count(trust), 4);
	assert_string_equal(trust_witness_name(trust, 0), "bureau");
	assert_string_equal(trust_witness_name(trust, 3), "交易所2");
	assert_string_equal(trust_witness_url(trust, 0), "");
	assert_string_equal(trust_witness_url(trust, 3), "https://w2.example/base");
	key_format(trust_witness_key(trust, 0), bureau);
	assert_string_equal(bureau, WITNESS_VKEY);
	assert_string_equal(trust_quorum(trust), "watchers");
	for (uint64_t cosigned = 0; cosigned < 16; cosigned++) {
		bool is_met = (cosigned & 1) != 0 && __builtin_popcountll(cosigned & 14) >= 2;

		if (trust_is_met(trust, cosigned) != is_met)
			fail_msg("witnesses %llx", (unsigned long long)cosigned);
	}
	trust_free(trust);
	buf_done(&text);
}

static void knows_which_logs_it_is_about(void **state)
{
	struct trust *trust;
	struct buf text;
	struct key log, other;

	(void)state;
	assert_int_equal(key_parse(slice_text(LOG_VKEY), &log), OK);
	assert_int_equal(key_parse(slice_text(vkey_of(KEY_ED25519, 1)), &other), OK);
	trust = parse("quorum none\n");
	assert_true(trust_takes_log(trust, &log));
	assert_true(trust_takes_log(trust, &other));
	trust_free(trust);

	buf_init(&text, TRUST_SIZE_MAX);
	buf_printf(&text, "log %s\nlog %s\nquorum none\n", LOG_VKEY, vkey_of(KEY_ED25519, 2));
	trust = parse(buf_text(&text));
	assert_true(trust_takes_log(trust, &log));
	assert_false(trust_takes_log(trust, &other));
	trust_free(trust);
	buf_done(&text);
}

/* Four witnesses, and each rule against every set of them. */
static void counts_members_of_each_kind(void **state)
{
	static const struct {
		const char *rules;
		uint16_t met; /* bit s: the set s of witnesses is enough */
	} rows[] = {
	    {"quorum none\n", 0xffff},
	    {"quorum w0\n", 0xaaaa},
	    {"quorum w3\n", 0xff00},
	    {"group g any w0 w1\nquorum g\n", 0xeeee},
	    {"group g all w0 w1\nquorum g\n", 0x8888},
	    {"group g 1 w0\nquorum g\n", 0xaaaa},
	    {"group g 2 w0 w1 w2\nquorum g\n", 0xe8e8},
	    {"group g 4 w0 w1 w2 w3\nquorum g\n", 0x8000},
	    {"group a any w0 w1\ngroup b any w2 w3\ngroup c all a b\nquorum c\n", 0xeee0},
	    {"group a all w0 w1\ngroup b 2 a w2 w3\nquorum b\n", 0xf880},
	    /* A name that no quorum asks for counts for nothing; the quorum may stand above later groups. */
	    {"group g all w0 w1\nquorum w2\ngroup h all w2 w3\n", 0xf0f0},
	    /* Words with a meaning are names like others where a name belongs. */
	    {"group all 1 w0\ngroup quorum any all w1\nquorum quorum\n", 0xeeee},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct trust *trust;
		struct buf text;

		buf_init(&text, TRUST_SIZE_MAX);
		add_witnesses(&text, 4);
		buf_add_text(&text, rows[i].rules);
		trust = parse(buf_text(&text));
		for (uint64_t cosigned = 0; cosigned < 16; cosigned++)
			if (trust_is_met(trust, cosigned) != ((rows[i].met >> cosigned & 1) != 0))
				fail_msg("row %zu, witnesses %llx", i, (unsigned long long)cosigned);
		trust_free(trust);
		buf_done(&text);
	}
}

#define BEGINS "the line begins with none of \"log\", \"witness\", \"group\" and \"quorum\""
#define NOT_A_KEY "this is not a public key <name>+<key id>+<base64>"
#define NOT_LINE "the line is not UTF-8, or has control characters other than tabs"
#define NUMBER_OF(n) "behind the group's name belongs \"all\", \"any\" or a number from 1 to " n ", its members"
#define A "witness a " WITNESS_VKEY "\n"

static void refuses_what_is_wrong_and_names_the_line(void **state)
{
	static const struct {
		const char *text;
		enum err err;
		const char *why;
	} rows[] = {
	    {"", ERR_SYNTAX, "there is no line \"quorum\""},
	    {A, ERR_SYNTAX, "there is no line \"quorum\""},
	    {"quorum none", ERR_SYNTAX, "line 1: the last line does not end in a newline"},
	    {"quorum none\n#", ERR_SYNTAX, "line 2: the last line does not end in a newline"},
	    {"\n# ok\nquorums none\n", ERR_SYNTAX, "line 3: " BEGINS},
	    {"Quorum none\n", ERR_SYNTAX, "line 1: " BEGINS},
	    {"quorum none\r\n", ERR_SYNTAX, "line 1: " NOT_LINE},
	    {"quorum none\n# \xff\n", ERR_SYNTAX, "line 2: " NOT_LINE},
	    {"quorum\tnone\t\x7f\n", ERR_SYNTAX, "line 1: " NOT_LINE},
	    {"quorum\xc2\xa0none\n", ERR_SYNTAX, "line 1: " BEGINS},
	    {"quorum\n", ERR_SYNTAX, "line 1: the name is missing"},
	    {"quorum none none\n", ERR_SYNTAX, "line 1: there is one word too many"},
	    {"quorum none # none\n", ERR_SYNTAX, "line 1: there is one word too many"},
	    {"quorum none\nquorum none\n", ERR_INVALID, "line 2: there is a quorum already"},
	    {A "quorum b\n" A, ERR_INVALID, "line 2: no witness and no group above this line is named \"b\""},
	    {"quorum a\n" A, ERR_INVALID, "line 1: no witness and no group above this line is named \"a\""},
	    {A "quorum A\n", ERR_INVALID, "line 2: no witness and no group above this line is named \"A\""},
	    /* logs */
	    {"log\n", ERR_SYNTAX, "line 1: the public key is missing"},
	    {"log https://ledger.example\n", ERR_SYNTAX, "line 1: " NOT_A_KEY},
	    {"log " WITNESS_VKEY "\n", ERR_INVALID,
		"line 1: the key is not of a log: it must be an Ed25519 key (type 01)"},
	    {"log " LOG_VKEY " https://a https://b\n", ERR_SYNTAX, "line 1: there is one word too many"},
	    {"log " LOG_VKEY "\nlog " LOG_VKEY "\n", ERR_INVALID, "line 2: the log's key stands above already"},
	    /* witnesses */
	    {"witness\n", ERR_SYNTAX, "line 1: the name is missing"},
	    {"witness a\n", ERR_SYNTAX, "line 1: the public key is missing"},
	    {"witness " WITNESS_VKEY "\n", ERR_SYNTAX, "line 1: the public key is missing"},
	    {"witness a b\n", ERR_SYNTAX, "line 1: " NOT_A_KEY},
	    {"witness a " WITNESS_NAME "+adda3fde+BD1AF8PoQ4lakrcKp00bfrycmCzPLsSWjMDNVfEq9GYM\n", ERR_INVALID,
		"line 1: the public key's id does not belong to it, or it is none"},
	    {"witness a " LOG_VKEY "\n", ERR_INVALID,
		"line 1: the key is not of a witness: it must be a cosignature key (type 04)"},
	    {"witness a " WITNESS_VKEY " https://a #\n", ERR_SYNTAX, "line 1: there is one word too many"},
	    {"witness none " WITNESS_VKEY "\n", ERR_INVALID,
		"line 1: the name \"none\" stands for no cosignatures and can't be given"},
	    {A A "quorum a\n", ERR_INVALID, "line 2: the name \"a\" is given already"},
	    {A "witness b " WITNESS_VKEY "\nquorum a\n", ERR_INVALID,
		"line 2: the key of \"b\" is that of another witness: it would count twice"},
	    {A "witness b " OTHER_NAME_VKEY "\nquorum a\n", ERR_INVALID,
		"line 2: the key of \"b\" is that of another witness: it would count twice"},
	    /* groups */
	    {A "group\n", ERR_SYNTAX, "line 2: the name is missing"},
	    {A "group g\n", ERR_SYNTAX, "line 2: the group has no members"},
	    {A "group g any\n", ERR_SYNTAX, "line 2: the group has no members"},
	    {A "group a any a\n", ERR_INVALID, "line 2: the name \"a\" is given already"},
	    {A "group none any a\n", ERR_INVALID,
		"line 2: the name \"none\" stands for no cosignatures and can't be given"},
	    {A "group g any a\ngroup g any g\n", ERR_INVALID, "line 3: the name \"g\" is given already"},
	    {A "group g any g\n", ERR_INVALID, "line 2: no witness and no group above this line is named \"g\""},
	    {A "group g any h\ngroup h any a\n", ERR_INVALID,
		"line 2: no witness and no group above this line is named \"h\""},
	    {A "group g any none\n", ERR_INVALID, "line 2: \"none\" can't be a member of a group"},
	    {A "group g any a a\n", ERR_INVALID, "line 2: \"a\" is a member already, of this group or of another"},
	    {A "group g any a\ngroup h any g a\n", ERR_INVALID,
		"line 3: \"a\" is a member already, of this group or of another"},
	    {A "group g 0 a\n", ERR_INVALID, "line 2: " NUMBER_OF("1")},
	    {A "group g 2 a\n", ERR_INVALID, "line 2: " NUMBER_OF("1")},
	    {A "group g 01 a\n", ERR_INVALID, "line 2: " NUMBER_OF("1")},
	    {A "group g -1 a\n", ERR_INVALID, "line 2: " NUMBER_OF("1")},
	    {A "group g ALL a\n", ERR_INVALID, "line 2: " NUMBER_OF("1")},
	    {A "group g 18446744073709551617 a\n", ERR_INVALID, "line 2: " NUMBER_OF("1")},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect_refused(slice_text(rows[i].text), rows[i].err, rows[i].why);
	expect_refused(slice_of("quorum none\n#\0\n", 15), ERR_SYNTAX, "line 2: " NOT_LINE);
}

static void keeps_its_bounds(void **state)
{
	(void)state;
	for (unsigned count = TRUST_WITNESSES_MAX - 1; count <= TRUST_WITNESSES_MAX + 1; count++) {
		struct trust *trust;
		struct buf text;

		buf_init(&text, TRUST_SIZE_MAX);
		add_witnesses(&text, count);
		buf_add_text(&text, "group g all");
		for (unsigned i = 0; i < count; i++)
			buf_printf(&text, " w%u", i);
		buf_add_text(&text, "\nquorum g\n");
		if (count <= TRUST_WITNESSES_MAX) {
			trust = parse(buf_text(&text));
			assert_int_equal(trust_witness_count(trust), count);
			assert_true(trust_is_met(trust, (1ULL << count) - 1));
			assert_false(trust_is_met(trust, (1ULL << (count - 1)) - 1));
			trust_free(trust);
		} else {
			expect_refused(buf_slice(&text), ERR_TOO_LARGE, "line 33: there are more than 32 witnesses");
		}
		buf_done(&text);
	}
	for (unsigned count = TRUST_LOGS_MAX - 1; count <= TRUST_LOGS_MAX + 1; count++) {
		struct trust *trust;
		struct buf text;

		buf_init(&text, TRUST_SIZE_MAX);
		for (unsigned i = 0; i < count; i++)
			buf_printf(&text, "log %s\n", vkey_of(KEY_ED25519, i));
		buf_add_text(&text, "quorum none\n");
		if (count <= TRUST_LOGS_MAX) {
			trust = parse(buf_text(&text));
			assert_int_equal(trust_log_count(trust), count);
			trust_free(trust);
		} else {
			expect_refused(buf_slice(&text), ERR_TOO_LARGE, "line 33: there are more than 32 logs");
		}
		buf_done(&text);
	}
}

/* Each group has the one before as its member, so that the last is met by the first witness alone. */
static void keeps_the_bound_of_groups_however_deep(void **state)
{
	(void)state;
	for (unsigned count = TRUST_GROUPS_MAX - 1; count <= TRUST_GROUPS_MAX + 1; count++) {
		struct trust *trust;
		struct buf text;

		buf_init(&text, TRUST_SIZE_MAX);
		add_witnesses(&text, 2);
		buf_add_text(&text, "group g0 any w0\n");
		for (unsigned i = 1; i < count; i++)
			buf_printf(&text, "group g%u all g%u\n", i, i - 1);
		buf_printf(&text, "quorum g%u\n", count - 1);
		if (count <= TRUST_GROUPS_MAX) {
			trust = parse(buf_text(&text));
			assert_true(trust_is_met(trust, 1));
			assert_false(trust_is_met(trust, 2));
			trust_free(trust);
		} else {
			expect_refused(buf_slice(&text), ERR_TOO_LARGE, "line 35: there are more than 32 groups");
		}
		buf_done(&text);
	}
}

static void keeps_the_bounds_of_words_and_of_the_file(void **state)
{
	(void)state;
	for (int more = -1; more <= 1; more++) {
		struct trust *trust;
		struct buf text;

		buf_init(&text, 2 * TRUST_SIZE_MAX);
		buf_printf(&text, "witness %0*d " WITNESS_VKEY " %0*d\nquorum none\n", KEY_NAME_SIZE_MAX + more, 7,
		    TRUST_URL_SIZE_MAX, 1);
		if (more > 0) {
			expect_refused(
			    buf_slice(&text), ERR_TOO_LARGE, "line 1: the name has 129 bytes; at most 128 are allowed");
		} else {
			trust = parse(buf_text(&text));
			assert_int_equal(strlen(trust_witness_name(trust, 0)), KEY_NAME_SIZE_MAX + more);
			trust_free(trust);
		}

		buf_clear(&text);
		buf_printf(&text, "witness a " WITNESS_VKEY " %0*d\nquorum a\n", TRUST_URL_SIZE_MAX + more, 1);
		if (more > 0) {
			expect_refused(
			    buf_slice(&text), ERR_TOO_LARGE, "line 1: the URL has 513 bytes; at most 512 are allowed");
		} else {
			trust = parse(buf_text(&text));
			assert_int_equal(strlen(trust_witness_url(trust, 0)), TRUST_URL_SIZE_MAX + more);
			trust_free(trust);
		}

		buf_clear(&text);
		buf_printf(&text, "quorum none\n#%0*d\n", TRUST_SIZE_MAX + more - 14, 1);
		assert_int_equal(text.size, TRUST_SIZE_MAX + more);
		if (more > 0) {
			expect_refused(buf_slice(&text), ERR_TOO_LARGE,
			    "the policy file has 65537 bytes; at most 65536 are allowed");
		} else {
			trust_free(parse(buf_text(&text)));
		}
		buf_done(&text);
	}
}

static void finds_who_cosigned(void **state)
{
	static const struct {
		const char *note;
		enum err err;
		uint64_t cosigned;
	} rows[] = {
	    {CHECKPOINT_TEXT "\n" LOG_LINE WITNESS_LINE, OK, 2},
	    {CHECKPOINT_TEXT "\n" WITNESS_LINE, OK, 2},
	    {CHECKPOINT_TEXT "\n" LOG_LINE, OK, 0},
	    {CHECKPOINT_TEXT "\n" DASH "other.example AAAAAAA=\n", OK, 0},
	    {CHECKPOINT_TEXT "\n" LOG_LINE SPOILT_LINE, ERR_SIGNATURE, 0},
	    {CHECKPOINT_TEXT "\n" WITNESS_LINE SPOILT_LINE, ERR_SIGNATURE, 0},
	};
	struct trust *trust;
	struct buf text;

	(void)state;
	buf_init(&text, TRUST_SIZE_MAX);
	buf_printf(&text, "witness a %s\nwitness b " WITNESS_VKEY "\nquorum b\n", vkey_of(KEY_COSIGNATURE, 1));
	trust = parse(buf_text(&text));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t cosigned = 99;
		struct note note;
		enum err err;

		assert_int_equal(note_parse(slice_text(rows[i].note), &note, NULL), OK);
		err = trust_cosigned(trust, &note, &cosigned);
		if (err != rows[i].err || cosigned != (err == OK ? rows[i].cosigned : 99))
			fail_msg("row %zu: %s, %llx", i, err_name(err), (unsigned long long)cosigned);
		assert_int_equal(err != OK || trust_is_met(trust, cosigned), err != OK || rows[i].cosigned != 0);
	}
	trust_free(trust);
	buf_done(&text);
}

/* A file without witnesses asks nobody. */
static void needs_no_witnesses(void **state)
{
	struct trust *trust = parse("quorum none\n");
	uint64_t cosigned = 99;
	struct note note;

	(void)state;
	assert_int_equal(note_parse(slice_text(CHECKPOINT_TEXT "\n" LOG_LINE WITNESS_LINE), &note, NULL), OK);
	assert_int_equal(trust_cosigned(trust, &note, &cosigned), OK);
	assert_int_equal(cosigned, 0);
	assert_true(trust_is_met(trust, 0));
	assert_string_equal(trust_quorum(trust), "none");
	trust_free(trust);
	trust_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(answers_what_the_file_says),
	    cmocka_unit_test(knows_which_logs_it_is_about),
	    cmocka_unit_test(counts_members_of_each_kind),
	    cmocka_unit_test(refuses_what_is_wrong_and_names_the_line),
	    cmocka_unit_test(keeps_its_bounds),
	    cmocka_unit_test(keeps_the_bound_of_groups_however_deep),
	    cmocka_unit_test(keeps_the_bounds_of_words_and_of_the_file),
	    cmocka_unit_test(finds_who_cosigned),
	    cmocka_unit_test(needs_no_witnesses),
	};

	return cmocka_run_group_tests(tests, init, NULL);
}
