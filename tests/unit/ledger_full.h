/*
 * A ledger with something of everything: both kinds of keys, every disposition, every type of order, records that came
 * twice, a clock that stepped back. And a guard file for it, so that it can be opened for service and verified.
 */
#ifndef TESTS_UNIT_LEDGER_FULL_H
#define TESTS_UNIT_LEDGER_FULL_H

#include "ledger_fixture.h"

#include "daemon/guard.h"
#include "daemon/head.h"

static inline void ledger_fill_grants(struct ledger_fixture *fixture, const char *code)
{
	struct order_item items[] = {
	    {.grant = {.subject = SUBJECT_BUREAU, .holder = "bureau", .expires = LEDGER_TODAY, .token_hash = {1}}},
	    {.grant = {.subject = SUBJECT_ENTERPRISE,
		 .holder = "enterprise",
		 .expires = LEDGER_TODAY + 1,
		 .token_hash = {2}}}};
	struct ledger_order order = {.type = ORDER_GRANT_ADD, .item_count = 2};
	struct buf lines[2];

	snprintf(items[1].grant.name, sizeof(items[1].grant.name), "%s", code);
	for (size_t i = 0; i < 2; i++)
		order.items[i] = ledger_item(order.type, &items[i], &lines[i]);
	ledger_order(fixture, order);
	for (size_t i = 0; i < 2; i++)
		buf_done(&lines[i]);
}

static inline void ledger_fill_item(struct ledger_fixture *fixture, enum order_type type, struct order_item item)
{
	uint64_t index;

	item.reason = slice_text("because");
	if (ledger_try_item(fixture, type, &item, &index) != OK)
		fail_msg("%s", fixture->why.text);
}

/* What the bureau does later: keys, officers, quorums, trades held and voided, codes revoked, lists left. */
static inline void ledger_fill_later(struct ledger_fixture *fixture, const char *code, const char *venue)
{
	struct signer *key = ledger_make_signer(KEY_SM2, venue, 301),
		      *qian = ledger_make_signer(KEY_ED25519, "qian", 302),
		      *heads = ledger_make_signer(KEY_ED25519, FIXTURE_ORIGIN "/heads", 303);
	struct order_item trade = {.venue = slice_text(venue), .trade_no = slice_text("T2")};
	char vkey[KEY_VKEY_SIZE];

	ledger_fill_item(fixture, ORDER_TRADE_HOLD, trade);
	ledger_fill_item(fixture, ORDER_TRADE_RELEASE, trade);
	ledger_fill_item(fixture, ORDER_TRADE_VOID, trade);
	trade.trade_no = slice_text("T1");
	ledger_fill_item(fixture, ORDER_TRADE_HOLD, trade);
	ledger_fill_item(fixture, ORDER_ENTERPRISE_DELIST, (struct order_item){.code = slice_text(code)});
	ledger_fill_item(fixture, ORDER_GRANT_REVOKE, (struct order_item){.grant = {.token_hash = {1}}});
	ledger_order(fixture, (struct ledger_order){.type = ORDER_VENUE_SUSPEND,
				  .body = json_pack("{s:s,s:s}", "venue", venue, "reason", "because")});
	ledger_order(fixture, (struct ledger_order){.type = ORDER_VENUE_RESUME,
				  .body = json_pack("{s:s,s:s}", "venue", venue, "reason", "because")});
	key_format(signer_key(key), vkey);
	ledger_order(fixture, (struct ledger_order){.type = ORDER_VENUE_KEY,
				  .body = json_pack("{s:s,s:[s],s:[],s:b,s:s}", "venue", venue, "add", vkey, "revoke",
				      "new_generation", 1, "reason", "because")});
	ledger_order(
	    fixture, (struct ledger_order){.type = ORDER_OFFICER_ADD, .body = ledger_officer(qian, NULL, "auditor")});
	ledger_order(fixture, (struct ledger_order){.type = ORDER_OFFICER_REMOVE,
				  .body = json_pack("{s:s,s:s}", "name", "qian", "reason", "because")});
	ledger_order(fixture, (struct ledger_order){.type = ORDER_QUORUM_SET,
				  .body = json_pack("{s:{s:[[s],[s,s]],s:[[s]]}}", "quorums", "default", "clerk",
				      "reviewer", "leader", "grant.add:enterprise", "clerk")});
	key_format(signer_key(heads), vkey);
	ledger_order(fixture, (struct ledger_order){.type = ORDER_LOG_KEY,
				  .body = json_pack("{s:[s],s:[],s:s}", "add", vkey, "retire", "reason", "because")});
	ledger_order(fixture, (struct ledger_order){.type = ORDER_LOG_KEY,
				  .body = json_pack("{s:[],s:[s],s:s}", "add", "retire", vkey, "reason", "because")});
	signer_free(key);
	signer_free(qian);
	signer_free(heads);
}

