#include "app/settings.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/actions.h"
#include "app/jobs.h"
#include "app/live.h"
#include "app/prompt.h"
#include "app/refusal.h"
#include "app/values.h"

#define ROW(id, name, values, help) {name, values, help},
const struct setting_row settings_table[SETTING_COUNT] = {SETTINGS(ROW)};
#undef ROW
#define NAME(id, name, values, help) name "|"
static const char setting_names[] = SETTINGS(NAME);
#undef NAME

/* Which of `given` a setting stands for; as in struct engine_options. */
enum given { GIVEN_WINDOW, GIVEN_RATIO, GIVEN_EPS, GIVEN_ITERS, GIVEN_ALIGN };

enum { ITERATIONS_MAX = 200, WINDOW_MIN = 16, SEGMENT_MAX = 4096, ANSWER_MAX = 1000,
       HISTORY_MAX = 10000, FPS_MAX = 30, KEEP_MIN = 100, KEEP_MAX = 100000,
       AUTOSAVE_SECONDS_MAX = 3600 };
static const double eps_min = 0.005, eps_max = 2, eps_step = 1.25, ratio_max = 8192;

enum setting setting_find(const char *name, struct err *err)
{
    struct err quiet;
    int index = action_choice(name, setting_names, "setting", &quiet);
    if (index >= 0)
        return (enum setting)index;
    const char *names[SETTING_COUNT + 1] = {NULL};
    for (int i = 0; i < SETTING_COUNT; i++)
        names[i] = settings_table[i].name;
    const char *nearest = value_nearest(name, names);
    for (int i = 0; i < SETTING_COUNT && !nearest; i++) /* "epsilon" begins with "eps" */
        if (strncmp(name, names[i], strlen(names[i])) == 0)
            nearest = names[i];
    if (nearest)
        err_set(err, ERR_USAGE, "unknown setting \"%s\", did you mean \"%s\"?", name, nearest);
    else
        err_set(err, ERR_USAGE, "unknown setting \"%s\"" WAY ":show lists them", name);
    return SETTING_COUNT;
}

/* ---- telling -------------------------------------------------------------------- */

static size_t segment_of(const struct session *s)
{
    return s->edits.segment ? s->edits.segment : 512;
}

void setting_format(const struct session *s, enum setting setting, char *out, size_t size)
{
    const struct preferences *p = &s->preferences;
    const struct compress_settings *c = &s->edits.settings;
    switch (setting) {
    case SETTING_ITERATIONS: snprintf(out, size, "%u", c->iters); return;
    case SETTING_EPS: snprintf(out, size, "%.4g", c->eps); return;
    case SETTING_WINDOW: snprintf(out, size, "%zu", c->window); return;
    case SETTING_RATIO: snprintf(out, size, "%.4g", c->ratio); return;
    case SETTING_SLOTS: snprintf(out, size, "%.0f", ceil((double)c->window / c->ratio)); return;
    case SETTING_ALIGN: snprintf(out, size, "%s", c->align == ALIGN_HEAD ? "head" : "tail"); return;
    case SETTING_SEGMENT: snprintf(out, size, "%zu", segment_of(s)); return;
    case SETTING_SEED: snprintf(out, size, "%lu", p->seed); return;
    case SETTING_MAX_TOKENS: snprintf(out, size, "%zu", p->max_tokens); return;
    case SETTING_KEEP: snprintf(out, size, "%zu", p->keep); return;
    case SETTING_AUTOSAVE: snprintf(out, size, "%zu", p->autosave); return;
    case SETTING_LIVE: snprintf(out, size, "%s", p->live ? "on" : "off"); return;
    case SETTING_SPEAK: snprintf(out, size, "%s", s->view.speak ? "on" : "off"); return;
    case SETTING_BRUSH_MIN: snprintf(out, size, "%.4g%%", 100 * s->view.brush_min); return;
    case SETTING_THEME: snprintf(out, size, "%s", p->theme); return;
    case SETTING_GLYPHS: snprintf(out, size, "%s", p->glyphs); return;
    case SETTING_AMBIGUOUS: snprintf(out, size, "%s", p->ambiguous); return;
    case SETTING_MOUSE: snprintf(out, size, "%s", p->mouse ? "on" : "off"); return;
    case SETTING_HISTORY: snprintf(out, size, "%zu", p->history); return;
    case SETTING_FPS: snprintf(out, size, "%.4g", p->fps); return;
    case SETTING_COUNT: break;
    }
    *out = '\0';
}

