/* Commands that change the computation by hand, to see what depends on it: slots that
 * are left out, layers that the gates may not take from, tokens that may send more or
 * less, and the parts of the method that can be taken out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/actions.h"
#include "app/cursor.h"
#include "app/refusal.h"
#include "app/search.h"
#include "app/settings.h"
#include "app/values.h"
#include "engine/base/text.h"

static const double factor_max = 64, factor_min = 1.0 / 64;

/* What an edit is about. */
struct target {
    enum { TARGET_SLOT, TARGET_LAYER, TARGET_TOKENS } kind;
    size_t window, slot; /* slot: in its window */
    size_t layer;
    size_t from, to; /* tokens [from, to) */
};

/* ---- finding it --------------------------------------------------------------- */

/* "s12" in the window of the cursor, "w2:s12" elsewhere. */
static bool parse_slot(const struct session *s, const char *word, struct target *out,
                       struct err *err)
{
    uint64_t w, j;
    char number[24];
    out->kind = TARGET_SLOT;
    out->window = snapshot_window_of(s->snapshot, s->view.token);
    if (word[0] == 'w') {
        size_t length = strcspn(word, ":");
        snprintf(number, sizeof number, "%.*s", (int)length - 1, word + 1);
        if (!word[length] || !value_count(number, &w) || w < 1 || w > s->snapshot->windows)
            return err_set(err, ERR_USAGE, "\"%s\" names no window in 1..%zu", word,
                           s->snapshot->windows);
        out->window = (size_t)w - 1;
        word += length + 1;
    }
    if (word[0] != 's' || !value_count(word + 1, &j))
        return err_set(err, ERR_USAGE, "\"%s\" is no slot, expected sN or wN:sN", word);
    size_t slots = session_slot_base(s, out->window + 1) - session_slot_base(s, out->window);
    if (j >= slots)
        return err_set(err, ERR_USAGE, "slot s%zu is not in s0..s%zu", (size_t)j,
                       slots ? slots - 1 : 0);
    out->slot = (size_t)j;
    return true;
}

static size_t layer_count(const struct session *s)
{
    const struct snapshot_window *w = session_window(s);
    size_t layers = w ? w->layers : s->snapshot->facts.layers + 1;
    return layers < EDIT_LAYERS_MAX ? layers : EDIT_LAYERS_MAX;
}

static bool check_layer(const struct session *s, uint64_t layer, struct target *out,
                        struct err *err)
{
    if (layer >= layer_count(s))
        return err_set(err, ERR_USAGE, "layer L%zu is not in L0..L%zu", (size_t)layer,
                       layer_count(s) - 1);
    out->kind = TARGET_LAYER;
    out->layer = (size_t)layer;
    return true;
}

/* The tokens of the next place, from the cursor on, where the text stands. */
static bool find_text(const struct session *s, const char *text, struct target *out,
                      struct err *err)
{
    const struct snapshot_document *d = s->snapshot->document;
    size_t found, end, n = d->tokens;
    bool wrapped;
    struct err quiet = {0};
    if (!search_text(d->text, d->size, text, d->start[s->view.token], false, &found, &wrapped,
                     &quiet)) {
        char clean[96];
        text_sanitize(clean, sizeof clean, text, strlen(text));
        return err_set(err, ERR_USAGE, "\"%s\" is no token, layer or slot, nor in the document",
                       clean);
    }
    end = found + strlen(text);
    out->kind = TARGET_TOKENS;
    for (out->from = 0; out->from + 1 < n && d->end[out->from] <= found; out->from++)
        continue;
    for (out->to = out->from + 1; out->to < n && d->start[out->to] < end; out->to++)
        continue;
    return true;
}

static bool is_slot_word(const char *word)
{
    uint64_t n;
    return (word[0] == 's' && value_count(word + 1, &n)) || (word[0] == 'w' && strchr(word, ':'));
}

static bool parse_target(const struct session *s, const char *word, struct target *out,
                         struct err *err)
{
    uint64_t n;
    if (is_slot_word(word))
        return parse_slot(s, word, out, err);
    if (word[0] == 'L' && value_count(word + 1, &n))
        return check_layer(s, n, out, err);
    if (!value_count(word, &n))
        return find_text(s, word, out, err);
    if (n >= session_tokens(s))
        return err_set(err, ERR_USAGE, "token %s is not in 0..%zu", word, session_tokens(s) - 1);
    *out = (struct target){.kind = TARGET_TOKENS, .from = (size_t)n, .to = (size_t)n + 1};
    return true;
}

