/*
 * The configuration file: strict INI. An unknown section or key, a doubled key, a missing required one, an
 * over-long line or a bad value is an error that names file, line, key and what would be right. Relative paths
 * are relative to the file's own folder. Read once, at the start, on the main thread; constant afterwards.
 *
 *	[ledger]  data (folder), guard (file, outside data), key (the ledger's private key), map_size (64M..1T)
 *	[feed]    listen (address:port, port 0 = any), certificate, key, client_ca (optional), open (yes/no)
 *	[public]  listen, certificate, key
 *	[metrics] listen (optional section; loopback only)
 *	[witness] policy (optional section; whose cosignatures publishing waits for), interval, timeout (seconds)
 *	[run]     workers, log, addresses (file to which the real addresses are written; all optional)
 *
 * A socket passed under the name of a section (feed, public, metrics) takes the place of its `listen`.
 * Without client_ca the feed listener binds to loopback only, unless open = yes.
 */
#ifndef DAEMON_CONFIG_H
#define DAEMON_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/address.h"
#include "daemon/log.h"
#include "proto/bytes.h"

/* Paths are absolute or relative to the working directory; optional ones may be NULL. */
struct config {
	/* ledger */
	char *data;
	char *guard;
	char *ledger_key;
	char *next_ledger_key;		/* NULL: none to come */
	char *heads_key;		/* NULL: no claim key */
	char *next_heads_key;
	uint64_t map_size;
	bool has_map_size;		/* false: the default, which may be halved where the system refuses it */
	/* feed */
	char *feed_listen;		/* NULL: inherited */
	char *feed_certificate;
	char *feed_key;
	char *feed_client_ca;		/* NULL: no client certificates */
	bool feed_is_open;
	/* public */
	char *public_listen;		/* NULL: inherited */
	char *public_certificate;
	char *public_key;
	/* metrics */
	char *metrics_listen;		/* NULL: inherited, or none */
	/* witness */
	char *witness_policy;		/* NULL: none, heads are published at once */
	unsigned witness_interval_s, witness_timeout_s;
	/* run */
	unsigned worker_count;
	enum log_level log;
	char *addresses;		/* NULL: not written */
};

/* ERR_CONFIG with the first error of the file, ERR_IO when it can't be read. Call config_done on what it gave. */
enum err config_load(const char *path, struct config *ret_config, struct why *why) must_check;
void config_done(struct config *config);

/* The ledger's keys that it names. ERR_KEY_FILE. */
struct log_signers;
enum err config_load_signers(const struct config *config, struct log_signers *ret_signers, struct why *why) must_check;

/* May the feed, or the metrics, be served at this address, wherever it came from? ERR_CONFIG. */
enum err config_check_feed(const struct config *config, const struct address *address, struct why *why) must_check;
enum err config_check_metrics(const struct address *address, struct why *why) must_check;

/*
 * What `subsidyd check` can see from outside: folders exist, files can be read, keys parse, certificates match
 * their keys, the guard lies outside the data folder. Adds one line per finding to `findings` and returns how
 * many there are; lines that begin with "note: " are no findings: what only the start can tell. Neither a ledger nor a
 * guard need exist yet.
 */
size_t config_check(const struct config *config, struct buf *findings);

/*
 * Writes the addresses file, if one is configured: lines feed=…, public=…, metrics=…, to a temporary name that is
 * then renamed. A NULL address has no line. ERR_IO.
 */
enum err config_write_addresses(const struct config *config, const char *feed, const char *public,
    const char *metrics, struct why *why) must_check;

#endif
