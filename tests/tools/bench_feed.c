/*
 * Signed feeds for the benchmark: bench_feed OUT LEDGER_ID VENUE KEY_FILE VENUE_NUMBER VENUES RECORDS PUSH_RECORDS
 *
 * Writes the push bodies of one venue one after the other, each behind its size and the number of its records (u32 both,
 * big-endian). The trades are nearly chronological over the 24 months before this one, their numbers rise, every
 * enterprise (5,000 of them) trades at no more than two venues and in two product kinds, and one trade in twenty carries
 * a flag.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proto/date.h"
#include "proto/feed.h"
#include "proto/record.h"
#include "proto/usci.h"

#define ENTERPRISES 5000u
#define MONTHS 24u

static uint64_t random_state = 88172645463325252u;
static uint32_t first_month; /* 12 x year + month - 1 */

/* xorshift64: the same numbers on every machine. */
static uint32_t draw(uint32_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)((random_state >> 20) % below);
}

static void make_code(uint32_t number, char ret_code[static USCI_SIZE + 1])
{
	snprintf(ret_code, USCI_SIZE + 1, "91370200MA%07u", number);
	ret_code[USCI_SIZE - 1] = usci_check_character(ret_code);
	ret_code[USCI_SIZE] = '\0';
}

struct texts {
	char trade_no[32], contract_no[32], voucher_no[32], supplier[USCI_SIZE + 1], buyer[USCI_SIZE + 1];
	uint8_t contract_hash[HASH_SIZE];
};

/* The enterprises of a venue: those whose number falls to it or to the venue before it. */
static uint32_t draw_enterprise(uint32_t venue, uint32_t venues)
{
	uint32_t share = (venue + draw(2)) % venues;

	return draw(ENTERPRISES / venues) * venues + share;
}

static void make_trade(
    uint32_t venue, uint32_t venues, uint64_t index, uint64_t count, struct texts *texts, struct record *ret_record)
{
	uint32_t month = first_month + (uint32_t)(index * MONTHS / count), day = 1 + draw(28), supplier, buyer;
	uint32_t settled = month / 12 * 10000 + (month % 12 + 1) * 100 + day;
	uint64_t amount = 10000 + draw(5000000);
	bool is_flagged = draw(20) == 0;

	supplier = draw_enterprise(venue, venues);
	do
		buyer = draw_enterprise(venue, venues);
	while (buyer == supplier);
	snprintf(texts->trade_no, sizeof(texts->trade_no), "T%02u%010llu", venue, (unsigned long long)index);
	snprintf(texts->contract_no, sizeof(texts->contract_no), "QDHT-2025-%010llu", (unsigned long long)index);
	snprintf(texts->voucher_no, sizeof(texts->voucher_no), "V%010llu", (unsigned long long)index);
	memset(texts->contract_hash, 0, HASH_SIZE);
	memcpy(texts->contract_hash, &index, sizeof(index));
	memcpy(texts->contract_hash + sizeof(index), &venue, sizeof(venue));
	make_code(supplier, texts->supplier);
	make_code(buyer, texts->buyer);
	memset(ret_record, 0, sizeof(*ret_record));
	ret_record->kind = RECORD_TRADE;
	ret_record->trade = (struct trade){.trade_no = slice_text(texts->trade_no),
	    .contract_no = slice_text(texts->contract_no),
	    .contract_hash = slice_of(texts->contract_hash, HASH_SIZE),
	    .contract_kind = CONTRACT_PROVIDE,
	    .product_code = slice_text("QD-P-000001"),
	    .product_name = slice_text("hourly weather data of Jiaozhou Bay"),
	    .product_kind = supplier % 2 == 0 ? PRODUCT_DATASET : PRODUCT_API,
	    .supplier = slice_text(texts->supplier),
	    .buyer = slice_text(texts->buyer),
	    .amount_fen = amount,
	    .tax_fen = amount * 6 / 106,
	    .instalment = 1,
	    .signed_on = settled,
	    .settled_on = settled,
	    .voucher_no = slice_text(texts->voucher_no),
	    .related_declared = is_flagged ? DECLARED_YES : DECLARED_NO,
	    .other_subsidy = DECLARED_NO};
}

static uint32_t month_before(uint32_t months)
{
	uint32_t today = date_of_time((uint64_t)time(NULL) * 1000000u);

	return today / 10000 * 12 + today / 100 % 100 - 1 - months;
}

static void die(const char *text)
{
	fprintf(stderr, "bench_feed: %s\n", text);
	exit(1);
}

