#include "tests/gpu/check_core.h"

#include <math.h>
#include <stdlib.h>

/* Of the largest number of a result: float sums in another order, and products in TF32. */
static const double sum_bound = 1e-5, reduced_bound = 3e-3;

#define BOTH(s, i, call)                                                                           \
    for (int i = 0; i < SIDES; i++)                                                                \
    (s)->on[i]->ops->call

static void check_matmul(struct sides *s, size_t m, size_t n, size_t k)
{
    static const char *const names[] = {"matmul nt", "matmul nn", "matmul tn"};
    for (enum matmul_kind kind = MATMUL_NT; kind <= MATMUL_TN; kind++) {
        struct pair a = pair_random(s, (m + 2) * (k + 2), 1);
        struct pair b = pair_random(s, (n + 2) * (k + 2), 1);
        size_t lda = kind == MATMUL_TN ? m + 1 : k + 1, ldb = kind == MATMUL_NT ? k + 2 : n + 2;
        for (int reduced = 0; reduced < 2; reduced++) {
            struct pair c = pair_random(s, m * (n + 1), 1);
            BOTH(s, i, matmul(s->on[i], kind, c.on[i], n + 1, a.on[i], lda, b.on[i], ldb,
                              REAL(0.5), reduced ? 0 : 1, m, n, k, reduced));
            pair_compare(s, names[kind], &c, reduced ? reduced_bound : sum_bound);
        }
    }
}

static void check_simple(struct sides *s, size_t n, size_t H)
{
    struct pair x = pair_random(s, n * H, 1), y = pair_random(s, n * H, 1);
    struct pair bias = pair_random(s, H, 1), sums = pair_random(s, H, 1);
    struct pair up = pair_random(s, n * H, 2), out = pair_random(s, n * H, 1);
    struct pair other = pair_random(s, n * H, 1);
    BOTH(s, i, combine(s->on[i], y.on[i], REAL(0.3), x.on[i], REAL(-1.5), n * H));
    pair_compare(s, "combine", &y, sum_bound);
    BOTH(s, i, bias(s->on[i], y.on[i], bias.on[i], n, H));
    pair_compare(s, "bias", &y, sum_bound);
    BOTH(s, i, column_sums(s->on[i], sums.on[i], x.on[i], n, H));
    pair_compare(s, "column_sums", &sums, sum_bound);
    BOTH(s, i, swiglu_forward(s->on[i], out.on[i], x.on[i], up.on[i], n * H));
    pair_compare(s, "swiglu", &out, sum_bound);
    BOTH(s, i, swiglu_backward(s->on[i], out.on[i], other.on[i], y.on[i], x.on[i], up.on[i],
                               n * H));
    pair_compare(s, "swiglu_backward gate", &out, sum_bound);
    pair_compare(s, "swiglu_backward up", &other, sum_bound);
    BOTH(s, i, gelu_forward(s->on[i], out.on[i], up.on[i], n * H));
    pair_compare(s, "gelu", &out, sum_bound);
    BOTH(s, i, gelu_backward(s->on[i], out.on[i], y.on[i], up.on[i], n * H));
    pair_compare(s, "gelu_backward", &out, sum_bound);
    BOTH(s, i, copy(s->on[i], other.on[i], out.on[i], n * H));
    pair_compare(s, "copy", &other, sum_bound);
    BOTH(s, i, zero(s->on[i], other.on[i], n * H));
    other.unit = 1;
    pair_compare(s, "zero", &other, 0);
}

