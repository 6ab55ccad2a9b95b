#include "proto/jsontext.h"

#define DIGITS_MAX 20 /* of a uint64_t */

/* Whether a comma is due is seen from the last byte: only behind "{", "[" and ":" none is, and there is one at the beginning. */
static void begin_value(struct buf *text)
{
	uint8_t last = text->size == 0 ? '{' : text->data[text->size - 1];

	if (last != '{' && last != '[' && last != ':')
		buf_u8(text, ',');
}

void jsontext_object(struct buf *text)
{
	begin_value(text);
	buf_u8(text, '{');
}

void jsontext_object_end(struct buf *text)
{
	buf_u8(text, '}');
}

void jsontext_array(struct buf *text)
{
	begin_value(text);
	buf_u8(text, '[');
}

void jsontext_array_end(struct buf *text)
{
	buf_u8(text, ']');
}

void jsontext_name(struct buf *text, const char *name)
{
	begin_value(text);
	buf_u8(text, '"');
	buf_add_text(text, name);
	buf_add_text(text, "\":");
}

static void add_escaped(struct buf *text, uint8_t c)
{
	switch (c) {
	case '"': buf_add_text(text, "\\\""); break;
	case '\\': buf_add_text(text, "\\\\"); break;
	case '\b': buf_add_text(text, "\\b"); break;
	case '\f': buf_add_text(text, "\\f"); break;
	case '\n': buf_add_text(text, "\\n"); break;
	case '\r': buf_add_text(text, "\\r"); break;
	case '\t': buf_add_text(text, "\\t"); break;
	default: buf_printf(text, "\\u%04X", c); break;
	}
}

void jsontext_string(struct buf *text, struct slice value)
{
	size_t start = 0;

	begin_value(text);
	buf_u8(text, '"');
	for (size_t i = 0; i < value.size; i++) {
		uint8_t c = value.data[i];

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		buf_add(text, value.data + start, i - start);
		add_escaped(text, c);
		start = i + 1;
	}
	buf_add(text, value.data + start, value.size - start);
	buf_u8(text, '"');
}

void jsontext_number(struct buf *text, uint64_t value)
{
	uint8_t digits[DIGITS_MAX];
	size_t place = DIGITS_MAX;

	do
		digits[--place] = (uint8_t)('0' + value % 10);
	while ((value /= 10) > 0);
	begin_value(text);
	buf_add(text, digits + place, DIGITS_MAX - place);
}

void jsontext_bool(struct buf *text, bool value)
{
	begin_value(text);
	buf_add_text(text, value ? "true" : "false");
}

void jsontext_null(struct buf *text)
{
	begin_value(text);
	buf_add_text(text, "null");
}
