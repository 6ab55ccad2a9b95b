/*
 * An order has three bounds: its items' number, the bytes of note and items together, and the bytes of the request
 * that carries both as JSON, where every quote of a line takes two bytes. Room is left for what is not there yet, the
 * signatures of further officers; so a list is never divided in a way that a late signature breaks.
 */
#include "client/draft.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define DASH_SIZE 4 /* "— " in front of a signature */
#define SIGNATURE_LINE_SIZE_MAX                                                                                        \
	(DASH_SIZE + OFFICER_NAME_SIZE_MAX + 1 + BASE64_SIZE(KEY_ID_SIZE + KEY_SIGNATURE_MAX) + 1)
#define HEAD_WORDS_SIZE 256 /* header line, keys, numbers, the items' root */
#define HEAD_SIZE_MAX (HEAD_WORDS_SIZE + ORIGIN_SIZE_MAX + LEDGER_ID_SIZE + 2 * ORDER_ID_SIZE_MAX)
#define NOTE_ROOM (HEAD_SIZE_MAX + QUORUM_SLOTS_MAX * SIGNATURE_LINE_SIZE_MAX)
#define ITEMS_SIZE_MAX (ORDER_BODY_SIZE_MAX - NOTE_ROOM)
/* {"note":"…","items":[…]}: a note has some quotes and newlines to escape, no more than its words. */
#define ITEMS_ESCAPED_SIZE_MAX (HTTP_PUBLIC_BODY_MAX - NOTE_ROOM - HEAD_WORDS_SIZE)

_Static_assert(NOTE_ROOM < ORDER_BODY_SIZE_MAX / 4, "most of an order is left for its items");

/* As an element of a JSON array, with its comma. */
static size_t escaped_size(struct slice line)
{
	size_t size = line.size + 3;

	for (size_t i = 0; i < line.size; i++)
		size += line.data[i] == '"' || line.data[i] == '\\';
	return size;
}

size_t draft_take(const struct slice *items, size_t item_count)
{
	size_t size = 0, total_escaped_size = 0, count = 0;

	for (; count < item_count && count < ORDER_ITEMS_MAX; count++) {
		size += items[count].size;
		total_escaped_size += escaped_size(items[count]);
		if (size > ITEMS_SIZE_MAX || total_escaped_size > ITEMS_ESCAPED_SIZE_MAX)
			break;
	}
	return count;
}

/* The draft is of one order by now. */
static enum err sign_one(const struct order_draft *draft, struct signer *const *signers, size_t signer_count,
    struct bundle *bundle, struct why *why)
{
	struct buf text, note;
	enum err err;

	buf_init(&text, NOTE_TEXT_SIZE_MAX);
	buf_init(&note, NOTE_SIZE_MAX);
	err = order_compose(draft, &text, why);
	if (err == OK)
		err = note_sign(buf_slice(&text), signers, signer_count, &note);
	if (err == OK)
		err = bundle_add(bundle, buf_slice(&note), draft->items, draft->item_count);
	buf_done(&note);
	buf_done(&text);
	return err;
}

enum err draft_sign(const struct order_draft *draft, struct signer *const *signers, size_t signer_count,
    struct bundle *bundle, struct why *why)
{
	struct order_draft part = *draft;
	char id[ORDER_ID_SIZE_MAX + 1];
	size_t taken = draft_take(draft->items, draft->item_count);
	int id_size;
	enum err err;

	assert(signer_count > 0);
	if (taken == draft->item_count)
		return sign_one(draft, signers, signer_count, bundle, why);
	part.id = id;
	for (size_t done = 0, number = 1; done < draft->item_count; done += taken, number++) {
		part.items = draft->items + done;
		taken = draft_take(part.items, draft->item_count - done);
		if (taken == 0)
			return why_set(why, ERR_TOO_LARGE, "item %zu is larger than an order", done + 1);
		part.item_count = taken;
		id_size = snprintf(id, sizeof(id), "%s-%zu", draft->id, number);
		if (id_size < 0 || (size_t)id_size >= sizeof(id))
			return why_set(why, ERR_ORDER,
			    "the id \"%s\" leaves no room for a number behind it; choose one of "
			    "at most %d bytes",
			    draft->id, ORDER_ID_SIZE_MAX - 6);
		err = sign_one(&part, signers, signer_count, bundle, why);
		if (err != OK)
			return err;
	}
	return OK;
}
