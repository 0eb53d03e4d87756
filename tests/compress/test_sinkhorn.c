/* Sinkhorn: 2,000 random problems against a plain log-domain oracle in double
 * and against the properties that every transport plan has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "engine/compress/sinkhorn.h"
#include "tests/support/gradcheck.h"

enum { CASES = 2000 };

struct problem {
    struct sinkhorn p;
    double *cost, *a, *b, *ghost; /* what p was made from, before rounding to real */
    double eps;
    real *score, *mass, *capacity, *ghost_score, *scratch;
};

static void problem_alloc(struct problem *q, size_t n, size_t k, size_t ghosts, unsigned iters)
{
    *q = (struct problem){
        .cost = xcalloc(n * k, sizeof(double)),
        .a = xcalloc(n, sizeof(double)),
        .b = xcalloc(k, sizeof(double)),
        .ghost = xcalloc(n, sizeof(double)),
        .score = xcalloc(n * k, sizeof(real)),
        .mass = xcalloc(n, sizeof(real)),
        .capacity = xcalloc(k, sizeof(real)),
        .ghost_score = xcalloc(n, sizeof(real)),
        .scratch = xcalloc(sinkhorn_scratch(n, k), sizeof(real)),
    };
    size_t rows = (size_t)iters + 1;
    q->p = (struct sinkhorn){
        .n = n,
        .k = k,
        .score = q->score,
        .a = q->mass,
        .b = q->capacity,
        .ghosts = ghosts,
        .ghost = ghosts ? q->ghost_score : NULL,
        .iters = iters,
        .history = true,
        .f = xcalloc(rows * n, sizeof(real)),
        .g = xcalloc(rows * k, sizeof(real)),
        .row_error = xcalloc(rows, sizeof(real)),
        .column_error = xcalloc(rows, sizeof(real)),
        .plan = xcalloc(n * k, sizeof(real)),
    };
}

static void problem_free(struct problem *q)
{
    void *all[] = {q->cost,     q->a,    q->b,    q->ghost,       q->score,         q->mass,
                   q->capacity, q->p.f,  q->p.g,  q->ghost_score, q->p.row_error,   q->p.plan,
                   q->scratch,  q->p.column_error};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
}

static void round_inputs(struct problem *q)
{
    for (size_t e = 0; e < q->p.n * q->p.k; e++)
        q->score[e] = (real)(-q->cost[e] / q->eps);
    for (size_t t = 0; t < q->p.n; t++) {
        q->mass[t] = (real)q->a[t];
        q->ghost_score[t] = (real)(-q->ghost[t] / q->eps);
    }
    for (size_t j = 0; j < q->p.k; j++)
        q->capacity[j] = (real)q->b[j];
}

static void solve(struct problem *q)
{
    round_inputs(q);
    sinkhorn_forward(&q->p, q->scratch);
}

static void normalise(double *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    for (size_t i = 0; i < n; i++)
        x[i] /= sum;
}

/* Sizes 1..40 x 1..12, cost of magnitude 1e-6..1e6, eps over 8 decades around
 * it, some senders without mass, sometimes ghosts. */
static void random_problem(struct problem *q, struct rng *rng)
{
    size_t n = 1 + rng_below(rng, 40), k = 1 + rng_below(rng, 12);
    size_t ghosts = rng_below(rng, 4) == 0 ? 1 + rng_below(rng, 3) : 0;
    problem_alloc(q, n, k, ghosts, 1 + (unsigned)rng_below(rng, 60));
    double magnitude = pow(10, 12 * rng_uniform(rng) - 6);
    q->eps = magnitude * pow(10, 8 * rng_uniform(rng) - 4);
    for (size_t e = 0; e < n * k; e++)
        q->cost[e] = magnitude * 2 * rng_uniform(rng);
    for (size_t t = 0; t < n; t++) {
        q->a[t] = t > 0 && rng_below(rng, 10) == 0 ? 0 : exp(rng_normal(rng));
        q->ghost[t] = magnitude * 2 * rng_uniform(rng);
    }
    for (size_t j = 0; j < k; j++)
        q->b[j] = exp(rng_normal(rng));
    normalise(q->a, n);
    normalise(q->b, k);
}

/* The error that rounding the scores and potentials to `real` may cause in an
 * entry of the plan, relative to it: they are sums of numbers of this magnitude. */
static double rounding(const struct problem *q)
{
    double largest = 30, unit = sizeof(real) == sizeof(float) ? 6e-8 : 1.2e-16;
    for (size_t e = 0; e < q->p.n * q->p.k; e++)
        largest = fmax(largest, fabs((double)q->score[e]));
    return 8 * unit * largest;
}

