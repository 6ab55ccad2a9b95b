/* Whether an order may be carried out: who signed, its id, its days, and what each type asks for. */
#include "ledger_fixture.h"

#define LI (1 + OFFICER_LI)
#define WANG (1 + OFFICER_WANG)
#define ZHAO (1 + OFFICER_ZHAO)
#define SUN (1 + OFFICER_SUN)
#define LI_SPARE (1 + OFFICER_LI_SPARE)

static char a[USCI_SIZE + 1], b[USCI_SIZE + 1], c[USCI_SIZE + 1];

static int setup(void **state)
{
	struct ledger_fixture *fixture = malloc(sizeof(*fixture));

	fixture_code(1, a);
	fixture_code(2, b);
	fixture_code(3, c);
	ledger_setup(fixture);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	ledger_teardown(*state);
	free(*state);
	return 0;
}

static json_t *license_body(const char *venue)
{
	return json_pack("{s:s,s:s,s:[o]}", "venue", venue, "name", "V", "keys", fixture_vkey(venue, 1));
}

static struct ledger_order license_order(const char *venue)
{
	return (struct ledger_order){.type = ORDER_VENUE_LICENSE, .body = license_body(venue), .signers = {LI, ZHAO}};
}

/* Decodes and checks, and carries nothing out. */
static enum err check_note(
    struct ledger_fixture *fixture, struct slice note, const struct ledger_order *order, uint64_t *ret_known)
{
	struct hash before = ledger_digest(fixture->txn), after;
	struct order_plan plan;
	enum err err;

	*ret_known = 0;
	fixture->why.text[0] = '\0';
	order_plan_init(&plan, note, order->items, order->item_count);
	err = order_plan_decode(&plan, &fixture->why);
	if (err == OK)
		err = order_check(&plan, fixture->txn, ledger_today(fixture), &fixture->why);
	if (err == OK && plan.is_known)
		*ret_known = plan.known_index;
	order_plan_done(&plan);
	after = ledger_digest(fixture->txn);
	assert_memory_equal(&after, &before, sizeof(after));
	return err;
}

static enum err check(struct ledger_fixture *fixture, struct ledger_order order)
{
	uint64_t known;
	struct buf note;
	enum err err;

	buf_init(&note, LEDGER_NOTE_MAX);
	ledger_order_note(fixture, &order, &note);
	err = check_note(fixture, buf_slice(&note), &order, &known);
	buf_done(&note);
	return err;
}

static void expect(struct ledger_fixture *fixture, struct ledger_order order, enum err want, const char *reason)
{
	enum err err = check(fixture, order);

	if (err != want || strstr(fixture->why.text, reason) == NULL)
		fail_msg("%s, \"%s\"; wanted %s, \"%s\"", err_name(err), fixture->why.text, err_name(want), reason);
}

static void asks_for_a_quorum_of_different_officers(void **state)
{
	static const struct {
		unsigned signers[6];
		enum err license, policy; /* clerk and reviewer or leader; clerk and clerk or leader */
	} rows[] = {{{LI, ZHAO}, OK, ERR_QUORUM}, {{ZHAO, LI}, OK, ERR_QUORUM}, {{LI, SUN}, OK, OK},
	    {{WANG, SUN}, OK, OK}, {{LI, WANG}, ERR_QUORUM, OK}, {{ZHAO, SUN}, ERR_QUORUM, ERR_QUORUM},
	    {{LI}, ERR_QUORUM, ERR_QUORUM}, {{SUN}, ERR_QUORUM, ERR_QUORUM}, {{LI, LI_SPARE}, ERR_QUORUM, ERR_QUORUM},
	    {{LI_SPARE, ZHAO}, OK, ERR_QUORUM}, {{LI_SPARE, WANG}, ERR_QUORUM, OK},
	    {{LI, LI_SPARE, ZHAO}, OK, ERR_QUORUM}, {{LI, LI_SPARE, WANG}, ERR_QUORUM, OK},
	    {{LI, WANG, ZHAO, SUN, LI_SPARE}, OK, OK}};
	struct ledger_fixture *fixture = *state;

	signer_free(ledger_license(fixture, KEY_ED25519, "qddex"));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ledger_order license = license_order("sddex");
		struct ledger_order policy = {.type = ORDER_POLICY_ADOPT, .body = ledger_policy("p", 1, "qddex")};
		enum err err;

		memcpy(license.signers, rows[i].signers, sizeof(rows[i].signers));
		memcpy(policy.signers, rows[i].signers, sizeof(rows[i].signers));
		err = check(fixture, license);
		if (err != rows[i].license)
			fail_msg("row %zu, license: %s", i, err_name(err));
		if (err == ERR_QUORUM)
			assert_non_null(strstr(fixture->why.text,
			    "venue.license needs the signatures of 1 clerk and 1 reviewer or leader"));
		err = check(fixture, policy);
		if (err != rows[i].policy)
			fail_msg("row %zu, policy: %s", i, err_name(err));
	}
}

