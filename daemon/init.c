#include "daemon/init.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/clock.h"
#include "daemon/fold.h"
#include "daemon/guard.h"
#include "daemon/head.h"
#include "daemon/keyfile.h"

static enum err read_note(const char *path, struct buf *ret_note, struct why *why)
{
	uint8_t block[4096];
	ssize_t size = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		while ((size = read(fd, block, sizeof(block))) > 0 && ret_note->err == OK)
			buf_add(ret_note, block, (size_t)size);
	if (size < 0)
		why_set(why, ERR_IO, "can't read %s: %s", path, strerror(errno));
	else if (ret_note->err == ERR_TOO_LARGE)
		why_set(why, ERR_TOO_LARGE, "%s is longer than a genesis note may be (%d bytes)", path, NOTE_SIZE_MAX);
	if (fd >= 0)
		close(fd);
	return size < 0 ? ERR_IO : ret_note->err;
}

/* The officers' note with the ledger's signature under it, checked as every replay will check it. */
static enum err finish_note(struct buf *note, const struct signer *signer, struct genesis *genesis, struct why *why)
{
	struct note parsed;
	struct buf complete;
	enum err err = genesis_check(buf_slice(note), false, genesis, why);

	if (err != OK)
		return err;
	if (!key_equal(signer_key(signer), &genesis->ledger_key))
		return why_set(why, ERR_KEY_FILE, "the genesis names another ledger key than the one configured");
	err = note_parse(buf_slice(note), &parsed, why);
	if (err == OK && !note_names_key(&parsed, &genesis->ledger_key)) {
		buf_init(&complete, NOTE_SIZE_MAX);
		err = note_add_signature(buf_slice(note), signer, &complete);
		if (err == OK) {
			buf_done(note);
			*note = complete;
		} else {
			buf_done(&complete);
		}
	}
	return err != OK ? err : genesis_check(buf_slice(note), true, genesis, why);
}

static enum err write_genesis(
    struct store *store, struct slice note, const struct genesis *genesis, struct ledger *ledger)
{
	uint8_t seed[32];
	struct stamp stamp;
	struct store_txn *txn;
	enum err err = store_write(store, &txn);

	if (err != OK)
		return err;
	err = ledger_load(ledger, txn);
	if (err != OK) {
		store_abort(txn);
		return err;
	}
	key_random(seed, sizeof(seed));
	stamp = ledger_stamp(ledger, clock_now_us(), seed);
	ledger_begin_command(ledger, &stamp);
	fold_genesis(ledger, txn, note, genesis);
	ledger_save(ledger, txn);
	return store_commit(txn);
}

static enum err make(const struct config *config, struct slice note, const struct genesis *genesis,
    struct signer *signer, struct why *why)
{
	struct store *store = NULL;
	struct ledger ledger = {0};
	struct guard *guard = NULL;
	struct head *head = calloc(1, sizeof(*head));
	enum err err =
	    head == NULL ? ERR_MEMORY : store_open(config->data, config->map_size, STORE_CREATE, &store, why);

	if (err == OK)
		err = write_genesis(store, note, genesis, &ledger);
	if (err == OK) {
		head->size = ledger.head.size;
		head->root = frontier_root(&ledger.head.frontier);
		err = head_sign(head, genesis->origin, &signer, 1);
	}
	if (err == OK)
		err = guard_create(config->guard, head_note(head), &guard, why);
	guard_close(guard);
	ledger_done(&ledger);
	if (err == OK)
		store_close(store);
	else
		store_discard(store);
	free(head);
	return err;
}

enum err genesis_load(
    const struct config *config, const char *genesis_file, struct genesis_file *ret_file, struct why *why)
{
	enum err err;

	memset(ret_file, 0, sizeof(*ret_file));
	buf_init(&ret_file->note, NOTE_SIZE_MAX);
	ret_file->genesis = calloc(1, sizeof(*ret_file->genesis));
	err = ret_file->genesis == NULL ? ERR_MEMORY : read_note(genesis_file, &ret_file->note, why);
	if (err == OK)
		err = keyfile_load(config->ledger_key, &ret_file->signer, why);
	if (err == OK)
		err = finish_note(&ret_file->note, ret_file->signer, ret_file->genesis, why);
	return err;
}

void genesis_done(struct genesis_file *file)
{
	signer_free(file->signer);
	buf_done(&file->note);
	free(file->genesis);
}

enum err ledger_init(const struct config *config, const char *genesis_file, struct why *why)
{
	struct genesis_file file;
	enum err err = genesis_load(config, genesis_file, &file, why);

	if (err == OK && file.genesis->continued.size > 0)
		err = why_set(why, ERR_INVALID,
		    "this genesis continues ledger %s: `subsidyd restore --accept-loss` takes it, with a backup of "
		    "that "
		    "one",
		    file.genesis->continued.ledger_id);
	if (err == OK && access(config->guard, F_OK) == 0)
		err = why_set(why, ERR_GUARD,
		    "there is a guard file already, %s: it belongs to a ledger that was made before", config->guard);
	if (err == OK && mkdir(config->data, 0700) != 0 && errno != EEXIST)
		err = why_set(why, ERR_IO, "can't make the data folder %s: %s", config->data, strerror(errno));
	if (err == OK)
		err = make(config, buf_slice(&file.note), file.genesis, file.signer, why);
	genesis_done(&file);
	return err;
}
