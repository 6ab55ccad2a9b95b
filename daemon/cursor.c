/* The MAC is HMAC (RFC 2104) with SHA-256, but for its two keys: they are random and independent, not derived from one. */
#include "daemon/cursor.h"

#include "proto/key.h"

#define PLACE_SIZE 16

void cursor_secret_init(struct cursor_secret *secret)
{
	key_random(secret, sizeof(*secret));
}

void cursor_secret_done(struct cursor_secret *secret)
{
	key_wipe(secret, sizeof(*secret));
}

static struct hash mac_of(const struct cursor_secret *secret, struct slice binding, struct slice place)
{
	/* The place has a fixed size, so the parts can't be cut in another way. */
	const struct slice inner[] = {slice_of(secret->inner, sizeof(secret->inner)), place, binding};
	struct hash digest = hash_sha256_parts(inner, 3);
	const struct slice outer[] = {slice_of(secret->outer, sizeof(secret->outer)), hash_slice(&digest)};

	return hash_sha256_parts(outer, 2);
}

static void place_encode(const struct cursor_place *place, uint8_t ret_bytes[static PLACE_SIZE])
{
	for (size_t i = 0; i < 8; i++) {
		ret_bytes[i] = (uint8_t)(place->position >> (56 - 8 * i));
		ret_bytes[8 + i] = (uint8_t)(place->size >> (56 - 8 * i));
	}
}

void cursor_format(const struct cursor_secret *secret, struct slice binding, const struct cursor_place *place,
    char ret_text[static CURSOR_TEXT_SIZE])
{
	uint8_t bytes[PLACE_SIZE];
	struct hash mac;

	place_encode(place, bytes);
	mac = mac_of(secret, binding, slice_of(bytes, PLACE_SIZE));
	hex_format(slice_of(bytes, PLACE_SIZE), ret_text);
	hex_format(slice_of(mac.bytes, CURSOR_MAC_SIZE), ret_text + 2 * PLACE_SIZE);
}

enum err cursor_parse(const struct cursor_secret *secret, struct slice binding, struct slice text,
    struct cursor_place *ret_place, struct why *why)
{
	uint8_t bytes[PLACE_SIZE + CURSOR_MAC_SIZE];
	struct reader reader;
	struct hash mac;

	if (hex_parse(text, bytes, sizeof(bytes)) != OK)
		goto refused;
	mac = mac_of(secret, binding, slice_of(bytes, PLACE_SIZE));
	if (!key_secret_equal(mac.bytes, bytes + PLACE_SIZE, CURSOR_MAC_SIZE))
		goto refused;
	reader = reader_of(slice_of(bytes, PLACE_SIZE));
	ret_place->position = reader_u64(&reader);
	ret_place->size = reader_u64(&reader);
	return OK;
refused:
	return why_set(why, ERR_BAD_REQUEST, "the cursor does not go with this request; begin again without one");
}