/* What the pane in front moves: a token (or the unit around it), a layer, a slot. */
static bool target_at_cursor(const struct session *s, struct target *out, struct err *err)
{
    switch (s->view.focus) {
    case PANE_DOCUMENT:
        out->kind = TARGET_TOKENS;
        view_unit_range(s->snapshot->document, s->view.unit, s->view.token, &out->from, &out->to);
        return true;
    case PANE_GATES: return check_layer(s, s->view.layer, out, err);
    case PANE_PLAN:
        out->kind = TARGET_SLOT;
        out->window = snapshot_window_of(s->snapshot, s->view.token);
        out->slot = s->view.slot;
        return true;
    default:
        return err_set(err, ERR_USAGE,
                       "tokens, layers and slots can be changed" WAY "⁅Tab⁆ goes to their pane");
    }
}

static bool need_windows(const struct session *s, struct err *err)
{
    return (session_tokens(s) && s->snapshot->windows) ||
           err_set(err, ERR_USAGE, "there is nothing to change yet" WAY "⁅O⁆ opens a document");
}

static bool find_target(const struct session *s, const struct words *words, struct target *out,
                        struct err *err)
{
    if (!need_windows(s, err))
        return false;
    if (words->count > 1)
        return refusal_wants(words, err, "one thing");
    return words->count ? parse_target(s, words->word[0], out, err)
                        : target_at_cursor(s, out, err);
}

/* ---- telling -------------------------------------------------------------------- */

static void name_tokens(const struct session *s, const struct target *t, char *out, size_t size)
{
    const struct snapshot_document *d = s->snapshot->document;
    char text[128];
    size_t from = d->start[t->from], to = d->end[t->to - 1];
    text_sanitize(text, sizeof text, d->text + from, to > from ? to - from : 0);
    if (t->to == t->from + 1)
        snprintf(out, size, "token %zu \"%s\"", t->from, text + strspn(text, " "));
    else
        snprintf(out, size, "tokens %zu-%zu \"%s\"", t->from, t->to - 1, text + strspn(text, " "));
}

static void tell(struct session *s, const char *name, const char *what)
{
    session_note(s, "%s %s; ⁅r⁆ answers again, ⁅u⁆ undoes", name, what);
}

/* ---- mute and only ---------------------------------------------------------------- */

/* Is any slot of the window left that may receive? */
static bool window_receives(const struct session *s, const struct edits *e, size_t window)
{
    size_t end = session_slot_base(s, window + 1);
    for (size_t j = session_slot_base(s, window); j < end; j++)
        if (!edits_is_muted(e, j))
            return true;
    return false;
}

static bool mute_slot(struct session *s, struct edits *e, const struct target *t, bool rebalance,
                      struct err *err)
{
    char name[48];
    size_t index = session_slot_base(s, t->window) + t->slot;
    /* one that is left out already leaves the plan too */
    bool mute = !edits_is_muted(e, index) || (rebalance && !e->rebalance);
    edits_mute(e, index, mute);
    e->rebalance = edits_muted(e) && (e->rebalance || rebalance);
    snprintf(name, sizeof name, "w%zu:s%zu", t->window + 1, t->slot);
    if (e->rebalance && !window_receives(s, e, t->window)) {
        edits_free(e);
        return err_set(err, ERR_USAGE, "one slot of the window must receive, %s is the last one" WAY
                       "⁅x⁆ takes all in again",
                       name);
    }
    rebalance = e->rebalance;
    if (!setting_apply_edits(s, *e, err))
        return false;
    tell(s, name, !mute       ? "is taken in again"
                  : rebalance ? "is left out, and the plan is solved for the rest"
                              : "is left out of the compressed context");
    return true;
}

static bool mute_layer(struct session *s, struct edits *e, const struct target *t, struct err *err)
{
    char name[24];
    bool off = !e->layer_off[t->layer];
    if (off && edits_layers_off(e) + 1 >= layer_count(s)) {
        edits_free(e);
        return err_set(err, ERR_USAGE, "one layer must stay, L%zu is the last one" WAY
                       "⁅x⁆ takes all in again", t->layer);
    }
    e->layer_off[t->layer] = off;
    if (!setting_apply_edits(s, *e, err))
        return false;
    snprintf(name, sizeof name, "L%zu", t->layer);
    tell(s, name, off ? "is shut: no gate takes from it" : "is open again");
    return true;
}

