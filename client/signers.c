#include "client/signers.h"

#include "client/file.h"
#include "client/out.h"

enum exit_code signers_load(const struct args *args, struct signers *signers)
{
	struct why why = {""};
	enum err err;

	signers->count = 0;
	if (args_count(args, "key") > NOTE_SIGNATURES_MAX)
		return out_usage("more than %d keys", NOTE_SIGNATURES_MAX);
	for (size_t i = 0; i < args_count(args, "key"); i++) {
		err = file_load_signer(args_text_at(args, "key", i), &signers->signers[i], &why);
		if (err != OK)
			return out_fail(err, &why, NULL);
		signers->count++;
		for (size_t j = 0; j < i; j++)
			if (key_equal(signer_key(signers->signers[i]), signer_key(signers->signers[j])))
				return out_usage("the key %s is given twice", args_text_at(args, "key", i));
	}
	return EXIT_OK;
}

void signers_done(struct signers *signers)
{
	for (size_t i = 0; i < signers->count; i++)
		signer_free(signers->signers[i]);
}
