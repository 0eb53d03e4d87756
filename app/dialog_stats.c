/* `stats`: numbers about all windows that are read, with the places where the extremes are;
 * Enter goes there. Plan health looks at one window and judges; this only counts. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/dialog.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "views/brush.h"
#include "views/token_text.h"

enum { LABEL_SIZE = 64, DETAIL_SIZE = 240, PLACE_SIZE = 48 };

struct stats {
    const struct snapshot *s;
    size_t windows, tokens, slots; /* read */
    double entropy;                /* sum over tokens, bits */
    double *layer;                 /* [layers] sum of gates, owned */
    size_t layers;
    double senders; /* sum over windows of tokens by effective senders */
    size_t most;    /* token with the most mass, in units of the even share */
    double most_mass;
    double off, off_worst, spread, spread_least, spread_most;
    size_t off_window, least_window, least_slot, most_window, most_slot;
};

static void add_gates(struct stats *y, const struct snapshot_window *w)
{
    for (size_t t = 0; t < w->tokens; t++)
        for (size_t l = 0; l < w->layers && l < y->layers; l++) {
            double gate = (double)w->gate[t * w->layers + l];
            y->layer[l] += gate;
            y->entropy -= gate > 0 ? gate * log2(gate) : 0;
        }
}

static void add_senders(struct stats *y, size_t index, const struct snapshot_window *w)
{
    double entropy = 0, off = 0;
    for (size_t t = 0; t < w->tokens; t++) {
        double mass = (double)w->mass[t], sent = 0;
        for (size_t j = 0; j < w->slots; j++)
            sent += (double)w->plan[t * w->slots + j];
        off += fabs(sent - mass);
        entropy -= mass > 0 ? mass * log(mass) : 0;
        if (mass * (double)w->tokens > y->most_mass) {
            y->most_mass = mass * (double)w->tokens;
            y->most = w->first + t;
        }
    }
    y->senders += exp(entropy);
    y->off += off;
    if (off > y->off_worst) {
        y->off_worst = off;
        y->off_window = index;
    }
}

static void add_slots(struct stats *y, size_t index, const struct snapshot_window *w)
{
    struct plan_ref p = {w, w->plan};
    for (size_t j = 0; j < w->slots; j++) {
        double spread = plan_spread(&p, j);
        bool least = y->slots + j == 0 || spread < y->spread_least;
        y->spread += spread;
        if (least) {
            y->spread_least = spread;
            y->least_window = index;
            y->least_slot = j;
        }
        if (spread > y->spread_most) {
            y->spread_most = spread;
            y->most_window = index;
            y->most_slot = j;
        }
    }
}

static void make_stats(struct stats *y, const struct snapshot *s)
{
    *y = (struct stats){.s = s, .layers = s->facts.layers + 1};
    y->layer = xcalloc(y->layers, sizeof *y->layer);
    for (size_t i = 0; i < s->windows; i++) {
        const struct snapshot_window *w = s->window[i];
        if (!w || !w->has_gate || !w->has_plan)
            continue;
        add_gates(y, w);
        add_senders(y, i, w);
        add_slots(y, i, w);
        y->windows++;
        y->tokens += w->tokens;
        y->slots += w->slots;
    }
}

/* ---- lines ------------------------------------------------------------------- */

static void add_document(const struct stats *y, struct list *list)
{
    const struct snapshot_document *d = y->s->document;
    char detail[DETAIL_SIZE], bytes[TEXT_NUMBER_MAX], tokens[TEXT_NUMBER_MAX];
    text_grouped(d->size, bytes);
    text_grouped(d->tokens, tokens);
    snprintf(detail, sizeof detail, "%s byte%s, %s token%s (%.1f bytes a token)", bytes,
             text_plural(d->size), tokens, text_plural(d->tokens),
             (double)d->size / (double)d->tokens);
    list_add(list, "document", detail, NULL);
    snprintf(detail, sizeof detail, "%zu of %zu window%s, %zu token%s", y->windows, y->s->windows,
             text_plural(y->s->windows), y->tokens, text_plural(y->tokens));
    list_add(list, "read", detail, NULL);
}

