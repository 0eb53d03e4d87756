#include "app/tour.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/actions.h"
#include "app/live.h"
#include "app/settings.h"
#include "app/words.h"
#include "app/worker.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/base/text.h"
#include "views/key_text.h"

enum { STEPS_MAX = 200, SCRIPT_MAX = 1 << 20 };

struct step {
    char *title, *text, *commands; /* owned; commands: lines */
    bool seen;                     /* then how it was left: */
    struct view_state view;
    struct edits edits;
};

struct tour {
    struct step *steps;
    size_t n, at, capacity;
    bool presenting;
    char caption[1024], title[160]; /* what view_state borrows */
};

/* The ten steps of the tour. {..} are numbers and words of what is open. */
static const struct {
    const char *title, *text, *commands;
} built_in[] = {
    {"The bill", "The model keeps a key and a value for every token it has read: {tokens} "
                 "tokens{kv}. ComprExIT hands it {slots} slots instead. Watch what survives.",
     "focus answers"},
    {"Read once, frozen", "The model reads the text and none of its weights change. Each token now "
                          "has {states} states, one per layer.",
     "focus document\nview document none"},
    {"Down the layers", "A gate decides how much of each layer to take. Bright rows are the layers "
                        "taken from. {move}",
     "focus gates"},
    {"Anchor", "The mixture is the token's anchor: the one vector that it sends. Nothing is "
               "squeezed through attention again and again.",
     "view gates gate"},
    {"How much may it say?", "Sender mass: each token's share of the message. {small} sends "
                             "little; even share is 1/{window}.",
     "view document mass\nfocus plan"},
    {"Who carries it?", "{per-window} slots of equal capacity, each starting at its home span of "
                        "{ratio} tokens. Likeness says which token suits which slot.",
     "view document none\nview plan likeness"},
    {"Balance", "Tokens must give away their mass, slots must fill up. Correct one side, then the "
                "other: {iterations} times. Press ⁅p⁆.",
     "view plan mass\nstrip on\niter 0"},
    {"Sharp or soft?", "eps small: each token chooses one slot. eps large: everybody everywhere. "
                       "Change it (Right, then Up or Down); then ⁅r⁆, and read the answer again. "
                       "The next step puts it back.",
     "iter last\nstrip on"},
    {"Look back", "Put the cursor on an answer word: these are the tokens that its slots carried.",
     "strip off\nfocus answers\nmove first"},
    {"Break it", "Mute the slot that mattered (⁅m⁆), regenerate (⁅r⁆). Then find "
                 "out what training taught it: key ⁅4⁆.",
     "focus answers\nfollow"},
};

/* ---- steps ------------------------------------------------------------------------ */

static void add_step(struct tour *t, const char *title, const char *text, const char *commands)
{
    MEM_GROW(t->steps, t->capacity, t->n + 1);
    t->steps[t->n++] = (struct step){.title = xstrdup(title), .text = xstrdup(text),
                                     .commands = xstrdup(commands)};
}

void tour_free(struct tour *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->n; i++) {
        free(t->steps[i].title);
        free(t->steps[i].text);
        free(t->steps[i].commands);
        edits_free(&t->steps[i].edits);
    }
    free(t->steps);
    free(t);
}

/* Commands gather until a caption ends the step. */
static bool read_line(struct tour *t, const char *line, char **commands, size_t *used,
                      struct err *err)
{
    struct words words;
    if (!words_split(&words, line, err)) {
        words_free(&words);
        return false;
    }
    bool say = strcmp(words.name, "say") == 0;
    if (say && t->n < STEPS_MAX) {
        (*commands)[*used] = '\0';
        add_step(t, "", words.rest, *commands);
        *used = 0;
    } else if (!say && words.name[0] && strcmp(words.name, "note") != 0) {
        size_t length = strlen(line);
        memcpy(*commands + *used, line, length);
        (*commands)[*used + length] = '\n';
        *used += length + 1;
    }
    words_free(&words);
    return true;
}

struct reading {
    struct tour *tour;
    const char *path;
};

static bool read_script(void *context, struct err *err)
{
    struct reading *r = context;
    struct tour *t = r->tour;
    const char *path = r->path;
    char *text;
    size_t size, used = 0, number = 0;
    if (!file_read(path, SCRIPT_MAX, &text, &size, err))
        return false;
    char *commands = xmalloc(size + 2);
    bool ok = true;
    for (size_t at = 0; ok && at < size; number++) {
        size_t length = strcspn(text + at, "\n");
        char *line = xstrndup(text + at, length);
        ok = read_line(t, line, &commands, &used, err) ||
             err_prefix(err, "%s:%zu", file_name(path), number + 1);
        free(line);
        at += length + 1;
    }
    free(commands);
    free(text);
    return ok && (t->n > 0 || err_set(err, ERR_INPUT, "%s: nothing to present: no line says "
                                                      "anything", path));
}

bool tour_is_script(const char *path, bool confined)
{
    struct tour *t = xcalloc(1, sizeof *t);
    worker_call(confined, read_script, &(struct reading){t, path}, NULL);
    bool says = t->n > 0; /* also before a line that is wrong, which is told later */
    tour_free(t);
    return says;
}

