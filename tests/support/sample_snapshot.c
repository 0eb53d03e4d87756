#include "tests/support/sample_snapshot.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"

enum { WINDOW = 128, SLOTS = 32, LAYERS = 30, ITERS = 30 };
static const double eps = 0.1;

const char sample_text[] =
    "The saltworks on the flats below Marren was never large. Two brothers, Aldous "
    "and Peter Hale, founded it in 1764 with money from a herring boat, and for a "
    "hundred and sixty years it fed eleven families. The brine came from a well nine "
    "fathoms deep at the edge of the marsh, where a bed of old salt lies under the "
    "clay. It was far saltier than the sea. Two men raised it with a hand pump into "
    "four ponds lined with clay, where sun and wind thickened it until an egg would "
    "float. From the ponds the brine ran down a wooden gutter to the boiling house. "
    "There the pans were heated with peat from the moor. In 1871 the moor was drained"
    " for pasture, and the company went over to briquettes of pressed coal dust, "
    "which came by barge from Lund Quay. A full boiling took thirty-one hours. The "
    "workers cleared the foam with a bucket of ox blood, raked the crystals to the "
    "rim every forty minutes, and let the damp salt drip in willow baskets above the "
    "pan. The grey first salt was sold to the tanneries and the white second salt to "
    "the dairies. In the wet spring of 1903 the third pond burst its bank and the "
    "works stood idle for two seasons.\n"
    "\n"
    "The repair was paid for by Hedda Voss, a cheese merchant, who asked for the "
    "white salt at half price for ten years in return. She also had the hand pump "
    "replaced by a small oil engine, which the men called the goat because it kicked "
    "when it was started. Under her the works made forty tons a year, more than ever "
    "before. The foreman, Jonas Reed, kept a log of every boiling in green notebooks:"
    " the weather, the strength of the brine, the fuel that was burned and the weight"
    " of the salt. Thirty-eight of them survive in the town library of Marren.\n"
    "\n"
    "After the war salt from the southern mines arrived by rail at a third of the "
    "cost. The last fire was put out on the ninth of October 1924, and the great pans"
    " were sold to a shipyard for scrap. The boiling house is now a school of boat "
    "building. Of the four ponds only the second still holds water; wading birds nest"
    " on its bank, and on hot dry days in August a thin white crust of salt can be "
    "seen along its edge.\n";

/* Bytes of each token of the text, as letters: a = 1, b = 2, ... */
static const char token_lengths[] =
    "ceecdffdcdffadiadcdfeahccaaaaaefebheaddbhdffcdgiadfeebeebccecdecdfafbdcdeefdeacd"
    "deceddaddgcebeeeeffeeafddejcfcdffaedfdfdebgdccdhfafdeegeeedeacaaaaadedhdhaddheec"
    "ddccheeafecbdeecbabehegacfadhhdeebgccfaccdicddffhadddeeecghfddadefedecddccddfgec"
    "dbccacddgcaaaaadfefdeddffeddhaaacgdedcdbbcabgiadfddfecefddfcgadeddeeicbfdgafddgd"
    "ehcgecdhafddfefebeaeeegadecadbeaebdcfhcfjadhadicdfadeedgddgcdeagaecehcdehcdcaaae"
    "ddeedifhcecbfcdeadeedddcdfchaaaaaaddfeeecbeddfadhfcdbgceiacdefedgfffabefecdeadcd"
    "decgbeffcedcefdeaa";

/* A number in 0..1 that looks random and is the same everywhere. */
static double noise(uint32_t a, uint32_t b)
{
    uint32_t x = a * 2654435761u ^ b * 2246822519u ^ 0x9e3779b9u;
    x = (x ^ x >> 15) * 2246822519u;
    x = (x ^ x >> 13) * 3266489917u;
    return (double)((x ^ x >> 16) & 0xffffff) / 0x1000000;
}

/* ---- document --------------------------------------------------------------- */

/* Any other text: words with the blank before them, everything else alone, but
 * characters of several bytes whole. */
