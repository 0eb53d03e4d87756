/* The worker: order, cancelling, preempting, publishing, and no more wakes than
 * looks. Jobs of the test's own; run under the thread sanitizer too. */
#include "app/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/snapshot.h"
#include "tests/support/temporary.h"

/* Only a test that fails takes that long. */
enum { PATIENCE_MS = 120000 };

/* What the worker's side of these tests owns. */
struct host {
    struct worker *worker;
    atomic_int gate;    /* jobs that wait go on when it is 1 */
    atomic_int started; /* jobs that began to run */
    char trace[32];     /* done() adds a job's name, in capitals when it was cancelled */
    struct snapshot *snapshot; /* the last one collected */
};

struct test_job {
    struct job job;
    char name;
    bool waits;  /* ticks until the gate opens */
    int publish; /* snapshots to publish */
    struct host *host;
};

static bool run(struct job *job, void *context, const struct progress *progress, struct err *err)
{
    struct test_job *t = (struct test_job *)job;
    struct host *host = context;
    atomic_fetch_add(&host->started, 1);
    for (int i = 0; i < t->publish; i++) {
        struct snapshot *s = snapshot_derive(NULL);
        s->version = (uint64_t)i + 1;
        worker_publish(host->worker, s);
        snapshot_release(s);
        if (!progress_tick(progress, "publishing", (size_t)i, (size_t)t->publish, err))
            return false;
    }
    while (t->waits && !atomic_load(&host->gate)) {
        if (!progress_tick(progress, "waiting", 0, 1, err))
            return false;
        usleep(1000);
    }
    return true;
}

static void done(struct job *job, void *context)
{
    struct test_job *t = (struct test_job *)job;
    (void)context;
    char *end = t->host->trace + strlen(t->host->trace);
    end[0] = job->ok ? t->name : (char)(t->name - 'a' + 'A');
    end[1] = '\0';
    if (!job->ok)
        assert_int_equal(job->err.code, ERR_CANCELLED);
}

static void release(struct job *job)
{
    free(job);
}

static struct test_job *new_job(struct host *host, char name, enum job_kind kind, int urgency)
{
    struct test_job *t = xcalloc(1, sizeof *t);
    t->job = (struct job){.kind = kind, .urgency = urgency, .run = run, .done = done,
                          .release = release};
    t->name = name;
    t->host = host;
    return t;
}

static void post(struct host *host, char name, enum job_kind kind, int urgency)
{
    worker_post(host->worker, &new_job(host, name, kind, urgency)->job);
}

static void post_waiting(struct host *host, char name, enum job_kind kind, int urgency)
{
    struct test_job *t = new_job(host, name, kind, urgency);
    t->waits = true;
    worker_post(host->worker, &t->job);
}

static void post_preemptible(struct host *host, char name, enum job_kind kind, int urgency)
{
    struct test_job *t = new_job(host, name, kind, urgency);
    t->waits = t->job.preemptible = true;
    worker_post(host->worker, &t->job);
}

static struct host *start(void)
{
    struct host *host = xcalloc(1, sizeof *host);
    struct err err = {0};
    host->worker = worker_start(host, false, &err);
    assert_non_null(host->worker);
    return host;
}

static void stop(struct host *host)
{
    worker_stop(host->worker);
    snapshot_release(host->snapshot);
    free(host);
}

static void wait_started(struct host *host, int count)
{
    double until = clock_ms() + PATIENCE_MS;
    while (atomic_load(&host->started) < count) {
        assert_true(clock_ms() < until);
        usleep(500);
    }
}

/* Collects until nothing is left to do. */
static void collect_all(struct host *host)
{
    double until = clock_ms() + PATIENCE_MS;
    while (!worker_is_idle(host->worker)) {
        assert_true(clock_ms() < until);
        struct pollfd fd = {.fd = worker_wake_fd(host->worker), .events = POLLIN};
        poll(&fd, 1, 50);
        worker_collect(host->worker, &host->snapshot, NULL);
    }
}

/* Lets jobs that wait go on, to the end of all. */
static void drain(struct host *host)
{
    atomic_store(&host->gate, 1);
    collect_all(host);
}

static void test_order(void **state)
{
    (void)state;
    struct host *host = start();
    post_waiting(host, 'a', JOB_OPEN, 9);
    wait_started(host, 1);
    post(host, 'b', JOB_ASK, 1);
    post(host, 'c', JOB_ASK, 1);
    post(host, 'd', JOB_READ, 2);
    post(host, 'e', JOB_HASH, 0);
    assert_int_equal(worker_pending(host->worker), JOB_OPEN | JOB_ASK | JOB_READ | JOB_HASH);
    drain(host);
    assert_string_equal(host->trace, "adbce");
    assert_null(host->snapshot);
    stop(host);
}

static void test_finish_runs_what_is_queued(void **state)
{
    (void)state;
    struct host *host = start();
    post_waiting(host, 'a', JOB_OPEN, 9);
    wait_started(host, 1);
    post(host, 'b', JOB_ASK, 1);
    post(host, 'c', JOB_ASK, 1);
    atomic_store(&host->gate, 1);
    worker_finish(host->worker, NULL);
    assert_string_equal(host->trace, "abc");
    free(host);
}

static void test_cancel(void **state)
{
    (void)state;
    struct host *host = start();
    post_waiting(host, 'a', JOB_ASK, 1);
    post(host, 'b', JOB_ASK, 1);
    post(host, 'c', JOB_READ, 1);
    wait_started(host, 1);
    assert_int_equal(worker_cancel(host->worker, JOB_ASK | JOB_HASH), JOB_ASK);
    collect_all(host); /* the gate stays shut: it ends because it was cancelled */
    assert_int_equal(strlen(host->trace), 3);
    assert_non_null(strchr(host->trace, 'A'));
    assert_non_null(strchr(host->trace, 'B'));
    assert_int_equal(host->trace[2], 'c');
    stop(host);
}

