#include "views/view_state.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

const char *const pane_name[PANE_COUNT] = {"Document", "Gates", "Plan", "Answers"};
const char *const unit_name[UNIT_COUNT] = {"token", "word", "sentence"};
const char *const arrangement_name[ARRANGE_COUNT] = {"auto", "wide", "narrow"};

#define VIEW_VALUE_NAME(pane, id, word) word,
const char *const view_value_name[VALUE_COUNT] = {VIEW_VALUES(VIEW_VALUE_NAME)};
#undef VIEW_VALUE_NAME

#define VIEW_VALUE_PANE(pane, id, word) PANE_##pane,
const enum pane view_value_pane[VALUE_COUNT] = {VIEW_VALUES(VIEW_VALUE_PANE)};
#undef VIEW_VALUE_PANE

const char *view_value_words(enum view_value value, char out[VIEW_VALUE_WORDS])
{
    snprintf(out, VIEW_VALUE_WORDS, "%s", view_value_name[value]);
    for (char *dash; (dash = strchr(out, '-'));)
        *dash = ' ';
    return out;
}

void view_state_init(struct view_state *state)
{
    *state = (struct view_state){
        .rows = 24,
        .columns = 80,
        .display = {DEPTH_MONO, GLYPHS_HALF, THEME_DEFAULT, false},
        .value = {VALUE_NONE, VALUE_GATE, VALUE_PLAN_MASS, VALUE_PLAIN},
        .limit_low = (double)NAN,
        .limit_high = (double)NAN,
        .limit_pane = PANE_COUNT,
        .brush_min = 0.05,
        .answer = ANSWER_COMPRESSED,
        .iteration = -1,
        .overlay_over = PANE_COUNT,
    };
}

static bool contains(const char *text, const char *part)
{
    return text && strcasestr(text, part);
}

bool view_text_matches(const char *label, const char *detail, const char *filter)
{
    if (!filter || !*filter)
        return true;
    return label && *label && (contains(label, filter) || contains(detail, filter));
}

bool view_entry_matches(const struct list_entry *entry, const char *filter)
{
    bool filtered = filter && *filter;
    return entry->when != (filtered ? ENTRY_PLAIN : ENTRY_FOUND) &&
           view_text_matches(entry->label, entry->detail, filter);
}