/* METHOD section 2, word for word. */
static double logsumexp(const double *x, size_t n)
{
    double largest = -HUGE_VAL, sum = 0;
    for (size_t i = 0; i < n; i++)
        largest = fmax(largest, x[i]);
    for (size_t i = 0; i < n; i++)
        sum += exp(x[i] - largest);
    return largest + log(sum);
}

static void oracle(const struct problem *q, double *plan)
{
    size_t n = q->p.n, k = q->p.k;
    double *f = xcalloc(n, sizeof *f), *g = xcalloc(k, sizeof *g);
    double *x = xcalloc(n + k + q->p.ghosts, sizeof *x);
    for (unsigned i = 0; i < q->p.iters; i++) {
        for (size_t t = 0; t < n; t++) {
            size_t count = 0;
            for (size_t j = 0; j < k; j++)
                x[count++] = (double)q->score[t * k + j] + g[j];
            for (size_t e = 0; i == 0 && e < q->p.ghosts; e++)
                x[count++] = (double)q->ghost_score[t];
            f[t] = log((double)q->mass[t]) - logsumexp(x, count);
        }
        for (size_t j = 0; j < k; j++) {
            for (size_t t = 0; t < n; t++)
                x[t] = (double)q->score[t * k + j] + f[t];
            g[j] = log((double)q->capacity[j]) - logsumexp(x, n);
        }
    }
    for (size_t t = 0; t < n; t++)
        for (size_t j = 0; j < k; j++)
            plan[t * k + j] = exp((double)q->score[t * k + j] + f[t] + g[j]);
    free(f);
    free(g);
    free(x);
}

static void check_oracle(const struct problem *q)
{
    size_t count = q->p.n * q->p.k;
    double *want = xcalloc(count, sizeof *want), bound = 1e-6 + q->p.iters * rounding(q);
    oracle(q, want);
    for (size_t e = 0; e < count; e++)
        if (!(fabs((double)q->p.plan[e] - want[e]) <= bound))
            fail_msg("plan[%zu] is %.9g, expected %.9g (bound %.3g)", e, (double)q->p.plan[e],
                     want[e], bound);
    free(want);
}

static void check_marginals(const struct problem *q)
{
    size_t n = q->p.n, k = q->p.k;
    double rows = 0, total = 0, bound = 1e-6 + rounding(q);
    for (size_t t = 0; t < n; t++) {
        double sum = 0;
        for (size_t j = 0; j < k; j++) {
            double p = (double)q->p.plan[t * k + j];
            assert_true(p >= 0 && isfinite(p));
            assert_true(q->mass[t] > 0 || p == 0);
            sum += p;
        }
        rows += fabs(sum - (double)q->mass[t]);
        total += sum;
    }
    for (size_t j = 0; j < k; j++) {
        double sum = 0;
        for (size_t t = 0; t < n; t++)
            sum += (double)q->p.plan[t * k + j];
        assert_true(fabs(sum - (double)q->capacity[j]) <= bound);
    }
    assert_true(fabs(total - 1) <= bound);
    /* What is reported is what is true: never silently unconverged. */
    assert_true(fabs((double)q->p.row_error[q->p.iters] - rows) <= 1e-5);
}

/* The record of each iteration is the error of the plan that its potentials give. */
static void check_record(const struct problem *q)
{
    size_t n = q->p.n, k = q->p.k;
    real *plan = xcalloc(n * k, sizeof *plan);
    double bound = 1e-5 + 4 * rounding(q);
    for (unsigned i = 0; i <= q->p.iters; i++) {
        sinkhorn_plan(plan, q->score, q->p.f + i * n, q->p.g + i * k, n, k);
        double rows = 0, columns = 0;
        for (size_t t = 0; t < n; t++) {
            double sum = 0;
            for (size_t j = 0; j < k; j++)
                sum += (double)plan[t * k + j];
            rows += fabs(sum - (double)q->mass[t]);
        }
        for (size_t j = 0; j < k; j++) {
            double sum = 0;
            for (size_t t = 0; t < n; t++)
                sum += (double)plan[t * k + j];
            columns += fabs(sum - (double)q->capacity[j]);
        }
        assert_true(fabs((double)q->p.row_error[i] - rows) <= bound);
        assert_true(fabs((double)q->p.column_error[i] - columns) <= bound);
    }
    free(plan);
}

