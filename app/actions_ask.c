/* Commands about questions and answers. */
#include <stdlib.h>
#include <string.h>

#include "app/actions.h"
#include "app/jobs.h"
#include "app/refusal.h"
#include "app/values.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"

enum { QUESTION_MAX = 16 << 10 };

static bool need_something_to_ask(const struct session *s, bool given, struct err *err)
{
    if (!s->document.path)
        return err_set(err, ERR_USAGE, "no document is open" WAY "⁅O⁆ opens one");
    if (!session_can_compute(s, err))
        return false;
    if (!s->worker)
        return err_set(err, ERR_USAGE, "there is no engine" WAY ":model PATH opens one");
    return given || s->question ||
           err_set(err, ERR_USAGE, "no question yet" WAY "⁅a⁆ asks one");
}

bool do_ask(struct session *s, const struct words *words, struct err *err)
{
    const char *text = words->rest;
    size_t length = strlen(text), bad;
    if (length > QUESTION_MAX)
        return err_set(err, ERR_USAGE, "the question has %zu bytes, at most %d are taken", length,
                       QUESTION_MAX);
    if (!text_valid(text, length, &bad))
        return err_set(err, ERR_USAGE, "the question is not UTF-8 at byte %zu", bad);
    if (!need_something_to_ask(s, length > 0, err))
        return false;
    if (length) {
        session_set_question(s, text);
        s->continue_from = 0;
        s->document.asked++;
    }
    jobs_ask_all(s);
    session_compose(s);
    return true;
}

bool do_gold(struct session *s, const struct words *words, struct err *err)
{
    (void)err;
    free(s->gold);
    s->gold = words->rest[0] ? xstrdup(words->rest) : NULL;
    session_note(s, s->gold && s->question ? "gold answer set: ⁅r⁆ scores against it"
                    : s->gold              ? "gold answer set: answers are scored against it"
                                           : "no gold answer: scores are against the full context");
    return true;
}

bool do_answers(struct session *s, const struct words *words, struct err *err)
{
    bool wanted[ANSWER_MODES] = {false};
    const char *cursor = words->rest, *item;
    size_t length;
    while (value_next_item(&cursor, &item, &length)) {
        char *word = xstrndup(item, length);
        int mode = action_choice(word, "full|compressed|none", "answer", err);
        free(word);
        if (mode < 0)
            return false;
        wanted[mode] = true;
    }
    memcpy(s->preferences.answers, wanted, sizeof wanted);
    return true;
}

/* Is there an answer that must be made again? Then only such are. */
static bool must_run(const struct session *s, enum answer_mode mode)
{
    const struct snapshot_answer *a = s->snapshot->answer[mode];
    return s->preferences.answers[mode] &&
           (!a || a->stale || a->state == ANSWER_EMPTY || a->state == ANSWER_STOPPED ||
            a->state == ANSWER_FAILED);
}

/* Opens again what changed on disk. */
static bool reopen(struct session *s, struct err *err)
{
    if (s->model_watch.changed && s->worker)
        jobs_set_model(s, s->model_path);
    if (s->document_watch.changed && !action_run_text(s, "open", s->document.path, err))
        return false;
    if (s->question)
        jobs_ask_all(s);
    session_compose(s);
    return true;
}

/* What another run says differently is marked, unless something else was chosen. */
static void show_difference(struct session *s)
{
    enum view_value *value = &s->view.value[PANE_ANSWERS];
    if (*value == VALUE_PLAIN)
        *value = VALUE_DIFF_PREVIOUS;
}

bool do_regen(struct session *s, const struct words *words, struct err *err)
{
    (void)words;
    if (s->document_watch.changed || s->model_watch.changed)
        return reopen(s, err);
    if (!need_something_to_ask(s, false, err))
        return false;
    bool some = false;
    for (enum answer_mode m = 0; m < ANSWER_MODES; m++)
        some |= must_run(s, m);
    if (!some || s->document.raw || worker_pending(s->worker) & JOB_ASK) {
        jobs_ask_all(s);
    } else {
        static const enum answer_mode order[] = {ANSWER_NONE, ANSWER_COMPRESSED, ANSWER_FULL};
        for (size_t i = 0; i < ANSWER_MODES; i++)
            if (must_run(s, order[i]))
                jobs_ask(s, order[i]);
    }
    show_difference(s);
    session_compose(s);
    return true;
}

bool do_stop(struct session *s, const struct words *words, struct err *err)
{
    (void)words;
    (void)err;
    unsigned found = s->worker ? worker_cancel(s->worker, JOB_ASK | JOB_READ | JOB_SETTINGS |
                                                              JOB_LOSS | JOB_CONTROL | JOB_DATA |
                                                              JOB_EVAL | JOB_HASH)
                               : 0;
    if (s->writer)
        found |= worker_cancel(s->writer, JOB_EXPORT);
    if (s->play.fps > 0) {
        s->play.fps = 0;
        s->view.playing = false;
        found |= JOB_READ;
    }
    if (s->ask_when_ready)
        found |= JOB_ASK; /* a question that waits, with no job yet */
    s->ask_when_ready = false;
    if (found)
        session_note(s, "stopped");
    else
        session_note(s, "nothing is running" WAY "⁅q⁆ quits" WAY "nothing changed");
    return true;
}