static void check_norms(struct sides *s, size_t n, size_t H)
{
    struct pair x = pair_random(s, n * H, 3), dy = pair_random(s, n * H, 1);
    struct pair y = pair_random(s, n * H, 1), dx = pair_random(s, n * H, 1);
    struct pair w = pair_random(s, H, 1), b = pair_random(s, H, 1);
    struct pair dw = pair_random(s, H, 1), db = pair_random(s, H, 1);
    struct pair mean = pair_random(s, n, 1), rstd = pair_random(s, n, 1);
    real eps = REAL(1e-5);
    BOTH(s, i, rmsnorm_forward(s->on[i], y.on[i], rstd.on[i], x.on[i], w.on[i], eps, n, H));
    pair_compare(s, "rmsnorm", &y, sum_bound);
    BOTH(s, i, rmsnorm_backward(s->on[i], dx.on[i], dy.on[i], x.on[i], w.on[i], rstd.on[i], n, H));
    pair_compare(s, "rmsnorm_backward", &dx, sum_bound);
    BOTH(s, i, layernorm_forward(s->on[i], y.on[i], mean.on[i], rstd.on[i], x.on[i], w.on[i],
                                 b.on[i], eps, n, H));
    pair_compare(s, "layernorm", &y, sum_bound);
    BOTH(s, i, layernorm_backward(s->on[i], dx.on[i], dw.on[i], db.on[i], dy.on[i], x.on[i],
                                  w.on[i], mean.on[i], rstd.on[i], n, H));
    pair_compare(s, "layernorm_backward", &dx, sum_bound);
    pair_compare(s, "layernorm_backward weight", &dw, sum_bound);
    pair_compare(s, "layernorm_backward bias", &db, sum_bound);
    BOTH(s, i, l2norm_forward(s->on[i], y.on[i], rstd.on[i], x.on[i], REAL(1e-12), n, H));
    pair_compare(s, "l2norm", &y, sum_bound);
    struct pair unit = pair_copied(s, &y);
    BOTH(s, i, l2norm_backward(s->on[i], dx.on[i], dy.on[i], unit.on[i], rstd.on[i], REAL(1e-12), n,
                               H));
    pair_compare(s, "l2norm_backward", &dx, sum_bound);
    BOTH(s, i, softmax_forward(s->on[i], y.on[i], x.on[i], REAL(0.7), n, H));
    pair_compare(s, "softmax", &y, sum_bound);
    struct pair p = pair_copied(s, &y);
    BOTH(s, i, softmax_backward(s->on[i], dx.on[i], dy.on[i], p.on[i], REAL(0.7), n, H));
    pair_compare(s, "softmax_backward", &dx, sum_bound);
}

/* Ids on both sides. */
static void send_ids(struct sides *s, int32_t *on[SIDES], const int32_t *ids, size_t n)
{
    for (int i = 0; i < SIDES; i++)
        on[i] = device_ints_of(s->on[i], ids, n);
}

static void check_gather(struct sides *s, size_t n, size_t H)
{
    int32_t *starts = calloc(n + 1, sizeof *starts), *index = calloc(2 * n + 2, sizeof *index);
    for (size_t r = 0; r < n; r++)
        starts[r + 1] = starts[r] + (int32_t)(r * 5 % 3); /* 0, 2, 1 rows */
    for (size_t e = 0; e < (size_t)starts[n]; e++)
        index[e] = (int32_t)(e * 7 % n);
    int32_t *first[SIDES], *of[SIDES];
    send_ids(s, first, starts, n + 1);
    send_ids(s, of, index, 2 * n + 2);
    struct pair x = pair_random(s, n * H, 1), out = pair_random(s, n * H, 1);
    BOTH(s, i, gather_sums(s->on[i], out.on[i], x.on[i], first[i], of[i], n, H));
    pair_compare(s, "gather_sums", &out, sum_bound);
    free(starts);
    free(index);
}

static void check_cross_entropy(struct sides *s, size_t n, size_t V)
{
    int32_t *labels = calloc(n, sizeof *labels), *on[SIDES];
    for (size_t i = 0; i < n; i++)
        labels[i] = (int32_t)rng_below(&s->rng, V);
    send_ids(s, on, labels, n);
    struct pair x = pair_random(s, n * V, 3), w = pair_random(s, n, 1), nll = pair_random(s, n, 1);
    BOTH(s, i, cross_entropy(s->on[i], nll.on[i], x.on[i], on[i], w.on[i], n, V));
    pair_compare(s, "cross_entropy", &nll, sum_bound);
    pair_compare(s, "cross_entropy gradient", &x, sum_bound);
    struct pair y = pair_random(s, n * V, 3), taught = pair_random(s, n * V, 3);
    BOTH(s, i, teach(s->on[i], nll.on[i], taught.on[i], y.on[i], w.on[i], n, V));
    pair_compare(s, "teach", &nll, sum_bound);
    pair_compare(s, "teach gradient", &taught, sum_bound);
    free(labels);
}

