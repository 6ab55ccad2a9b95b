/*
 * Entries: each kind both ways against its vector, one encoding only at each level, and each rule at its bounds.
 */
#include "proto/entry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mutate.h"
#include "proto/date.h"

/* A ledger of nine entries, each with the leaf hash of the one before; FORMAT.md shows them. */
/* clang-format off */
static const char genesis_hex[] =
    "0801" /* 1 version: 1 */
    "10808081b184e99103" /* 2 time_us: 1767225600000000 */
    /* 3 previous: 32 zero bytes */
    "1a200000000000000000000000000000000000000000000000000000000000000000"
    "2210a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0" /* 4 salt: 16 bytes */
    "3a1d" /* 7 genesis: 29 bytes */
    /* 1 note: note (shortened for this example) */
    "0a1b737562736964792e67656e657369732f76310a6578616d706c650a";

static const char order_hex[] =
    "0801" /* 1 version: 1 */
    "10808ecfcd84e99103" /* 2 time_us: 1767225660000000 */
    /* 3 previous: leaf hash of the entry before */
    "1a2006c1c22033bb2ce32c282c57da209329454319729b5d24de98bac1560aa50c76"
    "2210a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1" /* 4 salt: 16 bytes */
    "52db01" /* 10 order: 219 bytes */
    /* 1 note: note (shortened for this example) */
    "0a1a737562736964792e6f726465722f76310a72656769737465720a"
    "12657b22636f6465223a22393133373032303032363435373432353145222c226e616d65223a22e6b5b7e5b094e6"
    "99bae5aeb6e882a1e4bbbde69c89e99990e585ace58fb8222c226c69737473223a5b2264656661756c74225d2c22"
    /* 2 items: "{"code":"91370200264574251E","name":"海尔智家股份有限公司","lists":["default"],"salt":"00"}" */
    "73616c74223a223030227d"
    "12567b22636f6465223a2239313337303230324d413058544530313143222c226e616d65223a22e7a4bae4be8be6"
    /* 2 items: "{"code":"91370202MA0XTE011C","name":"示例数据有限公司","lists":[],"salt":"01"}" */
    "95b0e68daee69c89e99990e585ace58fb8222c226c69737473223a5b5d2c2273616c74223a223031227d";

static const char registered_hex[] =
    "0801" /* 1 version: 1 */
    "10818ecfcd84e99103" /* 2 time_us: 1767225660000001 */
    /* 3 previous: leaf hash of the entry before */
    "1a206faf560abbf89790cd92bf24057642021f993c52b2ce9b19c8787149018683c6"
    "2210a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2" /* 4 salt: 16 bytes */
    "320100" /* 6 links: 0 */
    "5a41" /* 11 effect: 65 bytes */
    "0801" /* 1 order_index: 1 */
    "1a3d" /* 3 registered: 61 bytes */
    "0a12393133373032303032363435373432353145" /* 1 code: "91370200264574251E" */
    /* 2 name: "海尔智家股份有限公司" */
    "121ee6b5b7e5b094e699bae5aeb6e882a1e4bbbde69c89e99990e585ace58fb8"
    "1a0764656661756c74"; /* 3 lists: "default" */

static const char registered_second_hex[] =
    "0801" /* 1 version: 1 */
    "10828ecfcd84e99103" /* 2 time_us: 1767225660000002 */
    /* 3 previous: leaf hash of the entry before */
    "1a20457d4dbc5d5e859ad7853851e478654dc9d3b515af7eea593a87ddcd87f8f6d3"
    "2210a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3" /* 4 salt: 16 bytes */
    "320100" /* 6 links: 0 */
    "5a34" /* 11 effect: 52 bytes */
    "0801" /* 1 order_index: 1 */
    "1001" /* 2 item: 1 */
    "1a2e" /* 3 registered: 46 bytes */
    "0a1239313337303230324d413058544530313143" /* 1 code: "91370202MA0XTE011C" */
    "1218e7a4bae4be8be695b0e68daee69c89e99990e585ace58fb8"; /* 2 name: "示例数据有限公司" */

static const char record_trade_hex[] =
    "0801" /* 1 version: 1 */
    "10809c9dea84e99103" /* 2 time_us: 1767225720000000 */
    /* 3 previous: leaf hash of the entry before */
    "1a20956373402d5dbda3181d1fd4d0aa739749c061b89d92c21668ee28a4e837415d"
    "32020203" /* 6 links: 2, 3 */
    "42d202" /* 8 record: 338 bytes */
    "0a057164646578" /* 1 venue: "qddex" */
    "1001" /* 2 generation: 1 */
    "22c402080112bf020a0e51442d323032352d3030303132331214e99d92e695b0e3809432303235e3809537e58fb7"
    "1a20000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20012a0744532d3030303732"
    "15e98193e8b7afe5aea2e6b581e695b0e68daee99b86380142123931333730323030323634353734323531454a1e"
    "e6b5b7e5b094e699bae5aeb6e882a1e4bbbde69c89e99990e585ace58fb8521239313337303230324d4130585445"
    "303131435a18e7a4bae4be8be695b0e68daee69c89e99990e585ace58fb862123931333730323032303030303030"
    "3031395168959aef3a70c09fab0378018001fefbd309880183fcd3099201104a59505a2d323032352d3030303132"
    "339a011432353337323030303030303031323334353637389a0112333730303230303133303132333435363738a0"
    "0101a80103" /* 4 record: the trade above, 324 bytes */
    "2801"; /* 5 disposition: 1 counted */

static const char record_refund_hex[] =
    "0801" /* 1 version: 1 */
    "10819c9dea84e99103" /* 2 time_us: 1767225720000001 */
    /* 3 previous: leaf hash of the entry before */
    "1a20ba22177227df07ec860286cceca166fa3d6b7a23429db1dbb76c9cc8ea511372"
    "32020404" /* 6 links: 4, 4 */
    "4277" /* 8 record: 119 bytes */
    "0a057164646578" /* 1 venue: "qddex" */
    "1001" /* 2 generation: 1 */
    "1801" /* 3 feed_index: 1 */
    "226608011a620a0c544b2d323032352d30303031120e51442d323032352d30303031323318ce958f0120888f0828"
    "ecfcd30932075155414c4954593a15e983a8e58886e695b0e68daee4b88de59088e6a0bc42143235333732303030"
    "303030303837363534333231" /* 4 record: the refund above, 102 bytes */
    "2801" /* 5 disposition: 1 counted */
    "3004"; /* 6 refers: 4 */