static size_t word_length(const char *text, size_t size)
{
    size_t n = text[0] == ' ' && size > 1;
    if ((unsigned char)text[0] >= 0xc0) {
        for (n = 1; n < size && ((unsigned char)text[n] & 0xc0) == 0x80;)
            n++;
        return n;
    }
    while (n < size && n < 12 && ((text[n] | 32) >= 'a') && ((text[n] | 32) <= 'z'))
        n++;
    return n > (text[0] == ' ') ? n : 1;
}

static size_t count_tokens(const char *text, size_t size)
{
    size_t tokens = 0;
    for (size_t i = 0; i < size; tokens++)
        i += word_length(text + i, size - i);
    return tokens;
}

/* The windows of segments of 512 tokens, partial ones first (tail). */
static void lay_windows(struct snapshot *s, size_t tokens)
{
    uint32_t *first = xcalloc(tokens / WINDOW + 2, sizeof *first);
    size_t windows = 0;
    for (size_t t = 0; t < tokens;) {
        size_t segment_left = 512 - t % 512, left = size_min(segment_left, tokens - t);
        first[windows++] = (uint32_t)t;
        t += left % WINDOW ? left % WINDOW : WINDOW;
    }
    first[windows] = (uint32_t)tokens;
    snapshot_set_windows(s, windows, first);
    free(first);
}

static void set_facts(struct snapshot *s)
{
    s->settings = (struct snapshot_settings){.window = WINDOW,
                                             .ratio = 4,
                                             .slots_per_window = SLOTS,
                                             .eps = eps,
                                             .iters = ITERS,
                                             .segment = 512,
                                             .max_tokens = 20};
    struct snapshot_facts *f = &s->facts;
    snprintf(f->model, sizeof f->model, "SmolLM2-135M-Instruct Q4_1");
    snprintf(f->compressor, sizeof f->compressor, "default-x4");
    snprintf(f->precision, sizeof f->precision, "q8");
    f->layers = LAYERS;
    f->hidden = 576;
    f->vocab = 49152;
    f->positions = 8192;
    f->trained_ratio = 4;
    f->trained_window = WINDOW;
    f->threads = 2;
}

/* length: bytes of each token, or NULL for words. */
static struct snapshot *make_document(const char *text, size_t size, const char *lengths,
                                      size_t tokens)
{
    struct snapshot *s = snapshot_derive(NULL);
    struct snapshot_document *d = snapshot_document_new(tokens);
    set_facts(s);
    d->name = xstrdup("saltworks.txt");
    d->text = xstrndup(text, size);
    d->size = size;
    for (size_t t = 0, at = 0; t < tokens; t++) {
        d->start[t] = (uint32_t)at;
        at +=
            lengths ? (size_t)(lengths[t] - 'a' + 1) : word_length(text + at, size - at);
        d->end[t] = (uint32_t)at;
        d->ids[t] = (int32_t)t;
    }
    snapshot_set_document(s, d);
    lay_windows(s, tokens);
    return s;
}

struct snapshot *sample_document(const char *text, size_t size)
{
    return make_document(text, size, NULL, count_tokens(text, size));
}

struct snapshot *sample_tokens(const char *text, const char *lengths)
{
    return make_document(text, strlen(text), lengths, strlen(lengths));
}

/* ---- gates ------------------------------------------------------------------ */

static void make_gates(struct snapshot_window *w)
{
    for (size_t t = 0; t < w->tokens; t++) {
        double x = (double)(w->first + t), total = 0;
        float *gate = w->gate + t * w->layers;
        for (size_t l = 0; l < w->layers; l++) {
            double depth = (double)l / (double)(w->layers - 1);
            double logit = 1.3 * sin(x / 13) * exp(-pow((depth - 0.6) / 0.1, 2)) +
                           1.1 * cos(x / 11) * exp(-pow((depth - 0.82) / 0.07, 2)) +
                           0.8 * sin(x / 17 + 1) * exp(-pow((depth - 0.25) / 0.1, 2)) -
                           1.2 * exp(-depth / 0.05) - 1.2 * exp((depth - 1) / 0.03) +
                           0.9 * (noise((uint32_t)x, (uint32_t)l) - 0.5);
            gate[l] = (float)exp(logit);
            total += (double)gate[l];
        }
        for (size_t l = 0; l < w->layers; l++)
            gate[l] = (float)((double)gate[l] / total);
    }
    w->has_gate = true;
}

