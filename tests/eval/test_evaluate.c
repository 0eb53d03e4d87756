/* Evaluations: stopped anywhere they say so, lose nothing and go on where they were; who listens
 * changes no number; a question longer than its room, or one context alone, is no harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "engine/eval/evaluate.h"
#include "tests/support/golden_compress.h"
#include "tests/support/temporary.h"

static struct model *model;
static struct compressor compressor;
static char *directory;

static const char two_contexts[] =
    "{\"context\": \"The brine came from a well. Peat heated the pans.\", "
    "\"question\": \"What came?\", \"answers\": [\"the brine\"]}\n"
    "{\"context\": \"The brine came from a well. Peat heated the pans.\", "
    "\"question\": \"What heated?\", \"answers\": [\"peat\", \"turf\"]}\n"
    "{\"context\": \"Two men raised it by hand.\", "
    "\"question\": \"Who raised it?\", \"answers\": [\"two men\"]}\n";

static int begin(void **state)
{
    struct err err = {0};
    struct compressor_info info;
    (void)state;
    golden_require();
    char *name = golden_model_path("modelA");
    model = model_open(name, NULL, 0, &err);
    free(name);
    golden_compressor(&compressor, &info, "compressorA.safetensors");
    directory = temporary_directory();
    return model ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    compressor_free(&compressor);
    model_close(model);
    temporary_remove(directory);
    return 0;
}

static struct dataset *questions(const char *lines)
{
    struct records_options records = {0};
    struct err err = {0};
    char *path = temporary_file(directory, "questions.jsonl", lines, strlen(lines));
    struct dataset *d = dataset_load(path, &records, model->tokenizer, 512, NULL, &err);
    if (!d)
        fail_msg("%s", err.text);
    free(path);
    return d;
}

static struct evaluate_options options(void)
{
    return (struct evaluate_options){
        .model = model, .compressor = &compressor, .settings = compress_settings_default,
        .budget = 512, .max_tokens = 4, .modes = (1u << EVAL_MODES) - 1};
}

/* What a listener was told, and when it or the progress gives up; -1: never. */
struct watch {
    size_t predictions, contexts, ticks;
    long last_tick, last_context;
    double nll;
    size_t positions;
};

static bool tick(void *context, const char *stage, size_t done, size_t total)
{
    struct watch *w = context;
    (void)stage;
    (void)done;
    (void)total;
    return (long)w->ticks++ != w->last_tick;
}

static void predicted(void *context, const struct prediction *p)
{
    struct watch *w = context;
    w->predictions++;
    w->nll += p->nll;
    w->positions += p->positions;
}

static bool context_done(void *context, struct err *err)
{
    struct watch *w = context;
    return (long)w->contexts++ != w->last_context || err_set(err, ERR_IO, "no room for it");
}

static bool run(const struct evaluate_options *o, const struct dataset *d, struct watch *w,
                struct evaluate_sums sums[EVAL_MODES], struct err *err)
{
    struct evaluate_listener listener = {predicted, context_done, w};
    struct progress progress = {tick, w};
    *err = (struct err){0};
    return evaluate(o, d, sums, &listener, &progress, err);
}

static void same_numbers(const struct evaluate_sums *a, const struct evaluate_sums *b)
{
    for (int m = 0; m < EVAL_MODES; m++) {
        assert_int_equal(a[m].n, b[m].n);
        assert_int_equal(a[m].labels, b[m].labels);
        assert_true(a[m].nll == b[m].nll && a[m].f1 == b[m].f1 && a[m].exact == b[m].exact);
    }
}

static void who_listens_changes_nothing(void **state)
{
    (void)state;
    struct dataset *d = questions(two_contexts);
    struct evaluate_options o = options();
    struct evaluate_sums heard[EVAL_MODES] = {0}, unheard[EVAL_MODES] = {0};
    struct watch w = {.last_tick = -1, .last_context = -1};
    struct err err = {0};
    assert_true(run(&o, d, &w, heard, &err));
    assert_true(evaluate(&o, d, unheard, NULL, NULL, &err));
    same_numbers(heard, unheard);
    assert_int_equal(w.predictions, 3 * EVAL_MODES);
    assert_int_equal(w.contexts, 2);
    dataset_free(d);
}

/* At each tick: then what whole contexts have told is all that counts, and the rest, begun behind
 * them, adds up to the same. */
