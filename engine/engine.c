/* Opening and closing, what is open, publishing. */
#include "engine/engine_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/sha256.h"
#include "engine/base/size.h"
#include "engine/base/team.h"
#include "engine/base/text.h"

/* Rows of the embedding matrix that the warm start takes as running text, and the
 * gate's preference for the embedding layer. */
enum { WARM_SAMPLES = 8192 };
static const double warm_gate = 12.0;

void engine_log(struct engine *e, const char *fmt, ...)
{
    if (!e->options.log)
        return;
    char line[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    e->options.log(e->options.context, line);
}

/* ---- snapshots ---------------------------------------------------------------- */

void engine_publish(struct engine *e, struct snapshot *next)
{
    snapshot_release(e->snapshot);
    e->snapshot = next;
    if (e->options.publish)
        e->options.publish(e->options.context, next);
}

struct snapshot *engine_snapshot(const struct engine *e)
{
    return e->snapshot;
}

void engine_show_activity(struct engine *e, const char *stage, size_t done, size_t total,
                          double started_ms)
{
    struct snapshot *next = snapshot_derive(e->snapshot);
    struct snapshot_activity *a = &next->activity;
    snprintf(a->stage, sizeof a->stage, "%s", stage);
    a->done = done;
    a->total = total;
    a->eta_ms = done ? (clock_ms() - started_ms) / (double)done * (double)(total - done) : -1;
    engine_publish(e, next);
}

void engine_mark_stale(struct engine *e, struct snapshot *next)
{
    e->outdated = true;
    struct snapshot_answer *old = next->answer[ANSWER_COMPRESSED];
    if (!old || old->stale)
        return;
    struct snapshot_answer *stale = snapshot_answer_copy(old);
    stale->stale = true;
    snapshot_set_answer(next, ANSWER_COMPRESSED, stale);
}

/* Facts and settings anew, document unread. */
static void republish(struct engine *e)
{
    struct snapshot *next = snapshot_derive(e->snapshot);
    next->facts.model_sha256[0] = next->facts.compressor_sha256[0] = '\0';
    next->facts.embedding_sha256[0] = '\0';
    next->facts.model_bytes = next->facts.compressor_bytes = 0;
    engine_fill_facts(e, &next->facts);
    engine_fill_settings(e, &next->settings);
    engine_mark_stale(e, next);
    engine_layout_document(e, next);
    engine_publish(e, next);
}

/* ---- the compressor ------------------------------------------------------------ */

/* Token embeddings as they come in running text: rank i of a BPE vocabulary is
 * drawn with probability about 1 / (i + 100), so frequent tokens come often. */
static real *running_text_embeddings(const struct model *m, size_t n, struct rng *rng,
                                     struct err *err)
{
    size_t vocab = m->config.vocab, H = m->config.hidden;
    real *out = mem_try(n * H, sizeof(real), "warm start", err);
    if (!out)
        return NULL;
    const double shift = 100;
    double span = log((double)vocab / shift + 1);
    for (size_t i = 0; i < n; i++) {
        double rank = shift * (exp(rng_uniform(rng) * span) - 1);
        weight_row(out + i * H, &m->weights.embedding, size_min((size_t)rank, vocab - 1));
    }
    return out;
}

static bool make_untrained(struct engine *e, const struct model *m, struct compressor *out,
                           struct err *err)
{
    struct compressor_shape shape = {
        .M = m->config.layers + 1, .H = m->config.hidden, .D = 256, .E = 256, .depth = 2};
    struct rng rng;
    rng_seed(&rng, e->options.seed);
    real *embeddings = running_text_embeddings(m, WARM_SAMPLES, &rng, err);
    bool ok = embeddings && compressor_init(out, &shape, err);
    struct warm_start start = {.embeddings = embeddings, .n = WARM_SAMPLES, .gate = warm_gate};
    if (ok)
        compressor_init_warm(out, &start, &rng);
    free(embeddings);
    return ok;
}

/* Does a compressor fit a model? Sizes must; a hash that is known must as well. */
static bool check_fit(const struct compressor *c, const struct compressor_info *info,
                      const struct model *m, const char *path, struct err *err)
{
    char name[96];
    engine_model_title(m, name, sizeof name);
    if (c->shape.H != m->config.hidden || c->shape.M > m->config.layers + 1)
        return err_set(err, ERR_INPUT,
                       "%s: made for a model of hidden size %zu and %zu layers, open is %s with "
                       "hidden size %zu and %zu layers",
                       path, c->shape.H, c->shape.M - 1, name, m->config.hidden,
                       m->config.layers);
    if (info->base_sha256[0] == '\0')
        return true;
    char hex[65];
    model_embedding_sha256(m, hex);
    if (strcmp(hex, info->base_sha256) == 0)
        return true;
    return err_set(err, ERR_INPUT,
                   "%s: made for another model (its embedding has sha256 %.8s.., that of %s is "
                   "%.8s..)",
                   path, info->base_sha256, name, hex);
}

/* Loads path, or the untrained start for "none". */
static bool load_compressor(struct engine *e, const struct model *m, const char *path,
                            struct compressor *out, struct compressor_info *info, bool *untrained,
                            struct err *err)
{
    *info = (struct compressor_info){.settings = compress_settings_default};
    *untrained = strcmp(path, "none") == 0;
    if (*untrained)
        return make_untrained(e, m, out, err);
    if (!compressor_load(out, info, path, err))
        return false;
    if (check_fit(out, info, m, path, err))
        return true;
    compressor_free(out);
    return false;
}

/* Settings of the compressor, where the user did not give others. */
static void adopt_settings(struct engine *e)
{
    const struct engine_options *o = &e->options;
    const bool *given = o->settings_given;
    e->settings = e->compressor_info.settings;
    if (given[0])
        e->settings.window = o->settings.window;
    if (given[1])
        e->settings.ratio = o->settings.ratio;
    if (given[2])
        e->settings.eps = o->settings.eps;
    if (given[3])
        e->settings.iters = o->settings.iters;
    if (given[4])
        e->settings.align = o->settings.align;
    e->segment = o->segment ? o->segment : SEGMENT_DEFAULT;
}

static void install_compressor(struct engine *e, struct compressor *c,
                               const struct compressor_info *info, bool untrained)
{
    compressor_free(&e->compressor);
    e->compressor = *c;
    e->compressor_info = *info;
    e->untrained = untrained;
}

bool engine_set_compressor(struct engine *e, const char *path, struct err *err)
{
    struct compressor c = {0};
    struct compressor_info info;
    bool untrained;
    if (!load_compressor(e, e->model, path, &c, &info, &untrained, err))
        return false;
    char *wanted = xstrdup(path); /* by the next model too */
    free((char *)(uintptr_t)e->options.compressor);
    e->options.compressor = wanted;
    install_compressor(e, &c, &info, untrained);
    adopt_settings(e);
    republish(e);
    return true;
}

bool engine_copy_compressor(struct engine *e, const struct compressor *c, const char *name,
                            const struct compress_settings *settings, struct err *err)
{
    struct compressor copy = {0};
    struct compressor_info info = {.settings = *settings};
    if (!compressor_init(&copy, &c->shape, err))
        return false;
    memcpy(copy.block, c->block, c->count * sizeof *c->block);
    snprintf(info.name, sizeof info.name, "%s", name);
    install_compressor(e, &copy, &info, false);
    adopt_settings(e);
    republish(e);
    return true;
}

/* The compressor to begin with; see engine_options.compressor. */
static bool first_compressor(struct engine *e, const struct model *m, struct compressor *out,
                             struct compressor_info *info, bool *untrained, struct err *err)
{
    const char *wanted = e->options.compressor;
    if (!wanted && m->safetensors && compressor_present(m->path))
        wanted = m->path;
    if (wanted)
        return load_compressor(e, m, wanted, out, info, untrained, err);
    const char *fallback = e->options.default_compressor;
    struct err ignored = {0};
    if (fallback && load_compressor(e, m, fallback, out, info, untrained, &ignored))
        return true;
    return load_compressor(e, m, "none", out, info, untrained, err);
}

/* ---- the soft prompt ------------------------------------------------------------ */

/* The one that was asked for must load; the default one is used where it fits. */
static bool load_soft_prompt(struct engine *e, struct err *err)
{
    const struct engine_options *o = &e->options;
    soft_prompt_free(&e->soft);
    if (o->soft_prompt)
        return strcmp(o->soft_prompt, "none") == 0 ||
               soft_prompt_load(&e->soft, o->soft_prompt, e->model, err);
    struct err ignored = {0};
    if (o->default_soft_prompt) /* one for another model is no soft prompt at all */
        soft_prompt_load(&e->soft, o->default_soft_prompt, e->model, &ignored);
    return true;
}

/* ---- the model ------------------------------------------------------------------ */

char *engine_default_model_path(void)
{
    const char *named = getenv("COMPREXIT_MODEL");
    if (named && *named)
        return xstrdup(named);
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    char *base = cache && *cache ? xstrdup(cache) : file_join(home ? home : ".", ".cache");
    char *path = file_join(base, "comprexit/models/SmolLM2-135M-Instruct.Q4_1.gguf");
    free(base);
    return path;
}

/* name: of a precision; NULL or "auto". */
static bool set_precision(struct model *m, const char *name, struct err *err)
{
    if (!name || strcmp(name, "auto") == 0)
        return model_set_precision(m, model_auto_precision(m), err);
    for (int p = PRECISION_F32; p < PRECISION_COUNT; p++)
        if (strcmp(name, precision_name((enum precision)p)) == 0)
            return model_set_precision(m, (enum precision)p, err);
    return err_set(err, ERR_USAGE, "precision %s is not one of f32, q16, mixed, q8, bf16", name);
}

static struct model *open_model(const struct engine *e, const char *path, struct err *err)
{
    /* A model without a tokenizer may borrow that of its compressor's directory. */
    const char *compressor = e->options.compressor;
    char *tokenizer = file_join(compressor ? compressor : "", "tokenizer.json");
    bool there = compressor && file_exists(tokenizer);
    free(tokenizer);
    struct model *m = model_open(path, there ? compressor : NULL, 0, err);
    if (m && !set_precision(m, e->options.precision, err)) {
        model_close(m);
        return NULL;
    }
    return m;
}

static void set_threads(int threads)
{
    if (threads > 0)
        team_set_threads((size_t)threads);
}

static void close_model(const struct engine *e, struct model *m)
{
    if (m != e->options.opened)
        model_close(m);
}

/* Swaps model and compressor together; on failure nothing has changed. Takes over m. */
static bool install_model(struct engine *e, struct model *m, struct err *err)
{
    struct compressor c = {0};
    struct compressor_info info;
    bool untrained;
    if (!m)
        return false;
    if (!first_compressor(e, m, &c, &info, &untrained, err)) {
        close_model(e, m);
        return false;
    }
    close_model(e, e->model);
    e->model = m;
    install_compressor(e, &c, &info, untrained);
    adopt_settings(e);
    /* Token ids of the old model mean nothing to the new one. */
    struct snapshot_document *d = snapshot_document_retain(e->snapshot->document);
    republish(e);
    bool ok = load_soft_prompt(e, err);
    ok = ok && (!d || engine_set_document(e, d->text, d->size, d->name, err));
    snapshot_document_release(d);
    return ok;
}

bool engine_set_model(struct engine *e, const char *path, struct err *err)
{
    return install_model(e, open_model(e, path, err), err);
}

static char *copy_or_null(const char *text)
{
    return text ? xstrdup(text) : NULL;
}

static bool missing_default(const char *path, struct err *err)
{
    return err_set(err, ERR_INPUT,
                   "%s: no model there. Run 'make model', or give one with --model PATH or "
                   "COMPREXIT_MODEL",
                   path);
}

const char *engine_less_text(const struct engine *e)
{
    return e->options.less_text ? e->options.less_text : "";
}

struct engine *engine_open(const struct engine_options *options, struct err *err)
{
    struct engine *e = xcalloc(1, sizeof *e);
    e->options = *options;
    e->options.model = options->model ? xstrdup(options->model) : engine_default_model_path();
    e->options.compressor = copy_or_null(options->compressor);
    e->options.default_compressor = copy_or_null(options->default_compressor);
    e->options.precision = copy_or_null(options->precision);
    e->options.soft_prompt = copy_or_null(options->soft_prompt);
    e->options.default_soft_prompt = copy_or_null(options->default_soft_prompt);
    e->snapshot = snapshot_derive(NULL);
    e->windows_kept = WINDOWS_KEPT;
    set_threads(options->threads);
    bool ok;
    if (!options->opened && !options->model && !file_exists(e->options.model))
        ok = missing_default(e->options.model, err);
    else
        ok = install_model(e, options->opened ? options->opened
                                              : open_model(e, e->options.model, err),
                           err) &&
             compress_settings_check(&e->settings, err);
    if (ok)
        return e;
    engine_close(e);
    return NULL;
}

void engine_close(struct engine *e)
{
    if (!e)
        return;
    engine_forget_segments(e);
    for (enum muted_set i = 0; i < MUTED_SETS; i++)
        engine_unmute(e, i);
    free(e->token_edits);
    free(e->layer_off);
    free(e->given_slots);
    free(e->slot_off);
    snapshot_release(e->snapshot);
    compressor_free(&e->compressor);
    close_model(e, e->model);
    free((char *)(uintptr_t)e->options.model);
    free((char *)(uintptr_t)e->options.compressor);
    free((char *)(uintptr_t)e->options.default_compressor);
    free((char *)(uintptr_t)e->options.precision);
    free((char *)(uintptr_t)e->options.soft_prompt);
    free((char *)(uintptr_t)e->options.default_soft_prompt);
    soft_prompt_free(&e->soft);
    free(e);
}

const struct tokenizer *engine_tokenizer(const struct engine *e)
{
    return e->model->tokenizer;
}

struct model *engine_model(const struct engine *e)
{
    return e->model;
}

const struct compressor *engine_compressor(const struct engine *e)
{
    return &e->compressor;
}

const real *engine_soft_prompt(const struct engine *e, size_t *n)
{
    *n = e->soft.n;
    return e->soft.vectors;
}

void engine_settings(const struct engine *e, struct compress_settings *settings, size_t *segment)
{
    *settings = e->settings;
    *segment = e->segment;
}

void engine_hash(struct engine *e)
{
    struct snapshot *next = snapshot_derive(e->snapshot);
    model_sha256(e->model, next->facts.model_sha256);
    model_embedding_sha256(e->model, next->facts.embedding_sha256);
    next->facts.model_bytes = model_bytes(e->model);
    next->facts.compressor_bytes = e->compressor.count * sizeof(real);
    sha256_hex(e->compressor.block, next->facts.compressor_bytes, next->facts.compressor_sha256);
    engine_publish(e, next);
}
