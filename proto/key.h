/*
 * Keys: Ed25519 (libsodium), SM2 with SM3 (OpenSSL, signer id 1234567812345678), and the cosignature form of
 * Ed25519. The one door to signature functions.
 *
 * Signing goes through struct signer, a table of two functions, so that a hardware module can take the place of
 * the software key. Secrets live in a signer only and are wiped by signer_free.
 *
 * Public text ("vkey"): <name>+<8 hex digits of the key id>+<base64(type || public key)>, C2SP signed-note.
 * Private text (one line, as Go's x/mod writes it): PRIVATE+KEY+<name>+<hex8>+<base64(type || secret32)>.
 */
#ifndef PROTO_KEY_H
#define PROTO_KEY_H

#include "proto/hash.h"
#include "proto/limits.h"

#define KEY_ID_SIZE 4
#define KEY_MATERIAL_MAX 65
#define KEY_SIGNATURE_MAX 80		/* bytes: Ed25519 64, cosignature 72, SM2 in DER at most 72 */
#define KEY_VKEY_SIZE (KEY_NAME_SIZE_MAX + 1 + 8 + 1 + BASE64_SIZE(1 + 10 + KEY_MATERIAL_MAX) + 1)
#define KEY_SM2_LABEL "SM2-SM3-v1"

enum key_type {
	KEY_ED25519 = 0x01,
	KEY_COSIGNATURE = 0x04,		/* Ed25519 over "cosignature/v1\ntime …\n" and a checkpoint */
	KEY_SM2 = 0xff,			/* 0xff || "SM2-SM3-v1" */
};

struct key {
	enum key_type type;
	char name[KEY_NAME_SIZE_MAX + 1];
	uint8_t id[KEY_ID_SIZE];
	uint8_t material[KEY_MATERIAL_MAX];	/* 32 bytes, or 65 (04 || X || Y) for SM2 */
	size_t material_size;
};

/* A name: 1..KEY_NAME_SIZE_MAX bytes of UTF-8 text without Unicode spaces and '+'. */
bool key_name_is_valid(struct slice name);
/* ERR_SYNTAX, ERR_INVALID (key id does not belong to the key, point not on the curve). */
enum err key_parse(struct slice vkey, struct key *ret_key) must_check;
void key_format(const struct key *key, char ret_vkey[static KEY_VKEY_SIZE]);
bool key_equal(const struct key *a, const struct key *b);
/* Whatever their names: whoever signs with the one signs with the other. */
bool key_has_same_material(const struct key *a, const struct key *b);
/* ERR_SIGNATURE when it doesn't match. For KEY_COSIGNATURE the signature starts with its u64 time. Any thread. */
enum err key_verify(const struct key *key, struct slice message, struct slice signature) must_check;

struct signer;

/* What a hardware module would implement. `sign` writes at most KEY_SIGNATURE_MAX bytes. */
struct signer_ops {
	enum err (*sign)(void *cookie, struct slice message, uint8_t *ret_signature, size_t *ret_size);
	void (*free)(void *cookie);
};

/* Takes the cookie over. NULL on lack of memory (the cookie is freed). */
struct signer *signer_new(const struct key *key, const struct signer_ops *ops, void *cookie);
void signer_free(struct signer *signer);
const struct key *signer_key(const struct signer *signer);
enum err signer_sign(const struct signer *signer, struct slice message, uint8_t *ret_signature, size_t *ret_size) must_check;
/* A cosignature/v1 of a checkpoint text at a time in seconds; only for KEY_COSIGNATURE signers. */
enum err signer_cosign(const struct signer *signer, struct slice checkpoint_text, uint64_t time_s,
    uint8_t *ret_signature, size_t *ret_size) must_check;

/* A new random software key. */
enum err signer_generate(enum key_type type, struct slice name, struct signer **ret_signer) must_check;
/* Reads and writes the private text. `ret_text` needs buf_init; wipe it with sodium_memzero before buf_done. */
enum err signer_parse(struct slice text, struct signer **ret_signer) must_check;
enum err signer_format(const struct signer *signer, struct buf *ret_text) must_check;
/* Deterministic key from a 32-byte secret: for vectors and tests. */
enum err signer_from_secret(enum key_type type, struct slice name, const uint8_t secret[static 32],
    struct signer **ret_signer) must_check;

/* Once per process, before anything else here. */
enum err key_global_init(void) must_check;
/* Random bytes from the system, and wiping: the doors to libsodium's. */
void key_random(void *ret_bytes, size_t size);
void key_wipe(void *bytes, size_t size);
/* Constant-time comparison. */
bool key_secret_equal(const void *a, const void *b, size_t size);

#endif
