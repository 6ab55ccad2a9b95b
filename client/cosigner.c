#include "client/cosigner.h"

#include <string.h>
#include <time.h>

#include "client/out.h"

enum err cosigner_note(const struct kept_head *head, struct buf *ret_note)
{
	struct key key = {.type = KEY_ED25519};
	struct note note;
	enum err err = note_parse(buf_slice(&head->note), &note, NULL);

	if (err != OK || strlen(head->checkpoint.origin) > KEY_NAME_SIZE_MAX)
		return err != OK ? err : ERR_NOTE;
	memcpy(key.name, head->checkpoint.origin, strlen(head->checkpoint.origin));
	buf_add_slice(ret_note, note.text);
	buf_u8(ret_note, '\n');
	for (size_t i = 0; i < note.signature_count; i++) {
		const struct note_signature *line = &note.signatures[i];

		if (!slice_equal(line->name, slice_text(head->checkpoint.origin)))
			continue;
		memcpy(key.id, line->key_id, KEY_ID_SIZE);
		note_add_line(ret_note, &key, slice_of(line->bytes, line->size));
	}
	return ret_note->err;
}

enum err cosigner_sign(const struct kept_head *head, const struct signer *signer, struct buf *ret_note)
{
	uint8_t signature[KEY_SIGNATURE_MAX];
	struct note note;
	size_t size;
	enum err err = note_parse(buf_slice(&head->note), &note, NULL);

	if (err == OK)
		err = signer_cosign(signer, note.text, (uint64_t)time(NULL), signature, &size);
	if (err == OK)
		err = cosigner_note(head, ret_note);
	if (err != OK)
		return err;
	note_add_line(ret_note, signer_key(signer), slice_of(signature, size));
	return ret_note->err;
}

enum err cosigner_post(struct cosigner *cosigner, struct slice note)
{
	struct link_request request = {.door = LINK_SERVER,
	    .path = "/v1/cosignatures",
	    .content_type = "text/plain",
	    .body = note,
	    .is_anonymous = true,
	    .timeout_s = MONITOR_REQUEST_TIMEOUT_S};
	struct link_answer answer;
	enum err err = link_ask(cosigner->link, &request, &answer);

	/* What a server of plain files says of a POST. */
	if (answer.status == 405 || answer.status == 501)
		err = ERR_NOT_FOUND;
	if (err != OK && err != cosigner->told) {
		if (err == ERR_NOT_FOUND)
			out_info("subsidy: the server takes no cosignatures");
		else
			(void)out_fail_answer(&answer);
	}
	cosigner->told = err;
	link_answer_done(&answer);
	return err;
}