/* ---- changing what is computed ---------------------------------------------------- */

void setting_publish(struct session *s, const struct edits *before)
{
    bool muted_changed = !edits_same_muted(before, &s->edits);
    bool settings_changed = !edits_same_method(before, &s->edits);
    s->view.iteration = -1;
    if (s->worker && s->edits_known && (muted_changed || settings_changed)) {
        /* A compressed answer under way would be stale before it is finished; what
         * else runs is interrupted and goes on. */
        if (s->waiting[ANSWER_COMPRESSED])
            worker_cancel(s->worker, JOB_ASK);
        if (settings_changed)
            jobs_set_settings(s);
        if (muted_changed || edits_muted(&s->edits))
            jobs_set_muted(s);
        live_changed(s);
    }
    session_compose(s);
}

bool setting_apply_edits(struct session *s, struct edits wanted, struct err *err)
{
    if (!session_can_compute(s, err) || !compress_settings_check(&wanted.settings, err)) {
        edits_free(&wanted);
        return false;
    }
    if (s->edits_known && !edits_equal(&wanted, &s->edits))
        undo_remember(&s->undo, &s->edits);
    struct edits before = s->edits;
    s->edits = wanted;
    setting_publish(s, &before);
    edits_free(&before);
    return true;
}

static bool out_of_range(const char *name, const char *value, struct err *err)
{
    for (int i = 0; i < SETTING_COUNT; i++)
        if (strcmp(settings_table[i].name, name) == 0)
            return err_set(err, ERR_USAGE, "%s \"%s\" is not in %s", name, value,
                           settings_table[i].values);
    return false;
}

static bool count_between(const char *name, const char *value, uint64_t low, uint64_t high,
                          uint64_t *out, struct err *err)
{
    return (value_count(value, out) && *out >= low && *out <= high) ||
           out_of_range(name, value, err);
}

/* The bound is another setting's value: its number is told beside its name. */
static bool count_within(const char *name, const char *value, uint64_t low, size_t whole,
                         const char *of, uint64_t *out, struct err *err)
{
    return (value_count(value, out) && *out >= low && *out <= whole) ||
           err_set(err, ERR_USAGE, "%s \"%s\" is not in %" PRIu64 "..%zu, the tokens of a %s",
                   name, value, low, whole, of);
}

static bool real_between(const char *name, const char *value, double low, double high,
                         double *out, struct err *err)
{
    return (value_real(value, out) && *out >= low && *out <= high) ||
           out_of_range(name, value, err);
}

static bool change_window(struct edits *e, size_t segment, const char *value, struct err *err)
{
    uint64_t n;
    if (!count_within("window", value, WINDOW_MIN, segment, "segment", &n, err))
        return false;
    e->settings.window = (size_t)n;
    return true;
}

static bool change_slots(struct edits *e, const char *value, struct err *err)
{
    uint64_t n;
    if (!count_within("slots", value, 1, e->settings.window, "window", &n, err))
        return false;
    e->settings.ratio = (double)e->settings.window / (double)n;
    return true;
}

static bool change_segment(struct edits *e, const char *value, struct err *err)
{
    uint64_t n;
    if (!count_between("segment", value, WINDOW_MIN, SEGMENT_MAX, &n, err))
        return false;
    if (n < e->settings.window)
        return err_set(err, ERR_USAGE, "segment %s is smaller than the window, %zu", value,
                       e->settings.window);
    e->segment = (size_t)n;
    return true;
}

