/*
 * Any bytes as a policy file. What parses keeps its bounds, and a quorum is monotonous: a further cosignature never
 * takes back what was enough, and all witnesses together are enough.
 */
#include "proto/trust.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true)
{
	if (!is_true)
		abort();
}

static void check_witnesses(const struct trust *trust)
{
	size_t count = trust_witness_count(trust);

	require(count <= TRUST_WITNESSES_MAX && trust_log_count(trust) <= TRUST_LOGS_MAX);
	for (size_t i = 0; i < count; i++) {
		require(trust_witness_name(trust, i)[0] != '\0');
		require(trust_witness_key(trust, i)->type == KEY_COSIGNATURE);
		require(strlen(trust_witness_url(trust, i)) <= TRUST_URL_SIZE_MAX);
		for (size_t k = 0; k < i; k++)
			require(strcmp(trust_witness_name(trust, i), trust_witness_name(trust, k)) != 0);
	}
	for (size_t i = 0; i < trust_log_count(trust); i++)
		require(trust_takes_log(trust, trust_log_key(trust, i)));
}

static void check_quorum(const struct trust *trust, uint64_t cosigned)
{
	size_t count = trust_witness_count(trust);
	uint64_t all = count == 0 ? 0 : ~0ULL >> (64 - count);

	cosigned &= all;
	require(trust_is_met(trust, all));
	require(trust_is_met(trust, 0) == (strcmp(trust_quorum(trust), "none") == 0));
	for (size_t i = 0; i < count && trust_is_met(trust, cosigned); i++)
		require(trust_is_met(trust, cosigned | 1ULL << i));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trust *trust;
	struct why why;
	uint64_t cosigned = 0;

	if (trust_parse(slice_of(data, size), &trust, &why) != OK) {
		require(why.text[0] != '\0');
		return 0;
	}
	check_witnesses(trust);
	for (size_t i = 0; i < size; i++)
		cosigned = cosigned * 31 + data[i];
	check_quorum(trust, cosigned);
	trust_free(trust);
	return 0;
}