/* The note of a good order, signed by these instead. */
static enum err check_signed_by(struct ledger_fixture *fixture, struct signer **signers, size_t count, bool is_broken)
{
	struct ledger_order order = license_order("sddex");
	struct note parsed;
	struct buf note, other;
	uint64_t known;
	enum err err;

	buf_init(&note, LEDGER_NOTE_MAX);
	buf_init(&other, LEDGER_NOTE_MAX);
	ledger_order_note(fixture, &order, &note);
	assert_int_equal(note_parse(buf_slice(&note), &parsed, NULL), OK);
	assert_int_equal(note_sign(parsed.text, signers, count, &other), OK);
	if (is_broken)
		other.data[other.size - 20] = other.data[other.size - 20] == 'A' ? 'B' : 'A';
	err = check_note(fixture, buf_slice(&other), &order, &known);
	buf_done(&note);
	buf_done(&other);
	return err;
}

static void minds_only_officers_in_office(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct signer *stranger = ledger_make_signer(KEY_ED25519, "li", 999);
	struct signer *li = fixture->officers[OFFICER_LI], *zhao = fixture->officers[OFFICER_ZHAO];

	assert_int_equal(
	    check_signed_by(fixture, (struct signer *[]){stranger, fixture->ledger_signer}, 2, false), ERR_UNKNOWN_KEY);
	assert_non_null(strstr(fixture->why.text, "no officer in office has signed"));
	assert_int_equal(check_signed_by(fixture, (struct signer *[]){stranger, zhao}, 2, false), ERR_QUORUM);
	assert_non_null(strstr(fixture->why.text, "; 1 of the officers in office signed"));
	assert_int_equal(check_signed_by(fixture, (struct signer *[]){stranger, li, zhao}, 3, false), OK);
	/* One that fails spoils the note, though enough others hold; a stranger's is not looked at. */
	assert_int_equal(
	    check_signed_by(fixture, (struct signer *[]){li, zhao, fixture->officers[OFFICER_SUN]}, 3, true),
	    ERR_SIGNATURE);
	assert_int_equal(check_signed_by(fixture, (struct signer *[]){li, zhao, stranger}, 3, true), OK);
	signer_free(stranger);
}

static void knows_an_order_that_comes_again(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct ledger_order order = license_order("qddex"), other = license_order("sddex");
	struct buf note;
	struct note parsed;
	uint64_t index, again, known, size;

	order.id = other.id = "the-id";
	buf_init(&note, LEDGER_NOTE_MAX);
	ledger_order_note(fixture, &order, &note);
	assert_int_equal(ledger_apply_note(fixture, buf_slice(&note), NULL, 0, &index), OK);
	size = fixture->ledger.head.size;
	assert_int_equal(ledger_apply_note(fixture, buf_slice(&note), NULL, 0, &again), OK);
	assert_int_equal(again, index);
	assert_int_equal(fixture->ledger.head.size, size);
	expect(fixture, other, ERR_ORDER_ID, "is another order with the id the-id");
	/* The same text is known whoever signs this time, and long after it expired. */
	assert_int_equal(note_parse(buf_slice(&note), &parsed, NULL), OK);
	fixture->now_us += 400ULL * 86400 * 1000000;
	struct buf single;
	buf_init(&single, LEDGER_NOTE_MAX);
	assert_int_equal(note_sign(parsed.text, &fixture->officers[OFFICER_WANG], 1, &single), OK);
	assert_int_equal(check_note(fixture, buf_slice(&single), &order, &known), OK);
	assert_int_equal(known, index);
	buf_done(&single);
	buf_done(&note);
}

