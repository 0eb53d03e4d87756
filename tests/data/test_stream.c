/* The order of samples: every question once an epoch, those of a context beside each other
 * where a run wants them so, and the same from any point that a run is taken up at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "engine/data/stream.h"
#include "engine/model/model.h"
#include "tests/support/golden.h"
#include "tests/support/temporary.h"

/* A query has room for the whole question, whatever the tokenizer makes of it. */
enum { CONTEXTS = 40, TEXT_BYTES = 64 << 10, QUERY = 512 };

struct place {
    struct model *model;
    char *directory, *questions_path, *text_path;
    struct dataset *questions, *text, *both[2];
    struct stream stream;
};

/* Context c has c % 6 + 1 questions. */
static size_t questions_of(size_t c)
{
    return c % 6 + 1;
}

static void write_files(struct place *p)
{
    char *text = xcalloc(TEXT_BYTES, 1);
    size_t used = 0;
    used += (size_t)snprintf(text, TEXT_BYTES, "{\"header\": {}}\n");
    for (size_t c = 0; c < CONTEXTS; c++) {
        used += (size_t)snprintf(text + used, TEXT_BYTES - used,
                                 "{\"context\": \"Barge %zu left.\", \"qas\": [", c);
        for (size_t q = 0; q < questions_of(c); q++)
            used += (size_t)snprintf(text + used, TEXT_BYTES - used,
                                     "%s{\"question\": \"Who %zu %zu\", \"answers\": [\"barge\"]}",
                                     q ? ", " : "", c, q);
        used += (size_t)snprintf(text + used, TEXT_BYTES - used, "]}\n");
    }
    p->questions_path = temporary_file(p->directory, "questions", text, used);
    for (used = 0; used < 4000; used += 6)
        memcpy(text + used, "salt. ", 6);
    p->text_path = temporary_file(p->directory, "text", text, used);
    free(text);
}

static struct dataset *load(struct place *p, const char *path)
{
    struct err err = {0};
    struct dataset *d = dataset_load(path, NULL, p->model->tokenizer, 64, NULL, &err);
    if (!d)
        fail_msg("%s", err.text);
    return d;
}

static void place_open(struct place *p, size_t group)
{
    golden_require();
    struct err err = {0};
    *p = (struct place){.directory = temporary_directory()};
    char *path = golden_model_path("modelA");
    p->model = model_open(path, NULL, 0, &err);
    free(path);
    write_files(p);
    p->both[0] = p->questions = load(p, p->questions_path);
    p->both[1] = p->text = load(p, p->text_path);
    p->stream = (struct stream){.datasets = p->both, .n_datasets = 1,
                                .tokenizer = p->model->tokenizer,
                                .mix = {[PHASE_SFT] = 1},
                                .shapes = {{16, 8}}, .n_shapes = 1,
                                .sft_shape = {64, QUERY}, .sft_group = group};
    if (group > 1)
        dataset_group(p->questions, group);
    stream_seed(&p->stream, 7);
}

static void place_close(struct place *p)
{
    dataset_free(p->questions);
    dataset_free(p->text);
    model_close(p->model);
    free(p->questions_path);
    free(p->text_path);
    temporary_remove(p->directory);
}

static bool same_context(const struct sample *a, const struct sample *b)
{
    return a->n_context == b->n_context &&
           memcmp(a->context, b->context, a->n_context * sizeof *a->context) == 0;
}

static bool same_sample(const struct sample *a, const struct sample *b)
{
    return same_context(a, b) && a->n_query == b->n_query &&
           memcmp(a->query, b->query, a->n_query * sizeof *a->query) == 0;
}

/* Draws `n` samples `each` at a time. */
static struct sample *draw(struct place *p, size_t n, size_t each)
{
    struct sample *all = xcalloc(n, sizeof *all);
    for (size_t i = 0; i < n; i += each)
        stream_draw(&p->stream, all + i, each);
    return all;
}

static void release(struct sample *samples, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sample_free(&samples[i]);
    free(samples);
}

static void an_epoch_has_every_question_once(void **state)
{
    (void)state;
    for (size_t group = 1; group <= 5; group += 2) {
        struct place p;
        place_open(&p, group);
        size_t n = p.questions->n_questions;
        struct sample *all = draw(&p, n, n);
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; k < i; k++)
                assert_false(same_sample(&all[i], &all[k]));
        release(all, n);
        place_close(&p);
    }
}

/* Half of the questions is half a pass, drawn one by one or in groups; a phase that was not
 * drawn from says nothing. */
static void passes_are_counted(void **state)
{
    (void)state;
    for (size_t group = 1; group <= 3; group += 2) {
        struct place p;
        place_open(&p, group);
        assert_true(stream_passes(&p.stream) == 0);
        size_t n = p.questions->n_questions;
        release(draw(&p, n, n), n);
        assert_true(stream_passes(&p.stream) == 1);
        size_t half = n / 2;
        release(draw(&p, half, half), half);
        double more = stream_passes(&p.stream) - 1;
        assert_true(more > 0.4 && more < 0.6);
        place_close(&p);
    }
}