static const char push_hex[] =
    "0801" /* 1 version: 1 */
    "10829c9dea84e99103" /* 2 time_us: 1767225720000002 */
    /* 3 previous: leaf hash of the entry before */
    "1a20d0753594b30603c56c237d10cac8d37455f295a34c7910807c751997bbe80494"
    "2210a6a6a6a6a6a6a6a6a6a6a6a6a6a6a6a6" /* 4 salt: 16 bytes */
    "4a9501" /* 9 push: 149 bytes */
    "0801" /* 1 version: 1 */
    "12057164646578" /* 2 venue: "qddex" */
    "1801" /* 3 generation: 1 */
    "2802" /* 5 count: 2 */
    "3004" /* 6 first_index: 4 */
    "3a5c71646465782f303132333435363738396162636465662f310a320a6c72344f35523275765061795056667a78"
    "6435456c566948416a5a64675a714363783030785341627a596f3d0a0ae28094207164646578204141414141413d"
    "3d0a" /* 7 note: the feed checkpoint of the push above, 92 bytes */
    "4204" /* 8 tally: 4 bytes */
    "0801" /* 1 disposition: 1 counted */
    "1002" /* 2 count: 2 */
    /* 9 dispositions_hash: SHA-256 of 01 01 */
    "4a209dcf97a184f32623d11a73124ceb99a5709b083721e878a16d78f596718ba7b2";

static const char order_relate_hex[] =
    "0801" /* 1 version: 1 */
    "1080aaeb8685e99103" /* 2 time_us: 1767225780000000 */
    /* 3 previous: leaf hash of the entry before */
    "1a2052ccbc9022a93b1a8038e5289930244e9575441bafef38e953713fa2af534820"
    "2210a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7" /* 4 salt: 16 bytes */
    "2801" /* 5 flags: 1 clock stepped back */
    "525d" /* 10 order: 93 bytes */
    /* 1 note: note (shortened for this example) */
    "0a18737562736964792e6f726465722f76310a72656c6174650a"
    "12417b22636f646573223a5b22393133373032303032363435373432353145222c2239313337303230324d413058"
    /* 2 items: "{"codes":["91370200264574251E","91370202MA0XTE011C"],"salt":"02"}" */
    "544530313143225d2c2273616c74223a223032227d";

static const char related_hex[] =
    "0801" /* 1 version: 1 */
    "1081aaeb8685e99103" /* 2 time_us: 1767225780000001 */
    /* 3 previous: leaf hash of the entry before */
    "1a207db81f18704a39931b5332b64f813d9ad1f492a2b129e228f06bb6cad599d1d8"
    "2210a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8" /* 4 salt: 16 bytes */
    "32020505" /* 6 links: 5, 5 */
    "5a2c" /* 11 effect: 44 bytes */
    "0807" /* 1 order_index: 7 */
    "2228" /* 4 related: 40 bytes */
    "0a12393133373032303032363435373432353145" /* 1 first: "91370200264574251E" */
    "121239313337303230324d413058544530313143"; /* 2 second: "91370202MA0XTE011C" */

/* clang-format on */

#define ARENA_MAX (1u << 20)

static const char *const ledger[] = {genesis_hex, order_hex, registered_hex, registered_second_hex, record_trade_hex,
    record_refund_hex, push_hex, order_relate_hex, related_hex};
#define LEDGER_SIZE (sizeof(ledger) / sizeof(ledger[0]))

static enum err decode(struct slice bytes)
{
	struct arena arena;
	struct entry entry;
	enum err err;

	arena_init(&arena, ARENA_MAX);
	err = entry_decode(bytes, &arena, &entry);
	arena_done(&arena);
	return err;
}

/* ---- vectors */

static void gives_back_each_vector(void **state)
{
	struct hash previous = {{0}};

	(void)state;
	for (size_t i = 0; i < LEDGER_SIZE; i++) {
		struct arena arena;
		struct entry entry;
		struct buf hex, again;
		struct slice bytes = bytes_of_hex(ledger[i], &hex);

		arena_init(&arena, ARENA_MAX);
		buf_init(&again, ENTRY_SIZE_MAX);
		assert_int_equal(entry_decode(bytes, &arena, &entry), OK);
		assert_true(hash_equal(&entry.previous, &previous));
		assert_int_equal(entry_encode(&entry, &again), OK);
		assert_true(slice_equal(buf_slice(&again), bytes));
		previous = hash_leaf(bytes);
		buf_done(&again);
		buf_done(&hex);
		arena_done(&arena);
	}
}

struct opened {
	struct arena arena;
	struct buf hex;
	struct entry entry;
};

static void open_entry(const char *hex, struct opened *ret_opened)
{
	arena_init(&ret_opened->arena, ARENA_MAX);
	assert_int_equal(entry_decode(bytes_of_hex(hex, &ret_opened->hex), &ret_opened->arena, &ret_opened->entry), OK);
}

static void close_entry(struct opened *opened)
{
	buf_done(&opened->hex);
	arena_done(&opened->arena);
}

#define EPOCH 1767225600000000ULL /* 2026-01-01T00:00Z */

static void reads_genesis_and_orders(void **state)
{
	struct opened o;

	(void)state;
	open_entry(genesis_hex, &o);
	assert_int_equal(o.entry.kind, ENTRY_GENESIS);
	assert_true(o.entry.time_us == EPOCH);
	assert_int_equal(o.entry.salt[0], 0xa0);
	assert_int_equal(o.entry.link_count, 0);
	assert_true(slice_equal(o.entry.genesis.note, slice_text("subsidy.genesis/v1\nexample\n")));
	close_entry(&o);

	open_entry(order_hex, &o);
	assert_int_equal(o.entry.kind, ENTRY_ORDER);
	assert_int_equal(o.entry.flags, 0);
	assert_int_equal(o.entry.salt[SALT_SIZE - 1], 0xa1);
	assert_true(slice_equal(o.entry.order.note, slice_text("subsidy.order/v1\nregister\n")));
	assert_int_equal(o.entry.order.item_count, 2);
	assert_int_equal(o.entry.order.items[1].data[0], '{');
	close_entry(&o);

	open_entry(order_relate_hex, &o);
	assert_int_equal(o.entry.flags, ENTRY_FLAG_CLOCK_STEPPED_BACK);
	assert_int_equal(o.entry.order.item_count, 1);
	close_entry(&o);
}

