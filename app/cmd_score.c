/* `comprexit score DOC`: how well the frozen model predicts each token of a
 * document, by itself or after a context that is given whole, compressed or not
 * at all. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/batch.h"
#include "app/cli.h"
#include "app/report.h"
#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"

struct score {
    struct token_list tokens, context;
    const char *given; /* NULL: the document alone */
    size_t count;      /* of nll: n - 1, with a context n */
    real *nll;
    double mean, ms;
};

static enum answer_mode mode_of(const char *name)
{
    size_t mode = 0;
    while (strcmp(answer_mode_name[mode], name) != 0)
        mode++;
    return (enum answer_mode)mode;
}

static bool read_context(const struct batch *batch, const char *path, struct score *s,
                         struct err *err)
{
    struct batch_input input;
    if (!batch_input_read(&input, path, NULL, err))
        return false;
    bool ok = batch_tokens(batch, &input, true, &s->context, err);
    batch_input_free(&input);
    return ok;
}

/* Fills nll and its mean. */
static bool compute(struct batch *batch, struct score *s, struct err *err)
{
    size_t n = s->tokens.count;
    s->count = s->given ? n : n - (n > 0);
    if (s->count == 0)
        return err_set(err, ERR_INPUT, "the document has %zu token%s, a score needs %d", n,
                       text_plural(n), s->given ? 1 : 2);
    s->nll = xcalloc(s->count, sizeof *s->nll);
    double start = clock_ms();
    bool ok = s->given
                  ? engine_score_given(batch->engine, mode_of(s->given), s->context.ids,
                                       s->context.count, s->tokens.ids, n, s->nll,
                                       &batch->progress, err)
                  : engine_score(batch->engine, s->tokens.ids, n, s->nll, &batch->progress, err);
    s->ms = clock_ms() - start;
    /* Without anything in front of it the first token has no loss: NaN. */
    size_t counted = 0;
    for (size_t i = 0; ok && i < s->count; i++)
        if (isfinite(s->nll[i])) {
            s->mean += (double)s->nll[i];
            counted++;
        }
    s->mean /= (double)counted;
    return ok;
}

static void print_json(const struct score *s)
{
    json_t *nll = json_array();
    for (size_t i = 0; i < s->count; i++)
        json_array_append_new(nll, report_number((double)s->nll[i]));
    json_t *document = json_pack("{s:I, s:o, s:o, s:o}", "n", (json_int_t)s->tokens.count,
                                 "mean_nll", report_number(s->mean), "nll", nll, "ms",
                                 report_number(s->ms));
    if (s->given) {
        json_object_set_new(document, "given", json_string(s->given));
        json_object_set_new(document, "context_tokens", json_integer((json_int_t)s->context.count));
    }
    report_json(document);
}

static void print_line(const struct score *s)
{
    printf("%.4f nats a token over %zu token%s (%.0f ms)\n", s->mean, s->count,
           text_plural(s->count), s->ms);
}

static bool score_input(struct batch *batch, const struct cli_arguments *a,
                        const struct batch_input *input, struct err *err)
{
    struct score s = {.given = cli_text(a, "given")};
    const char *context = cli_text(a, "context");
    if (s.given && strcmp(s.given, "compressed") == 0)
        batch_note_untrained(batch, a);
    bool ok = batch_tokens(batch, input, !s.given, &s.tokens, err) &&
              (!context || read_context(batch, context, &s, err)) && compute(batch, &s, err);
    progress_line_end(&batch->line);
    if (ok && cli_flag(a, "json"))
        print_json(&s);
    else if (ok)
        print_line(&s);
    token_list_free(&s.tokens);
    token_list_free(&s.context);
    free(s.nll);
    return ok;
}

static bool run(const struct cli_arguments *a, struct err *err)
{
    const char *ids = cli_text(a, "ids"), *given = cli_text(a, "given");
    if (a->n_operands == 0 && !ids)
        return err_set(err, ERR_USAGE, "score: expected DOC, or token ids with --ids");
    if (!given != !cli_text(a, "context"))
        return err_set(err, ERR_USAGE, "score: --given and --context go together");
    struct batch_input input;
    if (!batch_input_read(&input, a->n_operands ? a->operands[0] : "-", ids, err))
        return false;
    struct batch batch;
    bool ok = batch_open(&batch, a, err) && score_input(&batch, a, &input, err);
    batch_close(&batch);
    batch_input_free(&input);
    return ok;
}

static const struct cli_option options[] = {
    {.name = "ids", .kind = CLI_PATH, .value = "F.json",
     .help = "score these token ids, a JSON list, in place of a text"},
    {.name = "context", .kind = CLI_PATH, .value = "CTX",
     .help = "text that stands before DOC; goes with --given"},
    {.name = "given", .kind = CLI_CHOICE, .value = "full|compressed|none",
     .help = "how the model gets the context: all its tokens, its slots, or not at all"},
    {.name = NULL},
};

static const struct cli_example examples[] = {
    {"comprexit score notes.md", "mean next-token loss of the text"},
    {"comprexit score end.md --context start.md --given compressed --json",
     "loss of one text after the slots of another"},
    {NULL, NULL},
};

const struct cli_command command_score = {
    .name = "score",
    .operands = "[DOC]",
    .max_operands = 1,
    .summary = "print the frozen model's loss on each token of a document",
    .description = "The loss is the negative log-likelihood of each token given those before it, "
                   "in nats. With --json: {\"n\", \"mean_nll\", \"nll\", \"ms\"}; nll has n - 1 "
                   "numbers, with --given n: the first token then follows the context "
                   "(null where nothing stands in front of it).",
    .options = options,
    .examples = examples,
    .groups = CLI_MODEL | CLI_SETTINGS | CLI_OUTPUT,
    .run = run,
};
