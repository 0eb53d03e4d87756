/* The document: its tokens, its segments and windows, and reading them. */
#include "engine/engine_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/buffer.h"
#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "engine/base/sha256.h"
#include "engine/base/size.h"
#include "engine/base/text.h"

void engine_forget_segments(struct engine *e)
{
    for (size_t i = 0; i < e->n_segments; i++) {
        free(e->segments[i].anchors);
        free(e->segments[i].slots);
    }
    free(e->segments);
    engine_unmute(e, MUTED_NOW);
    e->segments = NULL;
    e->n_segments = 0;
}

/* Numbers the windows of all segments and tells the snapshot where they begin. What was
 * measured with other slots is gone. */
static void layout_windows(struct engine *e, struct snapshot *next)
{
    size_t windows = 0;
    snapshot_set_loss(next, NULL);
    next->control.tokens = 0;
    next->loss_stale = false;
    for (size_t i = 0; i < e->n_segments; i++) {
        struct engine_segment *segment = &e->segments[i];
        segment->first_window = windows;
        segment->windows = engine_window_starts(&e->settings, segment->tokens, NULL);
        windows += segment->windows;
    }
    uint32_t *first = xcalloc(windows + 1, sizeof *first);
    for (size_t i = 0; i < e->n_segments; i++) {
        const struct engine_segment *segment = &e->segments[i];
        uint32_t *at = first + segment->first_window;
        engine_window_starts(&e->settings, segment->tokens, at);
        for (size_t w = 0; w <= segment->windows; w++)
            at[w] += (uint32_t)segment->first;
    }
    snapshot_set_windows(next, windows, first);
    free(first);
}

void engine_layout_document(struct engine *e, struct snapshot *next)
{
    engine_forget_segments(e);
    e->gates_edited = false; /* nothing is read */
    size_t tokens = next->document ? next->document->tokens : 0;
    e->n_segments = size_div_up(tokens, e->segment);
    e->segments = xcalloc(e->n_segments, sizeof *e->segments);
    for (size_t i = 0; i < e->n_segments; i++) {
        e->segments[i].first = i * e->segment;
        e->segments[i].tokens = size_min(e->segment, tokens - i * e->segment);
    }
    layout_windows(e, next);
}

/* What a reader should know about the bytes: invalid ones, CRLF, BOM. */
static void note_oddities(struct snapshot_document *d, bool bom)
{
    size_t invalid = 0, crlf = 0;
    for (size_t i = 0; i < d->size;) {
        uint32_t c;
        size_t n = text_decode(d->text + i, d->size - i, &c);
        invalid += c == TEXT_INVALID;
        crlf += c == '\r' && i + 1 < d->size && d->text[i + 1] == '\n';
        i += n;
    }
    int used = 0;
    if (invalid)
        used += snprintf(d->note, sizeof d->note, "%zu invalid byte%s shown as <..>  ",
                         invalid, text_plural(invalid));
    if (crlf)
        used += snprintf(d->note + used, sizeof d->note - (size_t)used, "CRLF line ends  ");
    if (bom)
        snprintf(d->note + used, sizeof d->note - (size_t)used, "byte order mark dropped");
}

static struct snapshot_document *document_new(const char *name, const char *text, size_t size)
{
    struct snapshot_document *d = xcalloc(1, sizeof *d);
    atomic_init(&d->references, 1);
    char clean[256];
    text_sanitize(clean, sizeof clean, name, strlen(name));
    d->name = xstrdup(clean);
    size_t bom = text_bom(text, size);
    d->text = xstrndup(text + bom, size - bom);
    d->size = size - bom;
    sha256_hex(text, size, d->sha256);
    note_oddities(d, bom > 0);
    return d;
}

