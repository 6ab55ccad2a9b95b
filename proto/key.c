/*
 * Every key type is a row of one table: its identifying bytes (what stands before the public key when the key id
 * is hashed and in a vkey), the sizes, and nothing else. A public key is plain bytes, so verifying from any number
 * of threads shares nothing; OpenSSL's form of an SM2 key is made for each check, which costs a tenth of the check.
 *
 * A software key lives in one libsodium allocation (locked, guarded, wiped when freed). Its OpenSSL form is
 * complete before the signer is handed out and only read afterwards, so one signer may sign in several threads.
 *
 * OpenSSL leaves what went wrong in a queue of the thread, where a later TLS call would take it for its own; so
 * every way out of an OpenSSL call that may fail empties the queue.
 */
#include "proto/key.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <sodium.h>

#define SECRET_SIZE 32
#define TYPE_SIZE_MAX 11 /* bytes: 0xff and the label */
#define COSIGNATURE_HEADER_SIZE_MAX 64
#define COSIGNATURE_SIZE (8 + crypto_sign_BYTES)
#define PRIVATE_PREFIX "PRIVATE+KEY+"
#define PRIVATE_TEXT_SIZE                                                                                              \
	(sizeof(PRIVATE_PREFIX) + KEY_NAME_SIZE_MAX + 1 + 8 + 1 + BASE64_SIZE(TYPE_SIZE_MAX + SECRET_SIZE))
#define SM2_SIGNATURE_SIZE_MAX 72 /* bytes of DER: two integers of at most 33 */

static_assert(SECRET_SIZE == crypto_sign_SEEDBYTES, "a secret is an Ed25519 seed");
static_assert(SM2_SIGNATURE_SIZE_MAX <= KEY_SIGNATURE_MAX, "an SM2 signature fits");
static_assert(COSIGNATURE_SIZE <= KEY_SIGNATURE_MAX, "a cosignature fits");

/* The signer id of GB/T 32918 and GM/T 0009. OpenSSL's own default is empty, and verifies nowhere else. */
static const char sm2_signer_id[] = "1234567812345678";

static const struct type_row {
	enum key_type type;
	const char *bytes; /* identifies the type in key ids, vkeys and private texts */
	size_t bytes_size;
	size_t material_size;
} type_table[] = {
    {KEY_ED25519, "\x01", 1, crypto_sign_PUBLICKEYBYTES},
    {KEY_COSIGNATURE, "\x04", 1, crypto_sign_PUBLICKEYBYTES},
    {KEY_SM2, "\xff" KEY_SM2_LABEL, sizeof(KEY_SM2_LABEL), 65},
};

#define TYPE_COUNT (sizeof(type_table) / sizeof(type_table[0]))

static const struct type_row *type_row(enum key_type type)
{
	for (size_t i = 0; i < TYPE_COUNT; i++)
		if (type_table[i].type == type)
			return &type_table[i];
	assert(!"a key of no known type");
	return NULL;
}

/* Which type these bytes begin with, if exactly `rest_size` bytes (0: those of its public key) follow. */
static const struct type_row *type_of_bytes(const uint8_t *bytes, size_t size, size_t rest_size)
{
	for (size_t i = 0; i < TYPE_COUNT; i++) {
		const struct type_row *row = &type_table[i];
		size_t want = row->bytes_size + (rest_size == 0 ? row->material_size : rest_size);

		if (size == want && memcmp(bytes, row->bytes, row->bytes_size) == 0)
			return row;
	}
	return NULL;
}

/* Unicode's White_Space and Z*, without what utf8_is_text refuses already; the set of Go's unicode.IsSpace. */
static bool is_unicode_space(uint32_t point)
{
	return point == 0x20 || point == 0x85 || point == 0xa0 || point == 0x1680 ||
	       (point >= 0x2000 && point <= 0x200a) || point == 0x2028 || point == 0x2029 || point == 0x202f ||
	       point == 0x205f || point == 0x3000;
}

