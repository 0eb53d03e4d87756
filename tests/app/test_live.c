/* Answers that are made again by themselves: what becomes stale is asked again, whenever the
 * job that made it so ended. The worker is a real one, without a model; what its jobs publish
 * is the test's. */
#include "app/live.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "app/jobs.h"
#include "engine/base/mem.h"
#include "tests/support/sample_snapshot.h"

static struct session session;

/* Changed settings, as far as live_tick can tell. */
struct change {
    struct job job;
    bool stale; /* of the compressed answer afterwards */
};

static bool publish(struct job *job, void *host, const struct progress *progress, struct err *err)
{
    struct change *change = (struct change *)job;
    struct snapshot *s = sample_snapshot();
    (void)host;
    (void)progress;
    (void)err;
    s->answer[ANSWER_COMPRESSED]->stale = change->stale;
    worker_publish(session.worker, s);
    snapshot_release(s);
    return true;
}

static void release(struct job *job)
{
    free(job);
}

/* Runs to its end; what it published is not looked at. */
static void change(bool stale)
{
    struct change *change = xcalloc(1, sizeof *change);
    change->job = (struct job){.kind = JOB_SETTINGS, .urgency = URGENCY_SETTINGS,
                               .run = publish, .release = release};
    change->stale = stale;
    worker_post(session.worker, &change->job);
    while (worker_pending(session.worker) & JOB_SETTINGS)
        usleep(1000);
}

/* The time has come to answer again after a change. */
static unsigned asked_when_due(void)
{
    live_changed(&session);
    session.now_ms += LIVE_REST_MS + 1;
    live_tick(&session);
    return session.waiting[ANSWER_COMPRESSED];
}

static int begin(void **state)
{
    struct engine_options options = {0};
    struct err err = {0};
    (void)state;
    session_init(&session);
    session.headless = true;
    session.preferences.live = true;
    session.preferences.answers[ANSWER_COMPRESSED] = true;
    session.preferences.max_tokens = 8;
    session_set_question(&session, "What came by barge?");
    return jobs_start(&session, &options, &err) ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    jobs_stop(&session);
    session_free(&session);
    return 0;
}

static void test_a_stale_answer_is_asked_again(void **state)
{
    (void)state;
    change(true);
    session_collect(&session);
    assert_int_equal(asked_when_due(), 1);
}

/* The turn of the loop looked just before the job published, and live_tick just after it ended:
 * nothing else would look at the answer again. */
static void test_a_change_that_ended_between_two_looks(void **state)
{
    (void)state;
    change(false);
    session_collect(&session);
    change(true);
    assert_int_equal(asked_when_due(), 1);
}

static void test_an_answer_that_holds_is_left_alone(void **state)
{
    (void)state;
    change(true);
    session_collect(&session);
    change(false); /* set again as it was */
    assert_int_equal(asked_when_due(), 0);
}

static void test_nobody_wants_it(void **state)
{
    (void)state;
    change(true);
    session_collect(&session);
    session.preferences.live = false;
    assert_int_equal(asked_when_due(), 0);
    session.preferences.live = true;
    session.preferences.answers[ANSWER_COMPRESSED] = false;
    assert_int_equal(asked_when_due(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_stale_answer_is_asked_again, begin, end),
        cmocka_unit_test_setup_teardown(test_a_change_that_ended_between_two_looks, begin, end),
        cmocka_unit_test_setup_teardown(test_an_answer_that_holds_is_left_alone, begin, end),
        cmocka_unit_test_setup_teardown(test_nobody_wants_it, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
