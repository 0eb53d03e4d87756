/* PNG files: writing pixels with their resolution and a text, and reading such a
 * text back. Chunks are made and checked here; zlib does the compression. */
#ifndef APP_PNG_H
#define APP_PNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "views/raster.h"

/* The whole file, to be freed. text: UTF-8 for an iTXt chunk with this keyword
 * (1 to 79 ASCII characters), or NULL for none. The same input gives the same
 * bytes. */
uint8_t *png_write(const struct raster *raster, double dpi, const char *keyword, const char *text,
                   size_t *size);

/* The text of the iTXt chunk with this keyword, to be freed; NULL with ERR_INPUT
 * ("FILE: ... at byte N") when the file is no PNG, is damaged, or has none. Only
 * chunk heads are read; of texts over a mebibyte nothing. */
char *png_read_text(const uint8_t *data, size_t size, const char *name, const char *keyword,
                    struct err *err);

/* The file as a "data:" address for SVG, to be freed. */
char *png_data_address(const uint8_t *file, size_t size);

#endif