/* Takes the arrays of `list` over; names the tokens that stand for no text. */
static void document_take_tokens(struct snapshot_document *d, struct token_list *list,
                                 const struct tokenizer *tokenizer)
{
    d->tokens = list->count;
    d->ids = list->ids;
    d->start = list->start;
    d->end = list->end;
    d->special = xcalloc(list->count, sizeof *d->special);
    for (size_t i = 0; i < list->count; i++) {
        if (d->start[i] != d->end[i])
            continue;
        size_t length;
        char name[64];
        if (tokenizer) {
            const char *piece = tokenizer_piece(tokenizer, d->ids[i], true, &length);
            text_sanitize(name, sizeof name, piece, length);
        } else
            snprintf(name, sizeof name, "<%d>", (int)d->ids[i]);
        d->special[i] = xstrdup(name);
    }
    *list = (struct token_list){0};
}

static void install_document(struct engine *e, struct snapshot_document *d)
{
    struct snapshot *next = snapshot_derive(e->snapshot);
    snapshot_set_document(next, d); /* what was made of the old one's tokens goes with it */
    free(next->question);
    free(next->gold);
    next->question = next->gold = NULL;
    for (enum answer_mode mode = 0; mode < ANSWER_MODES; mode++)
        snapshot_set_answer(next, mode, NULL);
    snapshot_answer_release(next->previous);
    next->previous = NULL;
    engine_set_edits(e, &(struct engine_edits){0});
    engine_set_slots(e, NULL, 0);
    engine_layout_document(e, next);
    engine_publish(e, next);
}

bool engine_set_document(struct engine *e, const char *text, size_t size, const char *name,
                         struct err *err)
{
    if (size > DOCUMENT_BYTES_MAX)
        return err_set(err, ERR_INPUT, "%s: %zu bytes, a document may have %d", name, size,
                       DOCUMENT_BYTES_MAX);
    if (!e->model->tokenizer)
        return err_set(err, ERR_INPUT, "%s: the model has no tokenizer: give token ids",
                       e->model->path);
    struct snapshot_document *d = document_new(name, text, size);
    struct token_list list = {0};
    tokenizer_encode(e->model->tokenizer, d->text, d->size, TOKENIZER_ADD_SPECIAL, &list);
    if (list.count == 0) {
        token_list_free(&list);
        snapshot_document_release(d);
        return err_set(err, ERR_INPUT, "%s: empty document, nothing to read", name);
    }
    document_take_tokens(d, &list, e->model->tokenizer);
    install_document(e, d);
    return true;
}

bool engine_set_document_ids(struct engine *e, const int32_t *ids, size_t count, const char *name,
                             struct err *err)
{
    if (count == 0)
        return err_set(err, ERR_INPUT, "%s: empty list of token ids", name);
    struct token_list list = {0};
    struct buffer text = {0};
    for (size_t i = 0; i < count; i++) {
        if (ids[i] < 0 || (size_t)ids[i] >= e->model->config.vocab) {
            token_list_free(&list);
            buffer_free(&text);
            return err_set(err, ERR_INPUT, "%s: token id %d at place %zu is outside 0..%zu", name,
                           ids[i], i, e->model->config.vocab - 1);
        }
        size_t length = 0;
        const char *piece =
            e->model->tokenizer ? tokenizer_piece(e->model->tokenizer, ids[i], false, &length) : "";
        token_list_push(&list, ids[i], (uint32_t)text.size, (uint32_t)(text.size + length));
        buffer_add(&text, piece, length);
    }
    struct snapshot_document *d = document_new(name, text.data, text.size);
    buffer_free(&text);
    document_take_tokens(d, &list, e->model->tokenizer);
    install_document(e, d);
    return true;
}

/* ---- reading ---------------------------------------------------------------- */

struct read_listener {
    struct engine *e;
    const struct engine_segment *segment;
    float *gate; /* [tokens of the segment, M], filled from the left */
};

/* Shows the gates of every window as far as they are there. */
static void show_gates(void *context, size_t from, size_t count, const real *alpha)
{
    struct read_listener *r = context;
    struct engine *e = r->e;
    size_t M = e->compressor.shape.M, done = from + count;
    engine_copy_reals(r->gate + from * M, alpha, count * M);
    if (!e->options.publish)
        return;
    struct snapshot *next = snapshot_derive(e->snapshot);
    for (size_t i = 0; i < r->segment->windows; i++) {
        size_t w = r->segment->first_window + i;
        size_t first = next->window_first[w] - r->segment->first;
        size_t end = next->window_first[w + 1] - r->segment->first;
        if (end > done || end <= from)
            continue;
        struct snapshot_window *to = snapshot_window_new(end - first, 0, M, 0, false);
        to->first = next->window_first[w];
        to->has_gate = true;
        memcpy(to->gate, r->gate + first * M, (end - first) * M * sizeof(float));
        snapshot_set_window(next, w, to);
    }
    engine_publish(e, next);
}

