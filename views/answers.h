/* Answers as text that flows into columns, and the lines that describe them. */
#ifndef VIEWS_ANSWERS_H
#define VIEWS_ANSWERS_H

#include "views/scene.h"

/* One character of an answer as drawn; diff marks belong to no token. */
struct flow_glyph {
    char text[TEXT_ESCAPE_MAX];
    uint8_t length, width;
    bool blank, newline, mark;
    enum diff_kind_of { FLOW_PLAIN, FLOW_ADDED, FLOW_GONE } kind;
    size_t token; /* SIZE_MAX: none */
};

struct flow {
    struct flow_glyph *glyph;
    size_t n, capacity;
};

/* The answer in `mode` as the pane shows it: plain, or with {+added+} and [-gone-]
 * words against the previous or the full answer. */
void answer_flow(const struct scene *scene, enum answer_mode mode, struct flow *flow);
void answer_flow_free(struct flow *flow);

/* Breaks the flow into lines of `width` columns. Glyphs [*from, *to) of the next line
 * after *from; false at the end. */
bool answer_flow_line(const struct flow *flow, int width, size_t *from, size_t *to);

/* Rows of each of three answers below one another that leave one for what is missing. */
enum {
    ANSWER_ROWS_WITH_LAST = 5,
    ANSWER_ROWS_AROUND = 3 /* heading and times above, that line below */
};

/* Where the pane puts the text of an answer, for drawing and the mouse; no rows when
 * the pane does not show it. */
struct rect answer_text_rect(const struct scene *scene, enum answer_mode mode);

/* The answer token at a cell of that rectangle. */
bool answer_token_at(const struct scene *scene, enum answer_mode mode, int row, int column,
                     size_t *token);

/* Is its context not read yet, so that nothing is known of what it takes? */
bool answer_is_unread(const struct snapshot_answer *answer, enum answer_mode mode);

/* "125 slots (4.0x) · KV 3.0 MiB · F1 0.89", "first 0.94 s · 31 tok/s · done" */
void answer_cost_text(const struct scene *scene, enum answer_mode mode, struct parts *parts);
void answer_time_text(const struct scene *scene, enum answer_mode mode, struct parts *parts);

extern const char *const answer_title[ANSWER_MODES]; /* "Full context", ... */

#endif
