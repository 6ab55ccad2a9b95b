/*
 * Internals shared by order*.c, and by nothing else: strict reading and writing of the JSON in orders.
 *
 * What officers sign has one form. Every reader here is paired with a writer, and a text is accepted only if
 * writing what was read gives the same bytes; so no reader has to look at white space, key order, escapes or the
 * form of a number. The readers answer ERR_SYNTAX, ERR_INVALID or ERR_MEMORY with the reason.
 */
#ifndef PROTO_ORDER_INTERNAL_H
#define PROTO_ORDER_INTERNAL_H

#include "proto/order.h"

/* Cuts the next line, without its newline, off `rest`. False where no newline is left. */
bool order_line_take(struct slice *rest, struct slice *ret_line);
/* Copies text that is known to fit, with a NUL. */
void order_text_copy(struct slice text, char *ret_text, size_t capacity);

/* An object, bounded in depth and without duplicate keys. `what` names it in a refusal. */
enum err order_json_load(struct slice text, const char *what, json_t **ret_root, struct why *why) must_check;
/* The first `required_count` of `keys` are there, and none that is not among the `key_count`. */
enum err order_json_keys(const json_t *object, const char *const *keys, size_t required_count, size_t key_count,
    struct why *why) must_check;
/* The object's text of 1..size_max bytes, without control characters. Points into the object. */
enum err order_json_text(const json_t *object, const char *key, size_t size_max, struct slice *ret_text,
    struct why *why) must_check;
enum err order_json_date(const json_t *object, const char *key, uint32_t *ret_date, struct why *why) must_check;
/* The object's array of min..max vkeys of Ed25519 or SM2, each named as their owner, none twice. Of a ledger's keys the
 * owner is the origin; they are Ed25519, for checkpoints or for claims. */
struct order_vkeys_rule {
	const char *key, *owner;
	size_t min, max;
	bool are_of_ledger;
};
enum err order_json_vkeys(const json_t *object, const struct order_vkeys_rule *rule, struct key *ret_keys,
    size_t *ret_count, struct why *why) must_check;
/* One such key, by itself. */
enum err order_json_vkey(const json_t *json, const char *owner, struct key *ret_key, struct why *why) must_check;
/* {"name","role","keys"}, as in genesis and in officer.add. */
enum err order_json_officer(const json_t *json, struct officer *ret_officer, struct why *why) must_check;

/* The object "continues" of a genesis. Whether its ledger is another one is the caller's to say. */
enum err continued_read(const json_t *json, struct continued *ret_continued, struct why *why) must_check;

/* Writers. A buffer's error is looked at by order_json_compare. */
void order_json_add_string(struct buf *buf, struct slice text);
void order_json_add_vkeys(struct buf *buf, const struct key *keys, size_t key_count);
void order_json_add_officer(struct buf *buf, const struct officer *officer);
enum err order_json_add(struct buf *buf, const json_t *json) must_check;
/* ERR_NOT_CANONICAL, saying from which byte on the text differs, unless `text` is what was written. */
enum err order_json_compare(struct slice text, const struct buf *written, const char *what, struct why *why) must_check;

/* The object of "body", by type. What is written is what was read. */
enum err order_body_read(const json_t *body, struct arena *arena, struct order *order, struct why *why) must_check;
void order_body_write(const struct order *order, struct buf *buf);

/* Parses `item_count` lines into order->items and refuses what one order names twice. */
enum err order_items_parse(const struct slice *items, struct arena *arena, struct order *order, struct why *why) must_check;

#endif