static void segment_forget(struct engine *e, struct engine_segment *segment, struct snapshot *next)
{
    free(segment->anchors);
    free(segment->slots);
    segment->anchors = segment->slots = NULL;
    segment->read = false;
    for (size_t i = 0; i < segment->windows; i++)
        snapshot_set_window(next, segment->first_window + i, NULL);
    engine_fill_minimap(next, segment->first, segment->tokens, NULL);
    engine_log(e, "forgot tokens %zu..%zu: they are read again when needed", segment->first,
               segment->first + segment->tokens - 1);
}

/* The read segment that was not used for longest, or NULL; *windows: how many are read. */
static struct engine_segment *oldest_segment(struct engine *e, size_t *windows)
{
    struct engine_segment *oldest = NULL;
    *windows = 0;
    for (size_t i = 0; i < e->n_segments; i++) {
        struct engine_segment *s = &e->segments[i];
        *windows += s->read ? s->windows : 0;
        if (s->read && (!oldest || s->used < oldest->used))
            oldest = s;
    }
    return oldest;
}

static void evict(struct engine *e, struct snapshot *next)
{
    size_t windows;
    struct engine_segment *oldest;
    while ((oldest = oldest_segment(e, &windows)) && windows > e->windows_kept &&
           oldest->used <= e->pinned)
        segment_forget(e, oldest, next);
}

void engine_keep(struct engine *e, size_t windows)
{
    e->windows_kept = windows;
}

static void segment_store_slots(struct engine *e, struct engine_segment *segment,
                                const struct encoded *encoded)
{
    size_t bytes = encoded->plan.slots * e->compressor.shape.H * sizeof(real);
    free(segment->slots);
    segment->slots = xmalloc(bytes);
    memcpy(segment->slots, encoded->slots, bytes);
    segment->n_slots = encoded->plan.slots;
}

static void segment_store(struct engine *e, struct engine_segment *segment,
                          const struct encoded *encoded, const float *gate)
{
    size_t bytes = segment->tokens * e->compressor.shape.H * sizeof(real);
    free(segment->anchors);
    segment->anchors = xmalloc(bytes);
    memcpy(segment->anchors, encoded->anchors, bytes);
    segment_store_slots(e, segment, encoded);
    segment->times = encoded->times;
    segment->read = true;
    segment->used = ++e->clock;
    struct snapshot *next = snapshot_derive(e->snapshot);
    engine_install_windows(e, next, segment, encoded, gate);
    evict(e, next);
    engine_publish(e, next);
}

static bool read_segment(struct engine *e, struct engine_segment *segment,
                         const struct progress *progress, struct err *err)
{
    struct arena arena = {0};
    struct read_listener listener = {
        .e = e,
        .segment = segment,
        .gate = arena_array(&arena, float, segment->tokens * e->compressor.shape.M),
    };
    struct encode_listener tap = {.gates = show_gates, .context = &listener};
    struct encoded encoded;
    const int32_t *ids = e->snapshot->document->ids + segment->first;
    engine_edits_begin(e, segment, &arena);
    bool ok = engine_encode(e, ids, segment->tokens, &tap, &encoded, &arena, progress, err);
    engine_edits_end(e);
    if (ok)
        segment_store(e, segment, &encoded, listener.gate);
    arena_free(&arena);
    return ok;
}