static void reads_records(void **state)
{
	static const uint8_t no_salt[SALT_SIZE];
	struct opened o;

	(void)state;
	open_entry(record_trade_hex, &o);
	assert_int_equal(o.entry.kind, ENTRY_RECORD);
	assert_memory_equal(o.entry.salt, no_salt, SALT_SIZE);
	assert_int_equal(o.entry.link_count, 2);
	assert_int_equal(o.entry.links[0], 2);
	assert_int_equal(o.entry.links[1], 3);
	assert_true(slice_equal(o.entry.record.venue, slice_text("qddex")));
	assert_int_equal(o.entry.record.generation, 1);
	assert_int_equal(o.entry.record.feed_index, 0);
	assert_int_equal(o.entry.record.record.size, 324);
	assert_int_equal(o.entry.record.disposition, DISPOSITION_COUNTED);
	assert_int_equal(o.entry.record.refers, 0);
	close_entry(&o);

	open_entry(record_refund_hex, &o);
	assert_int_equal(o.entry.record.feed_index, 1);
	assert_int_equal(o.entry.record.record.size, 102);
	assert_int_equal(o.entry.record.refers, 4);
	close_entry(&o);
}

static void reads_a_push(void **state)
{
	struct opened o;
	struct hash hash = hash_sha256(slice_text("\x01\x01"));

	(void)state;
	open_entry(push_hex, &o);
	assert_int_equal(o.entry.kind, ENTRY_PUSH);
	assert_true(slice_equal(o.entry.push.venue, slice_text("qddex")));
	assert_int_equal(o.entry.push.generation, 1);
	assert_int_equal(o.entry.push.start, 0);
	assert_int_equal(o.entry.push.count, 2);
	assert_int_equal(o.entry.push.first_index, 4);
	assert_int_equal(o.entry.push.note.size, 92);
	assert_int_equal(o.entry.push.tally_count, 1);
	assert_int_equal(o.entry.push.tally[0].disposition, DISPOSITION_COUNTED);
	assert_int_equal(o.entry.push.tally[0].count, 2);
	assert_true(hash_equal(&o.entry.push.dispositions_hash, &hash));
	close_entry(&o);
}

static void reads_effects(void **state)
{
	struct opened o;

	(void)state;
	open_entry(registered_hex, &o);
	assert_int_equal(o.entry.kind, ENTRY_EFFECT);
	assert_int_equal(o.entry.link_count, 1);
	assert_int_equal(o.entry.links[0], 0);
	assert_int_equal(o.entry.effect.order_index, 1);
	assert_int_equal(o.entry.effect.item, 0);
	assert_int_equal(o.entry.effect.kind, EFFECT_REGISTERED);
	assert_true(slice_equal(o.entry.effect.code, slice_text("91370200264574251E")));
	assert_true(slice_equal(o.entry.effect.name, slice_text("海尔智家股份有限公司")));
	assert_int_equal(o.entry.effect.list_count, 1);
	assert_true(slice_equal(o.entry.effect.lists[0], slice_text("default")));
	close_entry(&o);

	open_entry(related_hex, &o);
	assert_int_equal(o.entry.effect.kind, EFFECT_RELATED);
	assert_int_equal(o.entry.effect.order_index, 7);
	assert_true(slice_equal(o.entry.effect.code, slice_text("91370200264574251E")));
	assert_true(slice_equal(o.entry.effect.second, slice_text("91370202MA0XTE011C")));
	assert_int_equal(o.entry.link_count, 2);
	close_entry(&o);
}

/* ---- second encodings */

static void refuses_an_entry_cut_anywhere_or_with_more(void **state)
{
	(void)state;
	for (size_t v = 0; v < LEDGER_SIZE; v++) {
		struct buf hex;
		struct slice bytes = bytes_of_hex(ledger[v], &hex);
		size_t whole = bytes.size;

		for (size_t size = 0; size < whole; size++)
			if (decode(slice_of(bytes.data, size)) == OK)
				fail_msg("entry %zu cut to %zu bytes was taken", v, size);
		for (unsigned byte = 0; byte < 256; byte++) {
			buf_u8(&hex, (uint8_t)byte);
			if (decode(buf_slice(&hex)) == OK)
				fail_msg("entry %zu with byte %02x after it was taken", v, byte);
			hex.size = whole;
		}
		buf_done(&hex);
	}
}

/* Where the messages of an entry lie, by the places of nested ones. */
static const struct {
	const char *hex;
	size_t depth, path[MUTATE_DEPTH_MAX];
	unsigned repeated, optional; /* field numbers that may be there more than once, or not at all */
} levels[] = {
    {genesis_hex, 0, {0}, 0, 0},
    {genesis_hex, 1, {4}, 0, 0},
    {order_hex, 0, {0}, 0, 0},
    {order_hex, 1, {4}, 2, 2},
    {registered_hex, 0, {0}, 0, 0},
    {registered_hex, 1, {5}, 0, 0},
    {registered_hex, 2, {5, 1}, 0, 3},
    {registered_second_hex, 1, {5}, 0, 2},
    {registered_second_hex, 2, {5, 2}, 0, 0},
    {record_trade_hex, 0, {0}, 0, 0},
    {record_trade_hex, 1, {4}, 0, 0},
    {record_refund_hex, 0, {0}, 0, 0},
    {record_refund_hex, 1, {4}, 0, 0},
    {push_hex, 0, {0}, 0, 0},
    {push_hex, 1, {4}, 0, 0},
    {push_hex, 2, {4, 6}, 0, 0},
    {order_relate_hex, 0, {0}, 0, 5},
    {order_relate_hex, 1, {5}, 2, 2},
    {related_hex, 0, {0}, 0, 0},
    {related_hex, 1, {5}, 0, 0},
    {related_hex, 2, {5, 1}, 0, 0},
};

static unsigned field_number(size_t level, size_t at)
{
	struct buf hex;
	struct parts parts = parts_of(bytes_of_hex(levels[level].hex, &hex));
	unsigned number;

	for (size_t i = 0; i < levels[level].depth; i++)
		parts = parts_of(part_field(parts.rows[levels[level].path[i]]).bytes);
	number = at < parts.count ? part_field(parts.rows[at]).number : 0;
	buf_done(&hex);
	return number;
}

