/*
 * One pass copies the text into the target's own bytes, decoding as it goes: the decoded form is never longer than
 * the text. The path ends at '?', a name at '=', a value at '&'; what those bytes become when they are
 * escaped is content.
 */
#include "daemon/target.h"

#include <string.h>

struct decoder {
	struct slice rest;
	uint8_t *out;
	struct why *why;
};

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Decodes up to one of the bytes of `ends` (which is left) or the end. */
static enum err decode_part(struct decoder *decoder, const char *ends, bool is_query, struct slice *ret_part)
{
	const uint8_t *begin = decoder->out;

	while (decoder->rest.size > 0) {
		uint8_t c = decoder->rest.data[0];
		size_t used = 1;

		if (c != '\0' && strchr(ends, c) != NULL)
			break;
		if (c <= 0x20 || c >= 0x7f || c == '#')
			return why_set(
			    decoder->why, ERR_BAD_REQUEST, "the address has a byte 0x%02x that must be escaped", c);
		if (c == '%') {
			int high = decoder->rest.size > 2 ? hex_digit(decoder->rest.data[1]) : -1;
			int low = decoder->rest.size > 2 ? hex_digit(decoder->rest.data[2]) : -1;

			if (high < 0 || low < 0)
				return why_set(
				    decoder->why, ERR_BAD_REQUEST, "the address has '%%' without two hex digits");
			c = (uint8_t)(high * 16 + low);
			used = 3;
			if (c == '/' && !is_query)
				return why_set(decoder->why, ERR_BAD_REQUEST, "the path has an escaped '/'");
		} else if (c == '+' && is_query) {
			c = ' ';
		}
		*decoder->out++ = c;
		decoder->rest = slice_of(decoder->rest.data + used, decoder->rest.size - used);
	}
	*ret_part = slice_of(begin, (size_t)(decoder->out - begin));
	if (!utf8_is_text(*ret_part))
		return why_set(decoder->why, ERR_BAD_REQUEST, "the address has control characters or is not UTF-8");
	return OK;
}

/* Every segment but the last has a name, and no name walks up. */
static enum err check_path(struct slice path, struct why *why)
{
	size_t begin = 1;

	for (size_t i = 1; i <= path.size; i++) {
		struct slice segment;

		if (i < path.size && path.data[i] != '/')
			continue;
		segment = slice_of(path.data + begin, i - begin);
		if (segment.size == 0 && i < path.size)
			return why_set(why, ERR_BAD_REQUEST, "the path has an empty segment");
		if (slice_equal(segment, slice_text(".")) || slice_equal(segment, slice_text("..")))
			return why_set(why, ERR_BAD_REQUEST, "the path has a segment of dots");
		begin = i + 1;
	}
	return OK;
}

static bool take_byte(struct decoder *decoder, uint8_t c)
{
	if (decoder->rest.size == 0 || decoder->rest.data[0] != c)
		return false;
	decoder->rest = slice_of(decoder->rest.data + 1, decoder->rest.size - 1);
	return true;
}

static enum err decode_parameter(struct decoder *decoder, struct target *target)
{
	struct slice name, value = slice_of("", 0);
	enum err err = decode_part(decoder, "=&", true, &name);

	if (err == OK && take_byte(decoder, '='))
		err = decode_part(decoder, "&", true, &value);
	if (err != OK)
		return err;
	if (name.size == 0)
		return why_set(decoder->why, ERR_BAD_REQUEST, "the query has a parameter without a name");
	for (size_t i = 0; i < target->parameter_count; i++)
		if (slice_equal(target->parameters[i].name, name))
			return why_set(
			    decoder->why, ERR_BAD_REQUEST, "the query names '%.*s' twice", (int)name.size, name.data);
	if (target->parameter_count == TARGET_PARAMETERS_MAX)
		return why_set(
		    decoder->why, ERR_BAD_REQUEST, "the query has more than %d parameters", TARGET_PARAMETERS_MAX);
	target->parameters[target->parameter_count++] = (struct target_parameter){.name = name, .value = value};
	return OK;
}

enum err target_decode(struct slice text, struct target *ret_target, struct why *why)
{
	struct decoder decoder = {.rest = text, .out = (uint8_t *)ret_target->bytes, .why = why};
	enum err err;

	ret_target->parameter_count = 0;
	if (text.size > HTTP_TARGET_SIZE_MAX)
		return why_set(why, ERR_BAD_REQUEST, "the address is longer than %d bytes", HTTP_TARGET_SIZE_MAX);
	if (text.size == 0 || text.data[0] != '/')
		return why_set(why, ERR_BAD_REQUEST, "the address must be a path that begins with '/'");
	err = decode_part(&decoder, "?", false, &ret_target->path);
	if (err == OK)
		err = check_path(ret_target->path, why);
	if (err != OK || !take_byte(&decoder, '?') || decoder.rest.size == 0)
		return err;
	do
		err = decode_parameter(&decoder, ret_target);
	while (err == OK && take_byte(&decoder, '&'));
	return err;
}

bool target_parameter(const struct target *target, const char *name, struct slice *ret_value)
{
	for (size_t i = 0; i < target->parameter_count; i++) {
		if (slice_equal(target->parameters[i].name, slice_text(name))) {
			*ret_value = target->parameters[i].value;
			return true;
		}
	}
	return false;
}

enum err target_check_parameters(const struct target *target, const char *const *known, struct why *why)
{
	for (size_t i = 0; i < target->parameter_count; i++) {
		struct slice name = target->parameters[i].name;
		const char *const *word = known;

		while (*word != NULL && !slice_equal(slice_text(*word), name))
			word++;
		if (*word == NULL)
			return why_set(
			    why, ERR_BAD_REQUEST, "there is no parameter '%.*s' here", (int)name.size, name.data);
	}
	return OK;
}
