/*
 * Hashes: SHA-256 for every tree and chain (RFC 6962 prefixes), SM3 (GB/T 32905) where a format asks for it.
 * The one door to digest functions. Pure; any thread.
 */
#ifndef PROTO_HASH_H
#define PROTO_HASH_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/bytes.h"

#define HASH_SIZE 32

struct hash {
	uint8_t bytes[HASH_SIZE];
};

struct hash hash_sha256(struct slice data);
/* SHA-256 over the parts, one after the other. */
struct hash hash_sha256_parts(const struct slice *parts, size_t part_count);
struct hash hash_sm3(struct slice data);
/* SHA-256(0x00 || data), RFC 6962 section 2.1. */
struct hash hash_leaf(struct slice data);
/* SHA-256(0x01 || left || right). */
struct hash hash_node(const struct hash *left, const struct hash *right);
/* SHA-256(""), the root of the empty tree. */
struct hash hash_empty(void);
bool hash_equal(const struct hash *a, const struct hash *b);
struct slice hash_slice(const struct hash *hash);

#endif