/* A party's total just below its maximum makes the next trade overflow; a replay can't see that, so it is left out. */
static inline void ledger_fill(struct ledger_fixture *fixture)
{
	char a[USCI_SIZE + 1], b[USCI_SIZE + 1], c[USCI_SIZE + 1];
	struct hash leaves[20], other[20];
	struct signer *first = ledger_license(fixture, KEY_ED25519, "qddex"),
		      *second = ledger_license(fixture, KEY_SM2, "sddex");
	uint64_t index;

	fixture_code(1, a);
	fixture_code(2, b);
	fixture_code(3, c);
	struct record records[] = {ledger_trade("T1", a, b, 100000), ledger_trade("T2", b, c, 200000),
	    ledger_trade("T1", a, b, 5), ledger_trade("T3", c, c, 7), ledger_refund("A1", "T1", 500, 50),
	    ledger_refund("A1", "T1", 1, 0), ledger_refund("A2", "T9", 1, 0), ledger_refund("A3", "T2", 200001, 0)};
	struct record more[] = {ledger_trade("T1", a, c, 30000), ledger_trade("T2", a, b, 40000)};
	struct record last = ledger_refund("A4", "T2", 1000, 100);

	ledger_push(fixture, first, "qddex", leaves, 0, records, 8);
	ledger_push(fixture, second, "sddex", other, 0, more, 1);
	ledger_register(fixture, a, "Alpha", "default");
	ledger_register(fixture, b, "Beta", NULL);
	ledger_order(fixture, (struct ledger_order){.type = ORDER_POLICY_ADOPT,
				  .body = ledger_policy("p-1", 1, "qddex"),
				  .signers = {1 + OFFICER_LI, 1 + OFFICER_WANG}});
	assert_int_equal(ledger_try_relate(fixture, a, b, &index), OK);
	fixture->now_us -= 10000000; /* the clock steps back */
	ledger_push(fixture, second, "sddex", other, 1, more + 1, 1);
	ledger_fill_grants(fixture, a);
	fixture->now_us += 86400ULL * 1000000;
	ledger_order(fixture, (struct ledger_order){.type = ORDER_POLICY_ADOPT,
				  .body = ledger_policy("p-1", 2, "sddex"),
				  .signers = {1 + OFFICER_LI, 1 + OFFICER_SUN}});
	ledger_conflict(fixture,
	    &(struct ledger_push){
		.signer = first, .venue = "qddex", .start = 7, .records = more, .record_count = 1, .earlier = leaves});
	ledger_fill_later(fixture, a, "sddex");
	ledger_push(fixture, first, "qddex", leaves, 8, &last, 1);
	signer_free(first);
	signer_free(second);
}

/* The signed head of a committed ledger. */
static inline void ledger_sign_head(
    struct ledger_fixture *fixture, uint64_t size, const struct hash *root, struct head *ret_head)
{
	memset(ret_head, 0, sizeof(*ret_head));
	ret_head->size = size;
	ret_head->root = *root;
	assert_int_equal(head_sign(ret_head, FIXTURE_ORIGIN, &fixture->ledger_signer, 1), OK);
}

/* A guard file of the ledger as it is; `ret_path` lies beside its folder. */
static inline void ledger_make_guard(struct ledger_fixture *fixture, char ret_path[static 80], struct guard **ret_guard)
{
	struct hash root = frontier_root(&fixture->ledger.head.frontier);
	struct head head;

	snprintf(ret_path, 80, "%s.guard", fixture->folder);
	ledger_sign_head(fixture, fixture->ledger.head.size, &root, &head);
	if (guard_create(ret_path, head_note(&head), ret_guard, &fixture->why) != OK)
		fail_msg("%s", fixture->why.text);
}

#endif