static void asks_for_an_expiry_within_thirty_days(void **state)
{
	static const struct {
		int32_t days;
		enum err err;
	} rows[] = {{-1, ERR_ORDER_EXPIRED}, {0, OK}, {1, OK}, {30, OK}, {31, ERR_ORDER_EXPIRED}};
	struct ledger_fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ledger_order order = license_order("qddex");

		order.expires = date_add_days(LEDGER_TODAY, rows[i].days);
		expect(fixture, order, rows[i].err, rows[i].err == OK ? "" : "on 2026-12-24 at the latest");
	}
}

static void asks_for_this_ledger_at_a_size_it_had(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct ledger_order order = license_order("qddex");

	order.made_at_size = fixture->ledger.head.size;
	expect(fixture, order, OK, "");
	order = license_order("qddex");
	order.made_at_size = fixture->ledger.head.size + 1;
	expect(fixture, order, ERR_ORDER_LEDGER, "made at size 2, but this ledger holds 1 entries");
	order = license_order("qddex");
	order.ledger_id = FIXTURE_LEDGER_ID;
	expect(fixture, order, ERR_ORDER_LEDGER, "the order is for ledger " FIXTURE_LEDGER_ID);
	order = license_order("qddex");
	order.origin = "subsidy.example/ledger2";
	expect(fixture, order, ERR_ORDER_LEDGER, "of subsidy.example/ledger2");
}

static void licenses_a_venue_once(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct venue venue = {.number = 1, .generation = 1, .key_count = 1};

	signer_free(ledger_license(fixture, KEY_ED25519, "qddex"));
	expect(fixture, license_order("qddex"), ERR_REFUSED, "venue qddex is licensed already, by entry 1");
	venue.keys[0] = fixture_key(KEY_ED25519, "v", 1);
	for (int i = 1; i < VENUES_MAX - 2; i++) {
		snprintf(venue.id, sizeof(venue.id), "v%d", i);
		venue_put(fixture->txn, &venue);
	}
	assert_int_equal(venue_count(fixture->txn), VENUES_MAX - 2);
	expect(fixture, license_order("last"), OK, "");
	snprintf(venue.id, sizeof(venue.id), "v0");
	venue_put(fixture->txn, &venue);
	expect(fixture, license_order("last"), ERR_REFUSED, "at most 1023 venues");
}

static struct ledger_order policy_order(const char *id, int version, const char *venue)
{
	return (struct ledger_order){
	    .type = ORDER_POLICY_ADOPT, .body = ledger_policy(id, version, venue), .signers = {LI, SUN}};
}