static bool may_pass(size_t level, size_t at, enum mutation mutation)
{
	unsigned number = field_number(level, at);

	switch (mutation) {
	case MUTATE_NOTHING: return true;
	case MUTATE_DOUBLED: return number == levels[level].repeated;
	case MUTATE_SWAPPED: return number == levels[level].repeated && number == field_number(level, at + 1);
	case MUTATE_DROPPED:
		/* Without its feed index, item or refers an entry speaks of number 0: another entry, not this one. */
		return number == levels[level].optional ||
		       (levels[level].hex == record_refund_hex && levels[level].depth == 1 &&
			   (number == 3 || number == 6));
	case MUTATE_LONG_TAG:
	case MUTATE_LONG_VALUE:
	case MUTATE_WRONG_TYPE:
	case MUTATE_UNKNOWN_NUMBER:
	case MUTATE_UNKNOWN_BYTES:
	case MUTATE_COUNT: return false;
	}
	return false;
}

static void refuses_every_second_encoding(void **state)
{
	unsigned count = 0;

	(void)state;
	for (size_t level = 0; level < sizeof(levels) / sizeof(levels[0]); level++) {
		struct buf hex, bytes;
		struct slice good = bytes_of_hex(levels[level].hex, &hex);

		buf_init(&bytes, ENTRY_SIZE_MAX);
		for (enum mutation mutation = 0; mutation < MUTATE_COUNT; mutation++)
			for (size_t at = 0; mutate(good, levels[level].path, levels[level].depth, at, mutation, &bytes);
			     at++) {
				enum err err = decode(buf_slice(&bytes));
				bool is_unknown = mutation == MUTATE_UNKNOWN_NUMBER || mutation == MUTATE_UNKNOWN_BYTES;
				bool is_long = mutation == MUTATE_LONG_TAG || mutation == MUTATE_LONG_VALUE;

				count++;
				if ((err == OK) != may_pass(level, at, mutation) || (is_unknown && err != ERR_SYNTAX) ||
				    (is_long && err != ERR_NOT_CANONICAL))
					fail_msg("level %zu, %s field %u: %s", level, mutation_name(mutation),
					    field_number(level, at), err_name(err));
			}
		buf_done(&bytes);
		buf_done(&hex);
	}
	assert_true(count > 500);
}

/* Bytes of the vector with the first `from` replaced by a `to` of equal length, all hex. */
static enum err decode_replaced(const char *vector, const char *from, const char *to)
{
	static char text[4096];
	const char *place = strstr(vector, from);
	struct buf hex;
	enum err err;

	assert_int_equal(strlen(from), strlen(to));
	if (place == NULL)
		fail_msg("%s is not in the vector", from);
	(void)snprintf(text, sizeof(text), "%.*s%s%s", (int)(place - vector), vector, to, place + strlen(from));
	err = decode(bytes_of_hex(text, &hex));
	buf_done(&hex);
	return err;
}

static void refuses_what_protobuf_alone_would_take(void **state)
{
	static const struct {
		const char *name, *vector, *from, *to;
		enum err err;
	} rows[] = {
	    {"the vector itself", related_hex, "32020505", "32020505", OK},
	    {"other links", related_hex, "32020505", "32020500", OK},
	    {"unpacked links", related_hex, "32020505", "30053005", ERR_NOT_CANONICAL},
	    {"links packed in two parts", record_refund_hex, "32020404", "32013200", ERR_SYNTAX},
	    {"a link cut", record_refund_hex, "32020404", "32020484", ERR_SYNTAX},
	    {"a long link", record_refund_hex, "32020404", "32028400", ERR_NOT_CANONICAL},
	    {"a link in two bytes", related_hex, "32020505", "32028101", ERR_INVALID},
	    {"NUL in a venue", push_hex, "12057164646578", "12057164640078", ERR_NOT_CANONICAL},
	    {"NUL in an item", order_relate_hex, "5d2c2273616c74", "5d2c2200616c74", ERR_NOT_CANONICAL},
	    {"a line break in an item", order_relate_hex, "5d2c2273616c74", "5d2c220a616c74", ERR_INVALID},
	    {"invalid UTF-8 in an item", order_relate_hex, "5d2c2273616c74", "5d2c22ff616c74", ERR_INVALID},
	    {"invalid UTF-8 in a name", registered_hex, "e6b5b7e5b094", "e6b5b7e5b0ff", ERR_INVALID},
	    {"an unknown disposition", push_hex, "42040801", "42040808", ERR_INVALID},
	    {"disposition 0 written out", push_hex, "42040801", "42040800", ERR_NOT_CANONICAL},
	    {"an empty tally", push_hex, "420408011002", "420408011000", ERR_NOT_CANONICAL},
	    {"a tally of another sum", push_hex, "420408011002", "420408011001", ERR_INVALID},
	    {"entry version 2", push_hex, "080110", "080210", ERR_INVALID},
	    {"push version 2", push_hex, "0801120571", "0802120571", ERR_INVALID},
	    {"unknown flags", order_relate_hex, "2801525d", "2802525d", ERR_INVALID},
	    {"known and unknown flags", order_relate_hex, "2801525d", "2803525d", ERR_INVALID},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum err err = decode_replaced(rows[i].vector, rows[i].from, rows[i].to);

		if (err != rows[i].err)
			fail_msg("%s: %s, not %s", rows[i].name, err_name(err), err_name(rows[i].err));
	}
}

