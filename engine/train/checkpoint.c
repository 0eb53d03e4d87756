#include "engine/train/checkpoint.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/sha256.h"
#include "engine/model/safetensors.h"

static const char format_name[] = "comprexit training checkpoint";
enum { PAIRS_MAX = 16, NAME_MAX_BYTES = 160, VALUE_BYTES = 40 };

/* The numbers of stream_state in a fixed order. */
enum { STREAM_NUMBERS = 4 + 1 + PHASES * STREAM_SHAPES_MAX * STREAM_DATASETS_MAX };

void checkpoint_state_free(struct checkpoint_state *state)
{
    free(state->config);
    free(state->data);
    state->config = state->data = NULL;
}

static void stream_to_numbers(const struct stream_state *s, int64_t out[STREAM_NUMBERS])
{
    _Static_assert(sizeof(struct stream_state) == STREAM_NUMBERS * sizeof(int64_t),
                   "stream_state is nothing but 64-bit numbers");
    memcpy(out, s, sizeof *s);
}

/* ---- the table of contents -------------------------------------------------------- */

struct contents {
    struct safetensors_entry *entries;
    size_t n_entries;
    char (*names)[NAME_MAX_BYTES];
    struct safetensors_pair pairs[PAIRS_MAX];
    size_t n_pairs;
    char values[PAIRS_MAX][VALUE_BYTES];
    int64_t stream[STREAM_NUMBERS];
};

static void add_pair(struct contents *c, const char *key, const char *value)
{
    c->pairs[c->n_pairs++] = (struct safetensors_pair){key, value};
}

static void add_integer(struct contents *c, const char *key, uint64_t value)
{
    char *text = c->values[c->n_pairs];
    snprintf(text, VALUE_BYTES, "%" PRIu64, value);
    add_pair(c, key, text);
}

static void add_number(struct contents *c, const char *key, double value)
{
    char *text = c->values[c->n_pairs];
    snprintf(text, VALUE_BYTES, "%.17g", value);
    add_pair(c, key, text);
}

static const enum tensor_type real_type = sizeof(real) == 4 ? TENSOR_F32 : TENSOR_F64;

static void add_block(struct contents *c, const struct parameters *p, const char *prefix,
                      const real *block)
{
    for (size_t i = 0; i < p->n_tensors; i++) {
        const struct compressor_tensor *t = &p->tensors[i];
        char *name = c->names[c->n_entries];
        snprintf(name, NAME_MAX_BYTES, "%s%s", prefix, t->name);
        c->entries[c->n_entries++] = (struct safetensors_entry){
            .name = name,
            .type = real_type,
            .n_dims = t->cols ? 2 : 1,
            .dims = {t->rows, t->cols},
            .data = block + t->offset,
        };
    }
}

static void contents_init(struct contents *c, const struct parameters *p,
                          const struct stream_state *stream, const struct checkpoint_state *s)
{
    size_t n = 4 * p->n_tensors + 1;
    *c = (struct contents){.entries = xcalloc(n, sizeof *c->entries),
                           .names = xcalloc(n, sizeof *c->names)};
    add_block(c, p, "", p->value);
    add_block(c, p, "moment1.", p->moment1);
    add_block(c, p, "moment2.", p->moment2);
    if (p->average)
        add_block(c, p, "average.", p->average);
    stream_to_numbers(stream, c->stream);
    c->entries[c->n_entries++] = (struct safetensors_entry){
        .name = "stream", .type = TENSOR_I64, .n_dims = 1, .dims = {STREAM_NUMBERS},
        .data = c->stream};
    add_pair(c, "format", format_name);
    add_integer(c, "version", p->average ? CHECKPOINT_VERSION : 1);
    add_integer(c, "step", s->step);
    add_integer(c, "samples", s->samples);
    add_integer(c, "tokens", s->tokens);
    add_number(c, "seconds", s->seconds);
    add_integer(c, "skipped", s->skipped);
    add_number(c, "best", s->best);
    add_integer(c, "best_step", s->best_step);
    add_pair(c, "base_sha256", s->base_sha256);
    add_pair(c, "config", s->config ? s->config : "");
    add_pair(c, "data", s->data ? s->data : "");
}