/* ---- mass, cost, plan ------------------------------------------------------- */

/* Long words say more than short ones. */
static void make_mass(struct snapshot_window *w, const struct snapshot_document *d)
{
    double total = 0;
    for (size_t t = 0; t < w->tokens; t++) {
        size_t at = w->first + t;
        double length = (double)(d->end[at] - d->start[at]);
        double mass =
            0.25 + 0.3 * fmax(0, length - 4) + 2.5 * pow(noise((uint32_t)at, 77), 3);
        w->mass[t] = (float)mass;
        total += mass;
    }
    for (size_t t = 0; t < w->tokens; t++)
        w->mass[t] =
            (float)(0.95 * (double)w->mass[t] / total + 0.05 / (double)w->tokens);
}

/* Near its home span a token suits a slot; a few also suit one far away. */
static void make_cost(struct snapshot_window *w)
{
    for (size_t t = 0; t < w->tokens; t++)
        for (size_t j = 0; j < w->slots; j++) {
            double centre = 0.5 * (w->span[j] + w->span[j + 1] - 1);
            double away = fabs((double)t - centre) / 4;
            uint32_t at = (uint32_t)(w->first + t);
            double likeness =
                0.78 * exp(-away * away / 2.2) + 0.25 * noise(at, (uint32_t)j) - 0.1;
            if (away > 3 && noise(at, 500 + (uint32_t)j) > 0.985)
                likeness += 0.55;
            w->cost[t * w->slots + j] = (float)(1 - likeness);
        }
}

static double log_sum_exp(const double *x, size_t n)
{
    double top = x[0], sum = 0;
    for (size_t i = 1; i < n; i++)
        top = fmax(top, x[i]);
    for (size_t i = 0; i < n; i++)
        sum += exp(x[i] - top);
    return top + log(sum);
}

static void balance_once(const struct snapshot_window *w, const float *g_before, float *f,
                         float *g)
{
    double line[WINDOW];
    for (size_t t = 0; t < w->tokens; t++) {
        for (size_t j = 0; j < w->slots; j++)
            line[j] = -(double)w->cost[t * w->slots + j] / eps + (double)g_before[j];
        f[t] = (float)(log((double)w->mass[t]) - log_sum_exp(line, w->slots));
    }
    for (size_t j = 0; j < w->slots; j++) {
        for (size_t t = 0; t < w->tokens; t++)
            line[t] = -(double)w->cost[t * w->slots + j] / eps + (double)f[t];
        g[j] = (float)(log((double)w->capacity) - log_sum_exp(line, w->tokens));
    }
}

static void note_errors(struct snapshot_window *w, unsigned i, const float *plan)
{
    double off = 0;
    for (size_t t = 0; t < w->tokens; t++) {
        double sent = 0;
        for (size_t j = 0; j < w->slots; j++)
            sent += (double)plan[t * w->slots + j];
        off += fabs(sent - (double)w->mass[t]);
    }
    w->row_error[i] = (float)off;
}

static void make_plan(struct snapshot_window *w)
{
    w->eps = eps;
    w->has_plan = true;
    for (unsigned i = 0; i <= w->iters; i++) {
        if (i > 0)
            balance_once(w, w->g + (i - 1) * w->slots, w->f + i * w->tokens,
                         w->g + i * w->slots);
        snapshot_window_plan_at(w, i, w->plan);
        note_errors(w, i, w->plan);
    }
    for (size_t j = 0; j + 1 < w->slots; j++)
        w->twin[j] = (float)(0.3 + 0.5 * noise((uint32_t)j, 9));
}

void sample_read_window(struct snapshot *s, size_t i)
{
    size_t first = s->window_first[i], n = s->window_first[i + 1] - first;
    size_t slots = size_min(SLOTS, size_div_up(n, WINDOW / SLOTS));
    struct snapshot_window *w = snapshot_window_new(n, slots, LAYERS + 1, ITERS, true);
    w->first = first;
    /* The missing positions are in front: the first span is the short one. */
    for (size_t j = 1; j <= slots; j++)
        w->span[j] = (uint32_t)(n - 4 * (slots - j));
    make_gates(w);
    make_mass(w, s->document);
    make_cost(w);
    make_plan(w);
    if (!s->minimap_mass) {
        s->minimap_mass = xcalloc(s->document->tokens, sizeof *s->minimap_mass);
        for (size_t t = 0; t < s->document->tokens; t++)
            s->minimap_mass[t] = NAN;
    }
    for (size_t t = 0; t < n; t++)
        s->minimap_mass[first + t] = w->mass[t] * (float)n;
    snapshot_set_window(s, i, w);
}

