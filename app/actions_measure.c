/* Commands that measure what compression costs and what it is worth. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/actions.h"
#include "app/assets.h"
#include "app/cursor.h"
#include "app/jobs.h"
#include "app/refusal.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/sha256.h"

static bool need_engine(const struct session *s, struct err *err)
{
    if (!session_can_compute(s, err))
        return false;
    if (!s->worker)
        return err_set(err, ERR_USAGE, "there is no engine" WAY ":model PATH opens one");
    return session_tokens(s) || err_set(err, ERR_USAGE, "no document is open" WAY "⁅O⁆ opens one");
}

bool do_loss(struct session *s, const struct words *words, struct err *err)
{
    if (words->count == 1 && strcmp(words->word[0], "off") == 0) {
        worker_cancel(s->worker, JOB_LOSS);
        s->view.value[PANE_DOCUMENT] = VALUE_NONE;
        s->dirty = true;
        return true;
    }
    if (words->count > 1 || (words->count && strcmp(words->word[0], "next") != 0))
        return refusal_wants(words, err, "next (or nothing), or off");
    if (!need_engine(s, err))
        return false;
    s->view.value[PANE_DOCUMENT] = VALUE_LOSS;
    cursor_focus(s, PANE_DOCUMENT);
    jobs_loss(s);
    return true;
}

/* A sample text that is not the open document; *name is static. */
static char *other_text(const struct session *s, const char **name, size_t *size, struct err *err)
{
    static const char *const samples[] = {"harbour.txt", "observatory.txt", "saltworks.txt"};
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        char *path = assets_path(samples[i]), *text = NULL, hex[65];
        bool there = path && session_read_text(s, path, &text, size, NULL);
        free(path);
        if (!there)
            continue;
        sha256_hex(text, *size, hex);
        *name = samples[i];
        if (strcmp(hex, s->snapshot->document->sha256) != 0)
            return text;
        free(text);
    }
    err_set(err, ERR_IO, "the sample texts are not installed" WAY
            "COMPREXIT_ASSETS names their folder");
    return NULL;
}

bool do_control(struct session *s, const struct words *words, struct err *err)
{
    const char *name = "";
    size_t size;
    (void)words;
    if (!need_engine(s, err))
        return false;
    if (!s->question || s->continue_from)
        return err_set(err, ERR_USAGE, "the control is of a question" WAY "⁅a⁆ asks one");
    char *text = other_text(s, &name, &size, err);
    if (text)
        jobs_control(s, text, size, name);
    return text != NULL;
}

/* The text itself goes on behind the window, so it is what the answers are scored by. */
static char *text_behind(const struct session *s, size_t token)
{
    const struct snapshot_document *d = s->snapshot->document;
    size_t end = token + s->preferences.max_tokens;
    size_t last = end < d->tokens ? end : d->tokens;
    if (token >= d->tokens || d->end[last - 1] <= d->start[token])
        return NULL;
    return xstrndup(d->text + d->start[token], d->end[last - 1] - d->start[token]);
}

bool do_continue(struct session *s, const struct words *words, struct err *err)
{
    char name[96];
    if (!need_engine(s, err) || !s->snapshot->windows)
        return s->worker ? err_set(err, ERR_USAGE, "nothing is read yet" WAY
                                   "the window at the cursor is read first") : false;
    bool off = words->count == 1 && strcmp(words->word[0], "off") == 0;
    if (words->count && !off)
        return refusal_wants(words, err, "nothing, or off");
    session_set_question(s, NULL);
    free(s->gold);
    s->gold = NULL;
    s->continue_from = 0;
    if (!off) {
        size_t window = snapshot_window_of(s->snapshot, s->view.token);
        s->continue_from = s->snapshot->window_first[window + 1];
        snprintf(name, sizeof name, "(continue after token %zu)", s->continue_from - 1);
        session_set_question(s, name);
        s->gold = text_behind(s, s->continue_from);
        jobs_ask_all(s);
    }
    session_compose(s);
    return true;
}
