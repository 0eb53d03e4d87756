/* What is open and how it computes: the facts and settings of a snapshot. */
#include "engine/engine_private.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/machine.h"
#include "engine/base/team.h"
#include "engine/base/text.h"

void engine_fill_settings(const struct engine *e, struct snapshot_settings *out)
{
    out->window = (unsigned)e->settings.window;
    out->ratio = e->settings.ratio;
    out->slots_per_window = (unsigned)compress_slots_per_window(&e->settings);
    out->eps = e->settings.eps;
    out->iters = e->settings.iters;
    out->align_head = e->settings.align == ALIGN_HEAD;
    out->segment = (unsigned)e->segment;
    out->seed = (unsigned long)e->options.seed;
}

void engine_model_title(const struct model *m, char *out, size_t size)
{
    char stem[64];
    const char *name = file_name(m->path);
    size_t length = strlen(name), type = strlen(m->file_type);
    if (length > 5 && strcmp(name + length - 5, ".gguf") == 0)
        length -= 5;
    if (length > type + 1 && memcmp(name + length - type, m->file_type, type) == 0)
        length -= type + 1;
    text_sanitize(stem, sizeof stem, name, length);
    snprintf(out, size, "%s %s", stem, m->file_type);
}

/* What weights take in the form that products want them in: quantised ones about as much as
 * in the file. */
static size_t prepared_bytes(const struct model *m)
{
    size_t widened = llama_weights_bytes(&m->config);
    switch (m->precision) {
    case PRECISION_F32:
        return widened;
    case PRECISION_BF16:
        return widened / (sizeof(real) / sizeof(uint16_t));
    default:
        return m->file_bytes;
    }
}

void engine_fill_facts(const struct engine *e, struct snapshot_facts *f)
{
    const struct model *m = e->model;
    engine_model_title(m, f->model, sizeof f->model);
    snprintf(f->compressor, sizeof f->compressor, "%s",
             e->untrained ? "warm start" : e->compressor_info.name);
    snprintf(f->compressor_note, sizeof f->compressor_note, "%.190s", e->compressor_info.note);
    f->untrained = e->untrained;
    f->made_for_model = !e->untrained && e->compressor_info.base_sha256[0] != '\0'; /* check_fit */
    f->layers = m->config.layers;
    f->hidden = m->config.hidden;
    f->vocab = m->config.vocab;
    f->positions = m->config.positions;
    f->trained_ratio = e->untrained ? 0 : e->compressor_info.settings.ratio;
    f->trained_window = e->untrained ? 0 : (unsigned)e->compressor_info.settings.window;
    f->trained_eps = e->untrained ? 0 : e->compressor_info.settings.eps;
    f->trained_iters = e->untrained ? 0 : (unsigned)e->compressor_info.settings.iters;
    snprintf(f->precision, sizeof f->precision, "%s", precision_name(m->precision));
    f->threads = (int)team_threads();
    f->memory_needed = m->memory + (m->weights.block ? prepared_bytes(m) : 0);
    f->memory_free = machine_memory_available();
}
