/*
 * Damages a stopped ledger, or a copy of one, on purpose: the way a bad disk, a bug or a hand with a database tool might,
 * so that tests can show that `subsidyd verify` finds and names it. It goes to LMDB directly, past the store and its checks.
 *
 *	corrupt FOLDER list                        the databases, one a line
 *	corrupt FOLDER keys DATABASE               its keys in hex, one a line
 *	corrupt FOLDER dump DATABASE               its rows, key and value in hex, one a line
 *	corrupt FOLDER get DATABASE KEY            a value in hex
 *	corrupt FOLDER flip DATABASE KEY BYTE      changes one bit of the value's byte at that place
 *	corrupt FOLDER delete DATABASE KEY
 *	corrupt FOLDER put DATABASE KEY VALUE      adds or replaces a row
 *	corrupt FOLDER try data GUARD < LINES      a drill: see below; the ledger has this guard file
 *	corrupt FOLDER try copy < LINES            the same of a copy that `subsidy export` made
 *
 * A drill has many cases, one a line, and a verify for each in this one process: flip, delete and put as above, and
 *
 *	swap KEY KEY            exchanges the values of two entries
 *	close KEY               takes an entry out; those behind it move up
 *	chain KEY               gives every entry behind this one the hash of the one before, as a forger would
 *	byte FILE OFFSET MASK   changes those bits of a byte of a file in the folder
 *
 * with ';' between those of one case. The answer is a line: the exit code, and what was found. Then all is put back.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lmdb.h>

#include "daemon/verify.h"
#include "proto/entry.h"
#include "proto/key.h"

#define MAP_SIZE (1ULL << 30)
#define DB_COUNT_MAX (32 + VENUES_MAX)
#define KEY_BYTES_MAX 512
#define VALUE_SIZE_MAX 65536
#define LINE_SIZE_MAX (4 * VALUE_SIZE_MAX)
#define WORDS_MAX 5

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

static void print_hex(MDB_val value, char end)
{
	const uint8_t *bytes = value.mv_data;

	for (size_t i = 0; i < value.mv_size; i++)
		printf("%02x", bytes[i]);
	putchar(end);
}

/* ---- one row */

struct database {
	MDB_env *env;
	MDB_txn *txn;
};

static void begin(struct database *database, const char *folder)
{
	check(mdb_env_create(&database->env), "create");
	check(mdb_env_set_mapsize(database->env, MAP_SIZE), "map size");
	check(mdb_env_set_maxdbs(database->env, DB_COUNT_MAX), "databases");
	check(mdb_env_open(database->env, folder, MDB_NOSYNC, 0600), folder);
	check(mdb_txn_begin(database->env, NULL, 0, &database->txn), "begin");
}

static void commit(struct database *database)
{
	check(mdb_txn_commit(database->txn), "commit");
	mdb_env_close(database->env);
}

/* The keys of a database, with their values or not, or (of the unnamed one) the databases' names. */
static void list(MDB_txn *txn, const char *name, bool has_values)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	MDB_dbi dbi;

	check(mdb_dbi_open(txn, name, 0, &dbi), name != NULL ? name : "databases");
	check(mdb_cursor_open(txn, dbi, &cursor), "cursor");
	while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
		if (name == NULL)
			printf("%.*s\n", (int)key.mv_size, (const char *)key.mv_data);
		else
			print_hex(key, has_values ? ' ' : '\n');
		if (has_values)
			print_hex(value, '\n');
	}
	mdb_cursor_close(cursor);
}

/* What was changed, so that it can be put back, the last change first. */
struct change {
	struct change *before;
	char *name; /* of the database, or of the file */
	size_t key_size;
	uint8_t key[KEY_BYTES_MAX];
	bool was_there;
	size_t value_size;
	uint8_t *value;
	long offset; /* of a file: this byte, and these bits */
	int mask;
};

static struct change *remember(struct change **changes, const char *name)
{
	struct change *change = calloc(1, sizeof(*change));

	if (change == NULL)
		check(ENOMEM, "memory");
	change->name = strdup(name);
	change->before = *changes;
	*changes = change;
	return change;
}