bool key_name_is_valid(struct slice name)
{
	if (name.size == 0 || name.size > KEY_NAME_SIZE_MAX || !utf8_is_text(name))
		return false;
	for (size_t i = 0; i < name.size;) {
		uint8_t lead = name.data[i++];
		uint32_t point = lead < 0x80   ? lead
				 : lead < 0xe0 ? lead & 0x1f
				 : lead < 0xf0 ? lead & 0x0f
					       : lead & 0x07;

		while (i < name.size && (name.data[i] & 0xc0) == 0x80)
			point = point << 6 | (name.data[i++] & 0x3f);
		if (point == '+' || is_unicode_space(point))
			return false;
	}
	return true;
}

static void make_id(struct key *key)
{
	const struct type_row *row = type_row(key->type);
	struct slice parts[] = {
	    slice_text(key->name),
	    slice_text("\n"),
	    slice_of(row->bytes, row->bytes_size),
	    slice_of(key->material, key->material_size),
	};
	struct hash hash = hash_sha256_parts(parts, sizeof(parts) / sizeof(parts[0]));

	memcpy(key->id, hash.bytes, KEY_ID_SIZE);
}

/* Everything but the material. The name is valid. */
static void begin_key(struct key *key, const struct type_row *row, struct slice name)
{
	memset(key, 0, sizeof(*key));
	key->type = row->type;
	key->material_size = row->material_size;
	memcpy(key->name, name.data, name.size);
}

/*
 * OpenSSL's form of an SM2 key. `secret` may be NULL. NULL if the point is not on the curve (fromdata checks it) or
 * memory is short; the callers have no better word for the second than for the first.
 */
static EVP_PKEY *sm2_pkey(const uint8_t *material, BIGNUM *secret)
{
	static char group[] = "SM2";
	uint8_t point[65], scalar[SECRET_SIZE];
	OSSL_PARAM params[4];
	size_t count = 0;
	EVP_PKEY *pkey = NULL;
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "SM2", NULL);

	memcpy(point, material, sizeof(point));
	params[count++] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0);
	params[count++] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point));
	if (secret != NULL) {
		if (BN_bn2nativepad(secret, scalar, sizeof(scalar)) != sizeof(scalar))
			goto out;
		params[count++] = OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, scalar, sizeof(scalar));
	}
	params[count] = OSSL_PARAM_construct_end();
	if (context == NULL || EVP_PKEY_fromdata_init(context) != 1)
		goto out;
	if (EVP_PKEY_fromdata(context, &pkey, secret == NULL ? EVP_PKEY_PUBLIC_KEY : EVP_PKEY_KEYPAIR, params) != 1)
		pkey = NULL;
out:
	sodium_memzero(scalar, sizeof(scalar));
	EVP_PKEY_CTX_free(context);
	if (pkey == NULL)
		ERR_clear_error();
	return pkey;
}

/* Does the material stand for a point that a signature can be checked against? */
static bool material_is_valid(const struct key *key)
{
	EVP_PKEY *pkey;

	switch (key->type) {
	case KEY_ED25519:
	case KEY_COSIGNATURE: return crypto_core_ed25519_is_valid_point(key->material) == 1;
	case KEY_SM2:
		/* Other first bytes stand for other forms of the same point: one key must have one text. */
		if (key->material[0] != 0x04)
			return false;
		pkey = sm2_pkey(key->material, NULL);
		EVP_PKEY_free(pkey);
		return pkey != NULL;
	}
	return false;
}

/* Splits <name>+<hex8>+<base64>. The name has no '+', the base64 may. */
static enum err split_text(
    struct slice text, struct slice *ret_name, uint8_t ret_id[static KEY_ID_SIZE], struct slice *ret_base64)
{
	const uint8_t *plus = text.size == 0 ? NULL : memchr(text.data, '+', text.size);
	struct slice name, rest;
	enum err err;