static void accepts_no_changed_bit_but_another_entry(void **state)
{
	(void)state;
	for (size_t v = 0; v < LEDGER_SIZE; v++) {
		struct buf hex, again;
		struct slice bytes = bytes_of_hex(ledger[v], &hex);

		buf_init(&again, ENTRY_SIZE_MAX);
		for (size_t bit = 0; bit < 8 * bytes.size; bit++) {
			struct arena arena;
			struct entry entry;

			hex.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
			arena_init(&arena, ARENA_MAX);
			if (entry_decode(bytes, &arena, &entry) == OK) {
				buf_clear(&again);
				assert_int_equal(entry_encode(&entry, &again), OK);
				assert_true(slice_equal(buf_slice(&again), bytes));
			}
			arena_done(&arena);
			hex.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		buf_done(&again);
		buf_done(&hex);
	}
}

/* ---- rules */

/* An encoding made by hand, so that entries can be wrong: what entry_encode itself would refuse by assertion. */
static enum err decode_body(unsigned number, struct slice body, size_t link_count, const uint64_t *links)
{
	static uint8_t memory[2 * ENTRY_SIZE_MAX];
	static const uint8_t zero[HASH_SIZE], one[HASH_SIZE] = {1}, salt[SALT_SIZE];
	struct wire_writer writer = wire_writer_of(memory, sizeof(memory));

	wire_put_number(&writer, 1, ENTRY_VERSION);
	wire_put_number(&writer, 2, EPOCH);
	wire_put_bytes(&writer, 3, slice_of(number == 7 ? zero : one, HASH_SIZE));
	if (number != 8)
		wire_put_bytes(&writer, 4, slice_of(salt, SALT_SIZE));
	if (link_count != 0) {
		uint8_t *opened = wire_open(&writer, 6);

		for (size_t i = 0; i < link_count; i++)
			wire_put_varint(&writer, links[i]);
		wire_close(&writer, opened);
	}
	wire_put_bytes(&writer, number, body);
	assert_false(writer.is_full);
	return decode(wire_written(&writer));
}

static uint8_t body_memory[2 * ENTRY_SIZE_MAX];
static uint8_t content[ENTRY_SIZE_MAX];
static const uint64_t links[] = {0, 0, 0};

static struct wire_writer body_begin(void)
{
	return wire_writer_of(body_memory, sizeof(body_memory));
}

static void asks_for_the_envelope(void **state)
{
	static const struct {
		const char *name;
		uint64_t time_us;
		size_t previous_size, salt_size;
		bool is_genesis, has_previous;
		enum err err;
	} rows[] = {
	    {"an order", EPOCH, HASH_SIZE, SALT_SIZE, false, true, OK},
	    {"time 0", 0, HASH_SIZE, SALT_SIZE, false, true, ERR_INVALID},
	    {"time 1", 1, HASH_SIZE, SALT_SIZE, false, true, OK},
	    {"the last time", 4102329600000000 - 1, HASH_SIZE, SALT_SIZE, false, true, OK},
	    {"a time beyond", 4102329600000000, HASH_SIZE, SALT_SIZE, false, true, ERR_INVALID},
	    {"a time of 2^64 - 1", UINT64_MAX, HASH_SIZE, SALT_SIZE, false, true, ERR_INVALID},
	    {"a short previous", EPOCH, HASH_SIZE - 1, SALT_SIZE, false, true, ERR_INVALID},
	    {"a long previous", EPOCH, HASH_SIZE + 1, SALT_SIZE, false, true, ERR_INVALID},
	    {"no previous", EPOCH, 0, SALT_SIZE, false, true, ERR_INVALID},
	    {"a short salt", EPOCH, HASH_SIZE, SALT_SIZE - 1, false, true, ERR_INVALID},
	    {"a long salt", EPOCH, HASH_SIZE, SALT_SIZE + 1, false, true, ERR_INVALID},
	    {"no salt", EPOCH, HASH_SIZE, 0, false, true, ERR_INVALID},
	    {"genesis", EPOCH, HASH_SIZE, SALT_SIZE, true, false, OK},
	    {"genesis after something", EPOCH, HASH_SIZE, SALT_SIZE, true, true, ERR_INVALID},
	};
	static const uint8_t zero[HASH_SIZE + 1], one[HASH_SIZE + 1] = {1};

	(void)state;
	assert_true(date_start_us(DATE_YEAR_MAX * 10000 + 1231) == 4102329600000000);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wire_writer writer = body_begin();
		uint8_t *opened;
		enum err err;

		wire_put_number(&writer, 1, ENTRY_VERSION);
		wire_put_number(&writer, 2, rows[i].time_us);
		wire_put_bytes(&writer, 3, slice_of(rows[i].has_previous ? one : zero, rows[i].previous_size));
		wire_put_bytes(&writer, 4, slice_of(zero, rows[i].salt_size));
		opened = wire_open(&writer, rows[i].is_genesis ? 7 : 10);
		wire_put_bytes(&writer, 1, slice_text("note"));
		wire_close(&writer, opened);
		err = decode(wire_written(&writer));
		if (err != rows[i].err)
			fail_msg("%s: %s", rows[i].name, err_name(err));
	}
}

static void refuses_a_salt_on_records_and_an_entry_without_body(void **state)
{
	struct buf hex, bytes;
	struct parts parts;

	(void)state;
	parts = parts_of(bytes_of_hex(record_trade_hex, &hex));
	buf_init(&bytes, ENTRY_SIZE_MAX);
	for (size_t i = 0; i < 3; i++)
		buf_add_slice(&bytes, parts.rows[i]);
	assert_int_equal(decode(buf_slice(&bytes)), ERR_SYNTAX);
	add_part(&bytes, 4, slice_of(content, SALT_SIZE));
	for (size_t i = 3; i < parts.count; i++)
		buf_add_slice(&bytes, parts.rows[i]);
	assert_int_equal(decode(buf_slice(&bytes)), ERR_INVALID);
	buf_done(&bytes);
	buf_done(&hex);
}

static void keeps_notes_within_their_sizes(void **state)
{
	static const unsigned numbers[] = {7, 10};

	(void)state;
	for (size_t i = 0; i < 2; i++)
		for (size_t size = NOTE_SIZE_MAX - 1; size <= NOTE_SIZE_MAX + 1; size++) {
			struct wire_writer writer = body_begin();

			wire_put_bytes(&writer, 1, slice_of(content, size));
			assert_int_equal(decode_body(numbers[i], wire_written(&writer), 0, links),
			    size > NOTE_SIZE_MAX ? ERR_INVALID : OK);
		}
	/* An order's items need its note. */
	{
		struct wire_writer writer = body_begin();

		wire_put_bytes(&writer, 2, slice_text("item"));
		assert_int_equal(decode_body(10, wire_written(&writer), 0, links), ERR_INVALID);
	}
}

static void keeps_order_items_within_their_count(void **state)
{
	(void)state;
	for (size_t count = ORDER_ITEMS_MAX - 1; count <= ORDER_ITEMS_MAX + 1; count++) {
		struct wire_writer writer = body_begin();

		wire_put_bytes(&writer, 1, slice_text("note"));
		for (size_t i = 0; i < count; i++)
			wire_put_bytes(
			    &writer, 2, slice_text("an item line of some sixty bytes, as they are in real orders"));
		if (count > ORDER_ITEMS_MAX)
			assert_int_equal(decode_body(10, wire_written(&writer), 0, links), ERR_INVALID);
		else
			assert_int_equal(decode_body(10, wire_written(&writer), 0, links), OK);
	}
	{
		struct wire_writer writer = body_begin();

		wire_put_bytes(&writer, 1, slice_text("note"));
		wire_put_element(&writer, 2, slice_text(""));
		assert_int_equal(decode_body(10, wire_written(&writer), 0, links), ERR_INVALID);
	}
}