/* Changes one setting of the method in *e; *given: its index for the time before
 * the engine is there, -1 for none. */
static bool change_edit(struct session *s, struct edits *e, enum setting setting,
                        const char *value, int *given, struct err *err)
{
    uint64_t n;
    double x;
    int choice;
    *given = -1;
    switch (setting) {
    case SETTING_ITERATIONS:
        if (!count_between("iterations", value, 0, ITERATIONS_MAX, &n, err))
            return false;
        *given = GIVEN_ITERS;
        e->settings.iters = (unsigned)n;
        return true;
    case SETTING_EPS:
        if (!real_between("eps", value, eps_min, eps_max, &x, err))
            return false;
        *given = GIVEN_EPS;
        e->settings.eps = x;
        return true;
    case SETTING_RATIO:
        if (!real_between("ratio", value, 1, ratio_max, &x, err))
            return false;
        *given = GIVEN_RATIO;
        e->settings.ratio = x;
        return true;
    case SETTING_ALIGN:
        choice = action_choice(value, "tail|head", "align", err);
        *given = GIVEN_ALIGN;
        e->settings.align = choice == 1 ? ALIGN_HEAD : ALIGN_TAIL;
        return choice >= 0;
    case SETTING_WINDOW:
        *given = GIVEN_WINDOW;
        return change_window(e, segment_of(s), value, err);
    case SETTING_SLOTS:
        *given = GIVEN_RATIO;
        return change_slots(e, value, err);
    default:
        return change_segment(e, value, err);
    }
}

static bool change_method(struct session *s, enum setting setting, const char *value,
                          struct err *err)
{
    int given;
    struct edits wanted = edits_copy(&s->edits);
    if (!change_edit(s, &wanted, setting, value, &given, err)) {
        edits_free(&wanted);
        return false;
    }
    /* Another shape of the plan has other slots. */
    if (setting != SETTING_EPS && setting != SETTING_ITERATIONS)
        edits_unmute_all(&wanted);
    if (!setting_apply_edits(s, wanted, err))
        return false;
    if (given >= 0)
        s->given[given] = true;
    return true;
}

/* ---- changing the rest --------------------------------------------------------------- */

static bool change_word(struct session *s, enum setting setting, char out[8], const char *value,
                        struct err *err)
{
    const struct setting_row *row = &settings_table[setting];
    int index = action_choice(value, row->values, row->name, err);
    if (index < 0)
        return false;
    const char *word = row->values;
    while (index--)
        word = strchr(word, '|') + 1;
    snprintf(out, 8, "%.*s", (int)strcspn(word, "|"), word);
    session_apply_display(s);
    return true;
}

static bool change_mouse(struct session *s, const char *value, struct err *err)
{
    int choice = action_choice(value, "on|off|toggle", "mouse", err);
    if (choice < 0)
        return false;
    s->preferences.mouse = choice == 0 || (choice == 2 && !s->preferences.mouse);
    session_apply_display(s);
    if (choice == 2)
        session_note(s, "mouse %s", s->preferences.mouse ? "on" : "off");
    return true;
}

static bool change_switch(struct session *s, enum setting setting, bool *out, const char *value,
                          struct err *err)
{
    int choice = action_choice(value, "on|off", settings_table[setting].name, err);
    if (choice < 0)
        return false;
    *out = choice == 0;
    s->dirty = true;
    return true;
}

static bool change_brush(struct session *s, const char *value, struct err *err)
{
    char number[32];
    size_t length = strlen(value);
    bool percent = length && length < sizeof number && value[length - 1] == '%';
    double x;
    snprintf(number, sizeof number, "%.*s", (int)(length - percent), value);
    if (!value_real(number, &x) || x < 0 || x > (percent ? 100 : 1))
        return out_of_range("brush.min", value, err);
    s->view.brush_min = percent ? x / 100 : x;
    s->dirty = true;
    return true;
}