static void adopts_policies_of_rising_version_over_licensed_venues(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct policy policy;
	struct buf text;
	uint64_t index;
	char id[24];

	expect(fixture, policy_order("p", 1, "qddex"), ERR_REFUSED, "names venue qddex, which is not licensed");
	signer_free(ledger_license(fixture, KEY_ED25519, "qddex"));
	index = ledger_order(fixture, policy_order("p", 3, "qddex"));
	assert_int_equal(policy_read(fixture->txn, index, &policy), OK);
	assert_int_equal(policy.version, 3);
	buf_init(&text, ORDER_BODY_SIZE_MAX);
	assert_int_equal(policy_read_text(fixture->txn, index, &text), OK);
	assert_non_null(strstr(buf_text(&text), "{\"policy\":\"p\",\"version\":3,"));
	buf_done(&text);
	assert_int_equal(policy_read(fixture->txn, index - 1, &policy), ERR_DAMAGED);
	assert_int_equal(policy_read(fixture->txn, 0, &policy), ERR_DAMAGED);
	expect(fixture, policy_order("p", 2, "qddex"), ERR_REFUSED, "policy p is in force in version 3");
	expect(fixture, policy_order("p", 3, "qddex"), ERR_REFUSED, "needs a higher version, not 3");
	expect(fixture, policy_order("p", 4, "qddex"), OK, "");
	for (int i = 1; i < POLICIES_MAX - 1; i++) {
		snprintf(id, sizeof(id), "other-%d", i);
		policy_put(fixture->txn, slice_text(id), index, 1);
	}
	expect(fixture, policy_order("q", 1, "qddex"), OK, "");
	policy_put(fixture->txn, slice_text("other-0"), index, 1);
	expect(fixture, policy_order("q", 1, "qddex"), ERR_REFUSED, "at most 64 policies");
	expect(fixture, policy_order("p", 4, "qddex"), OK, "");
}

/* ---- orders with items */

struct grants {
	struct grant grants[2];
	size_t count;
	unsigned signers[3];
};

static enum err check_grants(struct ledger_fixture *fixture, const struct grants *grants, bool is_applied)
{
	struct ledger_order order = {.type = ORDER_GRANT_ADD, .item_count = grants->count};
	struct buf lines[2];
	uint64_t index;
	enum err err;

	memcpy(order.signers, grants->signers, sizeof(grants->signers));
	for (size_t i = 0; i < grants->count; i++) {
		struct order_item item = {.grant = grants->grants[i]};

		order.items[i] = ledger_item(order.type, &item, &lines[i]);
	}
	err = is_applied ? ledger_try_order(fixture, &order, &index) : check(fixture, order);
	for (size_t i = 0; i < grants->count; i++)
		buf_done(&lines[i]);
	return err;
}

static struct grant make_grant(enum grant_subject subject, const char *name, uint32_t expires, uint8_t token)
{
	struct grant grant = {.subject = subject, .expires = expires, .holder = "h", .token_hash = {token}};

	snprintf(grant.name, sizeof(grant.name), "%s", name);
	return grant;
}

static void lets_a_clerk_alone_grant_to_enterprises_only(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct grant enterprise = make_grant(SUBJECT_ENTERPRISE, a, LEDGER_TODAY, 1),
		     second = make_grant(SUBJECT_ENTERPRISE, b, LEDGER_TODAY, 2),
		     bureau = make_grant(SUBJECT_BUREAU, "", LEDGER_TODAY, 3);

	assert_int_equal(check_grants(fixture, &(struct grants){{enterprise}, 1, {LI}}, false), OK);
	assert_int_equal(check_grants(fixture, &(struct grants){{enterprise, second}, 2, {LI}}, false), OK);
	assert_int_equal(check_grants(fixture, &(struct grants){{enterprise}, 1, {ZHAO}}, false), ERR_QUORUM);
	assert_int_equal(check_grants(fixture, &(struct grants){{bureau}, 1, {LI}}, false), ERR_QUORUM);
	assert_int_equal(check_grants(fixture, &(struct grants){{enterprise, bureau}, 2, {LI}}, false), ERR_QUORUM);
	assert_int_equal(check_grants(fixture, &(struct grants){{bureau, enterprise}, 2, {LI}}, false), ERR_QUORUM);
	assert_int_equal(check_grants(fixture, &(struct grants){{enterprise, bureau}, 2, {LI, ZHAO}}, false), OK);
}

