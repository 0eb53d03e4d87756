#include "app/live.h"

#include "app/jobs.h"

enum { BUSY_MS = 50 };

void live_changed(struct session *s)
{
    s->live_due_ms = s->preferences.live && s->question ? s->now_ms + LIVE_REST_MS : 0;
}

void live_soon(struct session *s)
{
    s->live_due_ms = s->question ? s->now_ms + BUSY_MS : 0;
}

static bool is_stale(const struct session *s)
{
    const struct snapshot_answer *a =
        s->published ? s->published->answer[ANSWER_COMPRESSED] : NULL;
    return a && a->stale && !s->waiting[ANSWER_COMPRESSED];
}

void live_tick(struct session *s)
{
    unsigned changing = JOB_OPEN | JOB_DOCUMENT | JOB_SETTINGS | JOB_MUTE;
    if (!(s->live_due_ms > 0) || s->now_ms < s->live_due_ms)
        return;
    if (s->worker && worker_pending(s->worker) & changing) {
        s->live_due_ms = s->now_ms + BUSY_MS;
        return;
    }
    s->live_due_ms = 0;
    session_collect(s); /* the last of these jobs may have ended since */
    if (!s->worker || !s->preferences.answers[ANSWER_COMPRESSED] || !is_stale(s))
        return;
    jobs_ask(s, ANSWER_COMPRESSED);
    session_compose(s);
}
