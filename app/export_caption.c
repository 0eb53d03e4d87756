#include "app/export_caption.h"

#include <string.h>

#include "engine/base/buffer.h"
#include "engine/base/text.h"

/* Names may hold anything that LaTeX would act upon. */
static void put_name(struct buffer *out, const char *name)
{
    for (; *name; name++) {
        if (strchr("#$%&_{}", *name))
            buffer_printf(out, "\\%c", *name);
        else if (*name == '\\')
            buffer_text(out, "\\textbackslash{}");
        else if (*name == '~' || *name == '^')
            buffer_printf(out, "\\%c{}", *name);
        else
            buffer_printf(out, "%c", *name);
    }
}

static void put_panel(struct buffer *out, const struct figure_panel *panel)
{
    const struct figure_data *data = panel->data;
    switch (panel->options.kind) {
    case FIGURE_PLAN:
        buffer_printf(out, "transmission plan, colour is %s, columns are %ss, rows slots%s",
                      data->quantity, unit_name[panel->options.unit],
                      panel->options.marginals && !panel->options.other_mass
                          ? ", dashed an even sender mass" : "");
        break;
    case FIGURE_GATE:
        buffer_printf(out, "layer gates, colour is %s, columns are %ss%s", data->quantity,
                   unit_name[panel->options.unit], data->rows > 1 ? ", rows layers" : "");
        break;
    case FIGURE_MASS:
        buffer_text(out, "sender mass, dashed an even one");
        break;
    case FIGURE_LOSS:
        buffer_text(out, "what compression costs each token, in nats; "
                         "pale: not compressed before it");
        break;
    case FIGURE_DIFF:
        buffer_printf(out, "difference of two transmission plans, colour is mass, B less A, "
                           "columns are %ss, rows slots", unit_name[panel->options.unit]);
        break;
    case FIGURE_ANSWERS:
    case FIGURE_KIND_COUNT:
        buffer_text(out, "answers from the full, the compressed and no context");
        break;
    }
}

static void put_panels(struct buffer *out, const struct figure_panel *panels, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (n > 1)
            buffer_printf(out, "%s\\textbf{%c}~", i ? "; " : "", (int)('a' + i));
        put_panel(out, &panels[i]);
    }
}

static void put_tokens(struct buffer *out, const struct figure_panel *panels, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (panels[i].data) {
            const struct figure_options *o = &panels[i].options;
            buffer_printf(out, ", tokens %zu to %zu", o->from, o->to - 1);
            return;
        }
}

static void put_settings(struct buffer *out, const struct snapshot *s)
{
    buffer_text(out, " Model ");
    put_name(out, s->facts.model);
    buffer_text(out, ", compressor ");
    put_name(out, s->facts.compressor);
    buffer_printf(out, "%s; windows of %u tokens, ratio %g, $\\varepsilon = %g$, %u iteration%s.",
               s->facts.untrained ? " (untrained)" : "", s->settings.window, s->settings.ratio,
               s->settings.eps, s->settings.iters, text_plural(s->settings.iters));
}

/* The picture's name without its ending, as a label. */
static void put_label(struct buffer *out, const char *picture)
{
    const char *dot = strrchr(picture, '.');
    buffer_text(out, "  \\label{fig:");
    for (const char *p = picture; *p && p != dot; p++)
        buffer_printf(out, "%c", strchr("#$%&{}\\~^,", *p) ? '-' : *p);
    buffer_text(out, "}\n");
}

char *export_caption(const struct snapshot *s, const struct figure_panel *panels, size_t n,
                     const char *picture)
{
    struct buffer out = {0};
    buffer_printf(&out, "\\begin{figure}\n  \\centering\n  \\includegraphics[width=%gmm]{",
               panels[0].options.width_mm);
    buffer_text(&out, picture);
    buffer_text(&out, "}\n  \\caption{ComprExIT~\\cite{comprexit}: ");
    put_panels(&out, panels, n);
    buffer_text(&out, ". Document ");
    if (s->document && s->document->name)
        put_name(&out, s->document->name);
    put_tokens(&out, panels, n);
    buffer_text(&out, ".");
    put_settings(&out, s);
    buffer_text(&out, "}\n");
    put_label(&out, picture);
    buffer_text(&out, "\\end{figure}\n\n"
                      "% For the bibliography; the authors are named at "
                      "https://arxiv.org/abs/2602.03784\n"
                      "% @misc{comprexit, title = {{ComprExIT}: context compression by explicit "
                      "information\n"
                      "%   transmission}, year = {2026}, eprint = {2602.03784}, "
                      "archivePrefix = {arXiv}}\n");
    return buffer_take(&out, NULL);
}
