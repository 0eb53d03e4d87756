/* Overlays about the program: commands, settings, facts, log. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "app/actions.h"
#include "app/dialog.h"
#include "app/host.h"
#include "app/jobs.h"
#include "app/sandbox.h"
#include "app/settings.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/ops/matmul.h"
#include "views/key_text.h"

/* ---- commands and settings --------------------------------------------------------- */

void dialog_commands(struct session *s, const char *filter)
{
    dialog_begin(s);
    for (size_t i = 0; i < actions_count(); i++) {
        const struct action *a = &actions[i];
        char usage[128], command[64];
        snprintf(usage, sizeof usage, "%s%s%s", a->name, a->usage[0] ? " " : "", a->usage);
        snprintf(command, sizeof command, "prompt command \"%s \"", a->name);
        list_add(&s->list, usage, a->help, a->takes == TAKES_NONE ? a->name : command);
    }
    dialog_show(s, OVERLAY_COMMANDS, "Commands",
                "type to filter · Enter takes it · ⁅F1⁆ keys · Esc");
    snprintf(s->view.filter, sizeof s->view.filter, "%s", filter);
    for (size_t i = 0; i < s->list.count; i++)
        if (view_entry_matches(&s->list.entries[i], s->view.filter)) {
            s->view.overlay_at = i;
            break;
        }
}

void dialog_settings(struct session *s)
{
    dialog_begin(s);
    for (enum setting i = 0; i < SETTING_COUNT; i++) {
        char value[64], label[96], detail[192], command[96];
        setting_format(s, i, value, sizeof value);
        snprintf(label, sizeof label, "%-11s %s", settings_table[i].name, value);
        snprintf(detail, sizeof detail, "%s (%s)", settings_table[i].help,
                 settings_table[i].values);
        snprintf(command, sizeof command, "prompt command \"set %s \"", settings_table[i].name);
        list_add(&s->list, label, detail, command);
    }
    dialog_show(s, OVERLAY_DIALOG, "Settings", "arrows, Enter changes · / filters · Esc");
    s->dialog_reopen = dialog_settings;
}

/* ---- facts -------------------------------------------------------------------------- */

static void add_fact(struct session *s, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void add_fact(struct session *s, const char *name, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    list_add_text(&s->list, "%-15s %s", name, text);
}

static const char *hash_or_wait(const char *hash)
{
    return hash[0] ? hash : "not computed yet";
}

/* Resident memory in MiB, from the kernel; 0 unknown. */
static double resident_mib(void)
{
    unsigned long total, resident;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file)
        return 0;
    int n = fscanf(file, "%lu %lu", &total, &resident);
    fclose(file);
    return n == 2 ? (double)resident * (double)sysconf(_SC_PAGESIZE) / (1 << 20) : 0;
}

void dialog_info(struct session *s)
{
    const struct snapshot_facts *f = &s->snapshot->facts;
    const struct snapshot_document *d = s->snapshot->document;
    dialog_begin(s);
    add_fact(s, "version", "comprexit %s", COMPREXIT_VERSION);
    add_fact(s, "model", "%s, %zu layers x %zu, %zu tokens known", f->model,
             f->layers, f->hidden, f->vocab);
    add_fact(s, "  sha256", "%s", hash_or_wait(f->model_sha256));
    add_fact(s, "compressor", "%s%s", f->compressor, f->untrained ? ", UNTRAINED" : "");
    add_fact(s, "  sha256", "%s", hash_or_wait(f->compressor_sha256));
    if (f->compressor_note[0])
        add_fact(s, "  trained", "%s", f->compressor_note);
    if (d)
        add_fact(s, "document", "%s, %zu token%s, %zu byte%s%s%s", d->name, d->tokens,
                 text_plural(d->tokens), d->size, text_plural(d->size), d->note[0] ? ", " : "",
                 d->note);
    if (d && d->sha256[0])
        add_fact(s, "  sha256", "%s", d->sha256);
    add_fact(s, "precision", "%s, %d thread%s, seed %lu", f->precision, f->threads,
             text_plural((uint64_t)f->threads), s->preferences.seed);
    char cpu[96];
    host_cpu(cpu, sizeof cpu);
    add_fact(s, "kernels", "%s, on %s", matmul_backend(), cpu);
    add_fact(s, "memory", "%.0f MiB in use; the model needs %.0f MiB, %.0f MiB were free",
             resident_mib(), (double)f->memory_needed / (1 << 20),
             (double)f->memory_free / (1 << 20));
    char sandbox[SANDBOX_TEXT_MAX];
    add_fact(s, "sandbox", "%s", sandbox_describe(sandbox));
    static const char *const depth[] = {"mono", "16 colours", "256 colours", "24-bit colour"};
    static const char *const glyphs[] = {"half blocks", "shades", "ASCII"};
    add_fact(s, "screen", "%dx%d, %s, %s", s->view.columns, s->view.rows,
             depth[s->view.display.depth], glyphs[s->view.display.glyphs]);
    dialog_show(s, OVERLAY_DIALOG, "Information", "Esc closes");
    s->dialog_reopen = dialog_info;
    if (s->worker && !f->model_sha256[0] && f->model[0] && !(worker_pending(s->worker) & JOB_HASH))
        jobs_hash(s);
}

/* Losses of one answer from four contexts; what another text's slots do not give is
 * about this text. */
void dialog_control(struct session *s, const struct snapshot_control *c)
{
    dialog_begin(s);
    add_fact(s, "answer", "\"%s\", %zu token%s; nats a token to say it:", c->reference, c->tokens,
             text_plural(c->tokens));
    if (isnan(c->full))
        add_fact(s, "full context", "does not fit into the model");
    else
        add_fact(s, "full context", "%.2f", c->full);
    add_fact(s, "compressed", "%.2f", c->compressed);
    add_fact(s, "other slots", "%.2f   of %s", c->wrong, c->other);
    add_fact(s, "no context", "%.2f", c->none);
    add_fact(s, "about this text", "%+.2f nats: other slots - compressed",
             c->wrong - c->compressed);
    add_fact(s, "any slots", "%+.2f nats: no context - other slots", c->none - c->wrong);
    dialog_show(s, OVERLAY_DIALOG, "How much is about this text", "Esc closes");
}

/* ---- log ------------------------------------------------------------------------------ */

void dialog_log(struct session *s)
{
    dialog_begin(s);
    for (size_t i = 0; i < s->notes.count; i++) {
        const struct note *note = &s->notes.notes[i];
        char when[16] = "-";
        struct tm tm;
        if (!s->headless && localtime_r(&note->when, &tm))
            strftime(when, sizeof when, "%H:%M:%S", &tm);
        list_add(&s->list, when, note->text, NULL);
    }
    dialog_show(s, OVERLAY_LOG, "Log", "arrows · / filters · Esc");
    if (s->list.count)
        s->view.overlay_at = s->list.count - 1; /* the newest */
    view_follow_cursor(s->snapshot, &s->view);
}
