/* What the person at the keyboard has chosen: focus, cursor, lock, modes. Plain
 * data, changed only by app/ (commands) and read by views. A view handles nothing
 * and draws everything from (snapshot, view state). */
#ifndef VIEWS_VIEW_STATE_H
#define VIEWS_VIEW_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/snapshot.h"
#include "views/canvas.h"
#include "views/colormap.h" /* enum color_map */
#include "views/display.h"  /* struct display */
#include "views/heat.h"     /* enum normalise, enum scale */
#include "views/screen_state.h"

enum screen {
    SCREEN_EXPLORE,
    SCREEN_COMPARE,
    SCREEN_DATA,
    SCREEN_TRAIN,
    SCREEN_EVAL,
    SCREEN_COUNT
};

enum pane { PANE_DOCUMENT, PANE_GATES, PANE_PLAN, PANE_ANSWERS, PANE_COUNT };
extern const char *const pane_name[PANE_COUNT]; /* "Document", "Gates", "Plan", "Answers" */

/* What a pane paints ("next value", key v). One table: pane, id, word. */
#define VIEW_VALUES(X)                                                         \
    X(DOCUMENT, NONE, "none")                                                  \
    X(DOCUMENT, MASS, "mass")                                                  \
    X(DOCUMENT, LOOKED_AT, "looked-at")                                        \
    X(DOCUMENT, LOSS, "loss")                                                  \
    X(GATES, GATE, "gate")                                                     \
    X(GATES, ENTROPY, "entropy")                                               \
    X(PLAN, PLAN_MASS, "mass")                                                 \
    X(PLAN, SLOT_SHARE, "slot-share")                                          \
    X(PLAN, TOKEN_SHARE, "token-share")                                        \
    X(PLAN, LIKENESS, "likeness")                                              \
    X(PLAN, COST, "cost")                                                      \
    X(ANSWERS, PLAIN, "plain")                                                 \
    X(ANSWERS, DIFF_PREVIOUS, "previous")                                      \
    X(ANSWERS, DIFF_FULL, "full")
#define VIEW_VALUE_ENUM(pane, id, word) VALUE_##id,
enum view_value { VIEW_VALUES(VIEW_VALUE_ENUM) VALUE_COUNT };
#undef VIEW_VALUE_ENUM

enum unit { UNIT_TOKEN, UNIT_WORD, UNIT_SENTENCE, UNIT_COUNT };
extern const char *const unit_name[UNIT_COUNT];

/* Word and pane of each value: "slot-share" belongs to PANE_PLAN. */
extern const char *const view_value_name[VALUE_COUNT];
extern const enum pane view_value_pane[VALUE_COUNT];

/* The same for people: "slot share". Returns out. */
enum { VIEW_VALUE_WORDS = 24 };
const char *view_value_words(enum view_value value, char out[VIEW_VALUE_WORDS]);

/* The coordinate that was moved last, or that is locked (UX.md section 3). */
enum source_kind { SOURCE_NONE, SOURCE_TOKEN, SOURCE_LAYER, SOURCE_SLOT, SOURCE_ANSWER };
struct source {
    enum source_kind kind;
    size_t token;  /* in the document */
    size_t layer;
    size_t slot;   /* in its window */
    size_t window;
    enum answer_mode answer;
    size_t answer_token;
};

enum overlay { OVERLAY_NONE, OVERLAY_HELP, OVERLAY_COMMANDS, OVERLAY_WORDS, OVERLAY_FORMULAS,
               OVERLAY_EXPLAIN, OVERLAY_HEALTH, OVERLAY_LOG, OVERLAY_DIALOG, OVERLAY_PROBLEM,
               OVERLAY_START };

enum strip_field { STRIP_ITERS, STRIP_EPS, STRIP_WINDOW, STRIP_RATIO, STRIP_ALIGN, STRIP_FIELDS };

