/*
 * Damages a stopped ledger on purpose, one row at a time, the way a bad disk, a bug or a hand with a database tool
 * might: so that tests can show that `subsidyd verify` finds and names it. It goes to LMDB directly, past the store and
 * its checks.
 *
 *	corrupt FOLDER list                        the databases, one a line
 *	corrupt FOLDER keys DATABASE               its keys in hex, one a line
 *	corrupt FOLDER get DATABASE KEY            a value in hex
 *	corrupt FOLDER flip DATABASE KEY BYTE      changes one bit of the value's byte at that place
 *	corrupt FOLDER delete DATABASE KEY
 *	corrupt FOLDER put DATABASE KEY VALUE      adds or replaces a row
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lmdb.h>

#include "proto/bytes.h"
#include "proto/limits.h"

#define MAP_SIZE (1ULL << 30)
#define DB_COUNT_MAX (32 + VENUES_MAX)
#define VALUE_SIZE_MAX 65536

static void check(int code, const char *what)
{
	if (code == 0)
		return;
	fprintf(stderr, "corrupt: %s: %s\n", what, mdb_strerror(code));
	exit(1);
}

static MDB_val bytes_of_hex(const char *text, uint8_t *ret_bytes, size_t capacity)
{
	size_t size = strlen(text) / 2;

	if (size > capacity || hex_parse(slice_text(text), ret_bytes, size) != OK)
		check(EINVAL, text);
	return (MDB_val){.mv_size = size, .mv_data = ret_bytes};
}

static void print_hex(MDB_val value)
{
	const uint8_t *bytes = value.mv_data;

	for (size_t i = 0; i < value.mv_size; i++)
		printf("%02x", bytes[i]);
	printf("\n");
}

/* The keys of a database, or (of the unnamed one) the databases' names. */
static void list(MDB_txn *txn, const char *database)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	MDB_dbi dbi;

	check(mdb_dbi_open(txn, database, 0, &dbi), database != NULL ? database : "databases");
	check(mdb_cursor_open(txn, dbi, &cursor), "cursor");
	while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
		if (database == NULL)
			printf("%.*s\n", (int)key.mv_size, (const char *)key.mv_data);
		else
			print_hex(key);
	}
	mdb_cursor_close(cursor);
}

static void flip(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, const char *place)
{
	static uint8_t copy[VALUE_SIZE_MAX];
	size_t at = (size_t)strtoul(place, NULL, 10);
	MDB_val value;

	check(mdb_get(txn, dbi, key, &value), "get");
	if (at >= value.mv_size || value.mv_size > sizeof(copy))
		check(EINVAL, "the value has no such byte");
	memcpy(copy, value.mv_data, value.mv_size);
	copy[at] ^= 1;
	value.mv_data = copy;
	check(mdb_put(txn, dbi, key, &value, 0), "put");
}

static void change(MDB_txn *txn, const char *verb, char *const *args)
{
	static uint8_t key_bytes[512], value_bytes[VALUE_SIZE_MAX];
	MDB_val key = bytes_of_hex(args[1], key_bytes, sizeof(key_bytes)), value;
	MDB_dbi dbi;

	check(mdb_dbi_open(txn, args[0], 0, &dbi), args[0]);
	if (strcmp(verb, "get") == 0) {
		check(mdb_get(txn, dbi, &key, &value), "get");
		print_hex(value);
	} else if (strcmp(verb, "flip") == 0) {
		flip(txn, dbi, &key, args[2]);
	} else if (strcmp(verb, "delete") == 0) {
		check(mdb_del(txn, dbi, &key, NULL), "delete");
	} else {
		value = bytes_of_hex(args[2], value_bytes, sizeof(value_bytes));
		check(mdb_put(txn, dbi, &key, &value, 0), "put");
	}
}

int main(int argc, char **argv)
{
	const char *verb = argc > 2 ? argv[2] : "";
	static const struct {
		const char *verb;
		int argc;
	} verbs[] = {{"list", 3}, {"keys", 4}, {"get", 5}, {"delete", 5}, {"flip", 6}, {"put", 6}};
	bool is_known = false;
	MDB_env *env;
	MDB_txn *txn;

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		is_known |= strcmp(verbs[i].verb, verb) == 0 && verbs[i].argc == argc;
	if (!is_known) {
		fprintf(stderr,
		    "usage: corrupt FOLDER list | keys DB | get DB KEY | flip DB KEY BYTE | delete DB KEY | "
		    "put DB KEY VALUE\n");
		return 2;
	}
	check(mdb_env_create(&env), "create");
	check(mdb_env_set_mapsize(env, MAP_SIZE), "map size");
	check(mdb_env_set_maxdbs(env, DB_COUNT_MAX), "databases");
	check(mdb_env_open(env, argv[1], 0, 0600), argv[1]);
	check(mdb_txn_begin(env, NULL, 0, &txn), "begin");
	if (argc <= 4)
		list(txn, argc == 4 ? argv[3] : NULL);
	else
		change(txn, verb, argv + 3);
	check(mdb_txn_commit(txn), "commit");
	mdb_env_close(env);
	return 0;
}
