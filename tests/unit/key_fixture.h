/* Keys of RFC 8032 and GB/T 32918.5 by name. */
#ifndef TESTS_KEY_FIXTURE_H
#define TESTS_KEY_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/key.h"

/* RFC 8032 section 7.1, TEST 1 and TEST 2. */
#define SECRET_1 "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
#define PUBLIC_1 "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
#define SECRET_2 "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"
#define LOG_NAME "subsidy.example/ledger1"
#define LOG_VKEY LOG_NAME "+aa6dea01+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea"
#define WITNESS_NAME "witness.example/bureau"
#define WITNESS_VKEY WITNESS_NAME "+adda3fdd+BD1AF8PoQ4lakrcKp00bfrycmCzPLsSWjMDNVfEq9GYM"
#define CHECKPOINT_TEXT LOG_NAME "\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n"
/* GB/T 32918.5-2017, appendix A. */
#define SM2_SECRET "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8"
#define SM2_POINT                                                                                                      \
	"0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"                                           \
	"ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
#define SM2_SIGNATURE                                                                                                  \
	"3046022100f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"                                   \
	"022100b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"
#define SM2_ORDER "fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123"

static const enum key_type types[] = {KEY_ED25519, KEY_COSIGNATURE, KEY_SM2};
#define TYPE_COUNT (sizeof(types) / sizeof(types[0]))

static inline size_t bytes_of_hex(const char *hex, uint8_t *ret_bytes)
{
	size_t size = strlen(hex) / 2;

	assert_int_equal(hex_parse(slice_text(hex), ret_bytes, size), OK);
	return size;
}

static inline struct signer *signer_of_hex(enum key_type type, const char *name, const char *hex)
{
	struct signer *signer = NULL;
	uint8_t secret[32];

	bytes_of_hex(hex, secret);
	assert_int_equal(signer_from_secret(type, slice_text(name), secret, &signer), OK);
	return signer;
}

static inline int init(void **state)
{
	(void)state;
	return key_global_init() == OK ? 0 : -1;
}

#endif
