/* The list of the Data screen: a row for each sample that the trainer will see, and for each record
 * that is none. */
#ifndef APP_DATA_ROWS_H
#define APP_DATA_ROWS_H

#include "engine/data/dataset.h"
#include "views/samples.h"

/* A new row at the end, all zero; valid until the next. */
struct samples_row *data_rows_add(struct samples *samples);

/* For records_options: a row for a bad record; `samples` is a struct samples. */
void data_rows_bad(void *samples, size_t line, const char *reason);

/* A row for each of n_samples, whose context and predict say how a sample is cut, and their
 * lengths in numbers. False: cancelled. */
bool data_rows_fill(struct samples *samples, const struct dataset *dataset, enum phase phase,
                    const struct tokenizer *tokenizer, const struct progress *progress,
                    struct err *err);

#endif
