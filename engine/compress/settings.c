#include <math.h>

#include "engine/compress/compressor.h"

/* The highest ratio leaves one slot of the largest window. */
enum { WINDOW_MAX = 8192, RATIO_MAX = WINDOW_MAX, ITERS_MAX = 10000 };

const struct compress_settings compress_settings_default = {
    .window = 128,
    .ratio = 4,
    .eps = 0.1,
    .iters = 30,
    .align = ALIGN_TAIL,
    .gate_tau = 0.7,
    .source_tau = 1.0,
    .lambda_floor = 0.05,
};

static bool in_range(const char *name, double value, double low, double high, struct err *err)
{
    if (value >= low && value <= high)
        return true;
    return err_set(err, ERR_INPUT, "%s %g is not in %g..%g", name, value, low, high);
}

bool compress_settings_check(const struct compress_settings *s, struct err *err)
{
    return in_range("window", (double)s->window, 1, WINDOW_MAX, err) &&
           in_range("ratio", s->ratio, 1, RATIO_MAX, err) &&
           in_range("eps", s->eps, 1e-4, 1e4, err) &&
           in_range("iterations", s->iters, 1, ITERS_MAX, err) &&
           in_range("gate temperature", s->gate_tau, 1e-3, 1e3, err) &&
           in_range("source temperature", s->source_tau, 1e-3, 1e3, err) &&
           in_range("mass floor", s->lambda_floor, 0, 1, err);
}

size_t compress_slots_per_window(const struct compress_settings *s)
{
    /* A ratio that was made as W / K must give K back although it is rounded. */
    return (size_t)ceil((double)s->window / s->ratio - 1e-9);
}