/* Every change of a row goes through here; a value without bytes in memory removes it. */
static void set_row(MDB_txn *txn, struct change **changes, const char *name, MDB_val *key, MDB_val *value)
{
	struct change *change = changes != NULL ? remember(changes, name) : NULL;
	MDB_val old;
	MDB_dbi dbi;
	int code;

	check(mdb_dbi_open(txn, name, 0, &dbi), name);
	code = mdb_get(txn, dbi, key, &old);
	if (change != NULL) {
		change->key_size = key->mv_size;
		memcpy(change->key, key->mv_data, key->mv_size);
		change->was_there = code == 0;
		change->value_size = code == 0 ? old.mv_size : 0;
		change->value = malloc(change->value_size + 1);
		if (change->value == NULL)
			check(ENOMEM, "memory");
		if (code == 0)
			memcpy(change->value, old.mv_data, old.mv_size);
	}
	check(value->mv_data != NULL ? mdb_put(txn, dbi, key, value, 0) : mdb_del(txn, dbi, key, NULL), "change");
}

static MDB_val get_row(MDB_txn *txn, const char *name, MDB_val *key, uint8_t *ret_bytes)
{
	MDB_val value;
	MDB_dbi dbi;

	check(mdb_dbi_open(txn, name, 0, &dbi), name);
	check(mdb_get(txn, dbi, key, &value), "get");
	if (value.mv_size > VALUE_SIZE_MAX)
		check(EINVAL, "the value is too long");
	memcpy(ret_bytes, value.mv_data, value.mv_size);
	return (MDB_val){.mv_size = value.mv_size, .mv_data = ret_bytes};
}

static void swap(MDB_txn *txn, struct change **changes, char *const *words)
{
	static uint8_t keys[2][KEY_BYTES_MAX], values[2][VALUE_SIZE_MAX];
	MDB_val first = bytes_of_hex(words[1], keys[0], KEY_BYTES_MAX);
	MDB_val second = bytes_of_hex(words[2], keys[1], KEY_BYTES_MAX);
	MDB_val first_value = get_row(txn, "entries", &first, values[0]);
	MDB_val second_value = get_row(txn, "entries", &second, values[1]);

	set_row(txn, changes, "entries", &first, &second_value);
	set_row(txn, changes, "entries", &second, &first_value);
}

