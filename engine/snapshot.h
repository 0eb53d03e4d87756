/* What the engine shows: immutable, reference-counted data that views read. The
 * worker builds a new snapshot that shares the parts which did not change with the
 * old one, and swaps one pointer; a reader holds a reference while it draws.
 * A part that is not there yet is NULL or has its `valid` flag unset; every view
 * must draw a partial snapshot. Words as in UX.md section 1. */
#ifndef ENGINE_SNAPSHOT_H
#define ENGINE_SNAPSHOT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The open document as text and tokens. */
struct snapshot_document {
    atomic_uint references;
    char *name; /* file name without directories, sanitised */
    char sha256[65];
    char *text; /* raw bytes as read (BOM dropped, CRLF kept), never printed unsanitised */
    size_t size;
    size_t tokens; /* N */
    int32_t *ids;          /* NULL: not tokenised yet, the ranges are words */
    uint32_t *start, *end; /* [N] byte range of each token; empty for BOS */
    char **special;        /* [N] printable name of tokens that stand for no text, or NULL */
    char note[160];        /* "12 invalid bytes shown as <..>", "CRLF line ends", or "" */
};

/* A change by hand of how much a token may send; 0 silences it. */
struct token_edit {
    size_t token; /* of the document */
    double factor;
};

/* One window of the plan. Rows are its tokens, columns its slots. */
struct snapshot_window {
    atomic_uint references;
    size_t first;         /* index of its first token in the document */
    size_t tokens, slots; /* n, k */
    size_t layers;        /* M */
    bool has_gate, has_plan;
    float *gate; /* [n, M] layer-gate weights */
    float *mass; /* [n] sender mass, sums to 1 */
    float capacity;   /* what each slot receives, 1 / k */
    float *plan; /* [n, k] at the iteration that the settings name */
    float *cost; /* [n, k]; likeness = 1 - cost */
    uint32_t *span; /* [k + 1] home span of slot j: tokens span[j] .. span[j+1] - 1 */
    unsigned iters;      /* iterations that were run */
    float *f, *g;        /* potentials [iters + 1, n], [iters + 1, k]; NULL when not kept */
    float *row_error;    /* [iters + 1] senders off: sum over tokens |sent - mass| */
    float *column_error; /* [iters + 1] sum over slots |received - capacity| */
    float *twin;         /* [k] cosine of slot j with slot j + 1 (last: 0) */
    double eps;
};

/* Settings that can be changed live. */
struct snapshot_settings {
    unsigned window; /* W */
    double ratio;
    unsigned slots_per_window; /* K */
    double eps;
    unsigned iters;
    bool align_head;
    unsigned segment;
    unsigned long seed;
    unsigned max_tokens;
};

enum answer_mode { ANSWER_FULL, ANSWER_COMPRESSED, ANSWER_NONE, ANSWER_MODES };
extern const char *const answer_mode_name[ANSWER_MODES]; /* "full", "compressed", "none" */

enum answer_state {
    ANSWER_EMPTY,   /* no question yet */
    ANSWER_WAITING, /* queued */
    ANSWER_PREPARING, /* reading its context */
    ANSWER_RUNNING,
    ANSWER_DONE,
    ANSWER_STOPPED, /* by the user; the text so far is kept */
    ANSWER_FAILED   /* see error */
};

struct snapshot_answer {
    atomic_uint references;
    enum answer_state state;
    bool stale; /* made with other settings, document or compressor */
    bool cut;   /* it did not end by itself: that many tokens were allowed */
    char *text; /* raw bytes of the answer so far, complete characters only until
                   it is done */
    size_t tokens;         /* A */
    int32_t *ids;
    uint32_t *start;       /* [A + 1] byte range of each answer token in text */
    float *attention;      /* [A, sources]: share of each answer token's attention on each
                              slot (compressed) or document token (full), rows sum to 1 */
    size_t sources;        /* slots or tokens of the context; 0 when not kept. Consecutive in
                              the document; muted slots are there with a share of 0 */
    size_t source_first;   /* slot or token of the document that source 0 is */
    size_t context_positions; /* tokens or slots in the prompt */
    size_t context_tokens;    /* of the document that they stand for; 0: all. Slots stand for
                                 whole windows, whatever the range in them */
    size_t asked_from, asked_to; /* the range of the document that was asked; to 0: not known */
    struct snapshot_settings settings; /* that were in force then; window 0: not known */
    size_t kv_bytes;
    double compress_ms;    /* compressed: model pass + gates + plan + slots */
    double prepare_ms;     /* reading the prompt */
    double first_token_ms; /* from the start of prepare to the first token */
    double tokens_per_s;
    double f1;             /* against the gold answer, else the full-context answer; < 0 unknown */
    double exact;          /* 1 / 0 with a gold answer, < 0 unknown */
    char error[256];
};

/* What compression costs each token, in nats; NaN where nothing is known. Position t is
 * told from all tokens before it (full), or from the slots of all earlier windows and
 * the tokens of its own window before it (compressed; not for the first window). */
struct snapshot_loss {
    atomic_uint references;
    size_t tokens;
    float *full, *compressed; /* [tokens] */
};

/* How much of an answer is about this text: its loss in nats a token from each context.
 * wrong: as many slots of another text. */