static void check_rope(struct sides *s, size_t n, size_t heads, size_t pairs)
{
    struct pair c = pair_random(s, n * pairs, 1), sine = pair_random(s, n * pairs, 1);
    for (enum rope_layout layout = ROPE_HALVES; layout <= ROPE_NEIGHBOURS; layout++)
        for (int sign = -1; sign <= 1; sign += 2) {
            struct pair x = pair_random(s, n * heads * 2 * pairs, 1);
            BOTH(s, i, rope(s->on[i], x.on[i], c.on[i], sine.on[i], layout, sign, n, heads, pairs));
            pair_compare(s, "rope", &x, sum_bound);
        }
}

/* Sequences that are alone, of one row, longer than a tile, and that share a beginning. */
static void check_attention(struct sides *s, const struct attention_shape *a)
{
    static const size_t starts[] = {0, 9, 10, 150, 190, 330}, prefix[] = {0, 1, 2, 2, 4};
    struct attention_pack pack = {5, starts, prefix};
    struct device_pack rows[SIDES];
    size_t n = 330, Q = n * a->heads * a->head_dim, K = n * a->kv_heads * a->head_dim;
    for (int i = 0; i < SIDES; i++)
        device_pack_init(s->on[i], &rows[i], &pack);
    struct pair q = pair_random(s, Q, 1), k = pair_random(s, K, 1), v = pair_random(s, K, 1);
    struct pair out = pair_random(s, Q, 1), lse = pair_random(s, n * a->heads, 1);
    struct pair dout = pair_random(s, Q, 1), dq = pair_random(s, Q, 1), dk = pair_random(s, K, 1);
    struct pair dv = pair_random(s, K, 1), scratch = pair_random(s, n * a->heads, 1);
    BOTH(s, i, attention_forward(s->on[i], out.on[i], lse.on[i], q.on[i], k.on[i], v.on[i],
                                 &rows[i], a));
    pair_compare(s, "attention", &out, sum_bound);
    pair_compare(s, "attention log-sum-exp", &lse, sum_bound);
    BOTH(s, i, attention_backward(s->on[i], dq.on[i], dk.on[i], dv.on[i], dout.on[i], out.on[i],
                                  lse.on[i], q.on[i], k.on[i], v.on[i], scratch.on[i], &rows[i],
                                  a));
    pair_compare(s, "attention_backward q", &dq, sum_bound);
    pair_compare(s, "attention_backward k", &dk, sum_bound);
    pair_compare(s, "attention_backward v", &dv, sum_bound);
}

static void check_all(struct sides *s)
{
    s->shape = "small";
    check_matmul(s, 5, 7, 3);
    check_simple(s, 3, 7);
    check_norms(s, 5, 31);
    check_gather(s, 7, 5);
    check_cross_entropy(s, 4, 11);
    check_rope(s, 3, 2, 5);
    check_attention(s, &(struct attention_shape){4, 2, 10});
    s->shape = "large";
    check_matmul(s, 300, 576, 192);
    check_simple(s, 700, 576);
    check_norms(s, 500, 576);
    check_gather(s, 900, 576);
    check_cross_entropy(s, 20, 49152);
    check_rope(s, 300, 9, 32);
    check_attention(s, &(struct attention_shape){9, 3, 64});
    check_attention(s, &(struct attention_shape){4, 4, 128});
}

bool check_core(struct device *cuda, struct device *host)
{
    struct sides s = {.on = {cuda, host}, .ok = true};
    rng_seed(&s.rng, 1);
    check_all(&s);
    return s.ok;
}
