/*
 * Receipts and proofs as they come from disk or network: a tlog-proof file, the checkpoint in it, and, for what is none,
 * the smaller texts beside them: a public key, the name of a tile. What was accepted prints as the same bytes again,
 * for each of these has one spelling.
 */
#include "proto/checkpoint.h"
#include "proto/tile.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool is_true)
{
	if (!is_true)
		abort();
}

static void parse_checkpoint(struct slice text)
{
	struct checkpoint checkpoint;
	struct buf printed;
	struct why why;

	if (checkpoint_parse(text, &checkpoint, &why) != OK)
		return;
	buf_init(&printed, CHECKPOINT_SIZE_MAX);
	checkpoint_format(&checkpoint, &printed);
	expect(slice_equal(buf_slice(&printed), text));
	buf_done(&printed);
}

static void parse_key(struct slice text)
{
	char printed[KEY_VKEY_SIZE];
	struct key key;

	if (key_parse(text, &key) != OK)
		return;
	key_format(&key, printed);
	expect(slice_equal(slice_text(printed), text));
}

static void parse_tile(struct slice text)
{
	char printed[TILE_PATH_SIZE];
	struct tile tile;

	if (tile_parse(text, &tile) != OK)
		return;
	tile_format(&tile, printed);
	expect(slice_equal(slice_text(printed), text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct note note;
	struct slice input = slice_of(data, size);
	struct arena arena;
	struct proof proof;
	struct buf printed;
	struct why why;

	expect(key_global_init() == OK);
	arena_init(&arena, 4 * ENTRY_SIZE_MAX);
	if (proof_parse(input, &arena, &proof, &why) == OK) {
		buf_init(&printed, 8 * ENTRY_SIZE_MAX);
		proof_format(&proof, &printed);
		expect(slice_equal(buf_slice(&printed), input));
		buf_done(&printed);
		if (note_parse(proof.note, &note, &why) == OK)
			parse_checkpoint(note.text);
	} else {
		parse_checkpoint(input);
		parse_key(input);
		parse_tile(input);
	}
	arena_done(&arena);
	return 0;
}
