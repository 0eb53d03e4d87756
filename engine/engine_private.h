/* Inside of the facade: shared by the engine_*.c files only. */
#ifndef ENGINE_ENGINE_PRIVATE_H
#define ENGINE_ENGINE_PRIVATE_H

#include "engine/base/arena.h"
#include "engine/compress/checkpoint_io.h"
#include "engine/engine.h"
#include "engine/eval/soft_prompt.h"
#include "engine/model/llama.h"

/* Times of one encoding, in milliseconds. */
struct encode_times {
    double read, gate, plan, project;
};

/* A segment of the document: what is cached so that settings can change without
 * another pass of the model. */
struct engine_segment {
    size_t first, tokens;         /* in the document */
    size_t first_window, windows; /* in the snapshot */
    bool read;
    real *anchors; /* [tokens, H] once read */
    real *slots;   /* [n_slots, H] once read */
    size_t n_slots;
    struct encode_times times;
    uint64_t used; /* clock of the last use, for eviction */
};

/* Slots that are left out: now, and when the compressed answer, the losses and the control
 * were made. */
enum muted_set { MUTED_NOW, MUTED_ANSWER, MUTED_LOSS, MUTED_CONTROL, MUTED_SETS };
struct muted_slots {
    bool *muted; /* [n] over the slots of the document, owned */
    size_t n;
};

/* Windows whose anchors and plans are kept (2000 x 128 tokens: about 0.7 GB for H = 576);
 * beyond, the least recently used segment is forgotten and read again on need. */
enum { WINDOWS_KEPT = 2000, SEGMENT_DEFAULT = 512, ENCODE_CHUNK = 128 };

struct engine {
    struct engine_options options; /* strings owned */
    struct model *model;
    struct compressor compressor;
    struct compressor_info compressor_info;
    bool untrained;
    struct soft_prompt soft; /* n = 0: none */
    struct compress_settings settings;
    size_t segment;
    struct snapshot *snapshot; /* the latest published */
    struct engine_segment *segments;
    size_t n_segments;
    uint64_t clock;
    uint64_t pinned; /* what was used after this is in use now: not to be forgotten */
    size_t windows_kept;
    struct muted_slots muted[MUTED_SETS];
    real *given_slots; /* [n_given_slots, H] in place of the document's, owned; NULL: none */
    size_t n_given_slots;
    bool outdated; /* that answer was made by another compressor */
    uint64_t answer_origin; /* the settings and edits that it was made with: engine_edits.c */
    struct token_edit *token_edits; /* [n_token_edits], owned */
    size_t n_token_edits;
    bool *layer_off;    /* [n_layer_off], owned */
    size_t n_layer_off;
    bool *slot_off;     /* [n_slot_off], owned */
    size_t n_slot_off;
    bool gates_edited;  /* since the segments were read */
};

/* Makes `next` the current snapshot (taking over its reference) and tells. */
void engine_publish(struct engine *e, struct snapshot *next);
void engine_show_activity(struct engine *e, const char *stage, size_t done, size_t total,
                          double started_ms);