/* ---- captions ---------------------------------------------------------------------- */

static size_t document_slots(const struct session *s)
{
    return s->snapshot->windows ? session_slot_base(s, s->snapshot->windows) : 0;
}

/* Words of the document that captions speak of: the designed ones where it has them. */
enum {
    WANTED_BYTES = 1 << 16,
    WORDS_BYTES = 2048,
    WORD_MOST = 14,
    SMALL_MOST = 3,
    TELLING_LEAST = 5
};

/* Bytes of the word of plain letters at `at`, which moves behind it and what follows up to the
 * next; 0: it has other characters. */
static size_t next_word(const char *text, size_t size, size_t *at)
{
    size_t from = *at;
    bool plain = true;
    for (; *at < size && (isalnum((unsigned char)text[*at]) || text[*at] & 0x80); ++*at)
        plain = plain && isalpha((unsigned char)text[*at]);
    size_t length = *at - from;
    while (*at < size && !isalnum((unsigned char)text[*at]) && !(text[*at] & 0x80))
        ++*at;
    return plain ? length : 0;
}

static size_t count_word(const char *text, size_t size, const char *word, size_t length)
{
    size_t count = 0;
    for (size_t at = 0, from; from = at, at < size;)
        count += next_word(text, size, &at) == length && memcmp(text + from, word, length) == 0;
    return count;
}

/* `wanted` if it is there; else the short word that comes most often, or the longest. */
static void choose_word(const struct session *s, const char *wanted, bool small,
                        char out[WORD_MOST + 1])
{
    const struct snapshot_document *d = s->snapshot->document;
    size_t size = d && d->text ? size_min(d->size, WORDS_BYTES) : 0, best = 0;
    out[0] = '\0';
    size_t all = size ? size_min(d->size, WANTED_BYTES) : 0;
    if (all && count_word(d->text, all, wanted, strlen(wanted))) {
        snprintf(out, WORD_MOST + 1, "%s", wanted);
        return;
    }
    for (size_t at = 0, from; from = at, at < size;) {
        size_t length = next_word(d->text, size, &at), least = small ? 2 : TELLING_LEAST;
        if (length < least || length > (small ? SMALL_MOST : WORD_MOST))
            continue;
        size_t rank = small ? count_word(d->text, size, d->text + from, length) : length;
        if (rank > best && (!small || rank > 1)) {
            best = rank;
            snprintf(out, WORD_MOST + 1, "%.*s", (int)length, d->text + from);
        }
    }
}

static void word_of(const struct session *s, const char *name, char *out, size_t size)
{
    char small[WORD_MOST + 1], telling[WORD_MOST + 1];
    choose_word(s, "the", true, small);
    choose_word(s, "coal", false, telling);
    if (strcmp(name, "small") == 0 && small[0])
        snprintf(out, size, "'%s'", small);
    else if (strcmp(name, "small") == 0)
        snprintf(out, size, "A token of little weight");
    else if (small[0] && telling[0])
        snprintf(out, size, "Move over '%s' (Right), then over '%s' (/%s, Enter).", small, telling,
                 telling);
    else
        snprintf(out, size, "Move along the text (Right): each token has a column of its own.");
}

/* The number or words that a word in braces stands for; "" when they are not known. */
static void number_of(const struct session *s, const char *name, char *out, size_t size)
{
    const struct snapshot *n = s->snapshot;
    const struct snapshot_settings *set = &n->settings;
    const struct snapshot_answer *full = n->answer[ANSWER_FULL];
    const struct snapshot_window *w = session_window(s); /* maybe shorter than the setting says */
    out[0] = '\0';
    if (strcmp(name, "tokens") == 0)
        snprintf(out, size, "%zu", session_tokens(s));
    else if (strcmp(name, "slots") == 0)
        snprintf(out, size, "%zu", document_slots(s));
    else if (strcmp(name, "states") == 0)
        snprintf(out, size, "%zu", n->facts.layers + 1);
    else if (strcmp(name, "window") == 0)
        snprintf(out, size, "%zu", w ? w->tokens : set->window);
    else if (strcmp(name, "per-window") == 0)
        snprintf(out, size, "%zu", w ? w->slots : set->slots_per_window);
    else if (strcmp(name, "ratio") == 0)
        snprintf(out, size, "%.4g", set->ratio);
    else if (strcmp(name, "iterations") == 0)
        snprintf(out, size, "%u", set->iters);
    else if (strcmp(name, "kv") == 0 && full && full->kv_bytes)
        snprintf(out, size, ", %.1f MiB", (double)full->kv_bytes / (1 << 20));
    else if (strcmp(name, "move") == 0 || strcmp(name, "small") == 0)
        word_of(s, name, out, size);
}