static bool set_tokens(struct session *s, struct edits *e, const struct target *t, double factor,
                       struct err *err)
{
    char name[192], what[64];
    for (size_t i = t->from; i < t->to; i++)
        edits_set_token(e, i, factor);
    if (!setting_apply_edits(s, *e, err))
        return false;
    name_tokens(s, t, name, sizeof name);
    if (factor > 0 && !(factor < 1 || factor > 1))
        snprintf(what, sizeof what, "sends as much as learned");
    else if (factor > 0)
        snprintf(what, sizeof what, "may send %.4gx of what was learned", factor);
    else
        snprintf(what, sizeof what, "sends nothing");
    tell(s, name, what);
    return true;
}

static bool mute_tokens(struct session *s, struct edits *e, const struct target *t,
                        struct err *err)
{
    bool silent = true;
    for (size_t i = t->from; i < t->to; i++)
        silent = silent && edits_token(e, i) <= 0;
    return set_tokens(s, e, t, silent ? 1 : 0, err);
}

bool do_mute(struct session *s, const struct words *words, struct err *err)
{
    struct target t = {0};
    struct words thing = *words;
    bool rebalance = words->count > 0 && strcmp(words->word[words->count - 1], "rebalance") == 0;
    thing.count -= rebalance;
    if (!find_target(s, &thing, &t, err))
        return false;
    if (rebalance && t.kind != TARGET_SLOT)
        return refusal_wants(words, err, "a slot with rebalance: others share what a token or "
                                         "layer leaves");
    struct edits wanted = edits_copy(&s->edits);
    switch (t.kind) {
    case TARGET_SLOT: return mute_slot(s, &wanted, &t, rebalance, err);
    case TARGET_LAYER: return mute_layer(s, &wanted, &t, err);
    default: return mute_tokens(s, &wanted, &t, err);
    }
}

static bool only_slot(struct session *s, struct edits *e, const struct target *t, struct err *err)
{
    char name[48];
    size_t count = session_slot_base(s, s->snapshot->windows);
    size_t index = session_slot_base(s, t->window) + t->slot;
    bool alone = edits_muted(e) + 1 == count && !edits_is_muted(e, index);
    edits_unmute_all(e);
    for (size_t j = 0; j < count && !alone; j++)
        edits_mute(e, j, j != index);
    if (!setting_apply_edits(s, *e, err))
        return false;
    snprintf(name, sizeof name, "w%zu:s%zu", t->window + 1, t->slot);
    tell(s, alone ? "every slot" : name, alone ? "is taken in again" : "is the only slot given");
    return true;
}

static bool only_layer(struct session *s, struct edits *e, const struct target *t, struct err *err)
{
    char name[24];
    size_t count = layer_count(s);
    bool alone = edits_layers_off(e) + 1 == count && !e->layer_off[t->layer];
    for (size_t l = 0; l < count; l++)
        e->layer_off[l] = !alone && l != t->layer;
    if (!setting_apply_edits(s, *e, err))
        return false;
    snprintf(name, sizeof name, "L%zu", t->layer);
    tell(s, alone ? "every layer" : name, alone ? "is open again" : "is the only layer taken from");
    return true;
}

bool do_only(struct session *s, const struct words *words, struct err *err)
{
    struct target t = {0};
    if (!find_target(s, words, &t, err))
        return false;
    if (t.kind == TARGET_TOKENS)
        return err_set(err, ERR_USAGE, "only wants a slot or a layer" WAY
                       "⁅Tab⁆ goes to their pane");
    struct edits wanted = edits_copy(&s->edits);
    return t.kind == TARGET_SLOT ? only_slot(s, &wanted, &t, err)
                                 : only_layer(s, &wanted, &t, err);
}

/* ---- sender mass ------------------------------------------------------------------- */

static bool toggle_ablation(struct session *s, unsigned bit, bool on, const char *name,
                            const char *what, struct err *err)
{
    struct edits wanted = edits_copy(&s->edits);
    wanted.settings.ablations = on ? wanted.settings.ablations | bit
                                   : wanted.settings.ablations & ~bit;
    if (!setting_apply_edits(s, wanted, err))
        return false;
    tell(s, name, what);
    return true;
}