	if (plus == NULL)
		return ERR_SYNTAX;
	name = slice_of(text.data, (size_t)(plus - text.data));
	rest = slice_of(plus + 1, text.size - name.size - 1);
	if (!key_name_is_valid(name) || rest.size < 2 * KEY_ID_SIZE + 1 || rest.data[2 * KEY_ID_SIZE] != '+')
		return ERR_SYNTAX;
	err = hex_parse(slice_of(rest.data, 2 * KEY_ID_SIZE), ret_id, KEY_ID_SIZE);
	if (err != OK)
		return ERR_SYNTAX;
	*ret_name = name;
	*ret_base64 = slice_of(rest.data + 2 * KEY_ID_SIZE + 1, rest.size - 2 * KEY_ID_SIZE - 1);
	return OK;
}

enum err key_parse(struct slice vkey, struct key *ret_key)
{
	uint8_t bytes[TYPE_SIZE_MAX + KEY_MATERIAL_MAX], id[KEY_ID_SIZE];
	const struct type_row *row;
	struct slice name, base64;
	struct key key;
	size_t size;
	enum err err = split_text(vkey, &name, id, &base64);

	if (err != OK)
		return err;
	if (base64_parse(base64, bytes, sizeof(bytes), &size) != OK)
		return ERR_SYNTAX;
	row = type_of_bytes(bytes, size, 0);
	if (row == NULL)
		return ERR_SYNTAX;
	begin_key(&key, row, name);
	memcpy(key.material, bytes + row->bytes_size, row->material_size);
	make_id(&key);
	if (memcmp(key.id, id, KEY_ID_SIZE) != 0 || !material_is_valid(&key))
		return ERR_INVALID;
	*ret_key = key;
	return OK;
}

/* Writes <name>+<hex8>+<base64(type || bytes)> and a NUL. */
static void format_text(const struct key *key, struct slice bytes, char *ret_text, size_t text_size)
{
	const struct type_row *row = type_row(key->type);
	uint8_t typed[TYPE_SIZE_MAX + KEY_MATERIAL_MAX];
	size_t typed_size = row->bytes_size + bytes.size;
	char id[2 * KEY_ID_SIZE + 1];
	int used;

	assert(typed_size <= sizeof(typed));
	memcpy(typed, row->bytes, row->bytes_size);
	memcpy(typed + row->bytes_size, bytes.data, bytes.size);
	hex_format(slice_of(key->id, KEY_ID_SIZE), id);
	used = snprintf(ret_text, text_size, "%s+%s+", key->name, id);
	assert(used > 0 && (size_t)used < text_size);
	/* libsodium's form needs no buffer that could grow: nothing to fail, and no copy of a secret left behind. */
	sodium_bin2base64(ret_text + used, text_size - (size_t)used, typed, typed_size, sodium_base64_VARIANT_ORIGINAL);
	sodium_memzero(typed, sizeof(typed));
}

void key_format(const struct key *key, char ret_vkey[static KEY_VKEY_SIZE])
{
	format_text(key, slice_of(key->material, key->material_size), ret_vkey, KEY_VKEY_SIZE);
}

bool key_equal(const struct key *a, const struct key *b)
{
	return strcmp(a->name, b->name) == 0 && key_has_same_material(a, b);
}

bool key_has_same_material(const struct key *a, const struct key *b)
{
	return a->type == b->type &&
	       slice_equal(slice_of(a->material, a->material_size), slice_of(b->material, b->material_size));
}

/* A context that signs or verifies with SM3 and the standard signer id; NULL for want of memory. */
static EVP_MD_CTX *sm2_context(EVP_PKEY *pkey, bool is_signing)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pkey_context;
	int is_ready;

	if (context == NULL)
		return NULL;
	if (is_signing)
		is_ready = EVP_DigestSignInit(context, &pkey_context, EVP_sm3(), NULL, pkey);
	else
		is_ready = EVP_DigestVerifyInit(context, &pkey_context, EVP_sm3(), NULL, pkey);
	if (is_ready != 1 || EVP_PKEY_CTX_set1_id(pkey_context, sm2_signer_id, (int)strlen(sm2_signer_id)) != 1) {
		EVP_MD_CTX_free(context);
		return NULL;
	}
	return context;
}

static enum err sm2_verify(const struct key *key, struct slice message, struct slice signature)
{
	EVP_PKEY *pkey = sm2_pkey(key->material, NULL);
	EVP_MD_CTX *context = NULL;
	enum err err = ERR_SIGNATURE;

