/* `comprexit bench`: how fast each stage is on this machine. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/batch.h"
#include "app/bench.h"
#include "app/cli.h"
#include "app/interrupt.h"
#include "app/host.h"
#include "app/report.h"
#include "engine/ops/matmul.h"

enum { REPEAT_DEFAULT = 3 };

static double per_second(size_t count, double ms)
{
    return ms > 0 ? 1000.0 * (double)count / ms : (double)NAN;
}

/* What is not measured is null. Agreement is with the reference precision, which
 * f32 is itself. */
static json_t *precision_json(const struct bench_times *t)
{
    json_t *stages = json_pack("{s:o, s:o, s:o, s:o, s:o}", "gate", report_number(t->gate), "mass",
                               report_number(t->mass), "plan", report_number(t->plan), "slots",
                               report_number(t->slots), "project", report_number(t->project));
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:f, s:f}", "precision", "f32",
                     "load_ms", report_number(t->load), "prefill_tok_s",
                     report_number(per_second(BENCH_CONTEXT, t->prefill)), "decode_tok_s",
                     report_number(per_second(BENCH_PREDICT, t->decode)), "compress_ms", stages,
                     "compress_backward_ms", report_number(t->backward), "ntp_step_ms",
                     report_number(t->ntp_step), "sft_step_ms", report_number(t->sft_step),
                     "peak_rss_bytes", (json_int_t)host_peak_bytes(),
                     "top1_agreement", 1.0, "mean_kl", 0.0);
}

static void print_json(const struct bench_times *t, size_t repeat)
{
    char cpu[128];
    host_cpu(cpu, sizeof cpu);
    report_json(json_pack("{s:[o], s:s, s:s, s:i, s:i, s:i, s:I}", "precisions",
                          precision_json(t), "cpu", cpu, "kernels", matmul_backend(), "threads",
                          host_threads(), "context", (int)BENCH_CONTEXT, "predicted",
                          (int)BENCH_PREDICT, "repeat", (json_int_t)repeat));
}

static void print_table(const struct bench_times *t)
{
    printf("f32, %s: %d tokens of context, %d predicted\n", matmul_backend(), (int)BENCH_CONTEXT,
           (int)BENCH_PREDICT);
    const struct {
        const char *name, *unit;
        double value;
    } rows[] = {
        {"load", "ms", t->load},
        {"prefill", "tokens/s", per_second(BENCH_CONTEXT, t->prefill)},
        {"decode", "tokens/s", per_second(BENCH_PREDICT, t->decode)},
        {"gate", "ms", t->gate},
        {"mass", "ms", t->mass},
        {"plan", "ms", t->plan},
        {"slots", "ms", t->slots},
        {"project", "ms", t->project},
        {"compressor backward", "ms", t->backward},
        {"NTP step", "ms", t->ntp_step},
        {"SFT step", "ms", t->sft_step},
        {"peak memory", "MiB", (double)host_peak_bytes() / (1 << 20)},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        printf("  %-20s %10.1f %s\n", rows[i].name, rows[i].value, rows[i].unit);
}

static bool tick(void *context, const char *stage, size_t done, size_t total)
{
    progress_line_tick(context, stage, done, total);
    return interrupt_signal() == 0;
}

static bool run(const struct cli_arguments *a, struct err *err)
{
    struct engine_options options;
    if (!batch_engine_options(a, &options, err))
        return false;
    batch_engine_options_free(&options);
    size_t repeat = cli_count(a, "repeat", REPEAT_DEFAULT);
    struct progress_line line;
    struct progress progress = {.tick = tick, .context = &line};
    progress_line_start(&line, a);
    interrupt_catch();
    host_set_threads(options.threads);
    char *path = batch_model_path(a);
    struct bench_times times;
    bool ok = bench_run(path, repeat, options.seed, &times, &progress, err);
    progress_line_end(&line);
    free(path);
    if (ok && cli_flag(a, "json"))
        print_json(&times, repeat);
    else if (ok)
        print_table(&times);
    return ok;
}

static const struct cli_option options[] = {
    {.name = "repeat", .kind = CLI_COUNT, .value = "N", .min = 1, .max = BENCH_REPEAT_MAX,
     .help = "repetitions, of which the median counts (3)"},
    {.name = NULL},
};

static const struct cli_example examples[] = {
    {"comprexit bench --json --threads 1", "timings of one core by stage"},
    {NULL, NULL},
};

const struct cli_command command_bench = {
    .name = "bench",
    .operands = "",
    .summary = "measure the speed of each stage on this machine",
    .description = "512 tokens of context, 128 predicted, random ids and untrained parameters: "
                   "times do not depend on them. A training step is one sample forwards and "
                   "backwards, and AdamW: a block, or a question of 40 tokens, 8 of them counted. With --json, what has not been measured is null.",
    .options = options,
    .examples = examples,
    .groups = CLI_MODEL | CLI_OUTPUT,
    .run = run,
};
