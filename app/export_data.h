/* A figure's values in files for other programs. Each writer returns the whole file,
 * to be freed. */
#ifndef APP_EXPORT_DATA_H
#define APP_EXPORT_DATA_H

#include <jansson.h>
#include <stddef.h>

#include "engine/snapshot.h"
#include "views/figure.h"

/* NPY 1.0: float32, C order, [rows, tokens] as drawn before colouring. */
char *export_npy(const struct figure_data *data, size_t *size);

/* RFC 4180: token,index,text,mass,s0,s1,... with one line a token. token counts in
 * the document, index in its window; text is escaped as on screen. */
char *export_csv(const struct figure_data *data, size_t *size);

/* mode,context,kv_bytes,f1,exact,state,answer with one line an answer. */
char *export_answers_csv(const struct snapshot *snapshot, size_t *size);

/* The record of the figure with labels and values, or the answers; takes over the
 * reference to the record. */
char *export_json(json_t *record, const struct figure_data *data, size_t *size);
char *export_answers_json(json_t *record, const struct snapshot *snapshot, size_t *size);

#endif
