#include "app/png.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "engine/base/buffer.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"

enum { TEXT_LIMIT = 1 << 20, CHUNK_HEAD = 8, CHUNK_REST = 4 };

static const uint8_t signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

static void put_u32(struct buffer *out, uint32_t value)
{
    uint8_t b[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                    (uint8_t)value};
    buffer_add(out, b, 4);
}

static uint32_t get_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Length, type, data, checksum of type and data. */
static void put_chunk(struct buffer *out, const char type[4], const void *data, size_t size)
{
    put_u32(out, (uint32_t)size);
    buffer_add(out, type, 4);
    buffer_add(out, data, size);
    uLong crc = crc32(0, (const Bytef *)type, 4);
    put_u32(out, (uint32_t)(size ? crc32_z(crc, data, size) : crc));
}

/* ---- pixels --------------------------------------------------------------------- */

enum filter { FILTER_NONE, FILTER_SUB, FILTER_UP, FILTER_COUNT };

/* Filters one line into out and returns the sum of its bytes as signed numbers:
 * the smaller, the better it compresses. */
static unsigned long filter_line(enum filter filter, const uint8_t *line, const uint8_t *above,
                                 size_t size, size_t channels, uint8_t *out)
{
    unsigned long sum = 0;
    for (size_t i = 0; i < size; i++) {
        unsigned before = filter == FILTER_SUB && i >= channels ? line[i - channels]
                          : filter == FILTER_UP && above        ? above[i]
                                                                : 0;
        out[i] = (uint8_t)(line[i] - before);
        sum += out[i] < 128 ? out[i] : 256u - out[i];
    }
    return sum;
}

/* Lines with their filter byte in front, each with the filter that suits it. */
static uint8_t *filter_lines(const struct raster *raster, size_t *size)
{
    size_t line_size = raster->width * raster->channels;
    uint8_t *all = xmalloc(raster->height * (line_size + 1));
    uint8_t *trial = xmalloc(line_size);
    for (size_t y = 0; y < raster->height; y++) {
        const uint8_t *line = raster->pixels + y * line_size;
        uint8_t *out = all + y * (line_size + 1);
        unsigned long best = ULONG_MAX;
        for (int f = FILTER_NONE; f < FILTER_COUNT; f++) {
            unsigned long sum = filter_line((enum filter)f, line, y ? line - line_size : NULL,
                                            line_size, raster->channels, trial);
            if (sum >= best)
                continue;
            best = sum;
            out[0] = (uint8_t)f;
            memcpy(out + 1, trial, line_size);
        }
    }
    free(trial);
    *size = raster->height * (line_size + 1);
    return all;
}

static void put_pixels(struct buffer *out, const struct raster *raster)
{
    size_t size;
    uint8_t *lines = filter_lines(raster, &size);
    uLongf packed_size = compressBound((uLong)size);
    uint8_t *packed = xmalloc(packed_size);
    if (compress2(packed, &packed_size, lines, (uLong)size, 9) != Z_OK) /* there is room */
        mem_exhausted(packed_size);
    put_chunk(out, "IDAT", packed, packed_size);
    free(packed);
    free(lines);
}

/* Keyword, no compression, no language, no translated keyword, text. */
static void put_text(struct buffer *out, const char *keyword, const char *text)
{
    struct buffer chunk = {0};
    buffer_add(&chunk, keyword, strlen(keyword) + 1);
    buffer_add(&chunk, "\0\0\0\0", 4);
    buffer_add(&chunk, text, strlen(text));
    put_chunk(out, "iTXt", chunk.data, chunk.size);
    buffer_free(&chunk);
}

