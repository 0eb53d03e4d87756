/* Questions of one context share its encoding and its place in the batch: losses and
 * gradients are those of each question on its own. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "engine/train/objective.h"
#include "tests/support/golden.h"

enum { SAMPLES = 6, CONTEXT = 37, SOFT = 3 };

/* Rounding of another order of summation, relative to the largest value: a quarter of what
 * golden gradients are allowed. The double build has the sharp bound. */
static const double tolerance = sizeof(real) == 4 ? 5e-5 : 1e-11;
/* Under it gradients are noise: the same that golden gradients are allowed. */
static const double gradient_floor = sizeof(real) == 4 ? 1e-8 : 0;

struct packing {
    struct model *model;
    struct compressor compressor;
    struct objective objective;
    struct sample samples[SAMPLES];
    real *soft; /* [SOFT, H] */
    size_t n_soft;
};

/* 0, 2, 3 and 5 share a context; 1 and 4 have others, of another length. */
static void make_samples(struct packing *p, struct rng *rng)
{
    const size_t words = p->model->config.vocab - 5;
    static const size_t context_of[SAMPLES] = {0, 1, 0, 0, 4, 0};
    for (size_t i = 0; i < SAMPLES; i++) {
        size_t n = CONTEXT - 5 * context_of[i], query = 3 + 2 * i, from = context_of[i];
        p->samples[i] = sample_new(n, query);
        p->samples[i].question = true;
        for (size_t t = 0; t < n; t++)
            p->samples[i].context[t] = (int32_t)((13 * t + 71 * from + t * t) % words + 5);
        for (size_t t = 0; t < query; t++) {
            p->samples[i].query[t] = (int32_t)rng_below(rng, words) + 5;
            /* sample 3 counts its first label, which the last slot predicts */
            p->samples[i].labels[t] =
                t + 2 < query && !(i == 3 && t == 0) ? LABEL_NONE : p->samples[i].query[t];
        }
    }
}

static void packing_open(struct packing *p)
{
    golden_require();
    struct err err = {0};
    struct rng rng;
    rng_seed(&rng, 4);
    *p = (struct packing){0};
    char *path = golden_model_path("modelA");
    p->model = model_open(path, NULL, 0, &err);
    free(path);
    if (!p->model)
        fail_msg("%s", err.text);
    const struct llama_config *config = &p->model->config;
    struct compressor_shape shape = {config->layers + 1, config->hidden, 32, 24, 2};
    assert_true(compressor_init(&p->compressor, &shape, &err));
    compressor_init_published(&p->compressor, &rng);
    for (size_t i = 0; i < p->compressor.count; i++)
        p->compressor.block[i] += REAL(0.05) * (real)rng_normal(&rng);
    p->n_soft = SOFT * config->hidden;
    p->soft = xcalloc(p->n_soft, sizeof *p->soft);
    for (size_t i = 0; i < p->n_soft; i++)
        p->soft[i] = REAL(0.1) * (real)rng_normal(&rng);
    p->objective = (struct objective){
        .model = p->model, .compressor = &p->compressor, .budget = 48,
        .settings = compress_settings_default};
    p->objective.settings.window = 16;
    make_samples(p, &rng);
}

static void packing_close(struct packing *p)
{
    for (size_t i = 0; i < SAMPLES; i++)
        sample_free(&p->samples[i]);
    free(p->soft);
    compressor_free(&p->compressor);
    model_close(p->model);
}

struct gradients {
    real *block, *soft;
    struct objective_result result;
    double nll;
};

static void gradients_init(struct gradients *g, const struct packing *p)
{
    *g = (struct gradients){.block = xcalloc(p->compressor.count, sizeof(real)),
                            .soft = xcalloc(p->n_soft, sizeof(real))};
}

static void gradients_free(struct gradients *g)
{
    free(g->block);
    free(g->soft);
}

/* Adds the pass over samples [from, from + n). */
static void pass(const struct packing *p, enum context_mode mode, size_t from, size_t n,
                 double scale, struct gradients *g)
{
    struct err err = {0};
    struct compressor_params grads;
    compressor_view(&p->compressor, g->block, &grads);
    bool slots = mode == CONTEXT_COMPRESSED;
    if (!objective_run(&p->objective, mode, p->samples + from, n, scale, slots ? &grads : NULL,
                       p->objective.n_soft ? g->soft : NULL, &g->result, NULL, &err))
        fail_msg("%s", err.text);
    g->nll += g->result.nll_sum;
}

static void compare(const char *what, const real *got, const real *want, size_t n)
{
    double most = 1e-9, worst = 0;
    for (size_t i = 0; i < n; i++) {
        most = fmax(most, fabs((double)want[i]));
        worst = fmax(worst, fabs((double)(got[i] - want[i])));
    }
    if (!(worst <= tolerance * most + gradient_floor))
        fail_msg("%s: off by %g of %g", what, worst, most);
}

