/*
 * Talking to a ledger over HTTPS: the one door to libcurl.
 *
 * A link is opened from the settings and used by one thread. Each request ends in one struct link_answer that says
 * what came of it, and above all what may be concluded: ERR_UNREACHABLE means that nothing was sent, ERR_UNCERTAIN
 * that the request left and its answer was lost (or was no answer of ours), so that its outcome is unknown.
 */
#ifndef CLIENT_LINK_H
#define CLIENT_LINK_H

#include <jansson.h>

#include "client/client.h"

enum link_door {
	LINK_SERVER,			/* settings.server */
	LINK_FEED,			/* settings.feed, else settings.server */
};

struct link_request {
	enum link_door door;
	const char *path;		/* "/v1/feeds/qddex?check=1", in its escaped form (link_escape) */
	/*
	 * NULL, or the whole address of somebody else: door and path are not looked at, and neither the access code nor the
	 * client certificate is shown. It begins with https://, or with http:// and the address of this machine itself.
	 */
	const char *url;
	const char *content_type;	/* NULL: GET; else POST with `body` */
	struct slice body;
	bool is_anonymous;		/* send no access code even where there is one */
	unsigned timeout_s;		/* until the last byte of the answer; 0 for CLIENT_REQUEST_TIMEOUT_S */
	size_t answer_max;		/* bytes; 0 for CLIENT_ANSWER_SIZE_MAX. A longer answer is ERR_TOO_LARGE or, of a POST, ERR_UNCERTAIN */
	/* Told while the body goes out; may be NULL. */
	void (*on_progress)(void *cookie, uint64_t sent_size, uint64_t total_size);
	void *cookie;
};

#define LINK_TYPE_SIZE 64

struct link_answer {
	enum err err;			/* OK for 200; the problem's own error; ERR_UNREACHABLE, ERR_UNCERTAIN */
	int status;			/* HTTP status, 0 if there was none */
	unsigned retry_after_s;		/* of 429 and 503; 0 if not said */
	char type[LINK_TYPE_SIZE];	/* media type without parameters; "" where there is none, or one that is longer */
	struct buf body;
	json_t *json;			/* the body where it is JSON (a problem document too), else NULL */
	struct why why;			/* the problem's detail, or what went wrong and where; set unless OK */
};

struct link;

/* Reads the token file, checks the URLs. ERR_CONFIG, ERR_IO, ERR_MEMORY with the reason. Neither URL need be set
 * until a request needs it. */
enum err link_open(const struct settings *settings, struct link **ret_link, struct why *why) must_check;
void link_close(struct link *link);
bool link_has_token(const struct link *link);

/* Fills *ret_answer always, and gives its err. Done with link_answer_done. */
enum err link_ask(struct link *link, const struct link_request *request, struct link_answer *ret_answer);
/* GET of the server's `path`; an answer that is not JSON is an error too. */
enum err link_get(struct link *link, const char *path, struct link_answer *ret_answer);
void link_answer_done(struct link_answer *answer);

/* Appends `text` with everything but A-Z a-z 0-9 - . _ ~ percent-encoded: for path segments and query values. */
void link_escape(struct buf *buf, const char *text);

#endif
