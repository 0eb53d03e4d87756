#include "app/explore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/actions.h"
#include "app/autosave.h"
#include "app/complete.h"
#include "app/config.h"
#include "app/dialog.h"
#include "app/inputrc.h"
#include "app/jobs.h"
#include "app/loop.h"
#include "app/places.h"
#include "app/recent.h"
#include "app/prompt.h"
#include "app/reopen.h"
#include "app/script.h"
#include "app/session_file.h"
#include "app/signals.h"
#include "app/terminal.h"
#include "app/tour.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"

/* Everything that is opened in order and closed in reverse. */
struct explorer {
    struct session session;
    struct input input;
    struct script *script;
    char *document, *model; /* that the figure of --from-figure names; owned */
};

/* ---- open -------------------------------------------------------------------------- */

static bool check_options(const struct explore_options *o, const struct terminal_options *t,
                          struct err *err)
{
    if (o->headless && !o->play)
        return err_set(err, ERR_USAGE, "--headless wants --play FILE");
    return o->headless || terminal_check(t, err);
}

static bool read_document(struct session *s, const char *path, struct err *err)
{
    char *text;
    size_t size;
    if (!path)
        return true;
    if (session_file_is(path))
        return action_run_text(s, "restore", path, err);
    if (!session_read_text(s, path, &text, &size, err))
        return false;
    session_set_document(s, path, text, size);
    if (!s->headless && strcmp(path, "-") != 0)
        recent_opened(path, !s->no_sandbox);
    return true;
}

/* The built-in defaults, the rc file, then what the command line says. */
static bool configure(struct session *s, const struct explore_options *o, struct err *err)
{
    config_run_default(s);
    if (!config_run_user(s, o->headless && !o->rc ? "none" : o->rc, err))
        return false;
    const struct {
        const char *command, *value;
    } given[] = {{"set theme", o->theme}, {"set glyphs", o->glyphs}, {"view", o->view}};
    for (size_t i = 0; i < sizeof given / sizeof *given; i++) {
        char line[256];
        snprintf(line, sizeof line, "%s %s", given[i].command,
                 given[i].value ? given[i].value : "");
        if (given[i].value && !action_run(s, line, err))
            return false;
    }
    if (o->at) {
        free(s->goto_when_ready);
        s->goto_when_ready = xstrdup(o->at);
    }
    return true;
}

/* A figure's document takes the place of the one that was not named; its settings and
 * view come after the rc file's, its model unless one was named. What is not found is asked
 * for on the screen. */
static bool open_figure(struct explorer *e, const struct explore_options *o, struct err *err)
{
    struct session *s = &e->session;
    struct err missing = {0};
    if (!o->from_figure)
        return true;
    if (!(s->reopening = reopening_open(o->from_figure, !o->no_sandbox, err)))
        return false;
    if (o->document)
        return true;
    e->document = reopen_document(&s->reopening->meta, o->from_figure, !o->no_sandbox, &missing);
    s->reopening->waits = !e->document;
    if (s->reopening->waits && o->headless)
        *err = missing;
    return !s->reopening->waits || !o->headless;
}

/* Where the command line names no model, the one that the figure was made with, then the
 * environment's, then the rc file's. */
static struct engine_options engine_options(struct explorer *e, const struct explore_options *o)
{
    struct engine_options options = o->engine;
    options.less_text = " (:range)";
    struct reopening *r = e->session.reopening;
    if (r && !options.model)
        options.model = e->model = reopen_model(&r->meta, r->path, !o->no_sandbox);
    const char *variable = getenv("COMPREXIT_MODEL");
    if (!options.model && !(variable && *variable))
        options.model = e->session.rc_model;
    if (!options.compressor) /* also not in the environment */
        options.compressor = e->session.rc_compressor;
    if (r)
        r->lacks_model = !options.model && r->meta.model.name[0] && !o->headless &&
                         !e->session.restored;
    return options;
}

static bool open_prompt(struct session *s, const struct explore_options *o, struct err *err)
{
    char *dir = o->headless ? NULL : places_state_dir();
    struct err reason = {0};
    if (!inputrc_guard(!o->no_sandbox, &reason))
        session_warn(s, "%s", reason.text);
    bool ok = prompt_start(dir, !o->no_sandbox, complete_line, s, err);
    free(dir);
    return ok;
}

