/*
 * Feeds every file of a corpus folder to a fuzz target, so that what a fuzzer
 * once found is tested on every run, without a fuzzer.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
feed_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data;
	size_t size;

	if (file == NULL) {
		perror(path);
		return -1;
	}
	data = malloc(1 << 20);
	size = data == NULL ? 0 : fread(data, 1, 1 << 20, file);
	fclose(file);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	return 0;
}

int
main(int argc, char **argv)
{
	struct dirent **entries;
	char path[4096];
	int count, i, fed = 0;

	if (argc != 2)
		return 2;
	count = scandir(argv[1], &entries, NULL, alphasort);
	if (count < 0) {
		perror(argv[1]);
		return 1;
	}
	for (i = 0; i < count; i++) {
		if (entries[i]->d_name[0] != '.') {
			snprintf(path, sizeof(path), "%s/%s", argv[1],
			    entries[i]->d_name);
			if (feed_file(path) == -1)
				return 1;
			fed++;
		}
		free(entries[i]);
	}
	free(entries);
	printf("%d inputs\n", fed);
	/* An empty corpus would be a test that cannot fail. */
	return fed > 0 ? 0 : 1;
}