static void fill_in(const struct session *s, const char *text, char *out, size_t size)
{
    size_t used = 0;
    while (*text && used + 1 < size) {
        size_t length = *text == '{' ? strcspn(text, "}") : 0;
        if (length && text[length] == '}' && length < 24) {
            char name[24];
            snprintf(name, sizeof name, "%.*s", (int)length - 1, text + 1);
            number_of(s, name, out + used, size - used);
            used += strlen(out + used);
            text += length + 1;
        } else {
            out[used++] = *text++;
        }
    }
    out[used] = '\0';
}

static void show_caption(struct session *s)
{
    struct tour *t = s->tour;
    const struct step *step = &t->steps[t->at];
    char text[sizeof t->caption], now[sizeof t->caption];
    fill_in(s, step->text, now, sizeof now);
    key_text_fill(&s->view, now, text, sizeof text);
    text_sanitize(t->caption, sizeof t->caption, text, strlen(text));
    snprintf(t->title, sizeof t->title, "%zu of %zu%s%s", t->at + 1, t->n,
             step->title[0] ? " \u00b7 " : "", step->title);
    s->view.caption = t->caption;
    s->view.caption_title = t->title;
    s->view.caption_keys = t->presenting ? "Space next \u00b7 PgUp back \u00b7 ⁅F5⁆ ends"
                                         : "⁅T⁆ next \u00b7 ⁅Esc⁆ ends";
    s->dirty = true;
}

void tour_refresh(struct session *s)
{
    if (s->tour && s->view.caption == s->tour->caption)
        show_caption(s);
}

/* ---- going through them ---------------------------------------------------------------- */

static void run_commands(struct session *s, const char *commands)
{
    while (*commands) {
        size_t length = strcspn(commands, "\n");
        char *line = xstrndup(commands, length);
        action_perform(s, line);
        free(line);
        commands += length + (commands[length] == '\n');
    }
}

/* How the step left things, for coming back to it. */
static void remember(struct session *s)
{
    struct step *step = &s->tour->steps[s->tour->at];
    edits_free(&step->edits);
    step->edits = edits_copy(&s->edits);
    step->view = s->view;
    step->seen = true;
}

/* Everything of the view but what belongs to the terminal, the prompt and the session. */
static void restore(struct session *s)
{
    struct step *step = &s->tour->steps[s->tour->at];
    const struct view_state now = s->view;
    struct err err = {0};
    s->view = step->view;
    s->view.rows = now.rows;
    s->view.columns = now.columns;
    s->view.display = now.display;
    s->view.prompt_label = now.prompt_label;
    s->view.prompt_text = now.prompt_text;
    s->view.prompt_point = now.prompt_point;
    s->view.prompt_open = now.prompt_open;
    s->view.held = now.held;
    s->view.entries = NULL;
    s->view.n_entries = 0;
    s->view.overlay = OVERLAY_NONE;
    s->view.message[0] = '\0';
    bool changed = s->edits_known && !edits_equal(&step->edits, &s->edits);
    if (changed && !setting_apply_edits(s, edits_copy(&step->edits), &err))
        session_fail(s, &err, "⁅Esc⁆ ends the tour", "the edits stay as they were");
    else if (changed) /* else an answer of what was changed stands there */
        live_soon(s);
    session_compose(s);
}

static void enter_step(struct session *s)
{
    struct tour *t = s->tour;
    s->view.blank = false;
    if (t->steps[t->at].seen) {
        restore(s);
    } else {
        run_commands(s, t->steps[t->at].commands);
        if (t->presenting)
            s->view.zoomed = true;
        remember(s);
    }
    show_caption(s);
}

void tour_next(struct session *s)
{
    struct tour *t = s->tour;
    if (!t)
        return;
    if (t->at + 1 >= t->n) {
        tour_stop(s);
        session_note(s, "the end: everything stays as it is");
        return;
    }
    restore(s); /* what was explored on the way does not matter */
    t->at++;
    enter_step(s);
}

void tour_back(struct session *s)
{
    if (!s->tour || s->tour->at == 0)
        return;
    s->tour->at--;
    enter_step(s);
}

void tour_stop(struct session *s)
{
    if (s->tour && s->tour->presenting)
        s->view.zoomed = false;
    tour_free(s->tour);
    s->tour = NULL;
    tour_say(s, NULL);
}

void tour_say(struct session *s, const char *text)
{
    free(s->said);
    s->said = text ? xstrdup(text) : NULL;
    s->view.caption = s->said;
    s->view.caption_title = s->view.caption_keys = "";
    s->view.presenting = s->view.blank = false;
    s->dirty = true;
}

bool tour_start(struct session *s, const char *path, bool presenting, struct err *err)
{
    struct tour *t = xcalloc(1, sizeof *t);
    t->presenting = presenting;
    for (size_t i = 0; !path && i < sizeof built_in / sizeof *built_in; i++)
        add_step(t, built_in[i].title, built_in[i].text, built_in[i].commands);
    if (path && !worker_call(!s->no_sandbox, read_script, &(struct reading){t, path}, err)) {
        tour_free(t);
        return false;
    }
    tour_stop(s);
    s->tour = t;
    s->view.presenting = presenting;
    enter_step(s);
    return true;
}
