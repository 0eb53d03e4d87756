#include "engine/data/input.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/base/text.h"

enum coding { CODING_PLAIN, CODING_GZIP, CODING_ZSTD };
enum { INPUT_BUFFER = 1 << 18, FILL_BYTES = 1 << 20 };

struct input {
    struct mapped_file file;
    enum coding coding;
    size_t consumed; /* bytes of the file that were decoded */
    uint64_t produced;
    z_stream gzip;
    bool gzip_open, gzip_ended;
    ZSTD_DCtx *zstd;
    char *buffer; /* decoded bytes [begin, end) */
    size_t begin, end, capacity;
    bool finished;
    size_t line;
    bool ended; /* the last line had an end */
};

static bool starts_with(const struct mapped_file *f, const char *magic, size_t n)
{
    return f->size >= n && memcmp(f->data, magic, n) == 0;
}

static bool detect(struct input *in, struct err *err)
{
    const struct mapped_file *f = &in->file;
    if (starts_with(f, "PAR1", 4))
        return err_set(err, ERR_INPUT,
                       "%s: Parquet is not read; convert it to JSON lines, for example with "
                       "pandas: read_parquet(..).to_json(.., orient='records', lines=True)",
                       f->path);
    if (starts_with(f, "\x1f\x8b", 2))
        in->coding = CODING_GZIP;
    else if (starts_with(f, "\x28\xb5\x2f\xfd", 4))
        in->coding = CODING_ZSTD;
    return true;
}

static bool open_decoder(struct input *in, struct err *err)
{
    if (in->coding == CODING_GZIP) {
        in->gzip_open = inflateInit2(&in->gzip, 15 + 16) == Z_OK;
        if (!in->gzip_open)
            return err_set(err, ERR_MEMORY, "%s: no memory to unpack", in->file.path);
    } else if (in->coding == CODING_ZSTD) {
        in->zstd = ZSTD_createDCtx();
        if (!in->zstd)
            return err_set(err, ERR_MEMORY, "%s: no memory to unpack", in->file.path);
        ZSTD_DCtx_setParameter(in->zstd, ZSTD_d_windowLogMax, INPUT_ZSTD_WINDOW_LOG);
    }
    return true;
}

static bool corrupt(const struct input *in, const char *what, const char *why, struct err *err)
{
    return err_set(err, ERR_INPUT, "%s: corrupt %s at compressed byte %zu: %s (%zu line%s read)",
                   in->file.path, what, in->consumed, why, in->line, text_plural(in->line));
}

static bool decode_plain(struct input *in, char *out, size_t room, size_t *n)
{
    *n = size_min(room, in->file.size - in->consumed);
    if (*n)
        memcpy(out, in->file.data + in->consumed, *n);
    in->consumed += *n;
    in->finished = in->consumed == in->file.size;
    return true;
}

static bool decode_gzip(struct input *in, char *out, size_t room, size_t *n, struct err *err)
{
    z_stream *z = &in->gzip;
    if (in->gzip_ended) { /* another member may follow */
        if (in->file.size - in->consumed < 2 || in->file.data[in->consumed] != 0x1f ||
            in->file.data[in->consumed + 1] != 0x8b)
            return corrupt(in, "gzip", "rubbish behind the end of the data", err);
        inflateReset(z);
        in->gzip_ended = false;
    }
    size_t available = size_min(in->file.size - in->consumed, (size_t)1 << 20);
    z->next_in = (Bytef *)(uintptr_t)(in->file.data + in->consumed);
    z->avail_in = (uInt)available;
    z->next_out = (Bytef *)out;
    z->avail_out = (uInt)room;
    int code = inflate(z, Z_NO_FLUSH);
    in->consumed += available - z->avail_in;
    *n = room - z->avail_out;
    if (code == Z_STREAM_END) {
        in->gzip_ended = true;
        in->finished = in->consumed == in->file.size;
        return true;
    }
    if (code != Z_OK && code != Z_BUF_ERROR)
        return corrupt(in, "gzip", z->msg ? z->msg : "bad data", err);
    if (*n == 0 && in->consumed == in->file.size)
        return corrupt(in, "gzip", "the file ends in the middle", err);
    return true;
}

static bool decode_zstd(struct input *in, char *out, size_t room, size_t *n, struct err *err)
{
    ZSTD_inBuffer from = {in->file.data, in->file.size, in->consumed};
    ZSTD_outBuffer to = {out, room, 0};
    size_t code = ZSTD_decompressStream(in->zstd, &to, &from);
    in->consumed = from.pos;
    *n = to.pos;
    if (ZSTD_isError(code)) {
        if (ZSTD_getErrorCode(code) == ZSTD_error_frameParameter_windowTooLarge)
            return err_set(err, ERR_INPUT, "%s: zstd window over the limit of 128 MiB",
                           in->file.path);
        return corrupt(in, "zstd", ZSTD_getErrorName(code), err);
    }
    if (*n == 0 && in->consumed == in->file.size && code != 0)
        return corrupt(in, "zstd", "the file ends in the middle", err);
    in->finished = code == 0 && in->consumed == in->file.size;
    return true;
}

