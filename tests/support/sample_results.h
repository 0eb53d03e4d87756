/* Samples of a data file and results of an evaluation, made up, for golden screens. */
#ifndef TESTS_SUPPORT_SAMPLE_RESULTS_H
#define TESTS_SUPPORT_SAMPLE_RESULTS_H

#include "views/results.h"
#include "views/samples.h"

/* 40 questions about a harbour, two bad records; and sample 12 of them. */
void sample_samples(struct samples *samples, struct samples_text *text);

/* Three sets, the last one under way. */
void sample_results(struct results *results);

#endif