	if (pkey == NULL)
		goto out;
	context = sm2_context(pkey, false);
	if (context == NULL) {
		err = ERR_MEMORY;
		goto out;
	}
	if (EVP_DigestVerify(context, signature.data, signature.size, message.data, message.size) == 1)
		err = OK;
out:
	EVP_MD_CTX_free(context);
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return err;
}

static enum err ed25519_verify(const struct key *key, struct slice message, struct slice signature)
{
	if (signature.size != crypto_sign_BYTES)
		return ERR_SIGNATURE;
	if (crypto_sign_verify_detached(signature.data, message.data, message.size, key->material) != 0)
		return ERR_SIGNATURE;
	return OK;
}

struct cosigned {
	uint8_t bytes[COSIGNATURE_HEADER_SIZE_MAX + CHECKPOINT_SIZE_MAX];
	size_t size;
};

/* What a cosignature signs (C2SP tlog-cosignature). False if the checkpoint is larger than any may be. */
static bool make_cosigned(struct slice checkpoint_text, uint64_t time_s, struct cosigned *ret_message)
{
	int header_size;

	if (checkpoint_text.size > CHECKPOINT_SIZE_MAX)
		return false;
	header_size = snprintf(
	    (char *)ret_message->bytes, COSIGNATURE_HEADER_SIZE_MAX, "cosignature/v1\ntime %" PRIu64 "\n", time_s);
	assert(header_size > 0 && header_size < COSIGNATURE_HEADER_SIZE_MAX);
	memcpy(ret_message->bytes + header_size, checkpoint_text.data, checkpoint_text.size);
	ret_message->size = (size_t)header_size + checkpoint_text.size;
	return true;
}

static enum err cosignature_verify(const struct key *key, struct slice message, struct slice signature)
{
	struct reader reader = reader_of(signature);
	uint64_t time_s = reader_u64(&reader);
	struct cosigned cosigned;

	if (signature.size != COSIGNATURE_SIZE || !make_cosigned(message, time_s, &cosigned))
		return ERR_SIGNATURE;
	return ed25519_verify(key, slice_of(cosigned.bytes, cosigned.size), reader.rest);
}

enum err key_verify(const struct key *key, struct slice message, struct slice signature)
{
	switch (key->type) {
	case KEY_ED25519: return ed25519_verify(key, message, signature);
	case KEY_COSIGNATURE: return cosignature_verify(key, message, signature);
	case KEY_SM2: return sm2_verify(key, message, signature);
	}
	return ERR_SIGNATURE;
}

struct signer {
	struct key key;
	const struct signer_ops *ops;
	void *cookie;
};

struct signer *signer_new(const struct key *key, const struct signer_ops *ops, void *cookie)
{
	struct signer *signer = malloc(sizeof(*signer));

	if (signer == NULL) {
		ops->free(cookie);
		return NULL;
	}
	signer->key = *key;
	signer->ops = ops;
	signer->cookie = cookie;
	return signer;
}

void signer_free(struct signer *signer)
{
	if (signer == NULL)
		return;
	signer->ops->free(signer->cookie);
	free(signer);
}

const struct key *signer_key(const struct signer *signer)
{
	return &signer->key;
}

enum err signer_sign(const struct signer *signer, struct slice message, uint8_t *ret_signature, size_t *ret_size)
{
	/* A witness's key signs checkpoints at a time and nothing else: a bare signature would have no domain. */
	if (signer->key.type == KEY_COSIGNATURE)
		return ERR_INVALID;
	return signer->ops->sign(signer->cookie, message, ret_signature, ret_size);
}