bool setting_change(struct session *s, enum setting setting, const char *value, struct err *err)
{
    struct preferences *p = &s->preferences;
    uint64_t n = 0;
    bool ok;
    switch (setting) {
    case SETTING_SEED:
        if ((ok = count_between("seed", value, 0, UINT64_MAX, &n, err)))
            p->seed = (unsigned long)n;
        return ok;
    case SETTING_MAX_TOKENS:
        if ((ok = count_between("max-tokens", value, 1, ANSWER_MAX, &n, err)))
            p->max_tokens = (size_t)n;
        return ok;
    case SETTING_HISTORY:
        if ((ok = count_between("history", value, 0, HISTORY_MAX, &n, err)))
            prompt_keep_history(p->history = (size_t)n);
        return ok;
    case SETTING_KEEP:
        if ((ok = count_between("keep", value, KEEP_MIN, KEEP_MAX, &n, err)))
            p->keep = (size_t)n;
        return ok;
    case SETTING_AUTOSAVE:
        if ((ok = count_between("autosave", value, 0, AUTOSAVE_SECONDS_MAX, &n, err))) {
            p->autosave = (size_t)n;
            s->next_autosave_ms = s->now_ms + 1e3 * (double)n;
        }
        return ok;
    case SETTING_FPS: return real_between("fps", value, 1, FPS_MAX, &p->fps, err);
    case SETTING_BRUSH_MIN: return change_brush(s, value, err);
    case SETTING_THEME: return change_word(s, setting, p->theme, value, err);
    case SETTING_GLYPHS: return change_word(s, setting, p->glyphs, value, err);
    case SETTING_AMBIGUOUS: return change_word(s, setting, p->ambiguous, value, err);
    case SETTING_MOUSE: return change_mouse(s, value, err);
    case SETTING_LIVE: return change_switch(s, setting, &p->live, value, err);
    case SETTING_SPEAK: return change_switch(s, setting, &s->view.speak, value, err);
    default: return change_method(s, setting, value, err);
    }
}

/* ---- the strip ------------------------------------------------------------------------ */

enum setting setting_of_field(enum strip_field field)
{
    static const enum setting of[STRIP_FIELDS] = {
        [STRIP_ITERS] = SETTING_ITERATIONS, [STRIP_EPS] = SETTING_EPS,
        [STRIP_WINDOW] = SETTING_WINDOW,    [STRIP_RATIO] = SETTING_RATIO,
        [STRIP_ALIGN] = SETTING_ALIGN};
    return of[field];
}

static double clamped(double x, double low, double high)
{
    return x < low ? low : x > high ? high : x;
}

bool setting_step(struct session *s, enum strip_field field, int by, struct err *err)
{
    const struct compress_settings *c = &s->edits.settings;
    char value[32];
    switch (field) {
    case STRIP_ITERS:
        snprintf(value, sizeof value, "%.0f", clamped((double)c->iters + by, 0, ITERATIONS_MAX));
        break;
    case STRIP_EPS:
        snprintf(value, sizeof value, "%.3g",
                 clamped(by > 0 ? c->eps * eps_step : c->eps / eps_step, eps_min, eps_max));
        break;
    case STRIP_WINDOW: {
        double w = by > 0 ? (double)c->window * 2 : (double)c->window / 2;
        snprintf(value, sizeof value, "%.0f", clamped(w, WINDOW_MIN, (double)segment_of(s)));
        break;
    }
    case STRIP_RATIO:
        snprintf(value, sizeof value, "%.4g",
                 clamped(by > 0 ? c->ratio * 2 : c->ratio / 2, 1, ratio_max));
        break;
    default:
        snprintf(value, sizeof value, "%s", c->align == ALIGN_HEAD ? "tail" : "head");
    }
    return setting_change(s, setting_of_field(field), value, err);
}
