/* `comprexit bench`: how fast each stage is on this machine. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/assets.h"
#include "app/batch.h"
#include "app/bench.h"
#include "app/cli.h"
#include "app/interrupt.h"
#include "app/host.h"
#include "app/report.h"
#include "engine/base/file.h"
#include "engine/ops/matmul.h"
#include "engine/ops/qmatmul.h"

enum { REPEAT_DEFAULT = 3 };

static double per_second(size_t count, double ms)
{
    return ms > 0 ? 1000.0 * (double)count / ms : (double)NAN;
}

/* What was measured at one precision. */
struct row {
    enum precision precision;
    struct bench_times times;
    struct bench_agreement agreement;
    size_t peak_bytes;
};

/* The peak of memory after each is that of the process so far. */
static const enum precision precisions[] = {PRECISION_Q8, PRECISION_MIXED, PRECISION_Q16,
                                            PRECISION_BF16, PRECISION_F32};
enum { PRECISIONS = sizeof precisions / sizeof *precisions };

/* All of them, or the one that was asked for. */
struct chosen {
    const enum precision *list;
    size_t count;
};

static struct chosen choose(const struct cli_arguments *a)
{
    const char *name = cli_text(a, "precision");
    for (size_t i = 0; name && i < PRECISIONS; i++)
        if (strcmp(name, precision_name(precisions[i])) == 0)
            return (struct chosen){precisions + i, 1};
    return (struct chosen){precisions, PRECISIONS};
}

/* What is not measured is null. */
static json_t *precision_json(const struct row *row)
{
    const struct bench_times *t = &row->times;
    json_t *stages = json_pack("{s:o, s:o, s:o, s:o, s:o}", "gate", report_number(t->gate), "mass",
                               report_number(t->mass), "plan", report_number(t->plan), "slots",
                               report_number(t->slots), "project", report_number(t->project));
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:o}", "precision",
                     precision_name(row->precision), "load_ms", report_number(t->load),
                     "prefill_tok_s", report_number(per_second(BENCH_CONTEXT, t->prefill)),
                     "decode_tok_s", report_number(per_second(BENCH_PREDICT, t->decode)),
                     "compress_ms", stages, "compress_backward_ms", report_number(t->backward),
                     "ntp_step_ms", report_number(t->ntp_step), "sft_step_ms",
                     report_number(t->sft_step), "peak_rss_bytes", (json_int_t)row->peak_bytes,
                     "top1_agreement", report_number(row->agreement.top1), "mean_kl",
                     report_number(row->agreement.mean_kl));
}

static void print_json(const struct row *rows, size_t count, size_t repeat)
{
    char cpu[128];
    host_cpu(cpu, sizeof cpu);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, precision_json(&rows[i]));
    report_json(json_pack("{s:o, s:s, s:s, s:s, s:i, s:i, s:i, s:I}", "precisions", list, "cpu",
                          cpu, "kernels", matmul_backend(), "quantised_kernels", qmatmul_kernels(),
                          "threads", host_threads(), "context", (int)BENCH_CONTEXT, "predicted",
                          (int)BENCH_PREDICT, "repeat", (json_int_t)repeat));
}

static void print_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct bench_times *t = &rows[i].times;
        printf("  %-9s %8.0f %9.0f %9.1f %9.0f %9.0f %9.2f %% %9.5f\n",
               precision_name(rows[i].precision), t->load, per_second(BENCH_CONTEXT, t->prefill),
               per_second(BENCH_PREDICT, t->decode), t->ntp_step, t->sft_step,
               100 * rows[i].agreement.top1, rows[i].agreement.mean_kl);
    }
}

static void print_table(const struct row *rows, size_t count)
{
    printf("%s; quantised: %s; %d tokens of context, %d predicted\n", matmul_backend(),
           qmatmul_kernels(), (int)BENCH_CONTEXT, (int)BENCH_PREDICT);
    printf("  precision  load ms prefill/s  decode/s NTP step ms  SFT ms same top-1   mean KL\n");
    print_rows(rows, count);
    const struct bench_times *t = &rows[count - 1].times;
    const struct {
        const char *name;
        double value;
    } stages[] = {
        {"gate", t->gate},   {"mass", t->mass},       {"plan", t->plan},
        {"slots", t->slots}, {"project", t->project}, {"compressor backward", t->backward},
    };
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++)
        printf("  %-20s %10.1f ms\n", stages[i].name, stages[i].value);
    printf("  %-20s %10.1f MiB\n", "peak memory", (double)rows[count - 1].peak_bytes / (1 << 20));
}

/* The agreement on the sample document; not a number where there is none. */
static bool measure_agreement(const char *path, struct chosen chosen, struct row *rows,
                              struct err *err)
{
    struct bench_agreement agreement[PRECISIONS];
    char *sample = assets_path("harbour.txt"), *text;
    size_t size;
    bool ok = true;
    for (size_t i = 0; i < PRECISIONS; i++)
        agreement[i] = (struct bench_agreement){(double)NAN, (double)NAN};
    if (sample) {
        ok = file_read(sample, DOCUMENT_BYTES_MAX, &text, &size, err);
        if (ok) {
            ok = bench_agree(path, text, size, chosen.list, chosen.count, agreement, err);
            free(text);
        }
    }
    for (size_t i = 0; i < chosen.count; i++)
        rows[i].agreement = agreement[i];
    free(sample);
    return ok;
}

static bool measure(const char *path, struct chosen chosen, size_t repeat, uint64_t seed,
                    struct row *rows, const struct progress *progress, struct err *err)
{
    for (size_t i = 0; i < chosen.count; i++) {
        rows[i].precision = chosen.list[i];
        if (!bench_run(path, chosen.list[i], repeat, seed, &rows[i].times, progress, err))
            return false;
        rows[i].peak_bytes = host_peak_bytes();
    }
    return measure_agreement(path, chosen, rows, err);
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
    struct row rows[PRECISIONS];
    struct chosen chosen = choose(a);
    bool ok = measure(path, chosen, repeat, options.seed, rows, &progress, err);
    progress_line_end(&line);
    free(path);
    if (ok && cli_flag(a, "json"))
        print_json(rows, chosen.count, repeat);
    else if (ok)
        print_table(rows, chosen.count);
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
                   "backwards, and AdamW: a block, or a question of 40 tokens, 8 of them counted. "
                   "Each precision, or the one of --precision, is compared with f32 on the "
                   "sample text: how often both find the same token most likely, and the mean KL "
                   "divergence. With --json, what has not been measured is null.",
    .options = options,
    .examples = examples,
    .groups = CLI_MODEL | CLI_OUTPUT,
    .run = run,
};
