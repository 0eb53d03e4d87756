/* What the Eval screen shows: plain data, made by app/. Texts are sanitised. */
#ifndef VIEWS_RESULTS_H
#define VIEWS_RESULTS_H

#include <stdbool.h>
#include <stddef.h>

/* From which context was answered; in the order of the engine's evaluation. */
enum results_mode { RESULTS_FULL, RESULTS_COMPRESSED, RESULTS_WRONG, RESULTS_NONE, RESULTS_MODES };
extern const char *const results_mode_name[RESULTS_MODES]; /* "full context", ... */

struct results_example {
    size_t index; /* of the question in its file */
    char *question, *gold, *said[RESULTS_MODES]; /* NULL: not asked in this mode */
    char *context; /* the text asked about: all of the tail that was kept */
    double exact[RESULTS_MODES], f1[RESULTS_MODES];
    double ms; /* compressed */
    size_t slots; /* of its context */
    size_t positions[RESULTS_MODES]; /* that the prompt occupies */
};

enum results_state { RESULTS_WAITING, RESULTS_RUNNING, RESULTS_DONE, RESULTS_STOPPED };

/* One file with one compressor. */
struct results_set {
    size_t id; /* by which jobs know it: rows above it may go */
    char *path;
    size_t limit; /* questions asked for; 0: all */
    char name[96], compressor[64];
    bool untrained; /* that compressor */
    double ratio;
    enum results_state state;
    size_t wanted; /* questions; 0: not known yet */
    struct results_example *examples; /* those that are done */
    size_t n, capacity;
};

struct results {
    struct results_set *sets;
    size_t n, capacity;
    size_t tail;       /* tokens of a context that are kept */
    size_t max_tokens; /* of an answer, which is greedy */
};

void results_free(struct results *r); /* frees what it holds, not *r */
void results_set_free(struct results_set *set); /* as that */
void results_example_free(struct results_example *e);

/* Means over the examples of a set; half: of the 95 % interval of F1. n = 0: no example
 * has this mode. */
struct results_score {
    size_t n;
    double exact, f1, half;
};
struct results_score results_score(const struct results_set *set, enum results_mode mode);

/* F1 from the slots / F1 from the full context, and seconds a question from slots; NaN
 * without them. */
double results_kept(const struct results_set *set);
double results_seconds(const struct results_set *set);

/* Slots a question, and how many times less of the cache its prompt occupies than with the
 * full context; means, NaN without them. */
double results_slots(const struct results_set *set);
double results_saved(const struct results_set *set);

/* Which examples are listed. */
#define RESULTS_FILTERS(X)                                                     \
    X(LOST, "lost", "full right, compressed wrong")                            \
    X(WON, "won", "compressed right, full wrong")                              \
    X(WRONG, "wrong", "both wrong")                                            \
    X(ALL, "all", "all of them")
#define RESULTS_FILTER_ENUM(id, word, text) RESULTS_SHOW_##id,
enum results_filter { RESULTS_FILTERS(RESULTS_FILTER_ENUM) RESULTS_FILTER_COUNT };
#undef RESULTS_FILTER_ENUM
extern const char *const results_filter_name[RESULTS_FILTER_COUNT];
extern const char *const results_filter_text[RESULTS_FILTER_COUNT];

bool results_matches(const struct results_example *e, enum results_filter filter);
size_t results_count(const struct results_set *set, enum results_filter filter);

/* The nearest example from `from` in steps of `by` (1 or -1); SIZE_MAX: none. */
size_t results_next(const struct results_set *set, size_t from, long by,
                    enum results_filter filter);

#endif