static void check(const struct packing *p, enum context_mode mode)
{
    struct gradients together, alone;
    gradients_init(&together, p);
    gradients_init(&alone, p);
    pass(p, mode, 0, SAMPLES, 1, &together);
    double total = (double)together.result.labels;
    double kl = 0;
    for (size_t i = 0; i < SAMPLES; i++) {
        double labels = (double)sample_labels(&p->samples[i]);
        pass(p, mode, i, 1, labels / total, &alone);
        kl += alone.result.kl * labels / total;
    }
    assert_true(fabs(together.nll - alone.nll) <= tolerance * alone.nll);
    assert_true(fabs(together.result.kl - kl) <= tolerance * (1 + kl));
    compare("soft prompt", together.soft, alone.soft, p->n_soft);
    for (size_t i = 0; mode == CONTEXT_COMPRESSED && i < p->compressor.n_tensors; i++) {
        const struct compressor_tensor *t = &p->compressor.tensors[i];
        /* the biases that a softmax does not see have noise for gradients */
        if (strstr(t->name, "k_prj.bias") || strstr(t->name, "mass"))
            continue;
        compare(t->name, together.block + t->offset, alone.block + t->offset, t->count);
    }
    gradients_free(&together);
    gradients_free(&alone);
}

static void from_slots(void **state)
{
    (void)state;
    struct packing p;
    packing_open(&p);
    check(&p, CONTEXT_COMPRESSED);
    p.objective.positions = POSITIONS_REFERENCE;
    check(&p, CONTEXT_COMPRESSED);
    packing_close(&p);
}

static void from_slots_behind_a_soft_prompt(void **state)
{
    (void)state;
    struct packing p;
    packing_open(&p);
    p.objective.soft_prompt = p.soft;
    p.objective.n_soft = SOFT;
    check(&p, CONTEXT_COMPRESSED);
    packing_close(&p);
}

static void from_the_full_context(void **state)
{
    (void)state;
    struct packing p;
    packing_open(&p);
    p.objective.soft_prompt = p.soft;
    p.objective.n_soft = SOFT;
    check(&p, CONTEXT_FULL);
    packing_close(&p);
}

static void with_a_teacher(void **state)
{
    (void)state;
    struct packing p;
    packing_open(&p);
    p.objective.distill = 0.7;
    check(&p, CONTEXT_COMPRESSED);
    packing_close(&p);
}

/* A context is read once, however many questions it has. */
static void a_question_costs_its_own_tokens(void **state)
{
    (void)state;
    struct packing p;
    struct gradients g, one;
    packing_open(&p);
    gradients_init(&g, &p);
    gradients_init(&one, &p);
    struct sample same[2] = {p.samples[0], p.samples[2]};
    struct packing pair = p;
    memcpy(pair.samples, same, sizeof same);
    pass(&pair, CONTEXT_COMPRESSED, 0, 1, 1, &one);
    pass(&pair, CONTEXT_COMPRESSED, 0, 2, 1, &g);
    assert_int_equal(g.result.tokens, one.result.tokens + same[1].n_query - 1);
    gradients_free(&g);
    gradients_free(&one);
    packing_close(&p);
}

static double wrong_nll(const struct packing *p, size_t a, size_t b, size_t c, size_t n)
{
    struct err err = {0};
    struct sample samples[3] = {p->samples[a], p->samples[b], p->samples[c]};
    struct objective_result r;
    if (!objective_run(&p->objective, CONTEXT_WRONG, samples, n, 0, NULL, NULL, &r, NULL, &err))
        fail_msg("%s", err.text);
    return r.nll_sum;
}

/* Samples 0 and 2 stand beside each other and share a context: each must see that of
 * sample 1, and not the other's. */
static void the_wrong_passage_is_another(void **state)
{
    (void)state;
    struct packing p;
    packing_open(&p);
    /* What 1 loses behind the slots of 0 (or 2) cancels out. */
    double zero = wrong_nll(&p, 0, 1, 0, 2), two = wrong_nll(&p, 2, 1, 0, 2);
    double both = wrong_nll(&p, 0, 2, 1, 3), again = wrong_nll(&p, 0, 0, 1, 3);
    assert_true(fabs((both - again) - (two - zero)) <= tolerance * both);
    /* and it is another passage's: the right one gives another loss */
    double right = wrong_nll(&p, 0, 2, 3, 3);
    assert_true(fabs(right - both) > 1e-3);
    packing_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(from_slots),
        cmocka_unit_test(from_slots_behind_a_soft_prompt),
        cmocka_unit_test(from_the_full_context),
        cmocka_unit_test(with_a_teacher),
        cmocka_unit_test(a_question_costs_its_own_tokens),
        cmocka_unit_test(the_wrong_passage_is_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