/* The key of the next entry, in place; false behind the last one. */
static bool step(MDB_txn *txn, MDB_val *key, uint8_t *value_bytes, MDB_val *ret_value)
{
	uint8_t *bytes = key->mv_data;
	struct reader reader = reader_of(slice_of(bytes, key->mv_size));
	uint64_t index = reader_u64(&reader) + 1;
	MDB_val value;
	MDB_dbi dbi;

	for (size_t i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(index >> (56 - 8 * i));
	check(mdb_dbi_open(txn, "entries", 0, &dbi), "entries");
	if (mdb_get(txn, dbi, key, &value) != 0)
		return false;
	*ret_value = get_row(txn, "entries", key, value_bytes);
	return true;
}

static void close_up(MDB_txn *txn, struct change **changes, char *const *words)
{
	static uint8_t key_bytes[KEY_BYTES_MAX], to_bytes[KEY_BYTES_MAX], value_bytes[VALUE_SIZE_MAX];
	MDB_val key = bytes_of_hex(words[1], key_bytes, KEY_BYTES_MAX), to = {.mv_size = 8, .mv_data = to_bytes};
	MDB_val value, none = {0};

	memcpy(to_bytes, key_bytes, 8);
	while (step(txn, &key, value_bytes, &value)) {
		set_row(txn, changes, "entries", &to, &value);
		memcpy(to_bytes, key_bytes, 8);
	}
	set_row(txn, changes, "entries", &to, &none);
}

/* Entries behind `words[1]`, in their order, each with the hash of the one before it; the rest of it stays. */
static void chain(MDB_txn *txn, struct change **changes, char *const *words)
{
	static uint8_t bytes[KEY_BYTES_MAX], value_bytes[VALUE_SIZE_MAX];
	MDB_val key = bytes_of_hex(words[1], bytes, KEY_BYTES_MAX);
	MDB_val value = get_row(txn, "entries", &key, value_bytes);
	struct hash previous = hash_leaf(slice_of(value.mv_data, value.mv_size));
	struct arena arena;
	struct buf made;

	arena_init(&arena, 8 * ENTRY_SIZE_MAX);
	buf_init(&made, ENTRY_SIZE_MAX);
	while (step(txn, &key, value_bytes, &value)) {
		struct entry entry;

		arena_reset(&arena);
		buf_clear(&made);
		if (entry_decode(slice_of(value.mv_data, value.mv_size), &arena, &entry) != OK)
			check(EINVAL, "an entry can't be read");
		entry.previous = previous;
		if (entry_encode(&entry, &made) != OK)
			check(EINVAL, "an entry can't be made");
		previous = hash_leaf(buf_slice(&made));
		value = (MDB_val){.mv_size = made.size, .mv_data = made.data};
		set_row(txn, changes, "entries", &key, &value);
	}
	buf_done(&made);
	arena_done(&arena);
}

static void change_row(MDB_txn *txn, struct change **changes, char *const *words)
{
	static uint8_t key_bytes[KEY_BYTES_MAX], value_bytes[VALUE_SIZE_MAX];
	MDB_val key = bytes_of_hex(words[2], key_bytes, sizeof(key_bytes)), value = {0};

	if (strcmp(words[0], "flip") == 0) {
		size_t at = (size_t)strtoul(words[3], NULL, 10);

		value = get_row(txn, words[1], &key, value_bytes);
		if (at >= value.mv_size)
			check(EINVAL, "the value has no such byte");
		value_bytes[at] ^= 1;
	} else if (strcmp(words[0], "put") == 0) {
		value = bytes_of_hex(words[3], value_bytes, sizeof(value_bytes));
	}
	set_row(txn, changes, words[1], &key, &value);
}

/* ---- bytes of files */

static void flip_byte(const char *folder, const char *name, long offset, int mask)
{
	char path[4096];
	unsigned char byte;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || pread(fd, &byte, 1, offset) != 1)
		check(errno != 0 ? errno : EINVAL, path);
	byte = (unsigned char)(byte ^ mask);
	if (pwrite(fd, &byte, 1, offset) != 1 || close(fd) != 0)
		check(errno, path);
}

/* ---- drills */

struct drill {
	const char *folder;
	bool is_copy;
	struct verify_options options;
	FILE *out;
};

