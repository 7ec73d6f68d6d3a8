/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Capture files made of samples, and what comes of reading them.
 */
#ifndef SAMPLE_FILE_H
#define SAMPLE_FILE_H

#include "capture/capture_file.h"
#include "sample.h"

#define SAMPLE_PATH_LEN 64

/* A file of this test alone, to be unlinked by it. */
void sample_path(char path[SAMPLE_PATH_LEN]);

/* The same @n records in each run, of owners 2 to 4 and threads 100 to 103. */
struct gmem_record *sample_records(size_t n);

/* The sample, then @nrecords records and those whom they name, and the sample again; aborts where
 * that fails. */
void sample_write_file(const struct sample *sample, size_t nrecords, const char *path);

#endif
