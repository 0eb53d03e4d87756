/* The facade: what app/ may know of the engine. One engine is used by one thread
 * at a time (the worker). Long calls take a progress callback; results are
 * published as snapshots through `publish` as they become available.
 *
 *     struct engine *e = engine_open(&options, &err);
 *     engine_set_document(e, text, size, "notes.md", &err);
 *     engine_read(e, 0, SIZE_MAX, &progress, &err);       gates, plans, slots
 *     engine_ask(e, "When?", ANSWER_COMPRESSED, &progress, &err);
 *     struct snapshot *s = snapshot_retain(engine_snapshot(e));
 */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "engine/base/progress.h"
#include "engine/compress/compressor.h"
#include "engine/model/tokenizer.h"
#include "engine/snapshot.h"

struct engine;

enum { DOCUMENT_BYTES_MAX = 256 << 20 };

struct model;
struct engine_options {
    const char *model; /* path; NULL = engine_default_model_path() */
    struct model *opened; /* used as it is, in place of a path; stays the caller's; or NULL */
    /* path, "none" = untrained; NULL: the model directory's own if it holds one, else
     * default_compressor when it was made for this model, else untrained */
    const char *compressor;
    const char *default_compressor; /* path or NULL */
    /* Virtual tokens before every prompt: path, "none", or NULL for the default one
     * where it fits the model. */
    const char *soft_prompt;
    const char *default_soft_prompt; /* path or NULL */
    const char *precision;  /* "auto", "f32", ...; NULL = auto */
    int threads;            /* 0 = all cores */
    uint64_t seed;
    struct compress_settings settings;
    bool settings_given[5]; /* window, ratio, eps, iters, align: else the compressor's own */
    size_t segment;         /* 0 = 512 */
    /* Called with a new snapshot, which the callee must retain to keep. */
    void (*publish)(void *context, struct snapshot *snapshot);
    void *context;
    void (*log)(void *context, const char *line);
    const char *less_text; /* behind "take less text" in messages, " (:range)"; or NULL */
};

struct engine *engine_open(const struct engine_options *options, struct err *err);
void engine_close(struct engine *e);
struct snapshot *engine_snapshot(const struct engine *e); /* borrowed */

/* Where the default model is looked for; to be freed. */
char *engine_default_model_path(void);

/* Change what is open; on failure everything is as before. */
bool engine_set_model(struct engine *e, const char *path, struct err *err);
bool engine_set_compressor(struct engine *e, const char *path, struct err *err);

/* A copy of a compressor in memory, with its settings and its name; the caller has made sure
 * that it is one for this model. */
bool engine_copy_compressor(struct engine *e, const struct compressor *c, const char *name,
                            const struct compress_settings *settings, struct err *err);

/* Tokenises. The text is copied. ids (NULL: tokenise text) are used as they are. */
bool engine_set_document(struct engine *e, const char *text, size_t size, const char *name,
                         struct err *err);
bool engine_set_document_ids(struct engine *e, const int32_t *ids, size_t count, const char *name,
                             struct err *err);

/* Slots that were made before, [n, H] (copied), in place of those of the document: compressed
 * answers take all of them, whatever the range. They end with the document. */
void engine_set_slots(struct engine *e, const float *slots, size_t n);

/* How many windows stay in memory (2000): beyond, those that were not used for longest
 * are forgotten, and read again when they are needed. What one call needs stays. */
void engine_keep(struct engine *e, size_t windows);

/* Makes gates, plans and slots of the segments that hold tokens [from, to), those
 * not read yet; publishes window by window. Work is one frozen pass a segment. */
bool engine_read(struct engine *e, size_t from, size_t to, const struct progress *progress,
                 struct err *err);

/* New settings: plans and slots of the read windows again, from the cached
 * anchors; the window that holds token `visible` first. Answers become stale. */
bool engine_set_settings(struct engine *e, const struct compress_settings *settings,
                         size_t segment, size_t visible, const struct progress *progress,
                         struct err *err);

/* Edits of the computation itself. They are copied, hold for the next call of
 * engine_set_settings and for what is read afterwards, and end with the document.
 * layer_off: layers that no gate takes from; those beyond the model's are ignored.
 * slot_off: slots that receive nothing, by their index over the document; those behind n_slots
 * receive. (They are in the decoder's input unless engine_set_muted leaves them out.) */
