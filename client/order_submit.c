#include "client/order_submit.h"

#include <inttypes.h>
#include <string.h>

#include "client/file.h"
#include "client/link.h"
#include "client/out.h"
#include "client/pin.h"
#include "proto/entry.h"
#include "proto/text.h"

#define ARENA_SIZE (1u << 20) /* an entry's bytes, and what is decoded from them */

struct submission {
	const struct settings *settings;
	const struct bundle *bundle;
	const char *receipt_path;
	struct link *link;
	struct ledger_id ledger;
	struct arena arena; /* of the order at hand */
	json_t *answers;    /* of those carried out */
};

/* ---- receipts */

/* The signatures may be others: an order that was carried out before is shown as it was signed then. */
static bool is_same_text(struct slice a_bytes, struct slice b_bytes)
{
	struct note a, b;

	return note_parse(a_bytes, &a, NULL) == OK && note_parse(b_bytes, &b, NULL) == OK &&
	       slice_equal(a.text, b.text);
}

static bool is_same_order(const struct entry *entry, const struct bundle_order *order)
{
	if (entry->kind != ENTRY_ORDER || entry->order.item_count != order->item_count ||
	    !is_same_text(entry->order.note, buf_slice(&order->note)))
		return false;
	for (size_t i = 0; i < order->item_count; i++)
		if (!slice_equal(entry->order.items[i], order->items[i]))
			return false;
	return true;
}

enum err order_submit_check(struct slice receipt, const struct bundle_order *order, const struct key *ledger,
    uint64_t *ret_index, struct why *why)
{
	struct checkpoint checkpoint;
	struct arena arena;
	struct proof proof;
	struct entry entry;
	enum err err;

	arena_init(&arena, ARENA_SIZE);
	err = proof_parse(receipt, &arena, &proof, why);
	if (err == OK)
		err = proof_verify(&proof, ledger, &checkpoint, why);
	if (err == OK && (entry_decode(proof.extra, &arena, &entry) != OK || !is_same_order(&entry, order)))
		err = why_set(why, ERR_PROOF, "what it proves is not this order");
	if (err == OK)
		*ret_index = proof.index;
	arena_done(&arena);
	return err;
}

static enum exit_code receipt_keep(const struct submission *submission, size_t number, const char *text)
{
	struct why why = {""};
	struct buf path;
	enum err err;

	if (submission->receipt_path == NULL)
		return EXIT_OK;
	buf_init(&path, CLIENT_FILE_SIZE_MAX);
	buf_add_text(&path, submission->receipt_path);
	if (number > 1)
		buf_printf(&path, "-%zu", number);
	err = file_write(buf_text(&path), slice_text(text), 0644, &why);
	buf_done(&path);
	return err == OK ? EXIT_OK : out_fail(err, &why, "the order was carried out; submit it again for its receipt");
}

/* ---- one order */

static const char *next_of(enum err err)
{
	if (err == ERR_QUORUM)
		return TEXT("have a further officer sign it (subsidy order sign NOTE --key FILE), and submit it then");
	if (err == ERR_UNKNOWN_KEY || err == ERR_SIGNATURE)
		return TEXT("it must be signed with keys of officers whom the ledger knows");
	if (err == ERR_ORDER_EXPIRED)
		return TEXT("make and sign it anew");
	if (err == ERR_ORDER_ID)
		return TEXT("make and sign it anew, with an id of its own");
	if (err == ERR_ORDER_LEDGER)
		return TEXT("check --server; an order signed for one ledger is worth nothing to another");
	if (err == ERR_ORDER || err == ERR_ORDER_ITEMS || err == ERR_NOTE)
		return TEXT("the file was changed, or not made by `subsidy order`; make and sign it anew");
	if (err == ERR_REFUSED)
		return TEXT("nothing was changed; see what it asks for, then make and sign it anew");
	return NULL;
}

/* What can be told from here is told before anything is sent. */
static enum err order_look(
    struct submission *submission, const struct bundle_order *order, struct order *ret_order, struct why *why)
{
	const struct ledger_id *ledger = &submission->ledger;
	struct note note;
	enum err err;

	arena_reset(&submission->arena);
	err = note_parse(buf_slice(&order->note), &note, why);
	if (err == OK)
		err = order_parse(note.text, order->items, order->item_count, &submission->arena, ret_order, why);
	if (err == OK &&
	    (strcmp(ret_order->origin, ledger->origin) != 0 || strcmp(ret_order->ledger_id, ledger->id) != 0))
		err = why_set(why, ERR_ORDER_LEDGER, "it is for %s (%s), this is %s (%s)", ret_order->origin,
		    ret_order->ledger_id, ledger->origin, ledger->id);
	return err;
}

static bool is_retired(const struct key *key, const struct order *order)
{
	for (size_t i = 0; i < order->retired_log_key_count; i++)
		if (key_equal(key, &order->retired_log_keys[i]))
			return true;
	return false;
}

/*
 * Whose signature the order's receipt must have. An order that retires the ledger's key is in force when its receipt is
 * signed: then that is a key which it adds, or the one before it, which signs beside it. NULL where none stays that is known.
 */
