/*
 * The one list of what can go wrong through a peer, a file or the kernel: name, HTTP status, sentence.
 *
 * What only a programmer can cause is asserted instead. Functions that can fail return enum err, never a
 * negative number; the sentence says what was wrong, the caller adds where. The name in lower case is the
 * problem type of an HTTP answer (FORMAT.md, "Refusals").
 */
#ifndef PROTO_ERR_H
#define PROTO_ERR_H

#include <stdarg.h>

/* clang-format off */
#define ERR_LIST(X) \
	X(OK,			"ok",			200, "no error") \
	/* the machine */ \
	X(ERR_MEMORY,		"out_of_memory",	503, "not enough memory") \
	X(ERR_IO,		"io_error",		500, "a file could not be read or written") \
	X(ERR_DISK_FULL,	"disk_full",		503, "the disk or the ledger's map is full") \
	X(ERR_LOCKED,		"locked",		503, "another process holds the data folder") \
	X(ERR_DAMAGED,		"damaged_ledger",	500, "the ledger's data contradict each other") \
	X(ERR_GUARD,		"guard_refused",	500, "the ledger does not match its guard file") \
	X(ERR_CONFIG,		"bad_configuration",	500, "the configuration is not valid") \
	X(ERR_KEY_FILE,		"bad_key_file",		500, "the key file is not valid") \
	/* bytes */ \
	X(ERR_SYNTAX,		"malformed",		400, "the bytes are not of the expected form") \
	X(ERR_TOO_LARGE,	"too_large",		413, "larger than the limit") \
	X(ERR_OVERFLOW,		"overflow",		422, "the number is out of range") \
	X(ERR_NOT_CANONICAL,	"not_canonical",	422, "not the one canonical encoding of its content") \
	X(ERR_INVALID,		"invalid",		422, "a value is not allowed") \
	/* notes */ \
	X(ERR_NOTE,		"bad_note",		422, "not a signed note") \
	X(ERR_UNKNOWN_KEY,	"unknown_key",		403, "no signature by a known key") \
	X(ERR_SIGNATURE,	"bad_signature",	403, "the signature does not match") \
	X(ERR_PROOF,		"bad_proof",		422, "the proof does not lead to the root") \
	/* requests */ \
	X(ERR_BAD_REQUEST,	"bad_request",		400, "the request is not valid") \
	X(ERR_UNAUTHORIZED,	"unauthorized",		401, "an access code is needed") \
	X(ERR_FORBIDDEN,	"forbidden",		403, "this access code does not allow that") \
	X(ERR_NOT_FOUND,	"not_found",		404, "there is no such thing here") \
	X(ERR_METHOD,		"method_not_allowed",	405, "this address does not take that method") \
	X(ERR_MEDIA_TYPE,	"unsupported_media_type", 415, "the body is not of an accepted type") \
	X(ERR_OVERLOADED,	"overloaded",		503, "too much is waiting; try again shortly") \
	X(ERR_STOPPING,		"stopping",		503, "the daemon is stopping") \
	X(ERR_CLOCK,		"clock_suspect",	503, "the machine's clock jumped ahead; the ledger takes no new entries") \
	X(ERR_ROLLED_BACK,	"rolled_back",		503, "the ledger is older than a checkpoint it has signed") \
	/* pushes */ \
	X(ERR_EMPTY_PUSH,	"empty_push",		422, "a push carries at least one record") \
	X(ERR_RECORDS,		"invalid_records",	422, "some records are not valid; nothing was stored") \
	X(ERR_TOO_MANY,		"too_many_records",	413, "more records than one push may carry") \
	X(ERR_FEED_ORIGIN,	"wrong_origin",		422, "the checkpoint names another feed or another ledger") \
	X(ERR_FEED_SIZE,	"size_mismatch",	422, "the feed checkpoint's size is not start plus the number of records") \
	X(ERR_FEED_ROOT,	"root_mismatch",	422, "the feed checkpoint's root is not that of the records") \
	X(ERR_FEED_GAP,		"feed_gap",		409, "records before this push are missing") \
	X(ERR_FEED_CONFLICT,	"feed_conflict",	409, "these records differ from those already held; what is held stays") \
	X(ERR_FEED_BUSY,	"feed_busy",		429, "pushes of this feed are already in work") \
	X(ERR_VENUE,		"unknown_venue",	403, "no venue of this name is licensed") \
	X(ERR_SUSPENDED,	"venue_suspended",	403, "this venue is suspended") \
	/* orders */ \
	X(ERR_ORDER,		"bad_order",		422, "the order is not valid") \
	X(ERR_ORDER_LEDGER,	"other_ledger",		422, "the order is for another ledger") \
	X(ERR_ORDER_EXPIRED,	"order_expired",	422, "the order has expired, or expires too far ahead") \
	X(ERR_ORDER_ITEMS,	"items_mismatch",	422, "the items are not those that were signed") \
	X(ERR_ORDER_ID,		"order_id_taken",	409, "another order has this id") \
	X(ERR_QUORUM,		"quorum_not_met",	403, "not enough of the right officers signed") \
	X(ERR_REFUSED,		"refused",		422, "the order can't be carried out") \
	/* client */ \
	X(ERR_COSIGNED,		"not_cosigned",		422, "not enough witnesses have cosigned it") \
	X(ERR_UNREACHABLE,	"unreachable",		503, "the server could not be reached") \
	X(ERR_UNCERTAIN,	"outcome_unknown",	503, "the answer was lost; it is safe to repeat")
/* clang-format on */

enum err {
#define ERR_ENUM(id, name, status, sentence) id,
	ERR_LIST(ERR_ENUM)
#undef ERR_ENUM
	ERR_COUNT
};

#define must_check __attribute__((warn_unused_result))
#define printf_like(f, a) __attribute__((format(printf, f, a)))

/* Name in lower case, as in a problem type; never NULL. */
const char *err_name(enum err err);
/* HTTP status that carries it. */
int err_status(enum err err);
/* One sentence without a full stop, in the language of the thread (proto/text.h). */
const char *err_sentence(enum err err);
/* The error of that name, or ERR_COUNT. */
enum err err_by_name(const char *name);

/* What exactly was wrong and where, for the one who sent it. Written only together with an error. */
#define WHY_SIZE 512
struct why {
	/*
	 * NUL-terminated UTF-8 of less than WHY_SIZE bytes, cut at a character's boundary; in the thread's language. From
	 * WHY_SIZE on stands the same in English, or nothing where it is English itself: see why_english.
	 */
	char text[2 * WHY_SIZE];
};

/*
 * Formats the text and returns `err`, so that a refusal is one line. `why` may be NULL. The format is translated here,
 * texts among the arguments are not.
 */
enum err why_set(struct why *why, enum err err, const char *format, ...) printf_like(3, 4);
/* The same with the text of `cause` behind it: "item 3: " and what is wrong with it. */
enum err why_set_cause(struct why *why, enum err err, const struct why *cause, const char *format, ...)
    printf_like(4, 5);
/* What both do: for functions with a format of their own. */
void why_set_list(struct why *why, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));
/* For log lines, which are the same in every language. */
const char *why_english(const struct why *why);

#endif
