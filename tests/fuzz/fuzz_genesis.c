/* Genesis texts: what was accepted comes out the same when it is composed again from its own parts. */
#include "proto/order.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool is_true)
{
	if (!is_true)
		abort();
}

static json_t *make_draft(struct slice text, const struct genesis *genesis)
{
	const uint8_t *json = text.data;
	json_t *draft;

	/* The JSON is the third line; an origin may begin with a brace, too. */
	for (int i = 0; i < 2; i++) {
		json = memchr(json, '\n', (size_t)(text.data + text.size - json));
		expect(json != NULL);
		json++;
	}
	draft = json_loadb((const char *)json, (size_t)(text.data + text.size - json), 0, NULL);
	expect(draft != NULL);
	expect(json_object_del(draft, "rules") == 0 && json_object_del(draft, "random") == 0);
	expect(json_object_set_new(draft, "origin", json_string(genesis->origin)) == 0);
	return draft;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct genesis genesis;
	struct buf composed;
	struct why why;
	json_t *draft;

	if (genesis_parse(slice_of(data, size), &genesis, &why) != OK)
		return 0;
	draft = make_draft(slice_of(data, size), &genesis);
	buf_init(&composed, NOTE_TEXT_SIZE_MAX);
	expect(genesis_compose(draft, genesis.random, &composed, &why) == OK);
	expect(slice_equal(buf_slice(&composed), slice_of(data, size)));
	buf_done(&composed);
	json_decref(draft);
	return 0;
}
