#include "tests/support/sample_training.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/mem.h"

enum { STEPS = 412, TOTAL = 600, EVERY = 50, PROBES = 5, TOKENS = 128, SLOTS = 32, LAYERS = 31 };

/* A falling curve without exp and pow, whose last digits differ between libraries. */
static double falling(double x)
{
    return 2.2 + 3.3 / (1 + 8 * x);
}

static double wobble(size_t i)
{
    return ((double)(i * 7919 % 101) - 50) / 50;
}

static void add_steps(struct training_log *log)
{
    for (size_t i = 1; i <= STEPS; i++) {
        MEM_GROW(log->steps, log->steps_capacity, log->n_steps + 1);
        double rate = i < 30 ? (double)i / 30 : (double)(TOTAL - i) / (TOTAL - 30);
        log->steps[log->n_steps++] = (struct training_step){
            .step = i,
            .loss = falling((double)i / TOTAL) + 0.15 * wobble(i),
            .norm = 3 + 20.0 / (double)(1 + i / 20) + 0.4 * wobble(3 * i),
            .lr = 1e-4 * rate,
            .ms = 10700 + 90 * wobble(i + 5),
            .tokens = 20480,
            .ratio = 4,
            .passes = (double)i / 1005};
    }
}

static void add_checks(struct training_log *log)
{
    snprintf(log->kind[0], TRAINING_KIND_BYTES, "ntp 512+128");
    snprintf(log->kind[1], TRAINING_KIND_BYTES, "sft 512+128");
    log->n_kinds = 2;
    for (size_t i = 0; i <= STEPS; i += EVERY)
        for (size_t kind = 0; kind < 2; kind++) {
            MEM_GROW(log->checks, log->checks_capacity, log->n_checks + 1);
            double loss = falling((double)i / TOTAL) - 0.05 + 0.2 * (double)kind;
            log->checks[log->n_checks++] = (struct training_check){
                .step = i, .kind = kind, .compressed = loss, .wrong = loss + 0.4, .full = 2.02,
                .none = 3.37, .gap_closed = (3.37 - loss) / (3.37 - 2.02), .about_text = 0.4,
                .spread = 7.1, .gate_max = 0.4, .senders_off = 1e-5};
        }
}

/* A band that gets narrower with the snapshots. */
static struct snapshot_window *probe_window(size_t k)
{
    struct snapshot_window *w = snapshot_window_new(TOKENS, SLOTS, LAYERS, 0, false);
    double width = 24 - 4 * (double)k;
    for (size_t t = 0; t < TOKENS; t++) {
        double gates = 0, sent = 0;
        w->mass[t] = 1.0f / TOKENS;
        for (size_t l = 0; l < LAYERS; l++)
            gates += (double)(w->gate[t * LAYERS + l] = (float)(1 + (t / 9 + l / 5 + k) % 6));
        for (size_t l = 0; l < LAYERS; l++)
            w->gate[t * LAYERS + l] /= (float)gates;
        for (size_t j = 0; j < SLOTS; j++) {
            double off = fabs((double)t - 4 * (double)j - 1.5);
            sent += (double)(w->plan[t * SLOTS + j] = (float)fmax(0, 1 - off / width));
        }
        for (size_t j = 0; j < SLOTS; j++)
            w->plan[t * SLOTS + j] /= (float)(sent * TOKENS);
    }
    w->capacity = 1.0f / SLOTS;
    w->has_gate = w->has_plan = true;
    return w;
}

static void add_probes(struct training *t)
{
    static const char *const said[] = {
        "the the the of the", "the moor was a place of the sea",
        "the moor was a place of the sea and the water",
        "the moor was drained, and the sea", "the moor was drained, and the pans were heated"};
    static const char *const answer[] = {"the", "the sea", "wood", "wood", "coal"};
    for (size_t k = 0; k < PROBES; k++) {
        MEM_GROW(t->probes, t->probes_capacity, t->n_probes + 1);
        t->probes[t->n_probes++] = (struct training_probe){
            .step = 100 * k, .loaded = true, .window = probe_window(k), .said = xstrdup(said[k]),
            .answer = xstrdup(answer[k]), .f1 = k + 1 == PROBES ? 0.33 : 0};
    }
    snprintf(t->probe_question, sizeof t->probe_question,
             "What replaced peat as the fuel of the pans?");
    snprintf(t->probe_lead, sizeof t->probe_lead, "from the moor. In 1871");
    snprintf(t->probe_text, sizeof t->probe_text,
             "the moor was drained for pasture, and the company");
}

static void add_line(struct training *t, const char *when, const char *text)
{
    MEM_GROW(t->lines, t->lines_capacity, t->n_lines + 1);
    struct training_line *l = &t->lines[t->n_lines++];
    snprintf(l->when, sizeof l->when, "%s", when);
    l->text = xstrdup(text);
}

void sample_training(struct training *t)
{
    *t = (struct training){.state = TRAINING_RUNNING, .total_steps = TOTAL, .batch = 32, .keep = 3,
                           .clip = 20, .done = 8, .total = 32, .saved_step = 400,
                           .checked_step = 400, .saved_ago_s = 128, .log_age_s = 4,
                           .memory_bytes = 1.1 * 1073741824,
                           .memory_all = 7.6 * 1073741824,
                           .eta_s = 33 * 60};
    snprintf(t->name, sizeof t->name, "ntp-01");
    snprintf(t->directory, sizeof t->directory, "runs/ntp-01");
    snprintf(t->phase, sizeof t->phase, "ntp");
    snprintf(t->preset, sizeof t->preset, "cpu-ntp");
    snprintf(t->data, sizeof t->data, "harbour.txt");
    snprintf(t->model, sizeof t->model, "SmolLM2-135M-Instruct Q4_1");
    snprintf(t->shape, sizeof t->shape, "512+128");
    snprintf(t->stage, sizeof t->stage, "samples");
    add_steps(&t->log);
    add_checks(&t->log);
    add_probes(t);
    add_line(t, "14:02:10", "step 400  held-out 2.612 (best)  saved and read back, 6.8 + 13.6 MiB");
    add_line(t, "14:03:57", "step 410  loss 2.590  norm 3.90  1,909 tok/s");
    add_line(t, "14:04:08", "step 411  loss 2.601  norm 3.88  1,907 tok/s");
    add_line(t, "14:04:19", "step 412  loss 2.584  norm 3.91  1,912 tok/s");
}