static struct signer *read_signer(const char *path)
{
	struct signer *signer;
	char text[1024];
	FILE *file = fopen(path, "r");
	size_t size = file == NULL ? 0 : fread(text, 1, sizeof(text), file);

	if (file != NULL)
		fclose(file);
	if (signer_parse(slice_of(text, size), &signer) != OK)
		die("not a key file");
	return signer;
}

struct feed_maker {
	const char *venue, *ledger_id;
	struct signer *signer;
	struct frontier frontier;
	struct buf records, note, body;
	size_t *ends;
	struct slice *slices;
};

static void write_push(struct feed_maker *maker, size_t count, FILE *out)
{
	struct push push = {.start = maker->frontier.size, .record_count = count, .records = maker->slices};
	struct checkpoint checkpoint = {0};
	struct buf text;
	uint8_t head[8];

	for (size_t i = 0; i < count; i++) {
		struct hash leaf;

		maker->slices[i] = slice_of(maker->records.data + maker->ends[i], maker->ends[i + 1] - maker->ends[i]);
		leaf = hash_leaf(maker->slices[i]);
		frontier_append(&maker->frontier, &leaf);
	}
	feed_origin_format(maker->venue, maker->ledger_id, 1, checkpoint.origin);
	checkpoint.size = maker->frontier.size;
	checkpoint.root = frontier_root(&maker->frontier);
	buf_init(&text, NOTE_SIZE_MAX);
	checkpoint_format(&checkpoint, &text);
	buf_clear(&maker->note);
	if (note_sign(buf_slice(&text), &maker->signer, 1, &maker->note) != OK)
		die("can't sign");
	buf_done(&text);
	push.note = buf_slice(&maker->note);
	buf_clear(&maker->body);
	if (push_encode(&push, &maker->body) != OK)
		die("the push is too large");
	for (unsigned i = 0; i < 4; i++) {
		head[i] = (uint8_t)(maker->body.size >> (24 - 8 * i));
		head[4 + i] = (uint8_t)(count >> (24 - 8 * i));
	}
	if (fwrite(head, 1, sizeof(head), out) != sizeof(head) ||
	    fwrite(maker->body.data, 1, maker->body.size, out) != maker->body.size)
		die("can't write");
}

int main(int argc, char **argv)
{
	struct feed_maker maker = {0};
	struct texts texts;
	struct record record;
	uint64_t records, push_records;
	uint32_t venue, venues;
	size_t filled = 0;
	FILE *out;

	if (argc != 9 || key_global_init() != OK)
		die("usage: bench_feed OUT LEDGER_ID VENUE KEY_FILE VENUE_NUMBER VENUES RECORDS PUSH_RECORDS");
	out = fopen(argv[1], "wb");
	maker.ledger_id = argv[2];
	maker.venue = argv[3];
	maker.signer = read_signer(argv[4]);
	venue = (uint32_t)strtoul(argv[5], NULL, 10);
	venues = (uint32_t)strtoul(argv[6], NULL, 10);
	records = strtoull(argv[7], NULL, 10);
	push_records = strtoull(argv[8], NULL, 10);
	if (out == NULL || push_records == 0 || push_records > PUSH_RECORDS_MAX || venues == 0)
		die("bad arguments");
	first_month = month_before(MONTHS);
	random_state += (uint64_t)venue * 7919;
	frontier_init(&maker.frontier);
	buf_init(&maker.records, PUSH_SIZE_MAX);
	buf_init(&maker.note, NOTE_SIZE_MAX);
	buf_init(&maker.body, PUSH_SIZE_MAX);
	maker.ends = calloc(push_records + 1, sizeof(*maker.ends));
	maker.slices = calloc(push_records, sizeof(*maker.slices));
	if (maker.ends == NULL || maker.slices == NULL)
		die("no memory");
	for (uint64_t i = 0; i < records; i++) {
		make_trade(venue, venues, i, records, &texts, &record);
		if (record_encode(&record, &maker.records) != OK)
			die("can't encode");
		maker.ends[++filled] = maker.records.size;
		if (filled == push_records || i + 1 == records) {
			write_push(&maker, filled, out);
			buf_clear(&maker.records);
			filled = 0;
		}
	}
	if (fclose(out) != 0)
		die("can't write");
	free(maker.ends);
	free(maker.slices);
	buf_done(&maker.records);
	buf_done(&maker.note);
	buf_done(&maker.body);
	signer_free(maker.signer);
	return 0;
}
