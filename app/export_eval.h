/* `export eval FILE.csv`: the table of the Eval screen, a line a set. */
#ifndef APP_EXPORT_EVAL_H
#define APP_EXPORT_EVAL_H

#include "engine/base/err.h"
#include "views/results.h"

/* Scores are shares (0.524, not 52.4); empty where a set has none. RFC 4180. */
bool export_eval(const struct results *results, const char *path, bool force, struct err *err);

#endif