static const struct key *signer_after(const struct ledger_id *ledger, const struct order *order)
{
	if (order->type != ORDER_LOG_KEY || !is_retired(&ledger->key, order))
		return &ledger->key;
	for (size_t i = 0; i < order->added_log_key_count; i++)
		if (strcmp(order->added_log_keys[i].name, ledger->origin) == 0)
			return &order->added_log_keys[i];
	return ledger->older_count > 0 && !is_retired(&ledger->older[0], order) ? &ledger->older[0] : NULL;
}

static enum exit_code answer_take(struct submission *submission, const struct bundle_order *order, size_t number,
    const struct order *parsed, const struct key *signer, const struct link_answer *answer)
{
	const char *receipt = json_text_or(answer->json, "receipt", "");
	json_int_t said = json_integer_value(json_object_get(answer->json, "index"));
	struct why why = {""};
	uint64_t index = 0;
	enum err err = order_submit_check(slice_text(receipt), order, signer, &index, &why);

	if (err == OK && (said < 0 || (uint64_t)said != index))
		err = why_set(
		    &why, ERR_PROOF, "it is of entry %" PRIu64 ", the answer speaks of %lld", index, (long long)said);
	if (err != OK && err != ERR_MEMORY) {
		(void)out_fail(err, &why, "the ledger's receipt does not hold: keep the note, and tell an auditor");
		return EXIT_UNVERIFIED;
	}
	if (err != OK)
		return out_fail(err, &why, NULL);
	if (json_array_append(submission->answers, answer->json) != 0)
		return out_fail(ERR_MEMORY, NULL, NULL);
	out_info("carried out: %s, %s, entry %" PRIu64 ", %lld effects", parsed->id, order_type_name(parsed->type),
	    index, (long long)json_integer_value(json_object_get(answer->json, "effects")));
	return receipt_keep(submission, number, receipt);
}

static enum exit_code order_send(struct submission *submission, size_t number)
{
	const struct bundle_order *order = &submission->bundle->orders[number - 1];
	struct link_request request = {
	    .door = LINK_SERVER, .path = "/v1/orders", .content_type = "application/json", .is_anonymous = true};
	struct link_answer answer;
	const struct key *signer;
	struct why why = {""};
	struct order parsed;
	struct buf body;
	enum exit_code code;
	enum err err = order_look(submission, order, &parsed, &why);

	if (err != OK)
		return out_fail(err, &why, next_of(err));
	signer = signer_after(&submission->ledger, &parsed);
	if (signer == NULL)
		return out_usage(
		    "the order retires the ledger's key that is known here, and nothing else could check its receipt; "
		    "name the one that stays: --vkey KEY");
	buf_init(&body, HTTP_PUBLIC_BODY_MAX);
	err = order_request_encode(buf_slice(&order->note), order->items, order->item_count, &body);
	if (err != OK) {
		buf_done(&body);
		return out_fail(err, &why, next_of(ERR_ORDER));
	}
	request.body = buf_slice(&body);
	err = link_ask(submission->link, &request, &answer);
	if (err == OK)
		code = answer_take(submission, order, number, &parsed, signer, &answer);
	else
		code = next_of(err) != NULL ? out_fail(err, &answer.why, next_of(err)) : out_fail_answer(&answer);
	link_answer_done(&answer);
	buf_done(&body);
	return code;
}

/* ---- all of them */

static enum exit_code answers_print(struct submission *submission)
{
	json_t *answers = submission->answers;

	if (!submission->settings->is_json || json_array_size(answers) == 0)
		return EXIT_OK;
	if (submission->bundle->order_count == 1)
		return out_json(json_incref(json_array_get(answers, 0)));
	return out_json(json_pack("{s:O}", "orders", answers));
}

static enum exit_code bundle_send(struct submission *submission)
{
	size_t count = submission->bundle->order_count, done;
	enum exit_code code = EXIT_OK, print_code;

	for (size_t number = 1; code == EXIT_OK && number <= count; number++)
		code = order_send(submission, number);
	done = json_array_size(submission->answers);
	if (code != EXIT_OK && count > 1)
		out_info(
		    "%zu of %zu orders were carried out; submit the same file again once the cause is mended: an order "
		    "carried out before is only answered again",
		    done, count);
	print_code = answers_print(submission);
	return code != EXIT_OK ? code : print_code;
}

enum exit_code order_submit(const struct settings *settings, const struct bundle *bundle, const char *receipt_path)
{
	struct submission submission = {.settings = settings, .bundle = bundle, .receipt_path = receipt_path};
	struct why why = {""};
	enum exit_code code;
	enum err err;

	if (bundle->is_genesis)
		return out_usage(
		    "a genesis note is not submitted; it begins a ledger: subsidyd init -c FILE --genesis NOTE");
	err = link_open(settings, &submission.link, &why);
	if (err != OK)
		return out_fail(err, &why, NULL);
	arena_init(&submission.arena, ORDER_ARENA_SIZE);
	submission.answers = json_array();
	code = pin_ledger(submission.link, settings, LINK_SERVER, &submission.ledger);
	if (code == EXIT_OK)
		code = bundle_send(&submission);
	json_decref(submission.answers);
	arena_done(&submission.arena);
	link_close(submission.link);
	return code;
}