static void add_gate_lines(const struct stats *y, struct list *list)
{
    char detail[DETAIL_SIZE], command[PLACE_SIZE];
    size_t high = 0, low = 0;
    for (size_t l = 1; l < y->layers; l++) {
        high = y->layer[l] > y->layer[high] ? l : high;
        low = y->layer[l] < y->layer[low] ? l : low;
    }
    double n = (double)y->tokens;
    snprintf(detail, sizeof detail, "mean entropy %.2f bits of %.2f", y->entropy / n,
             log2((double)y->layers));
    list_add(list, "gates", detail, NULL);
    snprintf(detail, sizeof detail, "most from L%zu (%.1f %%), least from L%zu (%.1f %%)", high,
             100 * y->layer[high] / n, low, 100 * y->layer[low] / n);
    snprintf(command, sizeof command, "goto L%zu", high);
    list_add(list, "layers", detail, command);
}

static void add_plan_lines(const struct stats *y, struct list *list)
{
    char detail[DETAIL_SIZE], command[PLACE_SIZE], name[64];
    double windows = (double)y->windows;
    snprintf(detail, sizeof detail, "%zu slot%s, %.1f tokens a slot", y->slots,
             text_plural(y->slots), (double)y->tokens / (double)y->slots);
    list_add(list, "slots", detail, NULL);
    snprintf(detail, sizeof detail, "%.0f of %.0f in a window share the message (effective number)",
             y->senders / windows, (double)y->tokens / windows);
    list_add(list, "senders", detail, NULL);
    token_label(y->s->document, y->most, TOKEN_TRIMMED, name, sizeof name);
    snprintf(detail, sizeof detail, "token %zu \"%s\" may send %.1fx even", y->most, name,
             y->most_mass);
    snprintf(command, sizeof command, "goto %zu", y->most);
    list_add(list, "most mass", detail, command);
    snprintf(detail, sizeof detail, "mean %.0e, most %.0e in window %zu", y->off / windows,
             y->off_worst, y->off_window + 1);
    snprintf(command, sizeof command, "goto w%zu", y->off_window + 1);
    list_add(list, "senders off", detail, command);
    snprintf(detail, sizeof detail, "mean %.1f tokens a slot, %.1f (w%zu:s%zu) to %.1f (w%zu:s%zu)",
             y->spread / (double)y->slots, y->spread_least, y->least_window + 1, y->least_slot,
             y->spread_most, y->most_window + 1, y->most_slot);
    snprintf(command, sizeof command, "goto w%zu", y->most_window + 1);
    list_add(list, "spread", detail, command);
}

static void add_answers(const struct stats *y, struct list *list)
{
    for (enum answer_mode m = 0; m < ANSWER_MODES; m++) {
        const struct snapshot_answer *a = y->s->answer[m];
        char detail[DETAIL_SIZE], f1[24] = "";
        if (!a || a->state != ANSWER_DONE)
            continue;
        if (a->f1 >= 0)
            snprintf(f1, sizeof f1, ", F1 %.2f", a->f1);
        snprintf(detail, sizeof detail,
                 "%zu token%s after %zu position%s, %.1f MiB, first in %.2f s, %.0f tok/s%s%s",
                 a->tokens, text_plural(a->tokens), a->context_positions,
                 text_plural(a->context_positions), (double)a->kv_bytes / (1 << 20),
                 (a->compress_ms + a->first_token_ms) / 1e3, a->tokens_per_s, f1,
                 a->stale ? " (stale)" : "");
        list_add(list, answer_mode_name[m], detail, "focus answers");
    }
}

void dialog_stats(struct session *s)
{
    struct stats y;
    struct list *list = dialog_begin(s);
    make_stats(&y, s->snapshot);
    add_document(&y, list);
    if (y.windows > 0) {
        add_gate_lines(&y, list);
        add_plan_lines(&y, list);
    }
    add_answers(&y, list);
    free(y.layer);
    dialog_show(s, OVERLAY_DIALOG, "What is read, in numbers",
                "Enter goes there \u00b7 / filters \u00b7 Esc");
}