static void grants_codes_for_up_to_five_years(void **state)
{
	static const struct {
		uint32_t expires;
		enum err err;
	} rows[] = {{20261123, ERR_REFUSED}, {LEDGER_TODAY, OK}, {20311124, OK}, {20311125, ERR_REFUSED},
	    {20991231, ERR_REFUSED}};
	struct ledger_fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct grants grants = {{make_grant(SUBJECT_ENTERPRISE, a, LEDGER_TODAY, 1),
					    make_grant(SUBJECT_ENTERPRISE, b, rows[i].expires, 2)},
		    2, {LI}};

		if (check_grants(fixture, &grants, false) != rows[i].err)
			fail_msg("row %zu: %s", i, fixture->why.text);
		if (rows[i].err != OK)
			assert_non_null(strstr(fixture->why.text, "item 2: an access code must expire"));
	}
}

static void grants_no_code_twice_and_none_to_strangers(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct grants grants = {{make_grant(SUBJECT_VENUE, "qddex", LEDGER_TODAY, 1)}, 1, {LI, ZHAO}};

	assert_int_equal(check_grants(fixture, &grants, false), ERR_REFUSED);
	assert_non_null(strstr(fixture->why.text, "item 1: no venue qddex is licensed"));
	signer_free(ledger_license(fixture, KEY_ED25519, "qddex"));
	assert_int_equal(check_grants(fixture, &grants, true), OK);
	assert_int_equal(check_grants(fixture, &grants, false), ERR_REFUSED);
	assert_non_null(strstr(fixture->why.text, "was granted already, by entry 2"));
	grants.grants[0].token_hash[HASH_SIZE - 1]++;
	assert_int_equal(check_grants(fixture, &grants, false), OK);
}

static void relates_two_enterprises_once(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct ledger_order order = {.type = ORDER_ENTERPRISE_RELATE, .item_count = 2, .signers = {LI, ZHAO}};
	struct order_item fresh = {.code = slice_text(a), .second = slice_text(c)},
			  known = {.code = slice_text(a), .second = slice_text(b)};
	struct buf lines[2];
	uint64_t index;

	assert_int_equal(ledger_try_relate(fixture, a, b, &index), OK);
	order.items[0] = ledger_item(order.type, &fresh, &lines[0]);
	order.items[1] = ledger_item(order.type, &known, &lines[1]);
	expect(fixture, order, ERR_REFUSED, "item 2: ");
	assert_non_null(strstr(fixture->why.text, "listed as related already, by entry 2"));
	order.item_count = 1;
	expect(fixture, order, OK, "");
	buf_done(&lines[0]);
	buf_done(&lines[1]);
}

static void refuses_items_that_were_not_signed(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct order_item item = {.code = slice_text(a), .name = slice_text("Alpha")},
			  other = {.code = slice_text(a), .name = slice_text("Beta")};
	struct ledger_order order = {.type = ORDER_ENTERPRISE_REGISTER, .item_count = 1, .signers = {LI, ZHAO}};
	struct buf lines[2], note;
	uint64_t known;

	buf_init(&note, LEDGER_NOTE_MAX);
	order.items[0] = ledger_item(order.type, &item, &lines[0]);
	ledger_order_note(fixture, &order, &note);
	assert_int_equal(check_note(fixture, buf_slice(&note), &order, &known), OK);
	order.items[0] = ledger_item(order.type, &other, &lines[1]);
	assert_int_equal(check_note(fixture, buf_slice(&note), &order, &known), ERR_ORDER_ITEMS);
	assert_int_equal(check_note(fixture, slice_text("nonsense"), &order, &known), ERR_NOTE);
	buf_done(&lines[0]);
	buf_done(&lines[1]);
	buf_done(&note);
}

static void takes_contradicting_rows_for_damage(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct ledger_order order = license_order("qddex");

	order.id = "here";
	order_put(fixture->txn, slice_text("here"), 0); /* the genesis is no order */
	expect(fixture, order, ERR_DAMAGED, "");
	order = license_order("qddex");
	order.id = "beyond";
	order_put(fixture->txn, slice_text("beyond"), 99);
	expect(fixture, order, ERR_DAMAGED, "");
	expect(fixture, license_order("qddex"), OK, "");
	store_put(fixture->txn, STORE_OFFICERS, slice_text("zzz"), slice_text("nonsense"));
	expect(fixture, license_order("qddex"), ERR_DAMAGED, "");
	store_delete(fixture->txn, STORE_OFFICERS, slice_text("zzz"));
	store_delete(fixture->txn, STORE_META, slice_text("quorums"));
	expect(fixture, license_order("qddex"), ERR_DAMAGED, "");
}

