#include "daemon/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

struct tls {
	SSL_CTX *context;
	char *certificate;
	char *key;
	char *client_ca; /* NULL: none */
};

/* The reason of OpenSSL's newest error, in its words. */
static enum err refuse(struct why *why, const char *path, const char *what)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	return why_set(why, ERR_CONFIG, "%s: %s (%s)", path, what, reason == NULL ? "no reason given" : reason);
}

/* OpenSSL's own words for a missing file are of no help. */
static enum err check_readable(const char *path, struct why *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return why_set(why, ERR_CONFIG, "%s: %s", path, strerror(errno));
	close(fd);
	return OK;
}

/* An encrypted key fails instead of asking a terminal that isn't there. */
static int give_no_password(char *password, int size, int is_writing, void *cookie)
{
	(void)password, (void)size, (void)is_writing, (void)cookie;
	return -1;
}

static enum err load_certificate(SSL_CTX *context, const struct tls *tls, struct why *why)
{
	enum err err = check_readable(tls->certificate, why);

	if (err == OK)
		err = check_readable(tls->key, why);
	if (err != OK)
		return err;
	SSL_CTX_set_default_passwd_cb(context, give_no_password);
	if (SSL_CTX_use_certificate_chain_file(context, tls->certificate) != 1)
		return refuse(why, tls->certificate, "not a PEM certificate and its chain");
	if (SSL_CTX_use_PrivateKey_file(context, tls->key, SSL_FILETYPE_PEM) != 1) {
		if (ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH)
			return refuse(why, tls->key, "this key is not the certificate's");
		return refuse(why, tls->key, "not a PEM private key without a password");
	}
	if (SSL_CTX_check_private_key(context) != 1)
		return refuse(why, tls->key, "this key is not the certificate's");
	return OK;
}

static enum err load_client_ca(SSL_CTX *context, const struct tls *tls, struct why *why)
{
	static const unsigned char session_id[] = "subsidyd";
	STACK_OF(X509_NAME) * names;
	enum err err = check_readable(tls->client_ca, why);

	if (err != OK)
		return err;
	names = SSL_load_client_CA_file(tls->client_ca);
	if (names == NULL || SSL_CTX_load_verify_locations(context, tls->client_ca, NULL) != 1) {
		sk_X509_NAME_pop_free(names, X509_NAME_free);
		return refuse(why, tls->client_ca, "not a PEM file of CA certificates");
	}
	SSL_CTX_set_client_CA_list(context, names);
	SSL_CTX_set_session_id_context(context, session_id, sizeof(session_id) - 1);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	return OK;
}

static enum err context_new(const struct tls *tls, SSL_CTX **ret_context, struct why *why)
{
	SSL_CTX *context;
	enum err err = OK;

	ERR_clear_error();
	context = SSL_CTX_new(TLS_server_method());
	if (context == NULL)
		return why_set(why, ERR_MEMORY, "no memory for a TLS context");
	SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
	if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 || SSL_CTX_set_num_tickets(context, 0) != 1 ||
	    SSL_CTX_set_max_early_data(context, 0) != 1 ||
	    SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1)
		err = refuse(why, "TLS", "this OpenSSL lacks what is needed");
	if (err == OK)
		err = load_certificate(context, tls, why);
	if (err == OK && tls->client_ca != NULL)
		err = load_client_ca(context, tls, why);
	if (err != OK) {
		SSL_CTX_free(context);
		return err;
	}
	*ret_context = context;
	return OK;
}

enum err tls_new(const struct tls_files *files, struct tls **ret_tls, struct why *why)
{
	struct tls *tls = calloc(1, sizeof(*tls));
	enum err err = ERR_MEMORY;

	if (tls == NULL)
		return ERR_MEMORY;
	tls->certificate = strdup(files->certificate);
	tls->key = strdup(files->key);
	tls->client_ca = files->client_ca == NULL ? NULL : strdup(files->client_ca);
	if (tls->certificate != NULL && tls->key != NULL && (files->client_ca == NULL || tls->client_ca != NULL))
		err = context_new(tls, &tls->context, why);
	if (err != OK) {
		tls_free(tls);
		return err;
	}
	*ret_tls = tls;
	return OK;
}

void tls_free(struct tls *tls)
{
	if (tls == NULL)
		return;
	SSL_CTX_free(tls->context);
	free(tls->certificate);
	free(tls->key);
	free(tls->client_ca);
	free(tls);
}

enum err tls_reload(struct tls *tls, struct why *why)
{
	SSL_CTX *context;
	enum err err = context_new(tls, &context, why);

	if (err != OK)
		return err;
	SSL_CTX_free(tls->context); /* connections hold references of their own */
	tls->context = context;
	return OK;
}

struct bufferevent *tls_bufferevent_new(struct tls *tls, struct event_base *base)
{
	struct bufferevent *bufferevent;
	SSL *ssl = SSL_new(tls->context);

	if (ssl == NULL)
		return NULL;
	/* On failure libevent has freed the SSL. */
	bufferevent = bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
	if (bufferevent != NULL)
		bufferevent_openssl_set_allow_dirty_shutdown(bufferevent, 1);
	return bufferevent;
}

bool tls_is_established(struct bufferevent *bufferevent)
{
	SSL *ssl = bufferevent_openssl_get_ssl(bufferevent);

	return ssl != NULL && SSL_is_init_finished(ssl);
}

const char *tls_library(void)
{
	return OpenSSL_version(OPENSSL_VERSION);
}