static bool open_terminal(struct explorer *e, const struct terminal_options *options,
                          struct err *err)
{
    struct session *s = &e->session;
    s->terminal = terminal_open(options, &e->input, err);
    if (!s->terminal)
        return false;
    terminal_size(s->terminal, &s->view.rows, &s->view.columns);
    if (terminal_is_slow_line(s->terminal))
        session_leave_colors_out(s);
    return true;
}

static void ask_at_start(struct session *s, const struct explore_options *o)
{
    struct err err = {0};
    if (o->gold)
        action_run_text(s, "gold", o->gold, &err);
    if (o->demo && !action_run(s, "demo", &err))
        session_warn(s, "%s", err.text);
    if (o->question && o->no_answers)
        session_set_question(s, o->question);
    else if (o->question && !action_run_text(s, "ask", o->question, &err)) {
        session_warn(s, "%s", err.text);
        if (!s->document.path && text_valid(o->question, strlen(o->question), NULL))
            session_set_question(s, o->question); /* r asks it of the one that is opened */
    }
    if (!o->question && s->question && !o->no_answers && !action_run(s, "ask", &err))
        session_warn(s, "%s", err.text);
    if (o->command && !action_run(s, o->command, &err))
        session_warn(s, "%s", err.text);
    else if (!o->command && !s->document.path)
        dialog_start(s);
    else if (s->left_over)
        session_note(s, "an explorer was cut off: restore %s opens its session", s->left_over);
}

static bool open_explorer(struct explorer *e, const struct explore_options *o,
                          const struct terminal_options *terminal, struct err *err)
{
    struct session *s = &e->session;
    s->headless = o->headless;
    s->no_sandbox = o->no_sandbox;
    if (o->play && !(e->script = script_open(o->play, !o->no_sandbox, loop_type, err)))
        return false;
    if (!open_figure(e, o, err))
        return false;
    if (!read_document(s, e->document ? e->document : o->document, err) ||
        !open_prompt(s, o, err) || !signals_open(err) || !configure(s, o, err))
        return false;
    if (s->reopening && !s->reopening->waits)
        reopen_apply(s);
    if (!o->headless && !open_terminal(e, terminal, err))
        return false;
    session_apply_display(s);
    autosave_begin(s);
    struct engine_options engine = engine_options(e, o);
    if (!jobs_start(s, &engine, err))
        return false;
    bool lacks_model = s->reopening && s->reopening->lacks_model;
    if (!s->restored && !lacks_model) /* a session file needs no model */
        jobs_open_engine(s);
    ask_at_start(s, o);
    reopen_ask(s);
    if (o->present && strcmp(o->present, "tour") != 0)
        return tour_start(s, o->present, true, err);
    return !o->present || action_run(s, "present", err);
}

/* ---- close -------------------------------------------------------------------------- */

/* The terminal first: from then on messages can be read. */
static void close_explorer(struct explorer *e, bool clean)
{
    struct session *s = &e->session;
    terminal_close(s->terminal);
    s->terminal = NULL;
    jobs_stop(s);
    dialog_note_left(s);
    if (clean)
        autosave_end(s);
    prompt_stop();
    signals_close();
    script_close(e->script);
    input_free(&e->input);
    free(e->document);
    free(e->model);
    if (s->failed_screen)
        fprintf(stderr, "%s", s->failed_screen);
    session_free(s);
}

bool explore_run(const struct explore_options *o, struct err *err)
{
    struct terminal_options terminal = {
        .stdin_taken = o->document && strcmp(o->document, "-") == 0,
        .color = o->color,
    };
    if (!check_options(o, &terminal, err))
        return false;
    struct explorer e = {0};
    struct err reason = {0};
    int number = 0;
    session_init(&e.session);
    mem_keep_little();
    signals_catch_crashes();
    if (open_explorer(&e, o, &terminal, &reason))
        number = loop_run(&e.session, &e.input, e.script, &reason);
    int code = number ? 128 + number : e.session.exit_code;
    close_explorer(&e, number == 0);
    if (reason.code != ERR_NONE) {
        *err = reason;
        return false;
    }
    if (code)
        *err = (struct err){.code = (enum err_code)code};
    return code == 0;
}