struct snapshot_control {
    size_t tokens; /* of the reference answer; 0: never asked for */
    double full, compressed, wrong, none; /* full NaN: longer than the model can read */
    bool stale; /* other slots were left out then */
    char reference[96], other[64]; /* the answer; name of the other text; sanitised */
};

/* What is open and what it costs; strings are sanitised. */
struct snapshot_facts {
    char model[96];      /* "SmolLM2-135M-Instruct Q4_1" */
    char compressor[64]; /* "default-x4" or "warm start" */
    bool untrained;
    bool made_for_model; /* the compressor says so, by the hash of what it was trained on */
    char compressor_note[200]; /* what it was trained on and reaches, or "" */
    size_t layers, hidden, vocab, positions;
    double trained_ratio; /* 0 unknown */
    unsigned trained_window;
    double trained_eps;      /* 0 unknown, as are 0 iterations */
    unsigned trained_iters;
    char model_sha256[65], compressor_sha256[65]; /* "" until computed */
    char embedding_sha256[65]; /* what compressors are made for; "" until computed */
    size_t model_bytes, compressor_bytes; /* that were hashed; 0 until then */
    char precision[16];
    int threads;
    size_t memory_needed, memory_free; /* bytes, when the model was opened */
};

/* Work in progress, for the pane that it will fill. */
struct snapshot_activity {
    char stage[48]; /* "reading", "layers", "windows", "answers"; "" = idle */
    size_t done, total;
    double eta_ms; /* < 0 unknown */
};

struct snapshot {
    atomic_uint references;
    uint64_t version;
    struct snapshot_facts facts;
    struct snapshot_settings settings;
    struct snapshot_document *document; /* NULL: none open */
    size_t windows;                     /* over the whole document */
    struct snapshot_window **window;    /* [windows]; NULL = unread */
    uint32_t *window_first;             /* [windows + 1] first token of each window */
    char *question;                     /* NULL: none asked */
    char *gold;                         /* NULL */
    struct snapshot_answer *answer[ANSWER_MODES]; /* NULL = ANSWER_EMPTY */
    struct snapshot_answer *previous;   /* the compressed answer before the last run, or NULL */
    struct snapshot_loss *loss; /* NULL: never asked for */
    bool loss_stale;            /* other slots were left out when it was made */
    struct snapshot_control control;
    float *minimap_mass; /* NULL or [N]: sender mass x tokens of its window; NaN = unread */
    struct snapshot_activity activity;
    char problem[512]; /* last error of the engine, "" = none; shown until the next job */
    char note[256];    /* last note, with note_serial going up each time */
    uint64_t note_serial;
};

/* Reference counting; all accept NULL. retain returns its argument. */
struct snapshot *snapshot_retain(struct snapshot *s);
void snapshot_release(struct snapshot *s);

/* A new snapshot with one reference that shares all parts with `from` (NULL: an
 * empty one) and has the next version. The builder may change the new one until
 * it is published. */
struct snapshot *snapshot_derive(const struct snapshot *from);

/* Arrays are allocated and zero, text and name NULL: the builder fills them in. */
struct snapshot_document *snapshot_document_new(size_t tokens);
struct snapshot_document *snapshot_document_retain(struct snapshot_document *d);
void snapshot_document_release(struct snapshot_document *d);

/* All arrays zero; f and g only with `history`. has_gate and has_plan are for the
 * builder to set, and eps and first to fill in. */
struct snapshot_window *snapshot_window_new(size_t tokens, size_t slots, size_t layers,
                                            unsigned iters, bool history);
struct snapshot_window *snapshot_window_retain(struct snapshot_window *w);
void snapshot_window_release(struct snapshot_window *w);

/* Empty, scores unknown. */
struct snapshot_answer *snapshot_answer_new(void);
/* A copy with one reference and room for one more token, to be changed and published. */
struct snapshot_answer *snapshot_answer_copy(const struct snapshot_answer *from);
struct snapshot_answer *snapshot_answer_retain(struct snapshot_answer *a);
void snapshot_answer_release(struct snapshot_answer *a);

/* All NaN. */
struct snapshot_loss *snapshot_loss_new(size_t tokens);
struct snapshot_loss *snapshot_loss_retain(struct snapshot_loss *l);
void snapshot_loss_release(struct snapshot_loss *l);

/* Replaces one part, releasing the old one and taking over the reference. A new
 * document drops the windows and the minimap; first [windows + 1] is copied. */
void snapshot_set_document(struct snapshot *s, struct snapshot_document *d);
void snapshot_set_windows(struct snapshot *s, size_t windows, const uint32_t *first);
void snapshot_set_window(struct snapshot *s, size_t i, struct snapshot_window *w);
void snapshot_set_answer(struct snapshot *s, enum answer_mode mode, struct snapshot_answer *a);
void snapshot_set_loss(struct snapshot *s, struct snapshot_loss *l);

/* The window that holds token t (t < N), by bisection of window_first. */
size_t snapshot_window_of(const struct snapshot *s, size_t token);

/* The plan of w at iteration i <= iters from its potentials into out [n, k];
 * false when they were not kept. */
bool snapshot_window_plan_at(const struct snapshot_window *w, unsigned iteration, float *out);

#endif