static void contents_free(struct contents *c)
{
    free(c->entries);
    free(c->names);
}

/* ---- the hash over everything else --------------------------------------------------- */

/* What the hash covers of a tensor. */
struct hashed {
    const char *name;
    enum tensor_type type;
    unsigned n_dims;
    const size_t *dims;
    const void *data;
    size_t bytes;
};

static int compare_hashed(const void *a, const void *b)
{
    const struct hashed *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static void hash_text(struct sha256 *hash, const char *text)
{
    sha256_add(hash, text, strlen(text) + 1);
}

/* Adds tensors in the order of their names: that of a file is the writer's. */
static void hash_tensors(struct sha256 *hash, struct hashed *tensors, size_t count)
{
    qsort(tensors, count, sizeof *tensors, compare_hashed);
    for (size_t i = 0; i < count; i++) {
        const struct hashed *t = &tensors[i];
        uint64_t shape[TENSOR_DIMS_MAX + 2] = {t->type, t->n_dims};
        for (unsigned d = 0; d < t->n_dims; d++)
            shape[d + 2] = t->dims[d];
        hash_text(hash, t->name);
        sha256_add(hash, shape, sizeof shape);
        sha256_add(hash, t->data, t->bytes);
    }
}

static size_t entry_bytes(const struct safetensors_entry *e)
{
    size_t n = tensor_type_bytes(e->type);
    for (unsigned i = 0; i < e->n_dims; i++)
        n *= e->dims[i];
    return n;
}

static void hash_contents(const struct contents *c, char hex[65])
{
    struct hashed *tensors = xcalloc(c->n_entries, sizeof *tensors);
    for (size_t i = 0; i < c->n_entries; i++) {
        const struct safetensors_entry *e = &c->entries[i];
        tensors[i] = (struct hashed){e->name, e->type, e->n_dims, e->dims, e->data, entry_bytes(e)};
    }
    struct sha256 hash;
    sha256_begin(&hash);
    hash_tensors(&hash, tensors, c->n_entries);
    for (size_t i = 0; i < c->n_pairs; i++) {
        hash_text(&hash, c->pairs[i].key);
        hash_text(&hash, c->pairs[i].value);
    }
    sha256_end(&hash, hex);
    free(tensors);
}

/* The same over a file that was read; its metadata are in the order of writing. */
static bool hash_matches(const struct safetensors *file)
{
    size_t count = safetensors_count(file);
    struct hashed *tensors = xcalloc(count, sizeof *tensors);
    for (size_t i = 0; i < count; i++) {
        const struct tensor *t = safetensors_at(file, i);
        tensors[i] = (struct hashed){t->name, t->type, t->n_dims, t->dims, t->data, t->bytes};
    }
    struct sha256 hash;
    sha256_begin(&hash);
    hash_tensors(&hash, tensors, count);
    free(tensors);
    for (size_t i = 0; i < safetensors_metadata_count(file); i++) {
        const char *value, *key = safetensors_metadata_at(file, i, &value);
        if (strcmp(key, "sha256") == 0)
            continue;
        hash_text(&hash, key);
        hash_text(&hash, value);
    }
    char hex[65];
    sha256_end(&hash, hex);
    const char *stored = safetensors_metadata(file, "sha256");
    return stored && strcmp(stored, hex) == 0;
}

static bool same_counts(const struct safetensors *file, const struct contents *expected)
{
    return safetensors_count(file) == expected->n_entries &&
           safetensors_metadata_count(file) == expected->n_pairs + 1;
}

/* ---- reading ---------------------------------------------------------------------------- */

static bool bad(const char *path, const char *why, struct err *err)
{
    return err_set(err, ERR_INPUT, "%s: %s", path, why);
}

static bool check_version(const struct safetensors *file, const char *path, struct err *err)
{
    const char *format = safetensors_metadata(file, "format");
    const char *version = safetensors_metadata(file, "version");
    if (!format || strcmp(format, format_name) != 0 || !version)
        return bad(path, "not a training checkpoint", err);
    char *end;
    unsigned long number = strtoul(version, &end, 10);
    if (end == version || *end || number < 1)
        return bad(path, "checkpoint without a version", err);
    if (number > CHECKPOINT_VERSION)
        return err_set(err, ERR_INPUT,
                       "%s: written by a newer comprexit (format %lu, this one reads up to %d)",
                       path, number, CHECKPOINT_VERSION);
    return true;
}

static bool check_tensors(const struct safetensors *file, const struct contents *expected,
                          const char *path, struct err *err)
{
    for (size_t i = 0; i < expected->n_entries; i++) {
        const struct safetensors_entry *e = &expected->entries[i];
        const struct tensor *t = safetensors_find(file, e->name);
        if (!t)
            return err_set(err, ERR_INPUT, "%s: tensor \"%s\" is missing: other hyper-parameters?",
                           path, e->name);
        bool same = t->type == e->type && t->n_dims == e->n_dims;
        for (unsigned d = 0; same && d < e->n_dims; d++)
            same = t->dims[d] == e->dims[d];
        if (!same)
            return err_set(err, ERR_INPUT,
                           "%s: tensor \"%s\" has another shape: the run has other "
                           "hyper-parameters or another model",
                           path, e->name);
    }
    return true;
}

/* Digits alone, and no more than a run can count to. */
static bool read_count(const struct safetensors *file, const char *key, uint64_t *out)
{
    const uint64_t most = (uint64_t)1 << 53;
    const char *text = safetensors_metadata(file, key);
    char *end;
    if (!text || text[0] < '0' || text[0] > '9')
        return false;
    *out = strtoull(text, &end, 10);
    return !*end && *out <= most;
}

static bool read_number(const struct safetensors *file, const char *key, double *out)
{
    const char *text = safetensors_metadata(file, key);
    char *end;
    if (!text || !text[0])
        return false;
    *out = strtod(text, &end);
    return !*end && !isnan(*out);
}

/* The numbers of *s. The hash says only that they are as they were written. */
static bool read_numbers(const struct safetensors *file, const char *path,
                         struct checkpoint_state *s, struct err *err)
{
    static const char *const counts[] = {"step", "samples", "tokens", "skipped", "best_step"};
    uint64_t count[sizeof counts / sizeof *counts];
    const char *wrong = NULL;
    for (size_t i = 0; i < sizeof counts / sizeof *counts && !wrong; i++)
        if (!read_count(file, counts[i], &count[i]))
            wrong = counts[i];
    if (!wrong && !(read_number(file, "seconds", &s->seconds) && s->seconds >= 0 &&
                    isfinite(s->seconds)))
        wrong = "seconds";
    if (!wrong && !read_number(file, "best", &s->best))
        wrong = "best";
    if (wrong)
        return err_set(err, ERR_INPUT, "%s: \"%s\" is no number that a run writes", path, wrong);
    s->step = (size_t)count[0];
    s->samples = count[1];
    s->tokens = count[2];
    s->skipped = (size_t)count[3];
    s->best_step = (size_t)count[4];
    return true;
}

static char *read_text(const struct safetensors *file, const char *key)
{
    const char *text = safetensors_metadata(file, key);
    return xstrdup(text ? text : "");
}

static void read_block(const struct safetensors *file, const struct parameters *p,
                       const char *prefix, real *block)
{
    char name[NAME_MAX_BYTES];
    for (size_t i = 0; i < p->n_tensors; i++) {
        const struct compressor_tensor *t = &p->tensors[i];
        snprintf(name, sizeof name, "%s%s", prefix, t->name);
        memcpy(block + t->offset, safetensors_find(file, name)->data, t->count * sizeof(real));
    }
}

static bool finite_file(const struct safetensors *file)
{
    for (size_t i = 0; i < safetensors_count(file); i++) {
        const struct tensor *t = safetensors_at(file, i);
        if (t->type == real_type && tensor_count_nonfinite(t) > 0)
            return false;
    }
    return true;
}

/* Takes over what was read; *read holds the numbers. */
static void adopt(const struct safetensors *file, struct parameters *p, struct stream_state *stream,
                  struct checkpoint_state *s, const struct checkpoint_state *read)
{
    read_block(file, p, "", p->value);
    read_block(file, p, "moment1.", p->moment1);
    read_block(file, p, "moment2.", p->moment2);
    if (p->average)
        read_block(file, p, "average.", p->average);
    memcpy(stream, safetensors_find(file, "stream")->data, sizeof *stream);
    checkpoint_state_free(s);
    *s = *read;
    s->config = read_text(file, "config");
    s->data = read_text(file, "data");
    const char *base = safetensors_metadata(file, "base_sha256");
    snprintf(s->base_sha256, sizeof s->base_sha256, "%s", base ? base : "");
}

bool checkpoint_load(const char *path, struct parameters *p, struct stream_state *stream,
                     struct checkpoint_state *s, struct err *err)
{
    struct safetensors *file = safetensors_open(path, err);
    if (!file)
        return false;
    struct contents expected;
    struct checkpoint_state read = {0};
    contents_init(&expected, p, stream, s);
    bool ok = check_version(file, path, err) && check_tensors(file, &expected, path, err);
    if (ok && !same_counts(file, &expected))
        ok = bad(path, "holds more than a checkpoint of this run: other settings?", err);
    if (ok && !hash_matches(file))
        ok = bad(path, "checksum mismatch: the file was damaged", err);
    if (ok && !finite_file(file))
        ok = bad(path, "holds non-finite values", err);
    const char *base = safetensors_metadata(file, "base_sha256");
    if (ok && s->base_sha256[0] && (!base || strcmp(base, s->base_sha256) != 0))
        ok = bad(path, "belongs to another frozen model", err);
    ok = ok && read_numbers(file, path, &read, err);
    if (ok)
        adopt(file, p, stream, s, &read);
    contents_free(&expected);
    safetensors_close(file);
    return ok;
}

bool checkpoint_verify(const char *path, struct err *err)
{
    struct safetensors *file = safetensors_open(path, err);
    bool ok = file && check_version(file, path, err);
    if (ok && !hash_matches(file))
        ok = bad(path, "checksum mismatch: the file was damaged", err);
    if (ok && !finite_file(file))
        ok = bad(path, "holds non-finite values", err);
    struct checkpoint_state ignored;
    ok = ok && read_numbers(file, path, &ignored, err);
    safetensors_close(file);
    return ok;
}

bool checkpoint_present(const char *path)
{
    struct err ignored;
    struct safetensors *file = safetensors_open(path, &ignored);
    const char *format = file ? safetensors_metadata(file, "format") : NULL;
    bool present = format && strcmp(format, format_name) == 0;
    safetensors_close(file);
    return present;
}

/* ---- writing ------------------------------------------------------------------------------ */

static bool verify(const char *path, const struct contents *c, struct err *err)
{
    struct safetensors *file = safetensors_open(path, err);
    bool ok = file && check_tensors(file, c, path, err);
    if (ok && !(same_counts(file, c) && hash_matches(file)))
        ok = err_set(err, ERR_IO, "%s: does not read back as it was written", path);
    safetensors_close(file);
    return ok;
}

bool checkpoint_save(const char *path, const struct parameters *p,
                     const struct stream_state *stream, const struct checkpoint_state *s,
                     struct err *err)
{
    if (!parameters_finite(p))
        return err_set(err, ERR_NONFINITE, "%s: not written: parameters or moments are not finite",
                       path);
    struct contents c;
    char hex[65];
    contents_init(&c, p, stream, s);
    hash_contents(&c, hex);
    struct safetensors_pair pairs[PAIRS_MAX + 1];
    memcpy(pairs, c.pairs, c.n_pairs * sizeof *pairs);
    pairs[c.n_pairs] = (struct safetensors_pair){"sha256", hex};
    bool ok = safetensors_write(path, c.entries, c.n_entries, pairs, c.n_pairs + 1, err) &&
              verify(path, &c, err);
    contents_free(&c);
    return ok;
}
