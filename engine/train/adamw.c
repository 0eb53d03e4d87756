#include "engine/train/adamw.h"

void adamw_step(const struct adamw *a, real *w, real *m, real *v, const real *gradient,
                size_t count, double grad_scale, size_t step)
{
    double correct1 = 1 - pow(a->beta1, (double)step);
    double correct2 = sqrt(1 - pow(a->beta2, (double)step));
    real beta1 = (real)a->beta1, beta2 = (real)a->beta2;
    real keep = (real)(1 - a->lr * a->weight_decay);
    real rate = (real)(a->lr / correct1), root = (real)correct2, eps = (real)a->eps;
    real scale = (real)grad_scale;
    for (size_t i = 0; i < count; i++) {
        real g = gradient[i] * scale;
        m[i] = beta1 * m[i] + (1 - beta1) * g;
        v[i] = beta2 * v[i] + (1 - beta2) * g * g;
        w[i] = keep * w[i] - rate * m[i] / (real_sqrt(v[i]) / root + eps);
    }
}

double adamw_clip_factor(double norm, double clip)
{
    double factor = clip / (norm + 1e-6);
    return factor < 1 ? factor : 1;
}
