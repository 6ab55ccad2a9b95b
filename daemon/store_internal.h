/* What the store and its rows that are written once share. Nobody else includes this. */
#ifndef DAEMON_STORE_INTERNAL_H
#define DAEMON_STORE_INTERNAL_H

#include "daemon/overlay.h"
#include "daemon/store.h"

/* Of the write transaction. */
struct overlay *store_overlay(const struct store_txn *txn);
bool store_is_write(const struct store_txn *txn);
/* What the database itself holds. */
bool store_get_direct(struct store_txn *txn, unsigned db, struct slice key, struct slice *ret_value);
/* Brings the database up to date with a row; the cookie is the transaction. */
enum err store_write_row(void *cookie, const struct overlay_row *row) must_check;

/* Are the database's rows kept so? */
bool store_is_overlaid(const struct store_txn *txn, unsigned db);
/* Brings the databases up to date; needed before a cursor looks, and before the commit. */
void store_rows_write(struct store_txn *txn);
/* A changed row; `value` NULL deletes it. */
void store_rows_change(struct store_txn *txn, unsigned db, struct slice key, const struct slice *value);
bool store_rows_get(struct store_txn *txn, unsigned db, struct slice key, struct slice *ret_value);

#endif
