/* The ledger of fourteen entries that FORMAT.md shows, and what reads them. */
#ifndef TESTS_ENTRY_FIXTURE_H
#define TESTS_ENTRY_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mutate.h"
#include "proto/entry.h"

/* Each with the leaf hash of the one before. */
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

static const char order_hold_hex[] =
    "0801" /* 1 version: 1 */
    "1080b8b9a385e99103" /* 2 time_us: 1767225840000000 */
    /* 3 previous: leaf hash of the entry before */
    "1a207c5e46a66ff42fd8804b86403175bd85e2ab70c55c0d0326a30a72ac545431ef"
    "2210a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9" /* 4 salt: 16 bytes */
    "5268" /* 10 order: 104 bytes */
    "0a16737562736964792e6f726465722f76310a686f6c640a" /* 1 note: 737562736964792e6f726465722f76310a686f6c640a */
    "124e7b2276656e7565223a227164646578222c2274726164655f6e6f223a2251442d323032352d30303031323322"
    /* 2 items: "{"venue":"qddex","trade_no":"QD-2025-000123","reason":"待核查","salt":"03"}" */
    "2c22726561736f6e223a22e5be85e6a0b8e69fa5222c2273616c74223a223033227d";

static const char held_hex[] =
    "0801" /* 1 version: 1 */
    "1081b8b9a385e99103" /* 2 time_us: 1767225840000001 */
    /* 3 previous: leaf hash of the entry before */
    "1a20d1db75a4e7e9224c6e5ea8da874d0313b595002f4c5d18c4f5c900e2769ec9aa"
    "2210aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" /* 4 salt: 16 bytes */
    "32020808" /* 6 links: 8, 8 */
    "5a1d" /* 11 effect: 29 bytes */
    "0809" /* 1 order_index: 9 */
    "3219" /* 6 held: 25 bytes */
    "0a057164646578" /* 1 venue: "qddex" */
    "120e51442d323032352d303030313233" /* 2 trade_no: "QD-2025-000123" */
    "1804"; /* 3 trade_index: 4 */

static const char order_delist_hex[] =
    "0801" /* 1 version: 1 */
    "1080c687c085e99103" /* 2 time_us: 1767225900000000 */
    /* 3 previous: leaf hash of the entry before */
    "1a2062fed7d264ed34d5a787ebe5b7e41538a586e1405dcc0cc1d8a7456af75cbad1"
    "2210abababababababababababababababab" /* 4 salt: 16 bytes */
    "5268" /* 10 order: 104 bytes */
    /* 1 note: 737562736964792e6f726465722f76310a64656c6973740a */
    "0a18737562736964792e6f726465722f76310a64656c6973740a"
    "124c7b22636f6465223a22393133373032303032363435373432353145222c226c69737473223a5b5d2c22726561"
    /* 2 items: "{"code":"91370200264574251E","lists":[],"reason":"企业申请","salt":"04"}" */
    "736f6e223a22e4bc81e4b89ae794b3e8afb7222c2273616c74223a223034227d";

static const char delisted_hex[] =
    "0801" /* 1 version: 1 */
    "1081c687c085e99103" /* 2 time_us: 1767225900000001 */
    /* 3 previous: leaf hash of the entry before */
    "1a20c87e1eb1c3c3f420c747a3c9f62317a4d6f85ea0b9f6aaadda4f2cc8194bad23"
    "2210acacacacacacacacacacacacacacacac" /* 4 salt: 16 bytes */
    "32010a" /* 6 links: 10 */
    "5a21" /* 11 effect: 33 bytes */
    "080b" /* 1 order_index: 11 */
    "2a1d" /* 5 delisted: 29 bytes */
    "0a12393133373032303032363435373432353145" /* 1 code: "91370200264574251E" */
    "120764656661756c74"; /* 2 lists: "default" */

static const char evidence_hex[] =
    "0801" /* 1 version: 1 */
    "1080d4d5dc85e99103" /* 2 time_us: 1767225960000000 */
    /* 3 previous: leaf hash of the entry before */
    "1a202b7b799f57961d3117db29d8155bcd3df5a9d3299919a7b168032cb3e364ef22"
    "2210adadadadadadadadadadadadadadadad" /* 4 salt: 16 bytes */
    "626b" /* 12 evidence: 107 bytes */
    "0a057164646578" /* 1 venue: "qddex" */
    "1001" /* 2 generation: 1 */
    "1802" /* 3 size: 2 */
    "225c71646465782f303132333435363738396162636465662f310a320a3437444551706a38484253612b2f54496d"
    "572b354a4365755165526b6d354e4d704a575a473368537546553d0a0ae28094207164646578204141414141413d"
    "3d0a" /* 4 note: 92 bytes */
    "2806"; /* 5 push_index: 6 */
/* clang-format on */

#define ARENA_MAX (1u << 20)

static const char *const ledger[] = {genesis_hex, order_hex, registered_hex, registered_second_hex, record_trade_hex,
    record_refund_hex, push_hex, order_relate_hex, related_hex, order_hold_hex, held_hex, order_delist_hex, delisted_hex,
    evidence_hex};
#define LEDGER_SIZE (sizeof(ledger) / sizeof(ledger[0]))

#define EPOCH 1767225600000000ULL /* 2026-01-01T00:00Z */

static inline enum err decode(struct slice bytes)
{
	struct arena arena;
	struct entry entry;
	enum err err;

	arena_init(&arena, ARENA_MAX);
	err = entry_decode(bytes, &arena, &entry);
	arena_done(&arena);
	return err;
}

struct opened {
	struct arena arena;
	struct buf hex;
	struct entry entry;
};

static inline void open_entry(const char *hex, struct opened *ret_opened)
{
	arena_init(&ret_opened->arena, ARENA_MAX);
	assert_int_equal(entry_decode(bytes_of_hex(hex, &ret_opened->hex), &ret_opened->arena, &ret_opened->entry), OK);
}

static inline void close_entry(struct opened *opened)
{
	buf_done(&opened->hex);
	arena_done(&opened->arena);
}

#endif