static bool scale_cursor(struct session *s, double by, struct err *err)
{
    struct target t = {.kind = TARGET_TOKENS};
    struct edits wanted = edits_copy(&s->edits);
    view_unit_range(s->snapshot->document, s->view.unit, s->view.token, &t.from, &t.to);
    double factor = edits_token(&wanted, t.from);
    factor = factor > 0 ? factor * by : by > 1 ? 1 : 0; /* from silence, > brings it back */
    if (factor > factor_max || (factor > 0 && factor < factor_min)) {
        edits_free(&wanted);
        return err_set(err, ERR_USAGE, "a token's mass is changed by %.4g..%.4g at most",
                       factor_min, factor_max);
    }
    return set_tokens(s, &wanted, &t, factor, err);
}

bool do_mass(struct session *s, const struct words *words, struct err *err)
{
    struct target t = {0};
    double factor;
    if (!need_windows(s, err))
        return false;
    if (words->count == 1) {
        bool even = !(s->edits.settings.ablations & ABLATE_MASS);
        switch (action_choice(words->word[0], "half|double|even", "mass", err)) {
        case 0: return scale_cursor(s, 0.5, err);
        case 1: return scale_cursor(s, 2, err);
        case 2: return toggle_ablation(s, ABLATE_MASS, even, "sender mass",
                                       even ? "is even" : "is as learned", err);
        default: return false;
        }
    }
    if (words->count != 2 || !value_real(words->word[1], &factor) || factor < 0 ||
        factor > factor_max)
        return refusal_wants(words, err, "a token and a factor 0..%.4g", factor_max);
    if (!parse_target(s, words->word[0], &t, err))
        return false;
    if (t.kind != TARGET_TOKENS)
        return err_set(err, ERR_USAGE, "\"%s\" is no token", words->word[0]);
    struct edits wanted = edits_copy(&s->edits);
    return set_tokens(s, &wanted, &t, factor, err);
}

/* ---- parts taken out ----------------------------------------------------------------- */

bool do_shuffle(struct session *s, const struct words *words, struct err *err)
{
    uint64_t seed = 0;
    char what[64];
    bool off = words->count == 1 && strcmp(words->word[0], "off") == 0;
    bool seeded = words->count == 1 && !off;
    if (words->count > 1 || (seeded && (!value_count(words->word[0], &seed) || seed > UINT32_MAX)))
        return refusal_wants(words, err, "a seed 0..%u, or off", UINT32_MAX);
    struct edits wanted = edits_copy(&s->edits);
    struct compress_settings *to = &wanted.settings;
    bool on = seeded || (!off && !(to->ablations & ABLATE_ORDER));
    to->ablations = on ? to->ablations | ABLATE_ORDER : to->ablations & ~(unsigned)ABLATE_ORDER;
    to->order_seed = (unsigned)seed;
    if (!setting_apply_edits(s, wanted, err))
        return false;
    snprintf(what, sizeof what, "are of a random order, seed %u", (unsigned)seed);
    tell(s, "home spans", on ? what : "are in the order of the text");
    return true;
}

bool do_pool(struct session *s, const struct words *words, struct err *err)
{
    int choice = words->count == 1 ? action_choice(words->word[0], "mean|plan", "pool", err)
                                   : (refusal_wants(words, err, "mean or plan"), -1);
    if (choice < 0)
        return false;
    return toggle_ablation(s, ABLATE_PLAN, choice == 0, "a slot",
                           choice == 0 ? "is the mean of its home span"
                                       : "is what the plan sends it",
                           err);
}

bool do_truncate(struct session *s, const struct words *words, struct err *err)
{
    char line[64];
    uint64_t keep;
    size_t n = session_tokens(s);
    if (words->count == 1 && strcmp(words->word[0], "off") == 0)
        return action_run(s, "range off", err);
    if (words->count != 1 || !value_count(words->word[0], &keep) || keep < 1)
        return refusal_wants(words, err, "a number of tokens, or off");
    if (keep >= n)
        return err_set(err, ERR_USAGE, "the document has only %zu token%s", n,
                       text_plural(n));
    snprintf(line, sizeof line, "range %zu %zu", n - (size_t)keep, n - 1);
    return action_run(s, line, err);
}
