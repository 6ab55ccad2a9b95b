#include "client/quorumfile.h"

#include "client/file.h"
#include "client/out.h"

enum exit_code quorumfile_load(const char *path, struct buf *ret_bytes, struct trust **ret_trust)
{
	struct why why = {""}, whole;
	struct buf own, *bytes = ret_bytes != NULL ? ret_bytes : &own;
	enum exit_code code = EXIT_OK;
	enum err err;

	buf_init(&own, CLIENT_FILE_SIZE_MAX);
	err = file_read_given(path, bytes, &why);
	if (err != OK) {
		code = out_fail(err, &why, NULL);
	} else {
		err = trust_parse(buf_slice(bytes), ret_trust, &why);
		if (err != OK) {
			(void)why_set(&whole, err, "%s: %s", path, why.text);
			code = out_fail(err, &whole, "a policy file has the lines of C2SP tlog-policy");
		}
	}
	buf_done(&own);
	return code;
}

/* "a, b": the witnesses that cosigned, or "-". */
static void names_format(const struct trust *trust, uint64_t cosigned, struct buf *ret_text)
{
	if (cosigned == 0)
		buf_u8(ret_text, '-');
	for (size_t i = 0; i < trust_witness_count(trust); i++) {
		if ((cosigned >> i & 1) == 0)
			continue;
		if (ret_text->size > 0)
			buf_add_text(ret_text, ", ");
		buf_add_text(ret_text, trust_witness_name(trust, i));
	}
}

enum err quorumfile_check(const struct trust *trust, const struct key *log, struct slice bytes, struct why *why)
{
	uint64_t cosigned = 0;
	struct note note;
	struct buf names;
	enum err err;

	if (!trust_takes_log(trust, log))
		return why_set(why, ERR_UNKNOWN_KEY, "the policy file names other logs, not %s", log->name);
	err = note_parse(bytes, &note, why);
	if (err != OK)
		return err;
	err = trust_cosigned(trust, &note, &cosigned);
	if (err == ERR_SIGNATURE)
		return why_set(why, err, "a cosignature of a witness of the policy file does not verify");
	if (err != OK || trust_is_met(trust, cosigned))
		return err;
	buf_init(&names, TRUST_SIZE_MAX);
	names_format(trust, cosigned, &names);
	err = why_set(why, ERR_COSIGNED, "the cosignatures do not make the quorum \"%s\": there are those of %s",
	    trust_quorum(trust), buf_text(&names));
	buf_done(&names);
	return err;
}