static void test_preempt_runs_again(void **state)
{
    (void)state;
    struct host *host = start();
    post_preemptible(host, 'a', JOB_READ, 1);
    post(host, 'b', JOB_HASH, 1); /* equal: waits behind */
    wait_started(host, 1);
    post(host, 'c', JOB_SETTINGS, 5);
    wait_started(host, 3); /* a, c, a again */
    drain(host);
    assert_string_equal(host->trace, "cab");
    stop(host);
}

static void test_not_preemptible(void **state)
{
    (void)state;
    struct host *host = start();
    post_waiting(host, 'a', JOB_OPEN, 1);
    wait_started(host, 1);
    post(host, 'b', JOB_SETTINGS, 5);
    usleep(20000);
    assert_int_equal(atomic_load(&host->started), 1);
    drain(host);
    assert_string_equal(host->trace, "ab");
    stop(host);
}

static void test_preempted_then_cancelled(void **state)
{
    (void)state;
    struct host *host = start();
    post_preemptible(host, 'a', JOB_READ, 1);
    wait_started(host, 1);
    post_waiting(host, 'b', JOB_SETTINGS, 5);
    wait_started(host, 2);
    worker_cancel(host->worker, JOB_READ);
    drain(host);
    assert_int_equal(strlen(host->trace), 2);
    assert_non_null(strchr(host->trace, 'A'));
    assert_non_null(strchr(host->trace, 'b'));
    stop(host);
}

/* However much is published, a reader is woken once per look, and what it finds
 * last is the newest. */
static void test_wakes_are_bounded(void **state)
{
    (void)state;
    struct host *host = start();
    struct test_job *job = new_job(host, 'a', JOB_READ, 1);
    job->publish = 20000;
    worker_post(host->worker, &job->job);
    int looks = 0;
    uint64_t last = 0;
    double began = clock_ms();
    while (!worker_is_idle(host->worker)) {
        struct pollfd fd = {.fd = worker_wake_fd(host->worker), .events = POLLIN};
        if (poll(&fd, 1, 1000) > 0) {
            int bytes = 0;
            assert_true(worker_collect(host->worker, &host->snapshot, NULL));
            assert_int_equal(ioctl(fd.fd, FIONREAD, &bytes), 0);
            assert_true(bytes <= 1); /* never more than one ahead */
            looks++;
            if (host->snapshot) {
                assert_true(host->snapshot->version >= last);
                last = host->snapshot->version;
            }
            usleep(33000);
        }
    }
    worker_collect(host->worker, &host->snapshot, NULL);
    assert_int_equal(host->snapshot->version, 20000);
    assert_true(looks <= (clock_ms() - began) / 33 + 2);
    assert_string_equal(host->trace, "a");
    stop(host);
}

static void test_activity_and_log(void **state)
{
    (void)state;
    struct host *host = start();
    struct worker_activity now;
    post_waiting(host, 'a', JOB_ASK, 1);
    wait_started(host, 1);
    do
        worker_activity(host->worker, &now);
    while (!now.stage[0]);
    assert_int_equal(now.kind_running, JOB_ASK);
    assert_string_equal(now.stage, "waiting");
    worker_log(host->worker, "one");
    worker_log(host->worker, "two");
    char *line = worker_take_line(host->worker);
    assert_string_equal(line, "one");
    free(line);
    drain(host);
    worker_activity(host->worker, &now);
    assert_int_equal(now.kind_running, 0);
    assert_string_equal(now.stage, "");
    stop(host); /* with a line left, and nobody to take it */
}

/* Whether a file can be made where anybody may: 1, or 0 with the reason as the error. */
static bool make_file(void *context, struct err *err)
{
    char *path = file_join(context, "made");
    int fd = open(path, O_CREAT | O_WRONLY, 0600), reason = errno;
    free(path);
    if (fd >= 0)
        close(fd);
    return fd >= 0 || err_set(err, ERR_IO, "%s", strerror(reason));
}

static void test_calls_are_confined(void **state)
{
    (void)state;
    struct err err = {0};
    char *folder = temporary_directory();
    bool known = syscall(SYS_landlock_create_ruleset, NULL, 0, 1) >= 0;
    assert_int_equal(worker_call(true, make_file, folder, &err), !known);
    if (known)
        assert_string_equal(err.text, strerror(EACCES));
    assert_true(worker_call(false, make_file, folder, &err));
    assert_true(make_file(folder, &err)); /* this thread is as free as before */
    temporary_remove(folder);
}

static void test_stop_cancels(void **state)
{
    (void)state;
    struct host *host = start();
    post_waiting(host, 'a', JOB_ASK, 1);
    post(host, 'b', JOB_ASK, 1);
    wait_started(host, 1);
    worker_stop(host->worker); /* the gate stays shut: it ends because it was cancelled */
    assert_string_equal(host->trace, ""); /* done is for those who collect */
    free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_preempt_runs_again),
        cmocka_unit_test(test_not_preemptible),
        cmocka_unit_test(test_preempted_then_cancelled),
        cmocka_unit_test(test_wakes_are_bounded),
        cmocka_unit_test(test_activity_and_log),
        cmocka_unit_test(test_calls_are_confined),
        cmocka_unit_test(test_stop_cancels),
        cmocka_unit_test(test_finish_runs_what_is_queued),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
