/* What is remembered of a ledger: its key, and those before it. How it changes is in tests/flow/test_log_key.py. */
#include "client/pin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client/file.h"
#include "client/settings.h"
#include "tests/unit/client_fixture.h"

#define ORIGIN "ledger.example"

static struct key key_of(uint8_t number)
{
	uint8_t secret[32] = {number};
	struct signer *signer = NULL;
	struct key key;

	assert_int_equal(signer_from_secret(KEY_ED25519, slice_text(ORIGIN), secret, &signer), OK);
	key = *signer_key(signer);
	signer_free(signer);
	return key;
}

/* Key 0 is the present one; key i signed alone up to size 1000 - i. */
static enum err recall(size_t older_count, struct ledger_id *ret_ledger)
{
	char *folder = fixture_folder(), *path = NULL, vkey[KEY_VKEY_SIZE];
	struct settings settings;
	struct buf text;
	struct key key = key_of(0);
	struct why why = {""};
	enum err err;

	settings_init(&settings);
	assert_int_equal(settings_set(&settings, "server", "https://127.0.0.1:1"), OK);
	assert_int_equal(settings_set(&settings, "state", folder), OK);
	buf_init(&text, CLIENT_FILE_SIZE_MAX);
	key_format(&key, vkey);
	buf_printf(&text, "%s\n00112233aabbccdd\n", vkey);
	for (size_t i = 1; i <= older_count; i++) {
		key = key_of((uint8_t)i);
		key_format(&key, vkey);
		buf_printf(&text, "%s %zu\n", vkey, 1000 - i);
	}
	assert_true(asprintf(&path, "%s/ledger-127.0.0.1:1", folder) > 0);
	assert_int_equal(file_write(path, buf_slice(&text), 0600, &why), OK);
	err = pin_recall(&settings, LINK_SERVER, ret_ledger, &why);
	free(path);
	buf_done(&text);
	settings_done(&settings);
	fixture_folder_remove(folder);
	return err;
}

static void reads_as_many_older_keys_as_it_remembers(void **state)
{
	static const size_t counts[] = {0, 1, PIN_OLDER_MAX - 1, PIN_OLDER_MAX};
	struct ledger_id ledger;
	struct key keys[PIN_KEYS_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		assert_int_equal(recall(counts[i], &ledger), OK);
		assert_string_equal(ledger.origin, ORIGIN);
		assert_string_equal(ledger.id, "00112233aabbccdd");
		assert_int_equal(ledger.older_count, counts[i]);
		assert_int_equal(pin_keys(&ledger, keys), counts[i] + 1);
		for (size_t k = 0; k <= counts[i]; k++) {
			struct key wanted = key_of((uint8_t)k);

			assert_true(key_equal(&keys[k], &wanted));
			if (k > 0)
				assert_int_equal(ledger.older_size[k - 1], 1000 - k);
		}
	}
	assert_int_equal(recall(PIN_OLDER_MAX + 1, &ledger), ERR_SYNTAX);
}

static int setup(void **state)
{
	(void)state;
	return key_global_init() == OK ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_as_many_older_keys_as_it_remembers),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