static void checks_a_record_entry(void **state)
{
	static const struct {
		const char *name, *venue;
		uint64_t generation, feed_index, record_size, disposition, refers;
		size_t link_count;
		enum err err;
	} rows[] = {
	    {"counted", "a", 1, 0, 1, 1, 0, 2, OK},
	    {"duplicate trade", "a", 1, 0, 1, 2, 1, 2, OK},
	    {"duplicate adjustment of a known trade", "a", 1, 0, 1, 3, 1, 2, OK},
	    {"duplicate adjustment of an unknown trade", "a", 1, 0, 1, 3, 1, 0, OK},
	    {"self trade", "a", 1, 0, 1, 4, 0, 2, OK},
	    {"refund unknown", "a", 1, 0, 1, 5, 0, 0, OK},
	    {"refund unknown, one link", "a", 1, 0, 1, 5, 0, 1, ERR_INVALID},
	    {"refund exceeds", "a", 1, 0, 1, 6, 1, 2, OK},
	    {"overflow", "a", 1, 0, 1, 7, 0, 2, OK},
	    {"disposition 8", "a", 1, 0, 1, 8, 0, 2, ERR_INVALID},
	    {"disposition 0", "a", 1, 0, 1, 0, 0, 2, ERR_INVALID},
	    {"counted, no links", "a", 1, 0, 1, 1, 0, 0, ERR_INVALID},
	    {"counted, one link", "a", 1, 0, 1, 1, 0, 1, ERR_INVALID},
	    {"counted, three links", "a", 1, 0, 1, 1, 0, 3, ERR_INVALID},
	    {"duplicate trade, no links", "a", 1, 0, 1, 2, 1, 0, ERR_INVALID},
	    {"duplicate adjustment, one link", "a", 1, 0, 1, 3, 1, 1, ERR_INVALID},
	    {"refund of a trade that doesn't count", "a", 1, 0, 1, 5, 1, 2, OK},
	    {"generation 0", "a", 0, 0, 1, 1, 0, 2, ERR_INVALID},
	    {"the last generation", "a", FEED_GENERATIONS_MAX, 0, 1, 1, 0, 2, OK},
	    {"a generation beyond", "a", FEED_GENERATIONS_MAX + 1, 0, 1, 1, 0, 2, ERR_INVALID},
	    {"the last feed index", "a", 1, TREE_SIZE_MAX - 1, 1, 1, 0, 2, OK},
	    {"a feed index beyond", "a", 1, TREE_SIZE_MAX, 1, 1, 0, 2, ERR_INVALID},
	    {"no record", "a", 1, 0, 0, 1, 0, 2, ERR_INVALID},
	    {"the largest record", "a", 1, 0, RECORD_SIZE_MAX, 1, 0, 2, OK},
	    {"a record beyond", "a", 1, 0, RECORD_SIZE_MAX + 1, 1, 0, 2, ERR_INVALID},
	    {"refers to the last", "a", 1, 0, 1, 1, TREE_SIZE_MAX - 1, 2, OK},
	    {"refers beyond", "a", 1, 0, 1, 1, TREE_SIZE_MAX, 2, ERR_INVALID},
	    {"no venue", "", 1, 0, 1, 1, 0, 2, ERR_INVALID},
	    {"a bad venue", "A", 1, 0, 1, 1, 0, 2, ERR_INVALID},
	};
	static const uint64_t far[] = {1, TREE_SIZE_MAX - 1}, beyond[] = {1, TREE_SIZE_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wire_writer writer = body_begin();
		enum err err;

		wire_put_bytes(&writer, 1, slice_text(rows[i].venue));
		wire_put_number(&writer, 2, rows[i].generation);
		wire_put_number(&writer, 3, rows[i].feed_index);
		wire_put_bytes(&writer, 4, slice_of(content, rows[i].record_size));
		wire_put_number(&writer, 5, rows[i].disposition);
		wire_put_number(&writer, 6, rows[i].refers);
		err = decode_body(8, wire_written(&writer), rows[i].link_count, links);
		if (err != rows[i].err)
			fail_msg("%s: %s", rows[i].name, err_name(err));
		if (i == 0) {
			assert_int_equal(decode_body(8, wire_written(&writer), 2, far), OK);
			assert_int_equal(decode_body(8, wire_written(&writer), 2, beyond), ERR_INVALID);
		}
	}
}

