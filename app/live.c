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

/* With another range the full context changes as well. */
static bool is_stale(const struct session *s, enum answer_mode mode)
{
    const struct snapshot_answer *a = s->snapshot->answer[mode];
    return s->preferences.answers[mode] && a && a->stale && !s->waiting[mode];
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
    bool compressed = s->worker && is_stale(s, ANSWER_COMPRESSED);
    bool full = s->worker && is_stale(s, ANSWER_FULL);
    if (compressed)
        jobs_ask(s, ANSWER_COMPRESSED);
    if (full)
        jobs_ask(s, ANSWER_FULL);
    if (compressed || full)
        session_compose(s);
}
