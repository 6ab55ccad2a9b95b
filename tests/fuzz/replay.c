/*
 * Runs every file of a corpus folder through a fuzz target, so that `make check` replays what fuzzing has found.
 * With libFuzzer the target has a main of its own and this file stays out.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_SIZE 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* False if the file can't be read. */
static int replay_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = NULL;
	long size;
	int is_done = 0;

	if (file == NULL)
		return 0;
	if (fseek(file, 0, SEEK_END) != 0)
		goto out;
	size = ftell(file);
	if (size < 0 || fseek(file, 0, SEEK_SET) != 0)
		goto out;
	/* Exactly as many bytes as the file has, so that a sanitizer sees a read beyond; never a size of zero. */
	data = malloc(size > 0 ? (size_t)size : 1);
	if (data == NULL || fread(data, 1, (size_t)size, file) != (size_t)size)
		goto out;
	(void)LLVMFuzzerTestOneInput(data, (size_t)size);
	is_done = 1;
out:
	free(data);
	(void)fclose(file);
	return is_done;
}

int main(int argc, char **argv)
{
	struct dirent **names = NULL;
	char path[PATH_SIZE];
	int name_count, file_count = 0, failed_count = 0;

	if (argc != 2) {
		(void)fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 2;
	}
	name_count = scandir(argv[1], &names, NULL, alphasort);
	if (name_count < 0) {
		perror(argv[1]);
		return 1;
	}
	for (int i = 0; i < name_count; i++) {
		if (names[i]->d_name[0] != '.') {
			int size = snprintf(path, sizeof(path), "%s/%s", argv[1], names[i]->d_name);

			file_count++;
			if (size < 0 || (size_t)size >= sizeof(path) || !replay_file(path)) {
				(void)fprintf(stderr, "%s: can't be read\n", path);
				failed_count++;
			}
		}
		free(names[i]);
	}
	free(names);
	printf("%d files replayed\n", file_count - failed_count);
	return file_count == 0 || failed_count != 0;
}