static void checks_a_push_entry(void **state)
{
	static const struct {
		const char *name;
		uint64_t start, count, first_index;
		size_t note_size;
		uint64_t tally[8][2]; /* disposition, count; ends with 0 */
		size_t hash_size, link_count;
		enum err err;
	} rows[] = {
	    {"one", 0, 1, 1, 1, {{1, 1}}, 32, 0, OK},
	    {"all dispositions", 0, 28, 1, 1, {{1, 1}, {2, 2}, {3, 3}, {4, 4}, {5, 5}, {6, 6}, {7, 7}}, 32, 0, OK},
	    {"the most", 0, PUSH_RECORDS_MAX, 1, 1, {{7, PUSH_RECORDS_MAX}}, 32, 0, OK},
	    {"more", 0, PUSH_RECORDS_MAX + 1, 1, 1, {{7, PUSH_RECORDS_MAX + 1}}, 32, 0, ERR_INVALID},
	    {"none", 0, 0, 1, 1, {{0, 0}}, 32, 0, ERR_INVALID},
	    {"no tally", 0, 1, 1, 1, {{0, 0}}, 32, 0, ERR_INVALID},
	    {"a tally too low", 0, 3, 1, 1, {{1, 1}, {2, 1}}, 32, 0, ERR_INVALID},
	    {"a tally too high", 0, 3, 1, 1, {{1, 1}, {2, 3}}, 32, 0, ERR_INVALID},
	    {"a tally that wraps around", 0, 1, 1, 1, {{1, UINT64_MAX}, {2, 2}}, 32, 0, ERR_INVALID},
	    {"a tally with none", 0, 1, 1, 1, {{1, 0}, {2, 1}}, 32, 0, ERR_INVALID},
	    {"a tally descending", 0, 2, 1, 1, {{2, 1}, {1, 1}}, 32, 0, ERR_INVALID},
	    {"a tally twice", 0, 2, 1, 1, {{2, 1}, {2, 1}}, 32, 0, ERR_INVALID},
	    {"disposition 8", 0, 1, 1, 1, {{8, 1}}, 32, 0, ERR_INVALID},
	    {"the last start", TREE_SIZE_MAX - 1, 1, 1, 1, {{1, 1}}, 32, 0, OK},
	    {"a start beyond", TREE_SIZE_MAX, 1, 1, 1, {{1, 1}}, 32, 0, ERR_INVALID},
	    {"first index 0", 0, 1, 0, 1, {{1, 1}}, 32, 0, ERR_INVALID},
	    {"the last first index", 0, 1, TREE_SIZE_MAX - 1, 1, {{1, 1}}, 32, 0, OK},
	    {"a first index beyond", 0, 1, TREE_SIZE_MAX, 1, {{1, 1}}, 32, 0, ERR_INVALID},
	    {"no note", 0, 1, 1, 0, {{1, 1}}, 32, 0, ERR_INVALID},
	    {"the largest note", 0, 1, 1, NOTE_SIZE_MAX, {{1, 1}}, 32, 0, OK},
	    {"a note beyond", 0, 1, 1, NOTE_SIZE_MAX + 1, {{1, 1}}, 32, 0, ERR_INVALID},
	    {"no hash", 0, 1, 1, 1, {{1, 1}}, 0, 0, ERR_INVALID},
	    {"a short hash", 0, 1, 1, 1, {{1, 1}}, 31, 0, ERR_INVALID},
	    {"a long hash", 0, 1, 1, 1, {{1, 1}}, 33, 0, ERR_INVALID},
	    {"links", 0, 1, 1, 1, {{1, 1}}, 32, 2, ERR_INVALID},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wire_writer writer = body_begin();
		enum err err;

		wire_put_number(&writer, 1, 1);
		wire_put_bytes(&writer, 2, slice_text("qddex"));
		wire_put_number(&writer, 3, 1);
		wire_put_number(&writer, 4, rows[i].start);
		wire_put_number(&writer, 5, rows[i].count);
		wire_put_number(&writer, 6, rows[i].first_index);
		wire_put_bytes(&writer, 7, slice_of(content, rows[i].note_size));
		for (size_t k = 0; k < 8 && rows[i].tally[k][0] != 0; k++) {
			uint8_t *opened = wire_open(&writer, 8);

			wire_put_number(&writer, 1, rows[i].tally[k][0]);
			wire_put_number(&writer, 2, rows[i].tally[k][1]);
			wire_close(&writer, opened);
		}
		wire_put_bytes(&writer, 9, slice_of(content, rows[i].hash_size));
		err = decode_body(9, wire_written(&writer), rows[i].link_count, links);
		if (err != rows[i].err)
			fail_msg("%s: %s", rows[i].name, err_name(err));
	}
}

#define CODE_A "91370200264574251E"
#define CODE_B "91370202MA0XTE011C"
#define LIST_32 "abcdefghijklmnopqrstuvwxyz-_0123"

static void checks_a_registered_effect(void **state)
{
	static const struct {
		const char *name;
		uint64_t order_index, item;
		const char *code;
		size_t name_size, link_count;
		const char *lists[4];
		enum err err;
	} rows[] = {
	    {"plain", 1, 0, CODE_A, 1, 1, {NULL}, OK},
	    {"order 0", 0, 0, CODE_A, 1, 1, {NULL}, ERR_INVALID},
	    {"the last order", TREE_SIZE_MAX - 1, 0, CODE_A, 1, 1, {NULL}, OK},
	    {"an order beyond", TREE_SIZE_MAX, 0, CODE_A, 1, 1, {NULL}, ERR_INVALID},
	    {"the last item", 1, ORDER_ITEMS_MAX - 1, CODE_A, 1, 1, {NULL}, OK},
	    {"an item beyond", 1, ORDER_ITEMS_MAX, CODE_A, 1, 1, {NULL}, ERR_INVALID},
	    {"a wrong code", 1, 0, "91370200264574251F", 1, 1, {NULL}, ERR_INVALID},
	    {"no code", 1, 0, "", 1, 1, {NULL}, ERR_INVALID},
	    {"no name", 1, 0, CODE_A, 0, 1, {NULL}, ERR_INVALID},
	    {"the longest name", 1, 0, CODE_A, PARTY_NAME_SIZE_MAX, 1, {NULL}, OK},
	    {"a name beyond", 1, 0, CODE_A, PARTY_NAME_SIZE_MAX + 1, 1, {NULL}, ERR_INVALID},
	    {"no link", 1, 0, CODE_A, 1, 0, {NULL}, ERR_INVALID},
	    {"two links", 1, 0, CODE_A, 1, 2, {NULL}, ERR_INVALID},
	    {"lists", 1, 0, CODE_A, 1, 1, {"a", "a-", "b_9", LIST_32}, ERR_INVALID},
	    {"lists ascending", 1, 0, CODE_A, 1, 1, {"a", "a-", LIST_32, "b_9"}, OK},
	    {"lists descending", 1, 0, CODE_A, 1, 1, {"b", "a", NULL}, ERR_INVALID},
	    {"lists twice", 1, 0, CODE_A, 1, 1, {"a", "a", NULL}, ERR_INVALID},
	    {"an empty list name", 1, 0, CODE_A, 1, 1, {"", NULL}, ERR_INVALID},
	    {"a long list name", 1, 0, CODE_A, 1, 1, {LIST_32 "4", NULL}, ERR_INVALID},
	    {"an upper-case list name", 1, 0, CODE_A, 1, 1, {"A", NULL}, ERR_INVALID},
	    {"a spaced list name", 1, 0, CODE_A, 1, 1, {"a b", NULL}, ERR_INVALID},
	};

	(void)state;
	memset(content, 'x', PARTY_NAME_SIZE_MAX + 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wire_writer writer = body_begin();
		uint8_t *opened;
		enum err err;

		wire_put_number(&writer, 1, rows[i].order_index);
		wire_put_number(&writer, 2, rows[i].item);
		opened = wire_open(&writer, 3);
		wire_put_bytes(&writer, 1, slice_text(rows[i].code));
		wire_put_bytes(&writer, 2, slice_of(content, rows[i].name_size));
		for (size_t k = 0; k < 4 && rows[i].lists[k] != NULL; k++)
			wire_put_element(&writer, 3, slice_text(rows[i].lists[k]));
		wire_close(&writer, opened);
		err = decode_body(11, wire_written(&writer), rows[i].link_count, links);
		if (err != rows[i].err)
			fail_msg("%s: %s", rows[i].name, err_name(err));
	}
	for (size_t count = LISTS_MAX - 1; count <= LISTS_MAX + 1; count++) {
		struct wire_writer writer = body_begin();
		uint8_t *opened;

		wire_put_number(&writer, 1, 1);
		opened = wire_open(&writer, 3);
		wire_put_bytes(&writer, 1, slice_text(CODE_A));
		wire_put_bytes(&writer, 2, slice_text("name"));
		for (size_t i = 0; i < count; i++)
			wire_put_element(&writer, 3, slice_of("abcdefghijklmnopqrstuvwxyz" + i, 1));
		wire_close(&writer, opened);
		assert_int_equal(
		    decode_body(11, wire_written(&writer), 1, links), count > LISTS_MAX ? ERR_INVALID : OK);
	}
}

