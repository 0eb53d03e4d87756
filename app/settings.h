/* What `set` and `show` know: one table of names, values and words about them. The
 * default of each is a line of assets/default.rc. */
#ifndef APP_SETTINGS_H
#define APP_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "app/session.h"

/* id, name, values (words for completion, or a description), help */
#define SETTINGS(X)                                                                          \
    X(ITERATIONS, "iterations", "0..200", "balancing rounds of the plan")                    \
    X(EPS, "eps", "0.005..2", "softness of the plan")                                        \
    X(WINDOW, "window", "16..segment", "tokens that share a plan")                           \
    X(RATIO, "ratio", "1..8192", "tokens per slot")                                          \
    X(SLOTS, "slots", "1..window", "slots per window, instead of the ratio")                 \
    X(ALIGN, "align", "tail|head", "end at which windows are whole")                         \
    X(SEGMENT, "segment", "16..4096", "tokens that the model reads at once")                 \
    X(SEED, "seed", "0..", "of sampled answers")                                             \
    X(MAX_TOKENS, "max-tokens", "1..1000", "longest answer")                                 \
    X(LIVE, "live", "on|off", "answer again by itself after a change")                       \
    X(KEEP, "keep", "100..100000", "windows that stay in memory")                           \
    X(AUTOSAVE, "autosave", "0..3600", "seconds between saves for after a crash; 0: none")   \
    X(BRUSH_MIN, "brush.min", "0%..100%", "share from which the light shows")                \
    X(THEME, "theme", "auto|light|dark", "background of the terminal")                       \
    X(GLYPHS, "glyphs", "auto|half|shade|ascii", "characters of heat cells")                 \
    X(AMBIGUOUS, "ambiguous", "auto|narrow|wide", "width of block characters")               \
    X(MOUSE, "mouse", "on|off|toggle", "mouse clicks and wheel")                             \
    X(SPEAK, "speak", "on|off", "the status line alone, for those who listen")               \
    X(HISTORY, "history", "0..10000", "lines kept of each prompt; 0 keeps none")             \
    X(FPS, "fps", "1..30", "frames a second at most")

#define SETTING_ENUM(id, name, values, help) SETTING_##id,
enum setting { SETTINGS(SETTING_ENUM) SETTING_COUNT };
#undef SETTING_ENUM

struct setting_row {
    const char *name, *values, *help;
};
extern const struct setting_row settings_table[SETTING_COUNT];

/* By name or unique beginning; else SETTING_COUNT with a proposal. */
enum setting setting_find(const char *name, struct err *err);

/* Present value as text. */
void setting_format(const struct session *s, enum setting setting, char *out, size_t size);
bool setting_change(struct session *s, enum setting setting, const char *value, struct err *err);

/* The strip: the next larger (by > 0) or smaller value of a field. */
bool setting_step(struct session *s, enum strip_field field, int by, struct err *err);
enum setting setting_of_field(enum strip_field field);

/* Makes `wanted` the edits of the session: remembers the old ones for undo, tells
 * the engine. False when they cannot be. Takes over `wanted`. */
bool setting_apply_edits(struct session *s, struct edits wanted, struct err *err);

/* Tells the engine what changed from `before` to s->edits. */
void setting_publish(struct session *s, const struct edits *before);

#endif