static void stopped_anywhere_it_goes_on(void **state)
{
    (void)state;
    struct dataset *d = questions(two_contexts);
    struct evaluate_options o = options();
    struct evaluate_sums straight[EVAL_MODES] = {0};
    struct watch all = {.last_tick = -1, .last_context = -1};
    struct err err;
    assert_true(run(&o, d, &all, straight, &err));
    assert_in_range(all.ticks, 40, 4000);
    for (size_t at = 0; at < all.ticks; at++) {
        struct evaluate_sums sums[EVAL_MODES] = {0}, rest[EVAL_MODES] = {0};
        struct watch w = {.last_tick = (long)at, .last_context = -1};
        o.skip = 0;
        assert_false(run(&o, d, &w, sums, &err));
        assert_int_equal(err.code, ERR_CANCELLED);
        assert_int_equal(w.ticks, at + 1); /* it gives up at once */
        if (w.contexts == 0 || at % 5)
            continue;
        o.skip = 2;
        struct watch last = {.last_tick = -1, .last_context = -1};
        assert_true(run(&o, d, &last, rest, &err));
        assert_int_equal(last.predictions, EVAL_MODES);
        for (int m = 0; m < EVAL_MODES; m++)
            assert_int_equal(rest[m].n, straight[m].n - 2);
    }
    dataset_free(d);
}

static void what_cannot_be_written_ends_it(void **state)
{
    (void)state;
    struct dataset *d = questions(two_contexts);
    struct evaluate_options o = options();
    struct evaluate_sums sums[EVAL_MODES] = {0};
    struct watch w = {.last_tick = -1, .last_context = 0};
    struct err err;
    assert_false(run(&o, d, &w, sums, &err));
    assert_int_equal(err.code, ERR_IO);
    assert_int_equal(w.contexts, 1);
    assert_int_equal(w.predictions, 2 * EVAL_MODES);
    dataset_free(d);
}

static void one_context_is_its_own_wrong_one(void **state)
{
    (void)state;
    struct dataset *d = questions("{\"context\": \"Peat heated the pans.\", \"question\": "
                                  "\"What heated?\", \"answers\": [\"peat\"]}\n");
    struct evaluate_options o = options();
    struct evaluate_sums sums[EVAL_MODES] = {0};
    struct watch w = {.last_tick = -1, .last_context = -1};
    struct err err;
    assert_true(run(&o, d, &w, sums, &err));
    assert_true(sums[EVAL_WRONG].nll == sums[EVAL_COMPRESSED].nll);
    dataset_free(d);
}

/* Rows before everything take places of every prompt. */
static void a_soft_prompt_stands_before_all(void **state)
{
    (void)state;
    enum { ROWS = 3 };
    struct dataset *d = questions(two_contexts);
    struct evaluate_options o = options();
    struct evaluate_sums sums[EVAL_MODES] = {0}, with[EVAL_MODES] = {0};
    struct watch without = {.last_tick = -1, .last_context = -1}, w = without;
    struct err err;
    real *rows = xcalloc(ROWS * model->config.hidden, sizeof *rows);
    for (size_t i = 0; i < ROWS * model->config.hidden; i++)
        rows[i] = (real)((double)(i % 7) / 50 - 0.06);
    assert_true(run(&o, d, &without, sums, &err));
    o.soft_prompt = rows;
    o.n_soft = ROWS;
    assert_true(run(&o, d, &w, with, &err));
    assert_int_equal(w.positions, without.positions + ROWS * w.predictions);
    assert_true(w.nll != without.nll);
    free(rows);
    dataset_free(d);
}

/* A file of anybody's: the question alone is longer than what is kept for one. */
static void a_question_without_end_is_no_harm(void **state)
{
    (void)state;
    char line[8192];
    size_t used = (size_t)snprintf(line, sizeof line, "{\"context\": \"Peat.\", \"answers\": "
                                                      "[\"peat\"], \"question\": \"");
    for (int i = 0; i < 1200; i++)
        used += (size_t)snprintf(line + used, sizeof line - used, "why ");
    snprintf(line + used, sizeof line - used, "?\"}\n");
    struct dataset *d = questions(line);
    struct evaluate_options o = options();
    struct evaluate_sums sums[EVAL_MODES] = {0};
    struct watch w = {.last_tick = -1, .last_context = -1};
    struct err err;
    if (!run(&o, d, &w, sums, &err))
        fail_msg("%s", err.text);
    assert_int_equal(w.predictions, EVAL_MODES);
    dataset_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_listens_changes_nothing),
        cmocka_unit_test(stopped_anywhere_it_goes_on),
        cmocka_unit_test(what_cannot_be_written_ends_it),
        cmocka_unit_test(one_context_is_its_own_wrong_one),
        cmocka_unit_test(a_soft_prompt_stands_before_all),
        cmocka_unit_test(a_question_without_end_is_no_harm),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
