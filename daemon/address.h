/*
 * Socket addresses as text: "127.0.0.1:8443", "[::1]:8443". Numbers only, for a ledger's configuration must not
 * depend on a name server. Pure; any thread.
 */
#ifndef DAEMON_ADDRESS_H
#define DAEMON_ADDRESS_H

#include <stdbool.h>

#include <netinet/in.h>
#include <sys/socket.h>

#include "proto/err.h"

#define ADDRESS_TEXT_SIZE (INET6_ADDRSTRLEN + sizeof("[]:65535"))

struct address {
	struct sockaddr_storage socket;
	socklen_t size;
};

/* Port 0 is allowed. ERR_CONFIG. */
enum err address_parse(const char *text, struct address *ret_address, struct why *why) must_check;
void address_format(const struct address *address, char ret_text[static ADDRESS_TEXT_SIZE]);
/* 127.0.0.0/8 or ::1. */
bool address_is_loopback(const struct address *address);

#endif
