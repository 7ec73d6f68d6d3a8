// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads a capture file and decodes all that is in it, and writes nothing: what no export can go
 * below.
 */
#include <stdio.h>
#include "capture/capture_file.h"

int main(int argc, char **argv)
{
	struct capture_file *file;
	struct capture_item item = { .kind = CAPTURE_RECORDS };
	unsigned long long n = 0;
	struct problem problem;

	if (argc != 2) {
		fprintf(stderr, "Usage: unpack FILE\nSays how many records are in a capture.\n");
		return 2;
	}
	file = capture_open(argv[1], &problem);
	while (file && item.kind != CAPTURE_END) {
		if (capture_next(file, CAPTURE_WANT_RECORDS, &item, &problem)) {
			capture_close(file);
			file = NULL;
		}
		n += item.nrecords;
	}
	if (!file) {
		fprintf(stderr, "unpack: %s\n", problem.text);
		return 1;
	}
	printf("%llu\n", n);
	capture_close(file);
	return 0;
}