enum err signer_cosign(const struct signer *signer, struct slice checkpoint_text, uint64_t time_s,
    uint8_t *ret_signature, size_t *ret_size)
{
	uint8_t signature[KEY_SIGNATURE_MAX];
	struct cosigned cosigned;
	size_t size;
	enum err err;

	if (signer->key.type != KEY_COSIGNATURE)
		return ERR_INVALID;
	if (!make_cosigned(checkpoint_text, time_s, &cosigned))
		return ERR_TOO_LARGE;
	err = signer->ops->sign(signer->cookie, slice_of(cosigned.bytes, cosigned.size), signature, &size);
	if (err != OK)
		return err;
	if (size != crypto_sign_BYTES)
		return ERR_SIGNATURE;
	for (int i = 0; i < 8; i++)
		ret_signature[i] = (uint8_t)(time_s >> (56 - 8 * i));
	memcpy(ret_signature + 8, signature, size);
	*ret_size = COSIGNATURE_SIZE;
	return OK;
}

/* A key held in our own memory. */
struct software {
	uint8_t secret[SECRET_SIZE];                 /* Ed25519 seed, or the SM2 scalar, big-endian */
	uint8_t ed25519[crypto_sign_SECRETKEYBYTES]; /* unused for SM2 */
	EVP_PKEY *sm2;                               /* NULL for Ed25519 */
};

static void software_free(void *cookie)
{
	struct software *software = cookie;

	if (software == NULL)
		return;
	EVP_PKEY_free(software->sm2);
	/* Wipes before it unmaps. */
	sodium_free(software);
}

static enum err software_sign(void *cookie, struct slice message, uint8_t *ret_signature, size_t *ret_size)
{
	const struct software *software = cookie;
	size_t size = KEY_SIGNATURE_MAX;
	EVP_MD_CTX *context;
	enum err err = ERR_MEMORY;

	if (software->sm2 == NULL) {
		crypto_sign_detached(ret_signature, NULL, message.data, message.size, software->ed25519);
		*ret_size = crypto_sign_BYTES;
		return OK;
	}
	context = sm2_context(software->sm2, true);
	if (context != NULL && EVP_DigestSign(context, ret_signature, &size, message.data, message.size) == 1) {
		*ret_size = size;
		err = OK;
	}
	EVP_MD_CTX_free(context);
	ERR_clear_error();
	return err;
}

static const struct signer_ops software_ops = {software_sign, software_free};

/* Public point and OpenSSL form of a scalar. ERR_INVALID unless it is in 1..n-2 (GB/T 32918.1 section 6.1). */
static enum err sm2_from_scalar(const uint8_t *secret, uint8_t *ret_material, EVP_PKEY **ret_pkey)
{
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_sm2);
	BIGNUM *scalar = BN_secure_new(), *limit = BN_new();
	EC_POINT *point = NULL;
	uint8_t material[65];
	enum err err = ERR_MEMORY;

	if (group == NULL || scalar == NULL || limit == NULL || BN_bin2bn(secret, SECRET_SIZE, scalar) == NULL ||
	    BN_copy(limit, EC_GROUP_get0_order(group)) == NULL || BN_sub_word(limit, 1) != 1)
		goto out;
	if (BN_is_zero(scalar) || BN_cmp(scalar, limit) >= 0) {
		err = ERR_INVALID;
		goto out;
	}
	point = EC_POINT_new(group);
	if (point == NULL || EC_POINT_mul(group, point, scalar, NULL, NULL, NULL) != 1 ||
	    EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, material, sizeof(material), NULL) !=
		sizeof(material))
		goto out;
	*ret_pkey = sm2_pkey(material, scalar);
	if (*ret_pkey == NULL)
		goto out;
	memcpy(ret_material, material, sizeof(material));
	err = OK;
out:
	EC_POINT_free(point);
	BN_free(limit);
	BN_clear_free(scalar);
	EC_GROUP_free(group);
	if (err != OK)
		ERR_clear_error();
	return err;
}

enum err signer_from_secret(
    enum key_type type, struct slice name, const uint8_t secret[static 32], struct signer **ret_signer)
{
	struct software *software;
	struct signer *signer;
	struct key key;
	enum err err = OK;

