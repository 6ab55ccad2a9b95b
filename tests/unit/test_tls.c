/* Versions, ciphers, client certificates, reloads, and clear words for bad files. */
#include "daemon/tls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/certificate.h"
#include "tests/unit/server.h"

#include "proto/limits.h"

static char folder[FOLDER_SIZE];

static void handle(struct http_request *request, void *cookie)
{
	(void)cookie;
	http_reply(request, 200, "text/plain", slice_text("hello\n"));
}

static struct server start(struct tls *tls)
{
	return (struct server){
	    .timeouts = {.handshake_ms = 5000, .request_ms = 5000, .idle_ms = 5000},
	    .limits = {.connections_max = 100, .connections_per_address_max = 100, .reading_max = 1000000},
	    .options = {.tag = HTTP_PUBLIC, .body_max = 1000, .handle = handle, .tls = tls},
	};
}

static struct tls *load(const char *certificate, const char *key, const char *client_ca)
{
	char paths[3][PATH_SIZE];
	struct tls_files files = {.certificate = folder_path(folder, certificate, paths[0]),
	    .key = folder_path(folder, key, paths[1]),
	    .client_ca = client_ca == NULL ? NULL : folder_path(folder, client_ca, paths[2])};
	struct tls *tls;
	struct why why = {""};

	if (tls_new(&files, &tls, &why) != OK)
		fail_msg("%s", why.text);
	return tls;
}

