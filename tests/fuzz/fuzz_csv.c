/* Any bytes as a venue's CSV file: every row gives a record that passes, or a fault that can be shown. */
#include "client/csv.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct record_fault faults[RECORD_FAULTS_MAX];
	FILE *file = tmpfile();
	struct rows rows;
	struct why why;
	enum err err;

	if (file == NULL || fwrite(data, 1, size, file) != size)
		return -1;
	rewind(file);
	rows_init(&rows);
	err = csv_read(file, &rows, &why);
	assert(err < ERR_COUNT);
	for (size_t i = 0; i < rows.record_count; i++) {
		struct record record;
		struct arena arena;
		size_t fault_count;

		arena_init(&arena, 1 << 20);
		assert(record_decode(rows_record(&rows, i), &arena, &record, faults, &fault_count) == OK);
		arena_done(&arena);
	}
	for (size_t i = 0; i < rows.fault_count; i++)
		assert(utf8_is_text(slice_text(rows.faults[i].value)));
	assert(rows.fault_total >= rows.fault_count);
	rows_done(&rows);
	(void)fclose(file);
	return 0;
}
