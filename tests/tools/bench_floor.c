/*
 * The floors of the benchmark: what LMDB and one hash a record allow on this machine, without any of our work.
 *
 *	bench_floor ingest FOLDER FEED…	bare LMDB: the same entry bytes and trade index, chain hash and leaf hash, one
 *					synced commit per 10,000 records. Prints records per second.
 *	bench_floor verify SECONDS	Ed25519 verifications of a feed checkpoint per second, one thread.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <lmdb.h>

#include "proto/entry.h"
#include "proto/feed.h"
#include "proto/record.h"
#include "proto/note.h"

#define COMMIT_RECORDS 10000u
#define MAP_SIZE (64ull << 30)
#define MARKER 0xa7 /* fills `previous` so that its place can be found */

static void die(const char *text)
{
	fprintf(stderr, "bench_floor: %s\n", text);
	exit(1);
}

static uint64_t now_us(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000u + (uint64_t)time.tv_nsec / 1000u;
}

/* One entry as the ledger would write it, with the place of its predecessor's hash. */
struct sample {
	uint8_t *bytes;
	size_t size, previous_offset;
	char trade_no[TRADE_NO_SIZE_MAX];
	size_t trade_no_size;
};

static void make_sample(
    struct slice record_bytes, const char *venue, uint64_t index, struct arena *arena, struct sample *ret_sample)
{
	struct record_fault faults[RECORD_FAULTS_MAX];
	struct entry entry = {
	    .kind = ENTRY_RECORD, .time_us = 1790000000000000u + index, .link_count = 2, .links = {index, index}};
	uint8_t marker[HASH_SIZE];
	struct record record;
	size_t fault_count;
	struct buf encoded;

	if (record_decode(record_bytes, arena, &record, faults, &fault_count) != OK)
		die("a record of the feed does not decode");
	memset(marker, MARKER, sizeof(marker));
	memcpy(entry.previous.bytes, marker, HASH_SIZE);
	entry.record.venue = slice_text(venue);
	entry.record.generation = 1;
	entry.record.feed_index = index;
	entry.record.record = record_bytes;
	entry.record.disposition = DISPOSITION_COUNTED;
	buf_init(&encoded, ENTRY_SIZE_MAX);
	if (entry_encode(&entry, &encoded) != OK)
		die("no memory");
	ret_sample->size = encoded.size;
	ret_sample->bytes = encoded.data; /* kept */
	ret_sample->previous_offset =
	    (size_t)((uint8_t *)memmem(encoded.data, encoded.size, marker, HASH_SIZE) - encoded.data);
	ret_sample->trade_no_size = record.trade.trade_no.size;
	memcpy(ret_sample->trade_no, record.trade.trade_no.data, record.trade.trade_no.size);
}

struct samples {
	struct sample *items;
	size_t count, capacity;
};

static void add_feed(const char *path, struct samples *samples)
{
	FILE *file = fopen(path, "rb");
	uint8_t head[8], *body;
	struct arena arena;

	if (file == NULL)
		die("can't read a feed");
	arena_init(&arena, PUSH_ARENA_MAX);
	while (fread(head, 1, sizeof(head), file) == sizeof(head)) {
		size_t size = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
		struct push push;

		body = malloc(size);
		if (body == NULL || fread(body, 1, size, file) != size)
			die("a feed is cut short");
		if (push_decode(slice_of(body, size), &arena, &push, NULL) != OK)
			die("not a push");
		for (size_t i = 0; i < push.record_count; i++) {
			if (samples->count == samples->capacity) {
				samples->capacity = samples->capacity == 0 ? 65536 : 2 * samples->capacity;
				samples->items =
				    reallocarray(samples->items, samples->capacity, sizeof(*samples->items));
				if (samples->items == NULL)
					die("no memory");
			}
			make_sample(
			    push.records[i], "venue-0", samples->count, &arena, &samples->items[samples->count]);
			samples->count++;
		}
		free(body);
		arena_reset(&arena);
	}
	arena_done(&arena);
	fclose(file);
}

static void must(int code)
{
	if (code != 0)
		die(mdb_strerror(code));
}

static void run_ingest(const char *folder, const struct samples *samples)
{
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi entries, trades;
	struct hash leaf = {{0}};
	uint64_t start, took;

	mkdir(folder, 0700);
	must(mdb_env_create(&env));
	must(mdb_env_set_mapsize(env, (size_t)MAP_SIZE));
	must(mdb_env_set_maxdbs(env, 4));
	must(mdb_env_open(env, folder, MDB_NOTLS, 0600));
	must(mdb_txn_begin(env, NULL, 0, &txn));
	must(mdb_dbi_open(txn, "entries", MDB_CREATE, &entries));
	must(mdb_dbi_open(txn, "trades", MDB_CREATE, &trades));
	must(mdb_txn_commit(txn));
	start = now_us();
	for (size_t done = 0; done < samples->count;) {
		must(mdb_txn_begin(env, NULL, 0, &txn));
		for (size_t i = 0; i < COMMIT_RECORDS && done < samples->count; i++, done++) {
			struct sample *sample = &samples->items[done];
			uint8_t index[8];
			MDB_val key = {8, index}, value = {sample->size, sample->bytes};
			MDB_val trade = {sample->trade_no_size, sample->trade_no}, place = {8, index};

			for (unsigned byte = 0; byte < 8; byte++)
				index[byte] = (uint8_t)(done >> (56 - 8 * byte));
			memcpy(sample->bytes + sample->previous_offset, leaf.bytes, HASH_SIZE);
			must(mdb_put(txn, entries, &key, &value, MDB_APPEND));
			leaf = hash_leaf(slice_of(sample->bytes, sample->size));
			if (mdb_put(txn, trades, &trade, &place, MDB_APPEND) != 0)
				must(mdb_put(txn, trades, &trade, &place, 0));
		}
		must(mdb_txn_commit(txn));
	}
	took = now_us() - start;
	mdb_env_close(env);
	printf("%llu\n", (unsigned long long)(samples->count * 1000000ull / took));
}

static void run_verify(uint64_t seconds)
{
	static const uint8_t secret[32] = {1};
	static const char text[] =
	    "venue-0/0123456789abcdef/1\n1234567\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n";
	uint8_t signature[KEY_SIGNATURE_MAX];
	struct signer *signer;
	size_t size;
	uint64_t start = now_us(), count = 0;

	if (signer_from_secret(KEY_ED25519, slice_text("venue-0"), secret, &signer) != OK ||
	    signer_sign(signer, slice_text(text), signature, &size) != OK)
		die("can't sign");
	while (now_us() - start < seconds * 1000000u)
		for (unsigned i = 0; i < 100; i++, count++)
			if (key_verify(signer_key(signer), slice_text(text), slice_of(signature, size)) != OK)
				die("a good signature was refused");
	printf("%llu\n", (unsigned long long)(count * 1000000u / (now_us() - start)));
	signer_free(signer);
}

int main(int argc, char **argv)
{
	struct samples samples = {0};

	if (key_global_init() != OK)
		die("no cryptography");
	if (argc >= 4 && strcmp(argv[1], "ingest") == 0) {
		for (int i = 3; i < argc; i++)
			add_feed(argv[i], &samples);
		run_ingest(argv[2], &samples);
		for (size_t i = 0; i < samples.count; i++)
			free(samples.items[i].bytes);
		free(samples.items);
	} else if (argc == 3 && strcmp(argv[1], "verify") == 0) {
		run_verify(strtoull(argv[2], NULL, 10));
	} else {
		die("usage: bench_floor ingest FOLDER FEED… | verify SECONDS");
	}
	return 0;
}
