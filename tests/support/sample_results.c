#include "tests/support/sample_results.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/mem.h"

enum { QUESTIONS = 40, CHOSEN = 12 };

static void add_row(struct samples *s, const struct samples_row *row)
{
    MEM_GROW(s->rows, s->rows_capacity, s->n_rows + 1);
    s->rows[s->n_rows++] = *row;
}

void sample_samples(struct samples *s, struct samples_text *text)
{
    *s = (struct samples){.good = QUESTIONS, .bad = 2, .refused = true, .tokens = 1213456,
                          .questions = QUESTIONS,
                          .median = 402, .longest = 1911, .longer = 7, .answer_median = 3,
                          .context = 512, .predict = 128, .n_samples = QUESTIONS, .bin_width = 60};
    snprintf(s->name, sizeof s->name, "harbour-qa.jsonl.gz");
    snprintf(s->phase, sizeof s->phase, "sft");
    snprintf(s->form, sizeof s->form, "JSON lines");
    for (size_t i = 0; i < QUESTIONS; i++) {
        char question[64];
        snprintf(question, sizeof question, "When was basin %zu opened?", i);
        add_row(s, &(struct samples_row){.context = i % 6 ? 77 + 31 * (i % 14) : 512,
                                         .cut = i % 6 ? 0 : 177 + i, .query = 18 + i % 5,
                                         .answer = 2 + i % 4, .counted = 3 + i % 4,
                                         .text = xstrdup(question)});
    }
    for (size_t i = 0; i < SAMPLES_BINS; i++)
        s->bin[i] = i < 20 ? (i * 7 + 3) % 11 : i % 5 == 0;
    add_row(s, &(struct samples_row){
                   .line = 15, .bad = true, .text = xstrdup("\"answers\" is empty")});
    add_row(s, &(struct samples_row){
                   .line = 29, .bad = true, .text = xstrdup("not JSON: '}' expected near 'x'")});
    *text = (struct samples_text){
        .index = CHOSEN,
        .context = xstrdup("tables were printed on grey card. Until the second basin was dug, "
                           "barges waited outside the bar for six hours at neap tide.\nThe new "
                           "basin was opened in the spring of 1888 and took forty barges. Coal "
                           "briquettes were landed there."),
        .query = xstrdup("Question: When was the new basin opened?Answer the question directly "
                         "with a short span only, no explanation. Answer:"),
        .counted = xstrdup("spring of 1888"),
        .cut = xstrdup("The harbour office kept its own tide table, and the"),
        .raw = xstrdup("{\"context\": \"The harbour office kept its own tide table, and the "
                       "first of them were printed on grey card. Until the second basin was dug "
                       "...\", "
                       "\"question\": \"When was the new basin opened?\", \"answers\": "
                       "[\"spring of 1888\"]}"),
        .context_tokens = xstrdup("tables| were| printed| on| grey| card|.| Until| the| "
                                  "second| basin"),
        .query_tokens = xstrdup("Question|:| When| was| the| new| basin| opened|?"),
        .counted_tokens = xstrdup("spring| of| |1|8|8|8"),
        .found = 1};
}

static void add_example(struct results_set *set, size_t i, size_t wrong_every)
{
    static const char *const gold[] = {"spring of 1888", "grey card", "six hours", "forty barges"};
    static const char *const other[] = {"1888", "card tables", "forty barges", "the bar"};
    const char *right = gold[i % 4], *wrong = other[i % 4];
    bool full = i % 3 != 1, compressed = full && i % wrong_every != 0;
    MEM_GROW(set->examples, set->capacity, set->n + 1);
    struct results_example *e = &set->examples[set->n++];
    *e = (struct results_example){.index = i, .ms = 710, .slots = 96 + i % 30,
                                   .positions = {560 + i % 30, 150 + i % 10, 150, 40}};
    e->question = xstrdup(i % 2 ? "What were the tide tables printed on?"
                                : "When was the new basin opened?");
    e->gold = xstrdup(right);
    const bool ok[RESULTS_MODES] = {full, compressed || i % 11 == 4, i % 9 == 0, i % 13 == 0};
    for (int mode = 0; mode < RESULTS_MODES; mode++) {
        e->said[mode] = xstrdup(ok[mode] ? right : wrong);
        e->exact[mode] = ok[mode];
        e->f1[mode] = ok[mode] ? 1 : i % 2 ? 0.5 : 0;
    }
}

void sample_results(struct results *r)
{
    static const char *const names[] = {"harbour-qa", "tides-qa",
                                        "ferry-qa (ood)"};
    *r = (struct results){.tail = 512, .max_tokens = 20};
    for (size_t k = 0; k < 3; k++) {
        MEM_GROW(r->sets, r->capacity, r->n + 1);
        struct results_set *set = &r->sets[r->n++];
        *set = (struct results_set){.state = k < 2 ? RESULTS_DONE : RESULTS_RUNNING,
                                    .wanted = 120,
                                    .ratio = 4};
        snprintf(set->name, sizeof set->name, "%s", names[k]);
        snprintf(set->compressor, sizeof set->compressor, k == 1 ? "step-000400" : "default-x4");
        for (size_t i = 0; i < (k < 2 ? 120u : 31u); i++)
            add_example(set, i, 3 + k);
    }
}