	if (!key_name_is_valid(name))
		return ERR_SYNTAX;
	software = sodium_malloc(sizeof(*software));
	if (software == NULL)
		return ERR_MEMORY;
	memset(software, 0, sizeof(*software));
	memcpy(software->secret, secret, SECRET_SIZE);
	begin_key(&key, type_row(type), name);
	if (type == KEY_SM2)
		err = sm2_from_scalar(secret, key.material, &software->sm2);
	else
		crypto_sign_seed_keypair(key.material, software->ed25519, secret);
	if (err != OK) {
		software_free(software);
		return err;
	}
	make_id(&key);
	signer = signer_new(&key, &software_ops, software);
	if (signer == NULL)
		return ERR_MEMORY;
	*ret_signer = signer;
	return OK;
}

enum err signer_generate(enum key_type type, struct slice name, struct signer **ret_signer)
{
	uint8_t secret[SECRET_SIZE];
	enum err err;

	if (!key_name_is_valid(name))
		return ERR_SYNTAX;
	/* One SM2 scalar in four thousand million is out of range and drawn again; an Ed25519 seed never is. */
	do {
		key_random(secret, sizeof(secret));
		err = signer_from_secret(type, name, secret, ret_signer);
	} while (err == ERR_INVALID);
	sodium_memzero(secret, sizeof(secret));
	return err;
}

enum err signer_parse(struct slice text, struct signer **ret_signer)
{
	uint8_t bytes[TYPE_SIZE_MAX + SECRET_SIZE], id[KEY_ID_SIZE];
	const size_t prefix_size = strlen(PRIVATE_PREFIX);
	struct signer *signer = NULL;
	const struct type_row *row;
	struct slice name, base64;
	size_t size;
	enum err err = ERR_SYNTAX;

	/* A key file ends its line; a text handed over need not. */
	if (text.size > 0 && text.data[text.size - 1] == '\n')
		text.size--;
	if (text.size < prefix_size || memcmp(text.data, PRIVATE_PREFIX, prefix_size) != 0)
		return ERR_SYNTAX;
	err = split_text(slice_of(text.data + prefix_size, text.size - prefix_size), &name, id, &base64);
	if (err != OK)
		return err;
	if (base64_parse(base64, bytes, sizeof(bytes), &size) != OK) {
		err = ERR_SYNTAX;
		goto out;
	}
	row = type_of_bytes(bytes, size, SECRET_SIZE);
	if (row == NULL) {
		err = ERR_SYNTAX;
		goto out;
	}
	err = signer_from_secret(row->type, name, bytes + row->bytes_size, &signer);
	if (err != OK)
		goto out;
	if (memcmp(signer->key.id, id, KEY_ID_SIZE) != 0) {
		err = ERR_INVALID;
		goto out;
	}
	*ret_signer = signer;
	signer = NULL;
out:
	sodium_memzero(bytes, sizeof(bytes));
	signer_free(signer);
	return err;
}

enum err signer_format(const struct signer *signer, struct buf *ret_text)
{
	char text[PRIVATE_TEXT_SIZE] = PRIVATE_PREFIX;
	const size_t prefix_size = strlen(PRIVATE_PREFIX);
	const struct software *software = signer->cookie;

	/* What a hardware module holds does not leave it. */
	if (signer->ops != &software_ops)
		return ERR_INVALID;
	format_text(
	    &signer->key, slice_of(software->secret, SECRET_SIZE), text + prefix_size, sizeof(text) - prefix_size);
	buf_add_text(ret_text, text);
	sodium_memzero(text, sizeof(text));
	return ret_text->err;
}

enum err key_global_init(void)
{
	EC_GROUP *group;

	if (sodium_init() < 0)
		return ERR_IO;
	/* Some distributions build OpenSSL without SM2: better known at start than at the first signature. */
	group = EC_GROUP_new_by_curve_name(NID_sm2);
	EC_GROUP_free(group);
	return group == NULL ? ERR_INVALID : OK;
}

void key_random(void *ret_bytes, size_t size)
{
	randombytes_buf(ret_bytes, size);
}

void key_wipe(void *bytes, size_t size)
{
	sodium_memzero(bytes, size);
}

bool key_secret_equal(const void *a, const void *b, size_t size)
{
	return sodium_memcmp(a, b, size) == 0;
}