static void groups_stand_together(void **state)
{
    (void)state;
    struct place p;
    place_open(&p, 4);
    size_t n = p.questions->n_questions, neighbours = 0;
    for (size_t g = 0; g < p.questions->n_groups; g++) {
        size_t size = p.questions->groups[g + 1] - p.questions->groups[g];
        assert_in_range(size, 1, 4);
        neighbours += size - 1;
    }
    struct sample *all = draw(&p, n, n);
    size_t found = 0, moved = 0;
    for (size_t i = 1; i < n; i++)
        found += same_context(&all[i], &all[i - 1]);
    assert_in_range(found, neighbours, neighbours + 3); /* two groups of one may meet */
    struct sample first = dataset_sample(p.questions, p.model->tokenizer, PART_TRAINING, PHASE_SFT,
                                         p.stream.sft_shape, 0);
    moved = !same_sample(&first, &all[0]);
    assert_true(moved);
    sample_free(&first);
    release(all, n);
    place_close(&p);
}

/* Six questions are two groups of three, not four and two. */
static void groups_are_even(void **state)
{
    (void)state;
    struct place p;
    place_open(&p, 4);
    const size_t *groups = p.questions->groups;
    size_t at = 0;
    for (size_t c = 0; c < 6; c++)
        at += questions_of(c);
    size_t g = 0;
    while (groups[g] + 6 < at)
        g++;
    assert_int_equal(groups[g] + 6, at);
    assert_int_equal(groups[g + 1] - groups[g], 3);
    assert_int_equal(groups[g + 2], at);
    place_close(&p);
}

static void groups_keep_the_mixture(void **state)
{
    (void)state;
    struct place p;
    struct err err = {0};
    place_open(&p, 4);
    p.stream.n_datasets = 2;
    dataset_group(p.text, 4);
    p.stream.mix[PHASE_NTP] = p.stream.mix[PHASE_SFT] = 0.5;
    assert_true(stream_check(&p.stream, &err));
    enum { DRAWN = 4000 };
    struct sample *all = draw(&p, DRAWN, 20);
    size_t questions = 0;
    for (size_t i = 0; i < DRAWN; i++)
        questions += all[i].n_context != 16 || all[i].n_query != 8;
    assert_in_range(questions, DRAWN * 44 / 100, DRAWN * 56 / 100);
    release(all, DRAWN);
    place_close(&p);
}

static void the_order_can_be_taken_up_anywhere(void **state)
{
    (void)state;
    struct place p;
    enum { STEPS = 30, EACH = 6 };
    place_open(&p, 4);
    struct stream_state states[STEPS];
    struct sample *all = xcalloc((size_t)STEPS * EACH, sizeof *all);
    for (size_t i = 0; i < STEPS; i++) {
        states[i] = p.stream.state;
        stream_draw(&p.stream, all + i * EACH, EACH);
    }
    for (size_t i = 0; i < STEPS; i += 7) {
        struct sample again[EACH];
        p.stream.state = states[i];
        stream_draw(&p.stream, again, EACH);
        for (size_t k = 0; k < EACH; k++) {
            assert_true(same_sample(&again[k], &all[i * EACH + k]));
            sample_free(&again[k]);
        }
    }
    release(all, (size_t)STEPS * EACH);
    place_close(&p);
}

/* A file may have a line for each question: equal contexts are one. */
static void lines_with_one_context_share_it(void **state)
{
    (void)state;
    struct place p;
    place_open(&p, 1);
    static const char lines[] =
        "{\"context\": \"Salt dries.\", \"question\": \"a?\", \"answers\": [\"salt\"]}\n"
        "{\"context\": \"Salt dries.\", \"question\": \"b?\", \"answers\": [\"salt\"]}\n"
        "{\"context\": \"Peat dries.\", \"question\": \"c?\", \"answers\": [\"peat\"]}\n";
    char *path = temporary_file(p.directory, "lines", lines, sizeof lines - 1);
    struct dataset *d = load(&p, path);
    assert_int_equal(d->n_questions, 3);
    assert_int_equal(d->questions[0].context_at, d->questions[1].context_at);
    assert_int_equal(d->questions[2].context_at, d->questions[0].context_n);
    assert_int_equal(d->n_tokens, d->questions[0].context_n + d->questions[2].context_n);
    dataset_free(d);
    free(path);
    place_close(&p);
}

struct shares {
    size_t last, ticks;
    bool sound; /* in percent, and never less than before */
};

static bool take_share(void *context, const char *stage, size_t done, size_t total)
{
    struct shares *s = context;
    s->sound &= strcmp(stage, "records") == 0 && total == 100 && done <= total && done >= s->last;
    s->last = done;
    s->ticks++;
    return true;
}

/* Reading tells how much of the file it has read. */
static void reading_tells_its_share(void **state)
{
    (void)state;
    struct place p;
    struct err err = {0};
    place_open(&p, 0);
    struct shares s = {.sound = true};
    struct progress progress = {take_share, &s};
    struct dataset *d = dataset_load(p.questions_path, NULL, p.model->tokenizer, 64, &progress,
                                     &err);
    assert_non_null(d);
    assert_true(s.sound);
    assert_true(s.ticks > 1);
    assert_int_equal(s.last, 100);
    dataset_free(d);
    place_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_epoch_has_every_question_once),
        cmocka_unit_test(passes_are_counted),
        cmocka_unit_test(reading_tells_its_share),
        cmocka_unit_test(groups_stand_together),
        cmocka_unit_test(groups_are_even),
        cmocka_unit_test(lines_with_one_context_share_it),
        cmocka_unit_test(groups_keep_the_mixture),
        cmocka_unit_test(the_order_can_be_taken_up_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