/* Is the client's request answered? */
static bool is_answered(const struct server *server, SSL_CTX *context)
{
	struct client client = client_open(server, context);
	char text[1000] = "";

	if (client.fd >= 0 && client_say(&client, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"))
		client_read_all(&client, text, sizeof(text));
	client_close(&client);
	return answer_status(text) == 200;
}

static void takes_safe_versions_and_ciphers_only(void **state)
{
	static const struct {
		int version;
		const char *ciphers;
		bool is_taken;
	} rows[] = {
	    {TLS1_3_VERSION, NULL, true},
	    {TLS1_2_VERSION, "ECDHE-ECDSA-AES256-GCM-SHA384", true},
	    {TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305", true},
	    {TLS1_2_VERSION, "ECDHE-ECDSA-AES256-SHA384", false},
	    {TLS1_2_VERSION, "AES256-GCM-SHA384", false},
	    {TLS1_1_VERSION, "ALL:@SECLEVEL=0", false},
	    {TLS1_VERSION, "ALL:@SECLEVEL=0", false},
	};
	struct tls *tls = load("localhost.crt", "localhost.key", NULL);
	struct server server = start(tls);

	(void)state;
	server_start(&server);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		SSL_CTX *context = SSL_CTX_new(TLS_client_method());

		if (rows[i].ciphers != NULL)
			assert_int_equal(SSL_CTX_set_cipher_list(context, rows[i].ciphers), 1);
		SSL_CTX_set_min_proto_version(context, rows[i].version);
		SSL_CTX_set_max_proto_version(context, rows[i].version);
		if (is_answered(&server, context) != rows[i].is_taken)
			fail_msg("row %zu", i);
		SSL_CTX_free(context);
	}
	server_stop(&server);
	tls_free(tls);
}

static void gives_no_tickets(void **state)
{
	struct tls *tls = load("localhost.crt", "localhost.key", NULL);
	struct server server = start(tls);
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	struct client client;
	char text[1000];

	(void)state;
	server_start(&server);
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		SSL_CTX_set_max_proto_version(context, version);
		client = client_open(&server, context);
		client_say(&client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
		client_read_answer(&client, text, sizeof(text));
		assert_int_equal(answer_status(text), 200);
		assert_false(SSL_SESSION_is_resumable(SSL_get_session(client.ssl)));
		client_close(&client);
	}
	SSL_CTX_free(context);
	server_stop(&server);
	tls_free(tls);
}

static void asks_clients_for_certificates_of_the_ca(void **state)
{
	struct tls *tls = load("localhost.crt", "localhost.key", "venue.crt");
	struct server server = start(tls);
	static const char *const names[] = {NULL, "localhost", "venue"};

	(void)state;
	server_start(&server);
	for (size_t i = 0; i < 3; i++) {
		SSL_CTX *context = SSL_CTX_new(TLS_client_method());
		char path[PATH_SIZE], name[64];

		if (names[i] != NULL) {
			snprintf(name, sizeof(name), "%s.crt", names[i]);
			SSL_CTX_use_certificate_chain_file(context, folder_path(folder, name, path));
			snprintf(name, sizeof(name), "%s.key", names[i]);
			SSL_CTX_use_PrivateKey_file(context, folder_path(folder, name, path), SSL_FILETYPE_PEM);
		}
		assert_int_equal(is_answered(&server, context), i == 2);
		SSL_CTX_free(context);
	}
	server_stop(&server);
	tls_free(tls);
}

static void says_what_is_wrong_with_files(void **state)
{
	static const struct {
		const char *certificate, *key, *client_ca, *file, *words;
	} rows[] = {
	    {"missing.crt", "localhost.key", NULL, "missing.crt", "No such file"},
	    {"localhost.crt", "missing.key", NULL, "missing.key", "No such file"},
	    {"localhost.crt", "localhost.key", "missing.crt", "missing.crt", "No such file"},
	    {"junk", "localhost.key", NULL, "junk", "not a PEM certificate"},
	    {"localhost.crt", "junk", NULL, "junk", "not a PEM private key"},
	    {"localhost.crt", "locked.key", NULL, "locked.key", "without a password"},
	    {"localhost.crt", "venue.key", NULL, "venue.key", "not the certificate's"},
	    {"localhost.crt", "localhost.key", "junk", "junk", "CA certificates"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char paths[3][PATH_SIZE];
		struct tls_files files = {.certificate = folder_path(folder, rows[i].certificate, paths[0]),
		    .key = folder_path(folder, rows[i].key, paths[1]),
		    .client_ca = rows[i].client_ca == NULL ? NULL : folder_path(folder, rows[i].client_ca, paths[2])};
		struct tls *tls;
		struct why why = {""};

		if (tls_new(&files, &tls, &why) != ERR_CONFIG)
			fail_msg("row %zu: not refused", i);
		if (strstr(why.text, rows[i].file) == NULL || strstr(why.text, rows[i].words) == NULL)
			fail_msg("row %zu: %s", i, why.text);
	}
}

/* The certificate a new connection is shown. */
static void assert_common_name(const struct server *server, const char *expected)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	struct client client = client_open(server, context);
	char name[64] = "";
	X509 *certificate;

	assert_true(client.fd >= 0);
	certificate = SSL_get1_peer_certificate(client.ssl);
	X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof(name));
	X509_free(certificate);
	client_close(&client);
	SSL_CTX_free(context);
	assert_string_equal(name, expected);
}

static void reloads_or_keeps_the_old_files(void **state)
{
	struct tls *tls;
	struct server server;
	struct why why = {""};

	(void)state;
	command_run("cp %s/localhost.crt %s/live.crt", folder, folder);
	command_run("cp %s/localhost.key %s/live.key", folder, folder);
	tls = load("live.crt", "live.key", NULL);
	server = start(tls);
	server_start(&server);
	assert_common_name(&server, "localhost");
	server_stop(&server);
	command_run("cp %s/venue.crt %s/live.crt", folder, folder);
	assert_int_equal(tls_reload(tls, &why), ERR_CONFIG);
	assert_non_null(strstr(why.text, "live.key"));
	server_start(&server);
	assert_common_name(&server, "localhost");
	server_stop(&server);
	command_run("cp %s/venue.key %s/live.key", folder, folder);
	assert_int_equal(tls_reload(tls, &why), OK);
	server_start(&server);
	assert_common_name(&server, "venue");
	server_stop(&server);
	tls_free(tls);
}

static int set_up(void **state)
{
	(void)state;
	folder_make(folder);
	certificate_make(folder, "localhost");
	certificate_make(folder, "venue");
	file_write(folder, "junk", "-----BEGIN JUNK-----\n");
	command_run("openssl ec -aes128 -passout pass:x -in %s/localhost.key -out %s/locked.key", folder, folder);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	folder_remove(folder);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(takes_safe_versions_and_ciphers_only),
	    cmocka_unit_test(gives_no_tickets),
	    cmocka_unit_test(asks_clients_for_certificates_of_the_ca),
	    cmocka_unit_test(says_what_is_wrong_with_files),
	    cmocka_unit_test(reloads_or_keeps_the_old_files),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
