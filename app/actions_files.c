/* Commands that open things, run files of commands, change keys, open the prompt,
 * and end the program. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/actions.h"
#include "app/assets.h"
#include "app/config.h"
#include "app/dialog.h"
#include "app/export.h"
#include "app/jobs.h"
#include "app/recent.h"
#include "app/refusal.h"
#include "app/reopen.h"
#include "app/session_file.h"
#include "app/prompt.h"
#include "app/run_control.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"

/* ---- open -------------------------------------------------------------------------- */


static bool is_picture(const char *path)
{
    size_t length = strlen(path);
    return length > 4 && strcmp(path + length - 4, ".png") == 0;
}

static bool open_document(struct session *s, const char *path, struct err *err);

/* What --from-figure does at the start: its document, then its settings and its view. */
static bool open_figure(struct session *s, const char *path, struct err *err)
{
    struct reopening *r = reopening_open(path, !s->no_sandbox, err);
    struct err missing = {0};
    if (!r)
        return false;
    reopening_free(s->reopening);
    s->reopening = r;
    r->waits = true;
    char *document = reopen_document(&r->meta, path, !s->no_sandbox, &missing);
    bool ok = document && !is_picture(document) && open_document(s, document, err);
    if (!document || is_picture(document)) {
        reopen_ask(s);
        ok = true;
    }
    free(document);
    return ok;
}

static bool open_document(struct session *s, const char *path, struct err *err)
{
    char *text;
    size_t size;
    if (file_is_directory(path)) {
        dialog_open(s, path);
        return true;
    }
    if (session_file_is(path))
        return action_run_text(s, "restore", path, err);
    if (is_picture(path))
        return open_figure(s, path, err);
    if (strcmp(path, "-") == 0)
        return err_set(err, ERR_USAGE, "standard input can only be named on the command line" WAY
                       "⁅O⁆ opens a file");
    if (!session_read_text(s, path, &text, &size, err))
        return false;
    dialog_note_left(s);
    session_set_document(s, path, text, size);
    reopen_continue(s);
    if (!s->headless)
        recent_opened(path, !s->no_sandbox);
    if (s->view.screen != SCREEN_EXPLORE || s->view.overlay == OVERLAY_DIALOG ||
        s->view.overlay == OVERLAY_START)
        dialog_screen(s, SCREEN_EXPLORE);
    return true;
}

bool do_open(struct session *s, const struct words *words, struct err *err)
{
    if (!words->rest[0]) {
        dialog_open(s, s->list_directory ? s->list_directory : ".");
        return true;
    }
    return open_document(s, words->rest, err);
}

bool do_demo(struct session *s, const struct words *words, struct err *err)
{
    (void)words;
    char *path = assets_path(ASSETS_DEMO_DOCUMENT);
    if (!path)
        return err_set(err, ERR_IO, "the sample document is not installed" WAY
                                    "COMPREXIT_ASSETS names the folder that has it");
    bool ok = open_document(s, path, err) &&
              action_run(s, "gold " ASSETS_DEMO_ANSWER, err) &&
              action_run(s, "ask " ASSETS_DEMO_QUESTION, err);
    s->hint_when_idle = ok;
    free(path);
    return ok;
}

/* Takes over path. Before the engine is there, the rc file is read: what it names is opened
 * where neither the command line nor the environment names another. */
static void name_early(char **named, char *path)
{
    free(*named);
    *named = path;
}

bool do_model(struct session *s, const struct words *words, struct err *err)
{
    if (!words->rest[0]) {
        dialog_models(s);
        return true;
    }
    const char *path = words->rest;
    bool there = file_exists(path) || file_is_directory(path);
    if (!there)
        err_set(err, ERR_INPUT, "%s: no such file or directory", path);
    else if (s->worker)
        jobs_set_model(s, path);
    else
        name_early(&s->rc_model, xstrdup(path));
    return there;
}