struct engine_edits {
    const struct token_edit *tokens;
    size_t n_tokens;
    const bool *layer_off;
    size_t n_layers;
    const bool *slot_off;
    size_t n_slots;
};
void engine_set_edits(struct engine *e, const struct engine_edits *edits);

/* Which slots are left out of the decoder input, by their index over the document; those
 * behind n are not. A compressed answer that was made without others becomes stale, and
 * is as good as new when its own are back. New settings take all slots in again. */
void engine_set_muted(struct engine *e, const bool *muted, size_t n);
bool engine_slot_muted(const struct engine *e, size_t slot);

struct ask_options {
    size_t max_tokens; /* 0 = 20 */
    double temperature, top_p;
    size_t top_k;
    uint64_t seed;
    bool attention;     /* keep the attention of the answer tokens */
    size_t from, to;    /* range of document tokens; to 0 = all */
    const char *gold;   /* or NULL */
    bool continuation;  /* no question: the text behind the range, line ends included */
};

/* Asks in one mode; streams the answer. The prompt is METHOD section 7's. */
bool engine_ask(struct engine *e, const char *question, enum answer_mode mode,
                const struct ask_options *options, const struct progress *progress,
                struct err *err);

/* What compression costs each token (snapshot.loss), window by window up to the one
 * that holds token to - 1; muted slots count as what they are, left out. */
bool engine_loss(struct engine *e, size_t to, const struct progress *progress, struct err *err);

/* How much of the compressed answer is about this text (snapshot.control): the loss of
 * the gold answer, else of the full-context answer, from each context and from the
 * slots of another text, [other_size] bytes. The question must have been asked. */
bool engine_control(struct engine *e, const struct ask_options *options, const char *other,
                    size_t other_size, const char *other_name, const struct progress *progress,
                    struct err *err);

/* Next-token loss of ids[0..n): nll [n - 1] (with given = none/full/compressed and
 * a context: nll [n], the first from the context's last position). */
bool engine_score(struct engine *e, const int32_t *ids, size_t n, real *nll,
                  const struct progress *progress, struct err *err);
bool engine_score_given(struct engine *e, enum answer_mode given, const int32_t *context,
                        size_t context_n, const int32_t *ids, size_t n, real *nll,
                        const struct progress *progress, struct err *err);

/* The compression of the whole document as flat tensors, for `compress` and
 * `export`. Arrays belong to the result; free with engine_compression_free. */
enum compression_tensor {
    COMPRESSION_TOKENS, /* the document has them */
    COMPRESSION_GATE,
    COMPRESSION_ANCHORS,
    COMPRESSION_MASS,
    COMPRESSION_COST,
    COMPRESSION_PLAN,
    COMPRESSION_RAW_SLOTS,
    COMPRESSION_SLOTS,
    COMPRESSION_HIDDEN,
    COMPRESSION_TENSORS
};
struct engine_compression {
    size_t tokens, layers, hidden_size, windows, W, K, slots;
    float *gate, *anchors, *mass, *cost, *plan, *raw_slots, *slot_vectors, *hidden;
    double read_ms, gate_ms, plan_ms, project_ms; /* plan: cost, mass, Sinkhorn, raw slots */
};

/* wanted: bits 1 << enum compression_tensor; the arrays of the others stay NULL. */
bool engine_compress(struct engine *e, unsigned wanted, struct engine_compression *out,
                     const struct progress *progress, struct err *err);
void engine_compression_free(struct engine_compression *c);

const struct tokenizer *engine_tokenizer(const struct engine *e);

/* What is open, for evaluation; borrowed. */
struct model *engine_model(const struct engine *e);
const struct compressor *engine_compressor(const struct engine *e);

/* The virtual tokens in use, [*n, H], borrowed; *n is 0 without. */
const real *engine_soft_prompt(const struct engine *e, size_t *n);
void engine_settings(const struct engine *e, struct compress_settings *settings, size_t *segment);

/* Fills in the hashes of facts (reads the whole model file once). */
void engine_hash(struct engine *e);

#endif