/* One line of a dialog, of help, of the log or of a list screen; made by app/.
 *   help, commands: label = keys or usage, detail = what they do
 *   log:            label = time, detail = text
 *   dialogs:        label = the choice, detail = its line of facts
 * A line whose label is empty is no choice: its detail stands there as a heading
 * (help) or as plain text (dialogs, problem box). */
enum entry_when { ENTRY_ALWAYS, ENTRY_PLAIN, ENTRY_FOUND }; /* without a filter, only by one */
struct list_entry {
    char *label, *detail; /* sanitised */
    bool disabled;        /* dim, cannot be chosen */
    enum entry_when when;
};

/* Is the entry shown under this filter (case-insensitive, in label or detail)?
 * Headings are, when the filter is empty. */
bool view_entry_matches(const struct list_entry *entry, const char *filter);
bool view_text_matches(const char *label, const char *detail, const char *filter);

/* Four panes or one: by the size of the screen, or as wished where it has the room. */
enum arrangement { ARRANGE_AUTO, ARRANGE_WIDE, ARRANGE_NARROW, ARRANGE_COUNT };
extern const char *const arrangement_name[ARRANGE_COUNT];

enum { KEY_NAME_BYTES = 32 };
enum { COMPARE_DIFFERENCE = 2 };

struct view_state {
    int rows, columns;
    struct display display;
    bool speak; /* one sentence in place of the screen */
    enum screen screen;
    enum pane focus;
    enum arrangement arrangement;
    bool zoomed;
    int zoom_level;     /* 0 fit, 1 a cell a value, 2 numbers */
    bool turned;        /* plan with tokens down */
    enum view_value value[PANE_COUNT];
    enum normalise normalise;
    enum scale scale;
    double limit_low, limit_high; /* both NAN = auto */
    enum pane limit_pane;         /* whose colours they are for; PANE_COUNT: gates and plan */
    enum color_map map;
    enum unit unit;
    double brush_min; /* 0.05 */

    /* The cursor. */
    size_t token, layer, slot;
    enum answer_mode answer;
    size_t answer_token;
    struct source moved;  /* source of the light */
    struct source locked; /* kind NONE: no lock */
    bool has_range;
    size_t range_from, range_to; /* inclusive tokens, from <= to */
    bool range_open;      /* V pressed once: the range reaches from range_mark to the cursor */
    size_t range_mark;

    /* Scroll positions, kept by layout so that the cursor stays visible. */
    size_t document_top; /* first token of the top line */
    size_t plan_top, plan_left, gate_top, answer_top;

    /* Settings strip. */
    bool strip_open;
    enum strip_field strip_field;
    int iteration; /* -1: the last; else the scrubbed one */
    bool playing;

    /* The plan before it is made again: shown as stale meanwhile. NULL: none; borrowed from app. */
    const struct snapshot_window *held;

    /* The Compare screen. */
    const struct snapshot *pinned; /* A, or B; NULL: none; borrowed from app */
    bool pin_is_b;                 /* then what Explore shows is A */
    const char *pin_name;          /* what it was called, or its edits; borrowed */
    int compare_side;              /* 0 A, 1 B, or COMPARE_DIFFERENCE: in front when narrow */
    bool compare_swapped;
    bool compare_flicker; /* one in the place of the other, in Explore too */
    bool plan_difference; /* Explore's plan shows what it has more and less than the other */

    bool muted_any;
    const bool *muted; /* [document slots] or NULL; borrowed from app */
    size_t muted_count;
    const struct token_edit *token_edits; /* [n_token_edits] ascending; borrowed from app */
    size_t n_token_edits;
    const bool *layer_off; /* [n_layer_off]; borrowed from app */
    size_t n_layer_off;
    bool even_mass, mean_pooling, shuffled; /* parts of the method that were taken out */
    unsigned shuffle_seed;
    bool rebalanced; /* the plan was solved without the muted slots */