static size_t split(char *text, char *ret_words[static WORDS_MAX])
{
	size_t count = 0;
	char *rest = NULL;

	for (char *word = strtok_r(text, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
		if (count == WORDS_MAX)
			check(EINVAL, "too many words");
		ret_words[count++] = word;
	}
	return count;
}

static bool is_call(char *const *words, size_t count, const char *verb, size_t wanted)
{
	return count == wanted && strcmp(words[0], verb) == 0;
}

static void damage(const struct drill *drill, struct change **changes, char *text)
{
	char *words[WORDS_MAX];
	size_t count = split(text, words);
	struct database database;

	if (is_call(words, count, "byte", 4)) {
		struct change *change = remember(changes, words[1]);

		change->offset = strtol(words[2], NULL, 10);
		change->mask = (int)strtol(words[3], NULL, 10);
		flip_byte(drill->folder, words[1], change->offset, change->mask);
		return;
	}
	begin(&database, drill->folder);
	if (is_call(words, count, "swap", 3))
		swap(database.txn, changes, words);
	else if (is_call(words, count, "close", 2))
		close_up(database.txn, changes, words);
	else if (is_call(words, count, "chain", 2))
		chain(database.txn, changes, words);
	else if (is_call(words, count, "flip", 4) || is_call(words, count, "put", 4) ||
		 is_call(words, count, "delete", 3))
		change_row(database.txn, changes, words);
	else
		check(EINVAL, count > 0 ? words[0] : "an empty call");
	commit(&database);
}

static void put_back(const struct drill *drill, struct change *changes)
{
	while (changes != NULL) {
		struct change *change = changes;
		struct database database;

		changes = change->before;
		if (change->mask != 0) {
			flip_byte(drill->folder, change->name, change->offset, change->mask);
		} else {
			MDB_val key = {.mv_size = change->key_size, .mv_data = change->key};
			MDB_val value = {
			    .mv_size = change->value_size, .mv_data = change->was_there ? change->value : NULL};

			begin(&database, drill->folder);
			set_row(database.txn, NULL, change->name, &key, &value);
			commit(&database);
		}
		free(change->value);
		free(change->name);
		free(change);
	}
}

/* The exit code, and the line that says why (of a good one: the last line). */
static void verify(const struct drill *drill)
{
	static char line[4096], last[4096];
	int code;

	rewind(drill->out);
	if (ftruncate(fileno(drill->out), 0) != 0)
		check(errno, "truncate");
	code = verify_run(&drill->options, drill->out);
	fflush(drill->out);
	rewind(drill->out);
	last[0] = '\0';
	while (fgets(line, sizeof(line), drill->out) != NULL)
		memcpy(last, line, sizeof(last));
	last[strcspn(last, "\n")] = '\0';
	printf("%d %s\n", code, last);
	fflush(stdout);
}

static void run_drill(const struct drill *drill)
{
	static char line[LINE_SIZE_MAX];

	while (fgets(line, sizeof(line), stdin) != NULL) {
		struct change *changes = NULL;
		char *rest = NULL;

		line[strcspn(line, "\n")] = '\0';
		for (char *call = strtok_r(line, ";", &rest); call != NULL; call = strtok_r(NULL, ";", &rest))
			damage(drill, &changes, call);
		verify(drill);
		put_back(drill, changes);
	}
}

static int start_drill(char *folder, const char *what, char *guard)
{
	struct config config = {.data = folder, .guard = guard, .map_size = MAP_SIZE};
	struct drill drill = {.folder = folder, .is_copy = guard == NULL, .out = tmpfile()};
	const char *threads = getenv("DRILL_THREADS");

	if (drill.out == NULL || key_global_init() != OK || (strcmp(what, "copy") == 0) != drill.is_copy)
		return 2;
	drill.options.thread_count = threads != NULL ? (unsigned)strtoul(threads, NULL, 10) : 1;
	if (drill.is_copy)
		drill.options.export_path = folder;
	else
		drill.options.config = &config;
	run_drill(&drill);
	fclose(drill.out);
	return 0;
}

/* ---- the command line */

static int usage(void)
{
	fprintf(stderr,
	    "usage: corrupt FOLDER list | keys DB | dump DB | get DB KEY | flip DB KEY BYTE | delete DB KEY | "
	    "put DB KEY VALUE | try data GUARD | try copy\n");
	return 2;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *verb;
		int argc;
	} verbs[] = {{"list", 3}, {"keys", 4}, {"dump", 4}, {"get", 5}, {"delete", 5}, {"flip", 6}, {"put", 6}};
	static uint8_t key_bytes[KEY_BYTES_MAX], value_bytes[VALUE_SIZE_MAX];
	const char *verb = argc > 2 ? argv[2] : "";
	struct database database;
	bool is_known = false;

	if (strcmp(verb, "try") == 0 && (argc == 4 || argc == 5))
		return start_drill(argv[1], argv[3], argc == 5 ? argv[4] : NULL);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		is_known |= strcmp(verbs[i].verb, verb) == 0 && verbs[i].argc == argc;
	if (!is_known)
		return usage();
	begin(&database, argv[1]);
	if (argc <= 4) {
		list(database.txn, argc == 4 ? argv[3] : NULL, strcmp(verb, "dump") == 0);
	} else if (strcmp(verb, "get") == 0) {
		MDB_val key = bytes_of_hex(argv[4], key_bytes, sizeof(key_bytes));

		print_hex(get_row(database.txn, argv[3], &key, value_bytes), '\n');
	} else {
		change_row(database.txn, NULL, argv + 2);
	}
	commit(&database);
	return 0;
}