static void checks_a_related_effect(void **state)
{
	static const struct {
		const char *name, *first, *second;
		size_t link_count;
		enum err err;
	} rows[] = {
	    {"ascending", CODE_A, CODE_B, 2, OK},
	    {"descending", CODE_B, CODE_A, 2, ERR_INVALID},
	    {"the same twice", CODE_A, CODE_A, 2, ERR_INVALID},
	    {"no second", CODE_A, "", 2, ERR_INVALID},
	    {"a wrong second", CODE_A, "91370202MA0XTE011D", 2, ERR_INVALID},
	    {"a wrong first", "91370200264574251F", CODE_B, 2, ERR_INVALID},
	    {"no links", CODE_A, CODE_B, 0, ERR_INVALID},
	    {"one link", CODE_A, CODE_B, 1, ERR_INVALID},
	    {"three links", CODE_A, CODE_B, 3, ERR_INVALID},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wire_writer writer = body_begin();
		uint8_t *opened;
		enum err err;

		wire_put_number(&writer, 1, 1);
		opened = wire_open(&writer, 4);
		wire_put_bytes(&writer, 1, slice_text(rows[i].first));
		wire_put_bytes(&writer, 2, slice_text(rows[i].second));
		wire_close(&writer, opened);
		err = decode_body(11, wire_written(&writer), rows[i].link_count, links);
		if (err != rows[i].err)
			fail_msg("%s: %s", rows[i].name, err_name(err));
	}
	{
		struct wire_writer writer = body_begin();

		wire_put_number(&writer, 1, 1);
		assert_int_equal(decode_body(11, wire_written(&writer), 1, links), ERR_SYNTAX);
	}
}

static void keeps_entries_within_their_size(void **state)
{
	struct slice item;
	struct entry entry = {.kind = ENTRY_ORDER, .time_us = EPOCH};
	struct buf bytes;
	size_t size;

	(void)state;
	memset(content, 'x', sizeof(content));
	entry.order.item_count = 1;
	entry.order.items = &item;
	entry.order.note = slice_of(content, 30000);
	item = slice_of(content, 30000);
	buf_init(&bytes, 2 * ENTRY_SIZE_MAX);
	assert_int_equal(entry_encode(&entry, &bytes), OK);
	item.size += ENTRY_SIZE_MAX - bytes.size;
	for (size = ENTRY_SIZE_MAX - 1; size <= ENTRY_SIZE_MAX + 1; size++) {
		struct slice whole = item;

		item.size = whole.size + size - ENTRY_SIZE_MAX;
		buf_clear(&bytes);
		assert_int_equal(entry_encode(&entry, &bytes), size > ENTRY_SIZE_MAX ? ERR_TOO_LARGE : OK);
		if (size <= ENTRY_SIZE_MAX) {
			assert_int_equal(bytes.size, size);
			assert_int_equal(decode(buf_slice(&bytes)), OK);
		}
		item = whole;
	}
	buf_clear(&bytes);
	buf_add(&bytes, content, ENTRY_SIZE_MAX);
	assert_int_equal(decode(buf_slice(&bytes)), ERR_SYNTAX);
	buf_u8(&bytes, 'x');
	assert_int_equal(decode(buf_slice(&bytes)), ERR_TOO_LARGE);
	buf_done(&bytes);
}

static void bounds_the_memory_of_hostile_entries(void **state)
{
	struct buf bytes, hex;
	struct arena arena;
	struct entry entry;

	(void)state;
	buf_init(&bytes, ENTRY_SIZE_MAX);
	while (bytes.size + 2 <= ENTRY_SIZE_MAX)
		buf_add(&bytes, "\x32\x00", 2);
	arena_init(&arena, 64u << 20);
	assert_int_equal(entry_decode(buf_slice(&bytes), &arena, &entry), ERR_SYNTAX);
	assert_true(arena.used_size <= 4 * ENTRY_SIZE_MAX);
	arena_done(&arena);
	buf_done(&bytes);
	arena_init(&arena, 256);
	assert_int_equal(entry_decode(bytes_of_hex(record_trade_hex, &hex), &arena, &entry), ERR_MEMORY);
	arena_done(&arena);
	buf_done(&hex);
}

static void names_each_kind(void **state)
{
	(void)state;
	assert_string_equal(entry_kind_name(ENTRY_GENESIS), "genesis");
	assert_string_equal(entry_kind_name(ENTRY_RECORD), "record");
	assert_string_equal(entry_kind_name(ENTRY_PUSH), "push");
	assert_string_equal(entry_kind_name(ENTRY_ORDER), "order");
	assert_string_equal(entry_kind_name(ENTRY_EFFECT), "effect");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(gives_back_each_vector),
	    cmocka_unit_test(reads_genesis_and_orders),
	    cmocka_unit_test(reads_records),
	    cmocka_unit_test(reads_a_push),
	    cmocka_unit_test(reads_effects),
	    cmocka_unit_test(refuses_an_entry_cut_anywhere_or_with_more),
	    cmocka_unit_test(refuses_every_second_encoding),
	    cmocka_unit_test(refuses_what_protobuf_alone_would_take),
	    cmocka_unit_test(accepts_no_changed_bit_but_another_entry),
	    cmocka_unit_test(asks_for_the_envelope),
	    cmocka_unit_test(refuses_a_salt_on_records_and_an_entry_without_body),
	    cmocka_unit_test(keeps_notes_within_their_sizes),
	    cmocka_unit_test(keeps_order_items_within_their_count),
	    cmocka_unit_test(checks_a_record_entry),
	    cmocka_unit_test(checks_a_push_entry),
	    cmocka_unit_test(checks_a_registered_effect),
	    cmocka_unit_test(checks_a_related_effect),
	    cmocka_unit_test(keeps_entries_within_their_size),
	    cmocka_unit_test(bounds_the_memory_of_hostile_entries),
	    cmocka_unit_test(names_each_kind),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
