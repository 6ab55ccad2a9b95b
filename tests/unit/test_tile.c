/* Names of tiles, and how wide they are. */
#include "proto/tile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define INDEX_END (TREE_SIZE_MAX / TILE_WIDTH)

static void reads_and_writes_each_name(void **state)
{
	static const struct {
		const char *path;
		struct tile tile;
	} rows[] = {
	    {"0/000", {false, 0, 0, 256}},
	    {"0/273", {false, 0, 273, 256}},
	    {"0/999", {false, 0, 999, 256}},
	    {"0/x001/000", {false, 0, 1000, 256}},
	    {"0/x001/x234/067", {false, 0, 1234067, 256}},
	    {"0/x001/x234/067.p/8", {false, 0, 1234067, 8}},
	    {"7/000.p/1", {false, 7, 0, 1}},
	    {"1/001.p/255", {false, 1, 1, 255}},
	    {"entries/x001/x234/067", {true, 0, 1234067, 256}},
	    {"entries/000.p/44", {true, 0, 0, 44}},
	    {"entries/x035/x184/x372/x088/831.p/255", {true, 0, INDEX_END - 1, 255}},
	};
	char path[TILE_PATH_SIZE];
	struct tile tile;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (tile_parse(slice_text(rows[i].path), &tile) != OK)
			fail_msg("%s is refused", rows[i].path);
		if (tile.is_bundle != rows[i].tile.is_bundle || tile.level != rows[i].tile.level ||
		    tile.index != rows[i].tile.index || tile.width != rows[i].tile.width)
			fail_msg("%s is read as another", rows[i].path);
		tile_format(&rows[i].tile, path);
		assert_string_equal(path, rows[i].path);
	}
}

static void refuses_every_other_form(void **state)
{
	static const char *const rows[] = {"", "/", "0", "0/", "0/0", "0/00", "0/0000", "0/000/", "0/001/000",
	    "0/x000/000", "0/x001", "0/x001/", "0/x001/x000", "0/x01/000", "0/X001/000", "0/x001000", "0/x001/1",
	    "0/ 00", "0/-01", "0/00a", "00/000", "8/000", "63/000", "-1/000", "x/000", "/000", "entry/000",
	    "entriesx/000", "Entries/000", "entries", "entries/", "entries/x000/001", "0/000.p", "0/000.p/",
	    "0/000.p/0", "0/000.p/01", "0/000.p/256", "0/000.p/1000", "0/000.p/8/", "0/000.p/8x", "0/000.P/8",
	    "0/000p/8", "0/000.p8", "0/000.p/-1", "0/x035/x184/x372/x088/832", "0/x001/x000/x000/x000/x000/000",
	    "0/x999/x999/x999/x999/x999/x999/999"};
	struct tile tile = {.index = 77};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (tile_parse(slice_text(rows[i]), &tile) != ERR_SYNTAX)
			fail_msg("\"%s\" is taken", rows[i]);
	/* A NUL is a byte like others. */
	assert_int_equal(tile_parse(slice_of("0/000\0", 6), &tile), ERR_SYNTAX);
	assert_int_equal(tile.index, 77);
}

/* Sizes from the layout of 70,000 leaves: 273 full tiles, 112 hashes, 17 of level 1 and one of level 2. */
static void knows_how_wide_a_tile_is(void **state)
{
	static const struct {
		unsigned level;
		uint64_t index, size;
		unsigned width;
	} rows[] = {
	    {0, 0, 0, 0},
	    {0, 0, 1, 1},
	    {0, 0, 255, 255},
	    {0, 0, 256, 256},
	    {0, 0, 257, 256},
	    {0, 1, 256, 0},
	    {0, 1, 257, 1},
	    {1, 0, 255, 0},
	    {1, 0, 256, 1},
	    {1, 0, 511, 1},
	    {1, 0, 512, 2},
	    {0, 272, 70000, 256},
	    {0, 273, 70000, 112},
	    {0, 274, 70000, 0},
	    {1, 0, 70000, 256},
	    {1, 1, 70000, 17},
	    {1, 2, 70000, 0},
	    {2, 0, 70000, 1},
	    {3, 0, 70000, 0},
	    {0, INDEX_END - 1, TREE_SIZE_MAX, 256},
	    {0, INDEX_END - 1, TREE_SIZE_MAX - 1, 255},
	    {6, 0, TREE_SIZE_MAX, 32},
	    {7, 0, TREE_SIZE_MAX, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned width = tile_width(rows[i].level, rows[i].index, rows[i].size);

		if (width != rows[i].width)
			fail_msg("row %zu: %u", i, width);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_and_writes_each_name),
	    cmocka_unit_test(refuses_every_other_form),
	    cmocka_unit_test(knows_how_wide_a_tile_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