/* The plan without its history is the same, bit for bit. */
static void check_without_history(const struct problem *q)
{
    size_t count = q->p.n * q->p.k;
    struct sinkhorn p = q->p;
    p.history = false;
    p.f = xcalloc(p.n, sizeof(real));
    p.g = xcalloc(p.k, sizeof(real));
    p.plan = xcalloc(count, sizeof(real));
    real row_error, column_error;
    p.row_error = &row_error;
    p.column_error = &column_error;
    sinkhorn_forward(&p, q->scratch);
    assert_memory_equal(p.plan, q->p.plan, count * sizeof(real));
    assert_true(row_error == q->p.row_error[p.iters]);
    free(p.f);
    free(p.g);
    free(p.plan);
}

static void check_finite_gradients(struct problem *q, struct rng *rng)
{
    size_t n = q->p.n, k = q->p.k;
    real *dplan = random_reals(rng, n * k, 1), *dscore = xcalloc(n * k, sizeof *dscore);
    real *dlog_a = xcalloc(n, sizeof *dlog_a), *dghost = xcalloc(n, sizeof *dghost);
    sinkhorn_backward(&q->p, dplan, dscore, dlog_a, dghost, q->scratch);
    for (size_t e = 0; e < n * k; e++)
        assert_true(isfinite(dscore[e]));
    for (size_t t = 0; t < n; t++) {
        assert_true(isfinite(dlog_a[t]) && isfinite(dghost[t]));
        assert_true(q->mass[t] > 0 || (dlog_a[t] == 0 && dscore[t * k] == 0));
    }
    free(dplan);
    free(dscore);
    free(dlog_a);
    free(dghost);
}

/* A problem of the same size whose plan must be related to q's. */
static void copy_problem(struct problem *out, const struct problem *q)
{
    problem_alloc(out, q->p.n, q->p.k, q->p.ghosts, q->p.iters);
    memcpy(out->cost, q->cost, q->p.n * q->p.k * sizeof(double));
    memcpy(out->a, q->a, q->p.n * sizeof(double));
    memcpy(out->b, q->b, q->p.k * sizeof(double));
    memcpy(out->ghost, q->ghost, q->p.n * sizeof(double));
    out->eps = q->eps;
}

static void expect_close(const struct problem *got, const real *want, double slack)
{
    double bound = 1e-6 + got->p.iters * slack;
    for (size_t e = 0; e < got->p.n * got->p.k; e++)
        assert_true(fabs((double)(got->p.plan[e] - want[e])) <= bound);
}

static void check_shift_and_scale(const struct problem *q, struct rng *rng)
{
    struct problem other;
    copy_problem(&other, q);
    double shift = q->eps * 3 * rng_uniform(rng), scale = exp(rng_normal(rng));
    for (size_t e = 0; e < q->p.n * q->p.k; e++)
        other.cost[e] = scale * (q->cost[e] + shift);
    for (size_t t = 0; t < q->p.n; t++)
        other.ghost[t] = scale * (q->ghost[t] + shift);
    other.eps = scale * q->eps;
    solve(&other);
    expect_close(&other, q->p.plan, rounding(q));
    problem_free(&other);
}

static void check_permutation(const struct problem *q)
{
    size_t n = q->p.n, k = q->p.k;
    struct problem other;
    copy_problem(&other, q);
    real *want = xcalloc(n * k, sizeof *want);
    for (size_t t = 0; t < n; t++) {
        size_t row = (t + 1) % n; /* a cycle of the rows, the columns reversed */
        other.a[row] = q->a[t];
        other.ghost[row] = q->ghost[t];
        for (size_t j = 0; j < k; j++) {
            other.cost[row * k + k - 1 - j] = q->cost[t * k + j];
            want[row * k + k - 1 - j] = q->p.plan[t * k + j];
        }
    }
    for (size_t j = 0; j < k; j++)
        other.b[k - 1 - j] = q->b[j];
    solve(&other);
    expect_close(&other, want, rounding(q));
    free(want);
    problem_free(&other);
}

static void test_random_problems(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 14);
    for (int i = 0; i < CASES; i++) {
        struct problem q;
        random_problem(&q, &rng);
        solve(&q);
        check_oracle(&q);
        check_marginals(&q);
        check_record(&q);
        check_without_history(&q);
        check_shift_and_scale(&q, &rng);
        check_permutation(&q);
        check_finite_gradients(&q, &rng);
        problem_free(&q);
    }
}

/* Enough iterations at a moderate eps: rows are right as well. */
static void test_convergence(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 15);
    for (int i = 0; i < 100; i++) {
        struct problem q;
        problem_alloc(&q, 1 + rng_below(&rng, 40), 1 + rng_below(&rng, 12), 0, 500);
        q.eps = 0.5;
        for (size_t e = 0; e < q.p.n * q.p.k; e++)
            q.cost[e] = 2 * rng_uniform(&rng);
        for (size_t t = 0; t < q.p.n; t++)
            q.a[t] = exp(rng_normal(&rng));
        for (size_t j = 0; j < q.p.k; j++)
            q.b[j] = 1;
        normalise(q.a, q.p.n);
        normalise(q.b, q.p.k);
        solve(&q);
        assert_true(q.p.row_error[500] <= REAL(1e-5) && q.p.column_error[500] <= REAL(1e-5));
        problem_free(&q);
    }
}