void engine_log(struct engine *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Slots of ids[0..n) (one segment, positions from 0). Everything in *out lives in
 * the arena. gates (NULL: none) is called when the gates of tokens [from, from +
 * count) are there: alpha [count, M]. hidden (NULL: not wanted) receives [M, n, H]. */
struct encoded {
    real *alpha;   /* [n, M] */
    real *anchors; /* [n, H] */
    struct segment_plan plan;
    real *slots; /* [plan.slots, H] */
    struct encode_times times;
};
struct encode_listener {
    void (*gates)(void *context, size_t from, size_t count, const real *alpha);
    void *context;
    real *hidden;
};
bool engine_encode(struct engine *e, const int32_t *ids, size_t n,
                   const struct encode_listener *listener, struct encoded *out,
                   struct arena *arena, const struct progress *progress, struct err *err);

/* The edits that concern a segment, in the arena, put into e->settings.edits until
 * engine_edits_end. */
void engine_edits_begin(struct engine *e, const struct engine_segment *segment,
                        struct arena *arena);
void engine_edits_end(struct engine *e);

/* Slots of a segment, read or not: they are counted over the document. */
size_t engine_count_slots(const struct engine *e, const struct engine_segment *segment,
                          struct arena *arena);

/* What stands behind "take less text" in a message. */
const char *engine_less_text(const struct engine *e);

/* Slots of the windows that touch tokens [from, to), read or not, without the muted ones, and how
 * many tokens these windows have. */
size_t engine_slots_asked(const struct engine *e, size_t from, size_t to, size_t *tokens,
                          struct arena *arena);

/* The slots of the read windows that touch tokens [from, to), muted ones left out: their
 * vectors in the arena, [*count, H], and in *source the index of each over the document,
 * which has *all. */
real *engine_slots(struct engine *e, size_t from, size_t to, size_t **source, size_t *count,
                   size_t *all, struct arena *arena);

/* A sequence that is read piece by piece, and what its tokens cost. */
struct nats_stream {
    struct engine *e;
    struct kv_cache cache;
    real *last; /* [H] final state of the last position */
    bool begun; /* is there one? */
};
bool nats_open(struct nats_stream *s, struct engine *e, size_t capacity, struct err *err);
void nats_close(struct nats_stream *s);

/* Appends n positions. labels [n], or NULL: the tokens that stand there, whose loss goes
 * to nll [n]; NaN for one with nothing before it. */
bool nats_feed(struct nats_stream *s, const real *embeddings, size_t n, const int32_t *labels,
               real *nll, const struct progress *progress, struct err *err);
bool nats_feed_ids(struct nats_stream *s, const int32_t *ids, size_t n, bool labels, real *nll,
                   const struct progress *progress, struct err *err);

/* Plan, raw slots and slots from anchors alone: what a change of settings redoes. */
bool engine_encode_anchors(struct engine *e, const real *anchors, size_t n, struct encoded *out,
                           struct arena *arena, const struct progress *progress, struct err *err);

/* Slots of a context of any length, segment by segment: [*count, H] in the arena. */
bool engine_encode_long(struct engine *e, const int32_t *ids, size_t n, real **slots, size_t *count,
                        struct arena *arena, const struct progress *progress, struct err *err);

/* The windows of n tokens: their number, and first[windows + 1] when not NULL. */
size_t engine_window_starts(const struct compress_settings *s, size_t n, uint32_t *first);

/* Forgets all that depends on model, compressor or segment length and lays the
 * document out anew (unread). */
void engine_layout_document(struct engine *e, struct snapshot *next);
void engine_forget_segments(struct engine *e);

/* Puts the windows of a segment into `next`. gate [tokens of the segment, M]. */
void engine_install_windows(struct engine *e, struct snapshot *next,
                            const struct engine_segment *segment, const struct encoded *encoded,
                            const float *gate);

/* Sender mass of tokens [first, first + n), as a multiple of the even share; NULL
 * mass: unread. */
void engine_fill_minimap(struct snapshot *next, size_t first, size_t n, const float *mass);

void engine_copy_reals(float *to, const real *from, size_t count);

/* The facts part of a snapshot. */
void engine_fill_facts(const struct engine *e, struct snapshot_facts *facts);
/* What people call the model: its file's name and the type of its weights, as the name inside of
 * the file is often that of a training run. */
void engine_model_title(const struct model *m, char *out, size_t size);

void engine_fill_settings(const struct engine *e, struct snapshot_settings *out);

/* The compressed answer made so far does not fit what is open any more. */
void engine_mark_stale(struct engine *e, struct snapshot *next);

/* It does, or not: by the settings, edits and muted slots that it was made with. */
void engine_mark_answer(const struct engine *e, struct snapshot *next);

/* A compressed answer, losses or a control begin: with what is muted now. */
void engine_remember_muted(struct engine *e, enum muted_set what);
void engine_unmute(struct engine *e, enum muted_set which);

#endif