/* ---- genesis */

static enum err check_genesis(struct ledger_fixture *fixture, size_t officers, bool is_ledger_signed, bool needs_ledger)
{
	struct genesis *genesis = malloc(sizeof(*genesis));
	struct buf note;
	enum err err;

	buf_init(&note, LEDGER_NOTE_MAX);
	ledger_genesis_note(fixture, officers, is_ledger_signed, &note);
	err = genesis_check(buf_slice(&note), needs_ledger, genesis, &fixture->why);
	if (err == OK) {
		assert_int_equal(genesis->officer_count, LEDGER_OFFICERS);
		note.data[note.size - 20] = note.data[note.size - 20] == 'A' ? 'B' : 'A'; /* of the last signature */
		assert_int_equal(genesis_check(buf_slice(&note), needs_ledger, genesis, &fixture->why), ERR_SIGNATURE);
	}
	buf_done(&note);
	free(genesis);
	return err;
}

static void asks_every_officer_and_the_ledger_to_sign_the_genesis(void **state)
{
	static const char *const missing[] = {NULL, "officer wang", "officer zhao", "officer sun"};
	struct ledger_fixture *fixture = *state;
	struct genesis *genesis = malloc(sizeof(*genesis));

	for (size_t officers = 1; officers < LEDGER_OFFICERS; officers++) {
		assert_int_equal(check_genesis(fixture, officers, true, true), ERR_QUORUM);
		assert_non_null(strstr(fixture->why.text, missing[officers]));
	}
	assert_int_equal(check_genesis(fixture, LEDGER_OFFICERS, true, true), OK);
	assert_int_equal(check_genesis(fixture, LEDGER_OFFICERS, false, false), OK);
	assert_int_equal(check_genesis(fixture, LEDGER_OFFICERS, false, true), ERR_UNKNOWN_KEY);
	assert_non_null(strstr(fixture->why.text, "the ledger's own signature"));
	assert_int_equal(genesis_check(slice_text("nonsense"), false, genesis, &fixture->why), ERR_NOTE);
	free(genesis);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(asks_for_a_quorum_of_different_officers, setup, teardown),
	    cmocka_unit_test_setup_teardown(minds_only_officers_in_office, setup, teardown),
	    cmocka_unit_test_setup_teardown(knows_an_order_that_comes_again, setup, teardown),
	    cmocka_unit_test_setup_teardown(asks_for_an_expiry_within_thirty_days, setup, teardown),
	    cmocka_unit_test_setup_teardown(asks_for_this_ledger_at_a_size_it_had, setup, teardown),
	    cmocka_unit_test_setup_teardown(licenses_a_venue_once, setup, teardown),
	    cmocka_unit_test_setup_teardown(adopts_policies_of_rising_version_over_licensed_venues, setup, teardown),
	    cmocka_unit_test_setup_teardown(lets_a_clerk_alone_grant_to_enterprises_only, setup, teardown),
	    cmocka_unit_test_setup_teardown(grants_codes_for_up_to_five_years, setup, teardown),
	    cmocka_unit_test_setup_teardown(grants_no_code_twice_and_none_to_strangers, setup, teardown),
	    cmocka_unit_test_setup_teardown(relates_two_enterprises_once, setup, teardown),
	    cmocka_unit_test_setup_teardown(refuses_items_that_were_not_signed, setup, teardown),
	    cmocka_unit_test_setup_teardown(takes_contradicting_rows_for_damage, setup, teardown),
	    cmocka_unit_test_setup_teardown(asks_every_officer_and_the_ledger_to_sign_the_genesis, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