bool engine_read(struct engine *e, size_t from, size_t to, const struct progress *progress,
                 struct err *err)
{
    double start = clock_ms();
    bool ok = true;
    e->pinned = e->clock;
    for (size_t i = 0; ok && i < e->n_segments; i++) {
        struct engine_segment *segment = &e->segments[i];
        if (segment->first >= to || segment->first + segment->tokens <= from)
            continue;
        segment->used = ++e->clock;
        if (segment->read)
            continue;
        engine_show_activity(e, "reading", i, e->n_segments, start);
        ok = read_segment(e, segment, progress, err);
    }
    engine_show_activity(e, "", 0, 0, start);
    return ok;
}

/* ---- settings --------------------------------------------------------------- */

/* The gates of a segment out of the windows that are shown, [tokens, M]. */
static void gather_gates(const struct snapshot *s, size_t first_window, size_t windows, float *gate)
{
    for (size_t i = 0; i < windows; i++) {
        const struct snapshot_window *w = s->window[first_window + i];
        memcpy(gate, w->gate, w->tokens * w->layers * sizeof *gate);
        gate += w->tokens * w->layers;
    }
}

/* The gates of all read segments, kept while the windows are laid out anew. */
static float **save_gates(struct engine *e)
{
    float **saved = xcalloc(e->n_segments, sizeof *saved);
    for (size_t i = 0; i < e->n_segments; i++) {
        const struct engine_segment *s = &e->segments[i];
        if (!s->read)
            continue;
        saved[i] = xmalloc(s->tokens * e->compressor.shape.M * sizeof(float));
        gather_gates(e->snapshot, s->first_window, s->windows, saved[i]);
    }
    return saved;
}

static bool replan_segment(struct engine *e, size_t i, const float *gate,
                           const struct progress *progress, struct err *err)
{
    struct engine_segment *segment = &e->segments[i];
    struct arena arena = {0};
    struct encoded encoded = {0};
    engine_edits_begin(e, segment, &arena);
    bool ok = engine_encode_anchors(e, segment->anchors, segment->tokens, &encoded, &arena,
                                    progress, err);
    engine_edits_end(e);
    if (ok) {
        segment_store_slots(e, segment, &encoded);
        segment->times.plan = encoded.times.plan;
        segment->times.project = encoded.times.project;
        struct snapshot *next = snapshot_derive(e->snapshot);
        engine_install_windows(e, next, segment, &encoded, gate);
        engine_publish(e, next);
    } else {
        segment->read = false;
    }
    arena_free(&arena);
    return ok;
}

/* Segments in the order in which they are wanted: the visible one first. */
static bool replan_all(struct engine *e, float **gates, size_t visible,
                       const struct progress *progress, struct err *err)
{
    size_t shown = e->n_segments ? size_min(visible / e->segment, e->n_segments - 1) : 0;
    bool ok = true;
    for (size_t k = 0; k < e->n_segments; k++) {
        size_t i = k == 0 ? shown : k - (k <= shown);
        if (!e->segments[i].read)
            continue;
        if (ok)
            ok = replan_segment(e, i, gates[i], progress, err);
        else
            e->segments[i].read = false;
    }
    return ok;
}

bool engine_set_settings(struct engine *e, const struct compress_settings *settings, size_t segment,
                         size_t visible, const struct progress *progress, struct err *err)
{
    if (!compress_settings_check(settings, err))
        return false;
    if (segment == 0)
        segment = SEGMENT_DEFAULT;
    unsigned ablated = settings->ablations ^ e->settings.ablations;
    bool reread = segment != e->segment || settings->gate_tau < e->settings.gate_tau ||
                  settings->gate_tau > e->settings.gate_tau || ablated & ABLATE_DEPTH ||
                  e->gates_edited;
    float **gates = save_gates(e);
    size_t n = e->n_segments;
    e->settings = *settings;
    e->segment = segment;
    struct snapshot *next = snapshot_derive(e->snapshot);
    engine_fill_settings(e, &next->settings);
    engine_unmute(e, MUTED_NOW);
    engine_mark_answer(e, next);
    if (reread)
        engine_layout_document(e, next);
    else
        layout_windows(e, next);
    engine_publish(e, next);
    bool ok = reread || replan_all(e, gates, visible, progress, err);
    for (size_t i = 0; i < n; i++)
        free(gates[i]);
    free(gates);
    return ok;
}