uint8_t *png_write(const struct raster *raster, double dpi, const char *keyword, const char *text,
                   size_t *size)
{
    struct buffer out = {0}, chunk = {0};
    buffer_add(&out, signature, sizeof signature);
    put_u32(&chunk, (uint32_t)raster->width);
    put_u32(&chunk, (uint32_t)raster->height);
    /* 8 bits a channel, colour (with opacity), and the only methods there are. */
    buffer_add(&chunk, (const uint8_t[]){8, raster->channels == 4 ? 6 : 2, 0, 0, 0}, 5);
    put_chunk(&out, "IHDR", chunk.data, chunk.size);
    put_chunk(&out, "sRGB", "", 1);
    chunk.size = 0;
    uint32_t per_metre = (uint32_t)lround(dpi / 0.0254);
    put_u32(&chunk, per_metre);
    put_u32(&chunk, per_metre);
    buffer_add(&chunk, "\1", 1);
    put_chunk(&out, "pHYs", chunk.data, chunk.size);
    if (text)
        put_text(&out, keyword, text);
    put_pixels(&out, raster);
    put_chunk(&out, "IEND", NULL, 0);
    buffer_free(&chunk);
    return (uint8_t *)buffer_take(&out, size);
}

char *png_data_address(const uint8_t *file, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    static const char head[] = "data:image/png;base64,";
    char *text = xmalloc(sizeof head + 4 * (size / 3 + 1)), *out = text + sizeof head - 1;
    memcpy(text, head, sizeof head);
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        uint32_t three = (uint32_t)file[i] << 16 | (left > 1 ? (uint32_t)file[i + 1] << 8 : 0) |
                         (left > 2 ? file[i + 2] : 0u);
        *out++ = digits[three >> 18];
        *out++ = digits[three >> 12 & 63];
        *out++ = left > 1 ? digits[three >> 6 & 63] : '=';
        *out++ = left > 2 ? digits[three & 63] : '=';
    }
    *out = '\0';
    return text;
}

/* ---- reading back ---------------------------------------------------------------- */

/* The text behind keyword, flags, language and translated keyword; NULL when the
 * chunk is not of that shape. */
static char *text_of_chunk(const uint8_t *chunk, size_t size, const char *keyword)
{
    size_t at = strlen(keyword) + 1;
    if (size < at + 4 || memcmp(chunk, keyword, at) != 0 || chunk[at] != 0)
        return NULL;
    at += 2;
    for (int skipped = 0; skipped < 2; skipped++) {
        const uint8_t *end = memchr(chunk + at, 0, size - at);
        if (!end)
            return NULL;
        at = (size_t)(end - chunk) + 1;
    }
    const char *text = (const char *)chunk + at;
    if (memchr(text, 0, size - at) || !text_valid(text, size - at, NULL))
        return NULL;
    return xstrndup(text, size - at);
}

static bool has_keyword(const uint8_t *chunk, size_t size, const char *keyword)
{
    size_t length = strlen(keyword) + 1;
    return size >= length && memcmp(chunk, keyword, length) == 0;
}

char *png_read_text(const uint8_t *data, size_t size, const char *name, const char *keyword,
                    struct err *err)
{
    if (size < sizeof signature || memcmp(data, signature, sizeof signature) != 0) {
        err_set(err, ERR_INPUT, "%s: not a PNG file, nor SVG", name);
        return NULL;
    }
    for (size_t at = sizeof signature; size - at >= CHUNK_HEAD + CHUNK_REST;) {
        uint32_t length = get_u32(data + at);
        const uint8_t *type = data + at + 4, *chunk = type + 4;
        if (length > size - at - CHUNK_HEAD - CHUNK_REST) {
            err_set(err, ERR_INPUT, "%s: the chunk at byte %zu reaches beyond the end of the file",
                    name, at);
            return NULL;
        }
        if (memcmp(type, "iTXt", 4) == 0 && has_keyword(chunk, length, keyword)) {
            bool sound = length <= TEXT_LIMIT &&
                         crc32_z(0, type, (size_t)length + 4) == get_u32(chunk + length);
            char *text = sound ? text_of_chunk(chunk, length, keyword) : NULL;
            if (!text)
                err_set(err, ERR_INPUT, "%s: the %s text at byte %zu is damaged", name, keyword,
                        at);
            return text;
        }
        if (memcmp(type, "IEND", 4) == 0)
            break;
        at += CHUNK_HEAD + length + CHUNK_REST;
    }
    err_set(err, ERR_INPUT,
            "%s: a PNG without the text chunk \"%s\": it was not exported by comprexit, or other "
            "software rewrote it without the chunk", name, keyword);
    return NULL;
}
