/* A training run on a golden model with made-up text, small enough to take
 * milliseconds a step. */
#ifndef TESTS_SUPPORT_TRAINING_H
#define TESTS_SUPPORT_TRAINING_H

#include "engine/train/run.h"

struct training {
    char *directory; /* temporary; holds the data file and run directories */
    char *data_path;
    struct run_data data[1];
    struct run_options options; /* 40 steps of 2 blocks of 16 + 8 tokens, AdamW */
};

/* Skips the test when the golden directory is not there. */
void training_open(struct training *t);
void training_close(struct training *t);

/* The directory of a run of this name inside the temporary one, to be freed; made
 * the run's directory as well. */
char *training_directory(struct training *t, const char *name);

/* Runs until `stop_at` steps are done (0: to the end) and expects `code`. */
void training_run(struct training *t, size_t stop_at, enum err_code code);

/* SHA-256 of all tensors of a file of a run; metadata hold times. */
void training_hash(const char *dir, const char *name, char hex[65]);

#endif
