#include "app/export_caption.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"

struct text {
    char *text;
    size_t length, capacity;
};

static void put(struct text *out, const char *text)
{
    size_t length = strlen(text);
    MEM_GROW(out->text, out->capacity, out->length + length + 1);
    memcpy(out->text + out->length, text, length + 1);
    out->length += length;
}

static void put_format(struct text *out, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static void put_format(struct text *out, const char *fmt, ...)
{
    char text[256];
    va_list list;
    va_start(list, fmt);
    vsnprintf(text, sizeof text, fmt, list);
    va_end(list);
    put(out, text);
}

/* Names may hold anything that LaTeX would act upon. */
static void put_name(struct text *out, const char *name)
{
    for (; *name; name++) {
        if (strchr("#$%&_{}", *name))
            put_format(out, "\\%c", *name);
        else if (*name == '\\')
            put(out, "\\textbackslash{}");
        else if (*name == '~' || *name == '^')
            put_format(out, "\\%c{}", *name);
        else
            put_format(out, "%c", *name);
    }
}

static void put_panel(struct text *out, const struct figure_panel *panel)
{
    const struct figure_data *data = panel->data;
    switch (panel->options.kind) {
    case FIGURE_PLAN:
        put_format(out, "transmission plan, colour is %s, columns are %ss, rows slots%s", data->quantity,
                   unit_name[panel->options.unit],
                   panel->options.marginals ? ", dashed an even sender mass" : "");
        break;
    case FIGURE_GATE:
        put_format(out, "layer gates, colour is %s, columns are %ss%s", data->quantity,
                   unit_name[panel->options.unit], data->rows > 1 ? ", rows layers" : "");
        break;
    case FIGURE_MASS:
        put(out, "sender mass, dashed an even one");
        break;
    case FIGURE_LOSS:
        put(out, "what compression costs each token, in nats; pale: not compressed before it");
        break;
    case FIGURE_DIFF:
        put_format(out, "difference of two transmission plans, colour is mass, B less A, columns are "
                        "%ss, rows slots",
                   unit_name[panel->options.unit]);
        break;
    case FIGURE_ANSWERS:
    case FIGURE_KIND_COUNT:
        put(out, "answers from the full, the compressed and no context");
        break;
    }
}

static void put_panels(struct text *out, const struct figure_panel *panels, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (n > 1)
            put_format(out, "%s\\textbf{%c}~", i ? "; " : "", (int)('a' + i));
        put_panel(out, &panels[i]);
    }
}

static void put_tokens(struct text *out, const struct figure_panel *panels, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (panels[i].data) {
            const struct figure_options *o = &panels[i].options;
            put_format(out, ", tokens %zu to %zu", o->from, o->to - 1);
            return;
        }
}

static void put_settings(struct text *out, const struct snapshot *s)
{
    put(out, " Model ");
    put_name(out, s->facts.model);
    put(out, ", compressor ");
    put_name(out, s->facts.compressor);
    put_format(out, "%s; windows of %u tokens, ratio %g, $\\varepsilon = %g$, %u iterations.",
               s->facts.untrained ? " (untrained)" : "", s->settings.window, s->settings.ratio,
               s->settings.eps, s->settings.iters);
}

/* The picture's name without its ending, as a label. */
static void put_label(struct text *out, const char *picture)
{
    const char *dot = strrchr(picture, '.');
    put(out, "  \\label{fig:");
    for (const char *p = picture; *p && p != dot; p++)
        put_format(out, "%c", strchr("#$%&{}\\~^,", *p) ? '-' : *p);
    put(out, "}\n");
}

char *export_caption(const struct snapshot *s, const struct figure_panel *panels, size_t n,
                     const char *picture)
{
    struct text out = {0};
    put_format(&out, "\\begin{figure}\n  \\centering\n  \\includegraphics[width=%gmm]{",
               panels[0].options.width_mm);
    put(&out, picture);
    put(&out, "}\n  \\caption{ComprExIT~\\cite{comprexit}: ");
    put_panels(&out, panels, n);
    put(&out, ". Document ");
    if (s->document && s->document->name)
        put_name(&out, s->document->name);
    put_tokens(&out, panels, n);
    put(&out, ".");
    put_settings(&out, s);
    put(&out, "}\n");
    put_label(&out, picture);
    put(&out, "\\end{figure}\n\n"
              "% For the bibliography; the authors are named at https://arxiv.org/abs/2602.03784\n"
              "% @misc{comprexit, title = {{ComprExIT}: context compression by explicit information\n"
              "%   transmission}, year = {2026}, eprint = {2602.03784}, archivePrefix = {arXiv}}\n");
    return out.text;
}
