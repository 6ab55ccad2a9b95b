/* The MAC is HMAC (RFC 2104) with SHA-256, but for its two keys: they are random and independent, not derived from one. */
#include "daemon/cursor.h"

#include "proto/key.h"

#define POSITION_SIZE 8

void cursor_secret_init(struct cursor_secret *secret)
{
	key_random(secret, sizeof(*secret));
}

void cursor_secret_done(struct cursor_secret *secret)
{
	key_wipe(secret, sizeof(*secret));
}

static struct hash mac_of(const struct cursor_secret *secret, struct slice binding, struct slice position)
{
	/* The position has a fixed size, so the parts can't be cut in another way. */
	const struct slice inner[] = {slice_of(secret->inner, sizeof(secret->inner)), position, binding};
	struct hash digest = hash_sha256_parts(inner, 3);
	const struct slice outer[] = {slice_of(secret->outer, sizeof(secret->outer)), hash_slice(&digest)};

	return hash_sha256_parts(outer, 2);
}

void cursor_format(
    const struct cursor_secret *secret, struct slice binding, uint64_t position, char ret_text[static CURSOR_TEXT_SIZE])
{
	uint8_t bytes[POSITION_SIZE];
	struct hash mac;

	for (size_t i = 0; i < POSITION_SIZE; i++)
		bytes[i] = (uint8_t)(position >> (8 * (POSITION_SIZE - 1 - i)));
	mac = mac_of(secret, binding, slice_of(bytes, POSITION_SIZE));
	hex_format(slice_of(bytes, POSITION_SIZE), ret_text);
	hex_format(slice_of(mac.bytes, CURSOR_MAC_SIZE), ret_text + 2 * POSITION_SIZE);
}

enum err cursor_parse(const struct cursor_secret *secret, struct slice binding, struct slice text,
    uint64_t *ret_position, struct why *why)
{
	uint8_t bytes[POSITION_SIZE + CURSOR_MAC_SIZE];
	struct reader reader;
	struct hash mac;

	if (hex_parse(text, bytes, sizeof(bytes)) != OK)
		goto refused;
	mac = mac_of(secret, binding, slice_of(bytes, POSITION_SIZE));
	if (!key_secret_equal(mac.bytes, bytes + POSITION_SIZE, CURSOR_MAC_SIZE))
		goto refused;
	reader = reader_of(slice_of(bytes, POSITION_SIZE));
	*ret_position = reader_u64(&reader);
	return OK;
refused:
	return why_set(why, ERR_BAD_REQUEST, "the cursor does not go with this request; begin again without one");
}
