/* The screen of a program without a document: what can be opened, what was open lately,
 * and what the program has found. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "app/dialog.h"
#include "app/recent.h"
#include "app/sandbox.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "views/key_text.h"

#define MIB 1048576.0
#define GIB 1073741824.0

/* ---- recent documents ------------------------------------------------------------- */

static bool same_day(time_t a, time_t b)
{
    struct tm x, y;
    localtime_r(&a, &x);
    localtime_r(&b, &y);
    return x.tm_year == y.tm_year && x.tm_yday == y.tm_yday;
}

/* When a document was open: today 14:02, yesterday, 2026-11-02. */
static void describe_age(time_t when, char out[32])
{
    enum { DAY = 24 * 60 * 60 };
    out[0] = '\0';
    if (when == 0)
        return;
    time_t now = time(NULL);
    struct tm then;
    localtime_r(&when, &then);
    bool yesterday = !same_day(when, now) && same_day(when, now - DAY);
    strftime(out, 32, same_day(when, now) ? "today %H:%M" : yesterday ? "yesterday" : "%Y-%m-%d",
             &then);
}

static void add_document(struct list *list, const struct recent *r)
{
    struct stat st;
    char age[32], detail[160];
    if (stat(r->path, &st) != 0) {
        list_add_disabled(list, file_name(r->path), "    file is missing");
        return;
    }
    describe_age(r->opened, age);
    int used = snprintf(detail, sizeof detail, "    %s", age);
    bool lost = r->model && stat(r->model, &st) != 0;
    if (lost)
        used += snprintf(detail + used, sizeof detail - (size_t)used, "%*smodel file is missing",
                         used < 15 ? 15 - used : 4, "");
    else if (r->window)
        used += snprintf(detail + used, sizeof detail - (size_t)used, "%*swindow %zu",
                         used < 15 ? 15 - used : 4, "", r->window);
    if (r->questions && !lost)
        snprintf(detail + used, sizeof detail - (size_t)used, ", %zu question%s", r->questions,
                 r->questions > 1 ? "s" : "");
    char *line = dialog_command("open", r->path);
    list_add(list, file_name(r->path), detail, line);
    free(line);
}

static void add_recent(const struct session *s, struct list *list)
{
    size_t count;
    struct recent *recent = recent_list(!s->no_sandbox, &count);
    if (count)
        list_add_text(list, " ");
    for (size_t i = 0; i < count; i++)
        add_document(list, &recent[i]);
    recent_free(recent, count);
}

void dialog_note_left(const struct session *s)
{
    bool file = s->document.path && !s->restored && strcmp(s->document.path, "-") != 0;
    if (file && !s->headless && s->snapshot->windows)
        recent_left(s->document.path, snapshot_window_of(s->snapshot, s->view.token) + 1,
                    s->document.asked, s->model_path, !s->no_sandbox);
}

/* ---- what is there ------------------------------------------------------------------ */

static void add_facts(const struct session *s, struct list *list)
{
    const struct snapshot_facts *f = &s->snapshot->facts;
    struct stat st;
    char size[32] = "";
    if (s->model_path && stat(s->model_path, &st) == 0 && S_ISREG(st.st_mode))
        snprintf(size, sizeof size, "   %.0f MiB", (double)st.st_size / MIB);
    list_add_text(list, " ");
    list_add_text(list, "Model       %-28s %zu layers x %zu%s", f->model, f->layers, f->hidden,
                  size);
    list_add_text(list, f->untrained ? "Compressor  %-28s UNTRAINED: its answers mean nothing"
                                     : "Compressor  %-28s x%.3g, window %u%s",
                  f->compressor, f->trained_ratio, f->trained_window,
                  f->made_for_model ? ", made for this model" : "");
    list_add_text(list,
                  "Memory      %.1f GiB needed, %.1f GiB free      %d thread%s      sandbox %s",
                  (double)f->memory_needed / GIB, (double)f->memory_free / GIB, f->threads,
                  f->threads > 1 ? "s" : "", sandbox_is_on() ? "on" : "off");
}

static void add_left_over(const struct session *s, struct list *list)
{
    char line[PATH_MAX + 16];
    snprintf(line, sizeof line, "restore %s", s->left_over);
    list_add(list, "The session that was cut off", "    as it was a minute before, at most", line);
}

void dialog_start(struct session *s)
{
    bool model = s->snapshot->facts.model[0];
    struct list *list = dialog_begin(s);
    if (s->left_over)
        add_left_over(s, list);
    list_add(list, "Open a document ...",
             key_text(&s->view, "⁅O⁆   text, Markdown, a session, a model").text, "open");
    list_add(list, "The demo", "    a one-page text and a question", "demo");
    list_add(list, "The guided tour",
             key_text(&s->view, "⁅T⁆   10 steps, about 6 minutes").text, "tour");
    list_add(list, "Open a session ...", "    .cxt, needs no model", "prompt command \"restore \"");
    list_add(list, "Train a compressor ...",
             key_text(&s->view, "⁅4⁆   cpu-ntp   cpu-sft   paper-ntp   paper-sft").text,
             "switch train");
    if (!model && !session_is_idle(s))
        list_add_disabled(list, "Choose a model ...", "    one is being opened");
    else if (!model)
        list_add(list, "Choose a model ...", "    none is open", "model");
    if (!s->headless)
        add_recent(s, list);
    if (model)
        add_facts(s, list);
    dialog_show(s, OVERLAY_START, "comprexit " COMPREXIT_VERSION,
                "arrows and Enter choose · / filters · ⁅?⁆ help · ⁅q⁆ quit");
    s->dialog_reopen = dialog_start; /* once there is a model */
}
