#include "tests/support/training.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "engine/base/sha256.h"
#include "engine/model/safetensors.h"
#include "tests/support/golden.h"
#include "tests/support/temporary.h"

/* Made-up sentences in an order that a fixed generator draws. */
static char *made_up_text(void)
{
    static const char *const words[] = {"salt ", "kiln ", "peat ", "barge ", "pond ",
                                        "tide ", "crane ", "rope. ", "In ",  "the "};
    struct rng rng;
    rng_seed(&rng, 11);
    enum { WORDS = 4000 };
    char *text = xcalloc(WORDS, 8);
    size_t used = 0;
    for (int i = 0; i < WORDS; i++) {
        const char *word = words[rng_below(&rng, sizeof words / sizeof *words)];
        memcpy(text + used, word, strlen(word));
        used += strlen(word);
    }
    return text;
}

static void configure(struct train_config *c)
{
    train_config_defaults(c);
    memcpy(c->blocks, "16+8", 5);
    memcpy(c->ratio_schedule, "0:2,10:4", 9);
    c->window = 16;
    c->steps = 40;
    c->batch = 2;
    c->micro_batch = 1;
    c->lr = 1e-3;
    c->valid_every = 20;
    c->valid_samples = 4;
    c->held_out_tokens = 200;
    c->save_every = 5;
    c->keep = 3;
}

void training_open(struct training *t)
{
    golden_require();
    struct err err = {0};
    *t = (struct training){0};
    char *path = golden_model_path("modelA");
    t->options.model = model_open(path, NULL, 0, &err);
    free(path);
    if (!t->options.model)
        fail_msg("%s", err.text);
    t->directory = temporary_directory();
    char *text = made_up_text();
    t->data_path = temporary_file(t->directory, "text", text, strlen(text));
    free(text);
    t->data[0] = (struct run_data){t->data_path, 1};
    t->options.data = t->data;
    t->options.n_data = 1;
    configure(&t->options.config);
}

void training_close(struct training *t)
{
    model_close(t->options.model);
    free(t->data_path);
    temporary_remove(t->directory);
}

char *training_directory(struct training *t, const char *name)
{
    char *path = file_join(t->directory, name);
    t->options.directory = path;
    return path;
}

struct stopper {
    size_t stop_at, step;
};

static void count_step(void *context, const struct trainer *t, const struct step_report *r)
{
    (void)t;
    ((struct stopper *)context)->step = r->step;
}

static bool stop_now(void *context)
{
    const struct stopper *s = context;
    return s->stop_at && s->step >= s->stop_at;
}

void training_run(struct training *t, size_t stop_at, enum err_code code)
{
    struct stopper stopper = {.stop_at = stop_at};
    struct run_listener listener = {.context = &stopper, .step = count_step, .stop = stop_now};
    struct err err = {0};
    bool ok = train_run(&t->options, &listener, &err);
    if (err.code != code)
        fail_msg("expected code %d, got %d: %s", code, err.code, err.text);
    assert_int_equal(ok, code == ERR_NONE);
}

void training_hash(const char *dir, const char *name, char hex[65])
{
    char *path = file_join(dir, name);
    struct err err = {0};
    struct safetensors *file = safetensors_open(path, &err);
    if (!file)
        fail_msg("%s", err.text);
    struct sha256 hash;
    sha256_begin(&hash);
    for (size_t i = 0; i < safetensors_count(file); i++) {
        const struct tensor *t = safetensors_at(file, i);
        sha256_add(&hash, t->name, strlen(t->name));
        sha256_add(&hash, t->data, t->bytes);
    }
    sha256_end(&hash, hex);
    safetensors_close(file);
    free(path);
}