static bool check_expansion(const struct input *in, struct err *err)
{
    if (in->coding == CODING_PLAIN || in->produced <= INPUT_FREE_BYTES ||
        in->produced / INPUT_RATIO_MAX <= in->consumed)
        return true;
    return err_set(err, ERR_INPUT, "%s: expands over %d:1 (%zu compressed bytes gave %llu)",
                   in->file.path, INPUT_RATIO_MAX, in->consumed,
                   (unsigned long long)in->produced);
}

/* Decodes more bytes behind what the buffer holds. */
static bool fill(struct input *in, struct err *err)
{
    if (in->begin > 0) {
        memmove(in->buffer, in->buffer + in->begin, in->end - in->begin);
        in->end -= in->begin;
        in->begin = 0;
    }
    if (in->capacity - in->end < INPUT_BUFFER) {
        in->capacity = 2 * in->capacity + 2 * INPUT_BUFFER;
        in->buffer = xrealloc(in->buffer, in->capacity, 1);
    }
    /* No more than that at once: what is too long is refused before much of it is read. */
    size_t n = 0, room = size_min(in->capacity - in->end - 1, FILL_BYTES);
    char *out = in->buffer + in->end;
    bool ok = in->coding == CODING_GZIP   ? decode_gzip(in, out, room, &n, err)
              : in->coding == CODING_ZSTD ? decode_zstd(in, out, room, &n, err)
                                          : decode_plain(in, out, room, &n);
    in->end += n;
    in->produced += n;
    return ok && check_expansion(in, err);
}

struct input *input_open(const char *path, struct err *err)
{
    struct input *in = xcalloc(1, sizeof *in);
    in->capacity = 2 * INPUT_BUFFER;
    in->buffer = xmalloc(in->capacity);
    bool ok = mapped_file_open(&in->file, path, err) && detect(in, err) && open_decoder(in, err);
    in->finished = ok && in->file.size == 0;
    while (ok && !in->finished && in->end < 4096)
        ok = fill(in, err);
    if (ok) {
        in->begin = text_bom(in->buffer, in->end);
        return in;
    }
    input_close(in);
    return NULL;
}

void input_close(struct input *in)
{
    if (!in)
        return;
    if (in->gzip_open)
        inflateEnd(&in->gzip);
    ZSTD_freeDCtx(in->zstd);
    free(in->buffer);
    mapped_file_close(&in->file);
    free(in);
}

bool input_line(struct input *in, char **line, size_t *length, struct err *err)
{
    size_t searched = 0;
    for (;;) {
        char *from = in->buffer + in->begin;
        size_t have = in->end - in->begin;
        char *end = have > searched ? memchr(from + searched, '\n', have - searched) : NULL;
        size_t n = end ? (size_t)(end - from) : have;
        if (n > LINE_BYTES_MAX)
            return err_set(err, ERR_INPUT, "%s: line %zu longer than %d MiB", in->file.path,
                           in->line + 1, LINE_BYTES_MAX >> 20);
        if (!end && !in->finished) {
            searched = have;
            if (!fill(in, err))
                return false;
            continue;
        }
        if (!end && have == 0)
            return false;
        in->begin += n + (end != NULL);
        in->line++;
        in->ended = end != NULL;
        if (n > 0 && from[n - 1] == '\r')
            n--;
        from[n] = '\0';
        *line = from;
        *length = n;
        return true;
    }
}

bool input_line_ended(const struct input *in)
{
    return in->ended;
}

bool input_rest(struct input *in, size_t limit, char **data, size_t *length, struct err *err)
{
    while (!in->finished) {
        if (in->end - in->begin > limit)
            break;
        if (!fill(in, err))
            return false;
    }
    size_t n = in->end - in->begin;
    if (n > limit)
        return err_set(err, ERR_INPUT, "%s: larger than the limit of %zu bytes", in->file.path,
                       limit);
    *data = xstrndup(in->buffer + in->begin, n);
    *length = n;
    in->begin = in->end;
    return true;
}

size_t input_line_number(const struct input *in)
{
    return in->line;
}

size_t input_percent(const struct input *in)
{
    size_t size = in->file.size, waiting = in->coding == CODING_PLAIN ? in->end - in->begin : 0;
    return size ? (size_t)(100.0 * (double)(in->consumed - waiting) / (double)size) : 100;
}

const char *input_peek(const struct input *in, size_t *length)
{
    *length = in->end - in->begin;
    return in->buffer + in->begin;
}

const char *input_path(const struct input *in)
{
    return in->file.path;
}
