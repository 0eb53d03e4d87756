#include "tests/support/objective_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/support/golden.h"

void objective_bench_open(struct objective_bench *b, struct rng *rng)
{
    golden_require();
    struct err err = {0};
    *b = (struct objective_bench){0};
    char *path = golden_model_path("modelA");
    b->model = model_open(path, NULL, 0, &err);
    free(path);
    if (!b->model)
        fail_msg("%s", err.text);
    const struct llama_config *config = &b->model->config;
    struct compressor_shape shape = {config->layers + 1, config->hidden, 32, 24, 2};
    assert_true(compressor_init(&b->compressor, &shape, &err));
    compressor_init_published(&b->compressor, rng);
    for (size_t i = 0; i < b->compressor.count; i++)
        b->compressor.block[i] += REAL(0.05) * (real)rng_normal(rng);
    b->objective = (struct objective){
        .model = b->model, .compressor = &b->compressor, .budget = 48,
        .settings = compress_settings_default};
    b->objective.settings.window = 16;
}

void objective_bench_close(struct objective_bench *b)
{
    compressor_free(&b->compressor);
    model_close(b->model);
}

/* Under it gradients are noise: the same that golden gradients are allowed. */
static const double gradient_floor = sizeof(real) == 4 ? 1e-8 : 0;

void objective_bench_compare(const char *what, const real *got, const real *want, size_t n,
                             double tolerance)
{
    double most = 1e-9, worst = 0;
    for (size_t i = 0; i < n; i++) {
        most = fmax(most, fabs((double)want[i]));
        worst = fmax(worst, fabs((double)(got[i] - want[i])));
    }
    if (!(worst <= tolerance * most + gradient_floor))
        fail_msg("%s: off by %g of %g", what, worst, most);
}
