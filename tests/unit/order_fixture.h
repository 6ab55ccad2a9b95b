/* What the tests of orders share: keys, codes, texts, and a table of refusals. */
#ifndef TESTS_UNIT_ORDER_FIXTURE_H
#define TESTS_UNIT_ORDER_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/order.h"
#include "proto/usci.h"

#define FIXTURE_ORIGIN "subsidy.example/ledger1"
#define FIXTURE_LEDGER_ID "0123456789abcdef"
#define FIXTURE_TEXT_MAX (1u << 20)

/* The public test keys of RFC 8032 section 7.1, TEST 1 to 3; numbers above are made from hashes. */
static inline struct key fixture_key(enum key_type type, const char *name, unsigned number)
{
	static const char *const secrets[] = {
	    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
	    "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
	    "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
	};
	struct hash secret = hash_sha256(slice_of(&number, sizeof(number)));
	struct signer *signer;
	struct key key;

	if (number >= 1 && number <= 3)
		assert_int_equal(hex_parse(slice_text(secrets[number - 1]), secret.bytes, 32), OK);
	assert_int_equal(signer_from_secret(type, slice_text(name), secret.bytes, &signer), OK);
	key = *signer_key(signer);
	signer_free(signer);
	return key;
}

static inline json_t *fixture_vkey_of_type(enum key_type type, const char *name, unsigned number)
{
	struct key key = fixture_key(type, name, number);
	char vkey[KEY_VKEY_SIZE];

	key_format(&key, vkey);
	return json_string(vkey);
}

static inline json_t *fixture_vkey(const char *name, unsigned number)
{
	return fixture_vkey_of_type(KEY_ED25519, name, number);
}

/* The number-th of many right codes, ascending. */
static inline void fixture_code(unsigned number, char ret_code[static USCI_SIZE + 1])
{
	snprintf(ret_code, USCI_SIZE + 1, "91370200MA%07u", number % 10000000u);
	ret_code[USCI_SIZE - 1] = usci_check_character(ret_code);
	ret_code[USCI_SIZE] = '\0';
}

/* `text` with the first `from` replaced by `to`; the test fails where there is none. */
static inline void fixture_replace(const char *text, const char *from, const char *to, struct buf *ret_text)
{
	const char *at = strstr(text, from);

	if (at == NULL)
		fail_msg("nothing to replace: %s", from);
	buf_clear(ret_text);
	buf_add(ret_text, text, (size_t)(at - text));
	buf_add_text(ret_text, to);
	buf_add_text(ret_text, at + strlen(from));
	assert_int_equal(ret_text->err, OK);
}

/* One change to a good text, and what the refusal must say. */
struct fixture_refusal {
	const char *from, *to;
	enum err err;
	const char *reason;
};

static inline void fixture_expect(
    const struct fixture_refusal *row, enum err err, const struct why *why, const char *changed)
{
	if (err != row->err || strstr(why->text, row->reason) == NULL)
		fail_msg("%s -> %s: %s, \"%s\"; wanted %s, \"%s\"\n%s", row->from, row->to, err_name(err), why->text,
		    err_name(row->err), row->reason, changed);
}

/* A text of `size` times the letter. */
static inline char *fixture_repeat(char letter, size_t size)
{
	char *text = malloc(size + 1);

	assert_non_null(text);
	memset(text, letter, size);
	text[size] = '\0';
	return text;
}

static inline int fixture_setup(void **state)
{
	(void)state;
	return key_global_init() == OK ? 0 : -1;
}

#endif