/* A cost that two senders share gives the product of the marginals after one
 * iteration already; so does a single sender or receiver. */
static void test_product_plans(void **state)
{
    (void)state;
    const struct {
        size_t n, k;
    } sizes[] = {{1, 1}, {1, 9}, {9, 1}, {6, 5}};
    for (size_t i = 0; i < 4; i++) {
        struct problem q;
        problem_alloc(&q, sizes[i].n, sizes[i].k, 0, 1);
        q.eps = 0.1;
        for (size_t e = 0; e < q.p.n * q.p.k; e++)
            q.cost[e] = 0.7;
        for (size_t t = 0; t < q.p.n; t++)
            q.a[t] = (double)(t + 1);
        for (size_t j = 0; j < q.p.k; j++)
            q.b[j] = 1 / (double)(j + 1);
        normalise(q.a, q.p.n);
        normalise(q.b, q.p.k);
        solve(&q);
        for (size_t t = 0; t < q.p.n; t++)
            for (size_t j = 0; j < q.p.k; j++)
                assert_true(fabs((double)q.p.plan[t * q.p.k + j] - q.a[t] * q.b[j]) < 1e-6);
        problem_free(&q);
    }
}

/* A symmetric problem has a symmetric plan once it has converged. */
static void test_symmetry(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 16);
    struct problem q;
    enum { N = 9 };
    problem_alloc(&q, N, N, 0, 300);
    q.eps = 0.3;
    for (size_t t = 0; t < N; t++) {
        q.a[t] = q.b[t] = exp(rng_normal(&rng));
        for (size_t j = 0; j <= t; j++)
            q.cost[t * N + j] = q.cost[j * N + t] = rng_uniform(&rng);
    }
    normalise(q.a, N);
    normalise(q.b, N);
    solve(&q);
    for (size_t t = 0; t < N; t++)
        for (size_t j = 0; j < t; j++)
            assert_true(real_fabs(q.p.plan[t * N + j] - q.p.plan[j * N + t]) < REAL(1e-5));
    problem_free(&q);
}

struct check {
    struct problem *q;
    real *weights;
};

static double plan_loss(void *context)
{
    struct check *c = context;
    sinkhorn_forward(&c->q->p, c->q->scratch);
    double sum = 0;
    for (size_t e = 0; e < c->q->p.n * c->q->p.k; e++)
        sum += (double)(c->q->p.plan[e] * c->weights[e]);
    return sum;
}

/* One column costs so much that its potential moves far in the first iteration. */
static void check_gradients(double eps, unsigned iters, struct rng *rng)
{
    enum { N = 7, K = 4 };
    struct problem q;
    problem_alloc(&q, N, K, 2, iters);
    q.eps = eps;
    for (size_t e = 0; e < N * K; e++)
        q.cost[e] = rng_uniform(rng) + (e % K == 2 ? 40 * eps : 0);
    for (size_t t = 0; t < N; t++) {
        q.a[t] = exp(rng_normal(rng));
        q.ghost[t] = rng_uniform(rng);
    }
    for (size_t j = 0; j < K; j++)
        q.b[j] = 1.0 / K;
    normalise(q.a, N);
    solve(&q);
    real *weights = random_reals(rng, N * K, 1), dscore[N * K], dlog_a[N], dghost[N];
    sinkhorn_backward(&q.p, weights, dscore, dlog_a, dghost, q.scratch);
    struct check context = {.q = &q, .weights = weights};
    gradcheck("scores", plan_loss, &context, q.score, dscore, N * K);
    if (iters == 1) /* later iterations forget the ghosts */
        gradcheck("ghost scores", plan_loss, &context, q.ghost_score, dghost, N);
    free(weights);
    problem_free(&q);
}

static void test_gradients(void **state)
{
    (void)state;
    if (!gradcheck_possible())
        skip();
    struct rng rng;
    rng_seed(&rng, 17);
    const double eps[] = {1, 0.1, 0.02};
    for (size_t i = 0; i < 3; i++) {
        check_gradients(eps[i], 1, &rng);
        check_gradients(eps[i], 12, &rng);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_problems), cmocka_unit_test(test_convergence),
        cmocka_unit_test(test_product_plans),   cmocka_unit_test(test_symmetry),
        cmocka_unit_test(test_gradients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
