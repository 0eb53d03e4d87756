/* `export train RUN...`: learning curves of run directories as a figure, and the numbers
 * behind it. */
#ifndef APP_EXPORT_TRAIN_H
#define APP_EXPORT_TRAIN_H

#include "app/export.h"

/* Writes what the request names (width, height, dpi, theme, scale, limits, title, files,
 * formats; a PNG named after the first run when nothing is named). NPY holds no curves.
 * A request's figures of other kinds are not looked at. */
bool export_train(const char *const *directories, size_t n, const struct export_request *request,
                  struct export_result *result, struct err *err);

#endif
