/*
 * Request targets: whatever is accepted is a rooted path and distinct, named parameters, all of it text within the
 * target's own bytes; and it says the same when it is escaped anew and decoded again.
 */
#include "daemon/target.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool is_true)
{
	if (!is_true)
		abort();
}

static void expect_text_within(const struct target *target, struct slice slice)
{
	const uint8_t *bytes = (const uint8_t *)target->bytes;

	expect(utf8_is_text(slice));
	if (slice.size > 0)
		expect(slice.data >= bytes && slice.data + slice.size <= bytes + sizeof(target->bytes));
}

/* Escapes all but '/', and that only in the path. */
static void add_escaped(struct buf *text, struct slice slice, bool is_path)
{
	for (size_t i = 0; i < slice.size; i++) {
		if (is_path && slice.data[i] == '/')
			buf_u8(text, '/');
		else
			buf_printf(text, "%%%02x", slice.data[i]);
	}
}

static void expect_same_again(const struct target *target)
{
	struct target again;
	struct buf text;

	buf_init(&text, 4 * sizeof(target->bytes));
	add_escaped(&text, target->path, true);
	for (size_t i = 0; i < target->parameter_count; i++) {
		buf_add_text(&text, i == 0 ? "?" : "&");
		add_escaped(&text, target->parameters[i].name, false);
		buf_add_text(&text, "=");
		add_escaped(&text, target->parameters[i].value, false);
	}
	expect(text.err == OK);
	if (text.size <= HTTP_TARGET_SIZE_MAX) {
		expect(target_decode(buf_slice(&text), &again, NULL) == OK);
		expect(slice_equal(again.path, target->path) && again.parameter_count == target->parameter_count);
		for (size_t i = 0; i < again.parameter_count; i++) {
			expect(slice_equal(again.parameters[i].name, target->parameters[i].name));
			expect(slice_equal(again.parameters[i].value, target->parameters[i].value));
		}
	}
	buf_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct target target;
	struct why why = {""};

	if (target_decode(slice_of(data, size), &target, &why) != OK) {
		expect(why.text[0] != '\0');
		return 0;
	}
	expect(target.path.size > 0 && target.path.data[0] == '/');
	expect_text_within(&target, target.path);
	expect(target.parameter_count <= TARGET_PARAMETERS_MAX);
	for (size_t i = 0; i < target.parameter_count; i++) {
		expect_text_within(&target, target.parameters[i].name);
		expect_text_within(&target, target.parameters[i].value);
		expect(target.parameters[i].name.size > 0);
		for (size_t j = 0; j < i; j++)
			expect(!slice_equal(target.parameters[i].name, target.parameters[j].name));
	}
	expect_same_again(&target);
	return 0;
}