    /* Bottom lines. */
    char message[512];     /* note in the status line; "" = show the cursor's values */
    bool message_error;
    bool prompt_open;
    const char *prompt_label; /* "ask> ", ":", "/" */
    const char *prompt_text;  /* UTF-8, owned by app */
    size_t prompt_point;      /* cursor as a byte offset */
    const char *question;     /* shown in the closed prompt */

    /* The key that does now what the program's own key `own` does there; NULL: that itself.
     * False when it is no key. */
    bool (*key_now)(const struct view_state *state, const char *own, char now[KEY_NAME_BYTES]);
    const void *keys; /* for it; borrowed from app */

    /* Below everything: a tour, a presentation, a script; borrowed from app. */
    const char *caption; /* sanitised; NULL: none */
    const char *caption_title, *caption_keys;
    bool presenting, blank; /* blank: nothing at all */

    /* Overlays. HELP, COMMANDS, LOG, DIALOG, PROBLEM and START show `entries`; WORDS,
     * FORMULAS, EXPLAIN and HEALTH have their own text. overlay_at is an index into
     * all entries (or health lines), filtered or not; overlay_top the first line of
     * the list that is shown: views move it so that overlay_at is visible.
     * START (a program without a document: dialog_title is its name), dialogs without a
     * document, and lists on the screens other than Explore fill the screen. */
    enum overlay overlay;
    char filter[64];
    size_t overlay_top, overlay_at;
    const char *dialog_title, *dialog_keys; /* heading; line of keys at the bottom */
    enum pane overlay_over; /* the pane that a box concerns; PANE_COUNT: none */
    const struct list_entry *entries;
    size_t n_entries;

    struct train_state train;
    struct data_state data;
    struct eval_state eval;
};

/* The state of a fresh start: Explore, document in front, automatic limits, the
 * first value of each pane, no lock, no overlay, an 80x24 screen. */
void view_state_init(struct view_state *state);

/* Draws the whole screen: layout, panes, status, prompt, overlays. The one entry
 * point for app/ and for golden screens. */
void view_draw(const struct snapshot *snapshot, const struct view_state *state,
               struct canvas *canvas);

/* What stands at a cell, for the mouse. */
struct view_hit {
    enum { HIT_NOTHING, HIT_SCREEN, HIT_PANE, HIT_TOKEN, HIT_GATE, HIT_PLAN, HIT_ANSWER,
           HIT_MINIMAP, HIT_STRIP, HIT_ENTRY,
           /* of the other screens: a row (entry), or a cell of the map `entry` */
           HIT_SAMPLE, HIT_SET, HIT_EXAMPLE, HIT_COMPARE } kind;
    enum screen screen;
    enum pane pane;
    size_t token, layer, slot, answer_token, entry; /* entry: as overlay_at */
    enum answer_mode answer;
    int iteration;
};
struct view_hit view_hit_test(const struct snapshot *snapshot, const struct view_state *state,
                              int row, int column);

/* Scrolls so that the cursor is on screen; call after moving it or resizing. */
void view_follow_cursor(const struct snapshot *snapshot, struct view_state *state);

/* Tokens on the document lines above and below, for Up, Down and pages: the token
 * in the line `lines` further down (negative: up) nearest to the cursor's column. */
size_t view_document_line(const struct snapshot *snapshot, const struct view_state *state,
                          size_t token, int lines);

/* The unit (token, word, sentence) that holds `token`: tokens [*from, *to). */
void view_unit_range(const struct snapshot_document *document, enum unit unit, size_t token,
                     size_t *from, size_t *to);

/* What was changed by hand: "2 edits: s12 off, "coal" x0"; "" without. */
void view_edits_text(const struct snapshot *snapshot, const struct view_state *state, char *out,
                     size_t size);
size_t view_edits_count(const struct snapshot *snapshot, const struct view_state *state);

/* The sentence of the status line for the cursor, also what `y` copies. */
void view_status_text(const struct snapshot *snapshot, const struct view_state *state, char *out,
                      size_t size);

#endif
