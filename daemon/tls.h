/*
 * TLS of the listeners; the only door to openssl/ssl.h. TLS 1.3, and 1.2 with ECDHE and AEAD only; no tickets, no
 * session cache, no early data, no renegotiation, no compression. With a client CA every client must show a
 * certificate that leads to it. Loop thread.
 */
#ifndef DAEMON_TLS_H
#define DAEMON_TLS_H

#include <stdbool.h>

#include "proto/err.h"

struct bufferevent;
struct event_base;
struct tls;

struct tls_files {
	const char *certificate;	/* PEM: the certificate, then its chain */
	const char *key;		/* PEM, not encrypted */
	const char *client_ca;		/* PEM; NULL: clients need no certificate */
};

/* Reads the files. ERR_CONFIG naming the file and what is wrong with it; ERR_MEMORY. Also what `check` uses. */
enum err tls_new(const struct tls_files *files, struct tls **ret_tls, struct why *why) must_check;
void tls_free(struct tls *tls);
/* Reads the same files again, for new connections. On an error the old ones stay in use. */
enum err tls_reload(struct tls *tls, struct why *why) must_check;

/* A bufferevent that will accept a handshake once it is given a socket, which it then owns. NULL: no memory. */
struct bufferevent *tls_bufferevent_new(struct tls *tls, struct event_base *base);
/* Is the handshake of such a bufferevent over? */
bool tls_is_established(struct bufferevent *bufferevent);

/* Name and version of the library in use. */
const char *tls_library(void);

#endif