/* ---- answers ---------------------------------------------------------------- */

static struct snapshot_answer *make_answer(const char *text)
{
    struct snapshot_answer *a = snapshot_answer_new();
    size_t size = strlen(text);
    a->state = ANSWER_DONE;
    a->text = xstrdup(text);
    a->tokens = count_tokens(text, size);
    a->ids = xcalloc(a->tokens, sizeof *a->ids);
    a->start = xcalloc(a->tokens + 1, sizeof *a->start);
    for (size_t i = 0; i < a->tokens; i++)
        a->start[i + 1] =
            a->start[i] + (uint32_t)word_length(text + a->start[i], size - a->start[i]);
    return a;
}

/* Attention that peaks at a place and has a floor. */
static void make_attention(struct snapshot_answer *a, size_t sources, double from,
                           double step)
{
    a->sources = sources;
    a->attention = xcalloc(a->tokens * sources, sizeof *a->attention);
    for (size_t i = 0; i < a->tokens; i++) {
        float *row = a->attention + i * sources;
        double total = 0;
        for (size_t j = 0; j < sources; j++) {
            double away = (double)j - from - step * (double)i;
            row[j] =
                (float)(exp(-away * away / 2) + 0.01 * noise((uint32_t)j, (uint32_t)i));
            total += (double)row[j];
        }
        for (size_t j = 0; j < sources; j++)
            row[j] = (float)((double)row[j] / total);
    }
}

static void set_costs(struct snapshot_answer *a, size_t positions, double mib,
                      double compress_s, double first_s, double speed)
{
    a->context_positions = positions;
    a->kv_bytes = (size_t)(mib * 1048576);
    a->compress_ms = compress_s * 1000;
    a->prepare_ms = first_s * 900;
    a->first_token_ms = first_s * 1000;
    a->tokens_per_s = speed;
}

static void make_answers(struct snapshot *s)
{
    struct snapshot_answer *full = make_answer("briquettes of pressed coal dust");
    struct snapshot_answer *compressed = make_answer("briquettes of coal dust");
    struct snapshot_answer *none = make_answer("charcoal");
    set_costs(full, 498, 11.2, 0, 0.94, 31);
    set_costs(compressed, 125, 3.0, 1.02, 0.26, 34);
    set_costs(none, 0, 0.3, 0, 0.03, 35);
    compressed->f1 = 8.0 / 9;
    none->f1 = 0;
    make_attention(full, 498, 159, 2);
    make_attention(compressed, 125, 40, 0.6);
    s->question = xstrdup("What replaced peat as the fuel of the pans?");
    snapshot_set_answer(s, ANSWER_FULL, full);
    snapshot_set_answer(s, ANSWER_COMPRESSED, compressed);
    snapshot_set_answer(s, ANSWER_NONE, none);
}

struct snapshot *sample_snapshot(void)
{
    struct snapshot *s = make_document(sample_text, sizeof sample_text - 1, token_lengths,
                                       sizeof token_lengths - 1);
    for (size_t i = 0; i < s->windows; i++)
        sample_read_window(s, i);
    make_answers(s);
    return s;
}

struct snapshot *sample_long(size_t tokens)
{
    size_t once = sizeof sample_text - 1, lengths = sizeof token_lengths - 1;
    size_t times = size_div_up(tokens, lengths);
    char *text = xcalloc(times, once), *all = xcalloc(times, lengths);
    for (size_t i = 0; i < times; i++) {
        memcpy(text + i * once, sample_text, once);
        memcpy(all + i * lengths, token_lengths, lengths);
    }
    struct snapshot *s = make_document(text, times * once, all, tokens);
    for (size_t i = 0; i < s->windows; i++)
        sample_read_window(s, i);
    free(text);
    free(all);
    return s;
}