bool do_compressor(struct session *s, const struct words *words, struct err *err)
{
    if (!words->rest[0]) {
        dialog_compressors(s);
        return true;
    }
    const char *path = words->rest;
    bool there = strcmp(path, "none") == 0 || file_exists(path) || file_is_directory(path);
    if (!there)
        err_set(err, ERR_INPUT, "%s: no such file or directory", path);
    else if (s->worker)
        jobs_set_compressor(s, path);
    else
        name_early(&s->rc_compressor, xstrdup(path));
    return there;
}

bool do_source(struct session *s, const struct words *words, struct err *err)
{
    if (!words->rest[0])
        return refusal_wants(words, err, "a file");
    return config_run_file(s, words->rest, err);
}

/* ---- prompt --------------------------------------------------------------------------- */

/* The figure line of the pane in front, or of all panes, ready to edit. */
static void figure_line(const struct session *s, bool all, char *out, size_t size)
{
    export_suggest(s->snapshot, &s->view, all ? FIGURE_KIND_COUNT : export_kind_of_view(&s->view),
                   out, size);
}

bool do_prompt(struct session *s, const struct words *words, struct err *err)
{
    char line[512] = "";
    if (words->count < 1 || words->count > 2)
        return refusal_wants(words, err, "ask, command, find, export or export-all");
    int kind = action_choice(words->word[0], "ask|command|find|export|export-all", "prompt", err);
    if (kind < 0)
        return false;
    if (kind == 0 && !s->document.path)
        return err_set(err, ERR_USAGE, "no document is open" WAY "⁅O⁆ opens one");
    if (kind == 0 && s->worker && worker_pending(s->worker) & JOB_ASK)
        session_note(s, "answers are running: Ctrl-C stops them, a new question takes their place");
    if (words->count == 2)
        snprintf(line, sizeof line, "%s", words->word[1]);
    else if (kind == 0 && s->question)
        snprintf(line, sizeof line, "%s", s->question);
    else if (kind >= 3)
        figure_line(s, kind == 4, line, sizeof line);
    static const enum prompt_kind kinds[] = {PROMPT_ASK, PROMPT_COMMAND, PROMPT_FIND,
                                             PROMPT_COMMAND, PROMPT_COMMAND};
    prompt_open(kinds[kind], line);
    s->dirty = true;
    return true;
}

/* ---- screen and end -------------------------------------------------------------------- */

bool do_redraw(struct session *s, const struct words *words, struct err *err)
{
    (void)words;
    (void)err;
    s->slow_line = false;
    session_apply_display(s);
    s->redraw = true;
    return true;
}

bool do_suspend(struct session *s, const struct words *words, struct err *err)
{
    (void)words;
    (void)err;
    s->suspend = true;
    return true;
}

/* A run that is in progress saves first; whoever does not want to wait asks again. */
static bool quit_after_save(struct session *s, bool sure, struct err *err)
{
    if (s->quit_saving) {
        s->quit = true;
        return true;
    }
    if (!sure && !s->quit_asked) {
        dialog_quit(s, "Training goes on until this step is done, saves, and ends.");
        return true;
    }
    s->quit_saving = true;
    run_control_quit_after(s);
    session_note(s, "the run saves after this step, then the program ends; ⁅q⁆ again: at once");
    return run_control_say(s, "stop", err);
}

bool do_quit(struct session *s, const struct words *words, struct err *err)
{
    bool saved = edits_equal(&s->edits, &s->saved);
    size_t edits = saved ? 0 : view_edits_count(s->snapshot, &s->view);
    if (run_control_trains(s) && !s->headless)
        return quit_after_save(s, words->force, err);
    if (!words->force && edits && !s->quit_asked && !s->headless) {
        char why[96];
        snprintf(why, sizeof why, "%zu edit%s will be forgotten.", edits, text_plural(edits));
        dialog_quit(s, why);
        return true;
    }
    s->quit = true;
    return true;
}
