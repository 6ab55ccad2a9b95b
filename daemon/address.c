#include "daemon/address.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "proto/bytes.h"

enum err address_parse(const char *text, struct address *ret_address, struct why *why)
{
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN];
	struct address address = {.size = 0};
	struct sockaddr_in *v4 = (struct sockaddr_in *)&address.socket;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address.socket;
	uint64_t port;
	size_t host_size = colon == NULL ? 0 : (size_t)(colon - text);
	bool is_v6 = host_size > 2 && text[0] == '[' && text[host_size - 1] == ']';

	if (is_v6) {
		text++;
		host_size -= 2;
	}
	if (host_size == 0 || host_size >= sizeof(host) || decimal_parse(slice_text(colon + 1), 65535, &port) != OK)
		goto refuse;
	memcpy(host, text, host_size);
	host[host_size] = '\0';
	if (is_v6) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)port);
		address.size = sizeof(*v6);
		if (inet_pton(AF_INET6, host, &v6->sin6_addr) != 1)
			goto refuse;
	} else {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)port);
		address.size = sizeof(*v4);
		if (inet_pton(AF_INET, host, &v4->sin_addr) != 1)
			goto refuse;
	}
	*ret_address = address;
	return OK;
refuse:
	return why_set(why, ERR_CONFIG, "expected an address and a port in numbers, as 127.0.0.1:8443 or [::1]:8443");
}

void address_format(const struct address *address, char ret_text[static ADDRESS_TEXT_SIZE])
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address->socket;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address->socket;
	bool is_v6 = address->socket.ss_family == AF_INET6;
	char host[INET6_ADDRSTRLEN];

	assert(is_v6 || address->socket.ss_family == AF_INET);
	if (is_v6)
		inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host));
	else
		inet_ntop(AF_INET, &v4->sin_addr, host, sizeof(host));
	snprintf(ret_text, ADDRESS_TEXT_SIZE, is_v6 ? "[%s]:%u" : "%s:%u", host,
	    ntohs(is_v6 ? v6->sin6_port : v4->sin_port));
}

bool address_is_loopback(const struct address *address)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address->socket;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address->socket;

	if (address->socket.ss_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
	return ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}
