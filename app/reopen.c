#include "app/reopen.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "app/actions.h"
#include "app/dialog.h"
#include "app/export.h"
#include "app/jobs.h"
#include "app/places.h"
#include "app/recent.h"
#include "app/refusal.h"
#include "app/session.h"
#include "app/worker.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/sha256.h"
#include "engine/engine.h"
#include "views/compare.h"

static bool read_record(void *context, struct err *err)
{
    struct reopening *r = context;
    json_t *json = figure_metadata_read(r->path, err);
    bool ok = json && figure_meta_from_json(&r->meta, json, r->path, err);
    json_decref(json);
    return ok;
}

struct reopening *reopening_open(const char *path, bool confined, struct err *err)
{
    struct reopening *r = xcalloc(1, sizeof *r);
    r->path = xstrdup(path);
    if (worker_call(confined, read_record, r, err))
        return r;
    reopening_free(r);
    return NULL;
}

void reopening_free(struct reopening *r)
{
    if (!r)
        return;
    figure_meta_free(&r->meta);
    free(r->path);
    free(r);
}

/* ---- what it was made of ------------------------------------------------------------ */

struct hashing {
    const struct figure_meta_file *wanted;
    const char *folder;
    const struct recent *recent; /* documents to look through */
    size_t n_recent;
    char *found;
};

/* The recent document with the hash. */
static bool find_recent(void *context, struct err *err)
{
    struct hashing *h = context;
    (void)err;
    for (size_t i = 0; i < h->n_recent && !h->found; i++) {
        char *text = NULL, hex[65];
        size_t size;
        if (!file_read(h->recent[i].path, DOCUMENT_BYTES_MAX, &text, &size, NULL))
            continue;
        sha256_hex(text, size, hex);
        if (strcmp(hex, h->wanted->sha256) == 0)
            h->found = xstrdup(h->recent[i].path);
        free(text);
    }
    return true;
}

/* What the figure lacks, and where it was looked for. */
static size_t tell_missing(const struct figure_meta *meta, const char *path, char *out, size_t size)
{
    const char *session = meta->session_file.name, *name = meta->document.name;
    name = name[0] ? name : "(without a name)";
    if (session[0])
        snprintf(out, size, "%s: neither its session %s nor its document %s is beside it", path,
                 session, name);
    else
        snprintf(out, size, "%s: its document %s is neither beside it nor a recent one", path,
                 name);
    return strlen(out);
}

char *reopen_document(const struct figure_meta *meta, const char *path, bool confined,
                      struct err *err)
{
    char *beside = figure_meta_beside(path, meta->session_file.name);
    if (!beside)
        beside = figure_meta_beside(path, meta->document.name);
    if (beside)
        return beside;
    struct hashing h = {.wanted = &meta->document};
    struct recent *recent = recent_list(confined, &h.n_recent);
    h.recent = recent;
    bool ok = !meta->document.sha256[0] || worker_call(confined, find_recent, &h, err);
    recent_free(recent, h.n_recent);
    if (!ok)
        return NULL;
    if (!h.found) {
        char text[1024];
        tell_missing(meta, path, text, sizeof text);
        err_set(err, ERR_INPUT, "%s: name it as DOC", text);
    }
    return h.found;
}

/* A regular file of the folder with this size and hash. */
static bool find_by_hash(void *context, struct err *err)
{
    struct hashing *h = context;
    DIR *dir = opendir(h->folder);
    (void)err;
    for (struct dirent *item; dir && !h->found && (item = readdir(dir));) {
        struct mapped_file file;
        struct stat st;
        char hex[65] = "", *path = file_join(h->folder, item->d_name);
        bool may_be = stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
                      (uint64_t)st.st_size == h->wanted->size;
        if (may_be && mapped_file_open(&file, path, NULL)) {
            sha256_hex(file.data, file.size, hex);
            mapped_file_close(&file);
        }
        if (strcmp(hex, h->wanted->sha256) == 0)
            h->found = path;
        else
            free(path);
    }
    if (dir)
        closedir(dir);
    return true;
}

char *reopen_model(const struct figure_meta *meta, const char *path, bool confined)
{
    const struct figure_meta_file *model = &meta->model;
    char *found = model->name[0] ? figure_meta_beside(path, model->name) : NULL;
    char *models = places_models_dir();
    if (!found && models && model->name[0]) {
        found = file_join(models, model->name);
        if (!file_exists(found) && !file_is_directory(found)) {
            free(found);
            found = NULL;
        }
    }
    struct hashing h = {.wanted = model, .folder = models};
    if (!found && models && model->sha256[0] && worker_call(confined, find_by_hash, &h, NULL))
        found = h.found;
    free(models);
    return found;
}

/* ---- the view ------------------------------------------------------------------------ */

static bool shows_loss(const struct figure_meta *meta)
{
    bool shows = meta->kind == FIGURE_LOSS;
    for (size_t i = 0; i < meta->n_panels; i++)
        shows |= meta->panel[i] == FIGURE_LOSS;
    return shows;
}

static void apply_view(struct view_state *v, const struct figure_meta *meta)
{
    static const enum pane pane_of[FIGURE_KIND_COUNT] = {
        [FIGURE_GATE] = PANE_GATES, [FIGURE_PLAN] = PANE_PLAN, [FIGURE_ANSWERS] = PANE_ANSWERS};
    v->focus = meta->kind < FIGURE_KIND_COUNT ? pane_of[meta->kind] : PANE_DOCUMENT;
    if (meta->value < VALUE_COUNT)
        v->value[view_value_pane[meta->value]] = meta->value;
    if (shows_loss(meta))
        v->value[PANE_DOCUMENT] = VALUE_LOSS;
    if (meta->kind == FIGURE_DIFF)
        v->compare_side = COMPARE_DIFFERENCE;
    v->normalise = meta->norm;
    v->scale = meta->scale;
    if (meta->map < MAP_COUNT)
        v->map = meta->map;
    v->unit = meta->unit;
    /* limits are those of what the figure paints; other panes keep theirs */
    bool plan = meta->kind == FIGURE_PLAN, gates = meta->kind == FIGURE_GATE;
    v->limit_low = plan || gates ? meta->limit_low : (double)NAN;
    v->limit_high = plan || gates ? meta->limit_high : (double)NAN;
    v->limit_pane = gates ? PANE_GATES : PANE_PLAN;
    v->iteration = meta->iteration;
    v->locked = meta->locked;
    v->has_range = meta->has_range;
    v->range_from = meta->from;
    v->range_to = meta->to;
}

/* Of a session file, in which everything is there already. */
static void apply_restored(struct session *s, const struct figure_meta *meta)
{
    size_t windows = s->snapshot->windows, tokens = session_tokens(s);
    figure_meta_to_edits(meta, &s->edits);
    if (meta->has_range && meta->from < tokens)
        s->view.token = meta->from;
    else if (meta->window && meta->window <= windows)
        s->view.token = s->snapshot->window_first[meta->window - 1];
}

/* They wait in the session until the engine is there. */
static void apply_settings(struct session *s, const struct snapshot_settings *from)
{
    if (!from->window)
        return;
    s->edits.settings.window = from->window;
    s->edits.settings.ratio = from->ratio;
    s->edits.settings.eps = from->eps;
    s->edits.settings.iters = from->iters;
    s->edits.settings.align = from->align_head ? ALIGN_HEAD : ALIGN_TAIL;
    s->edits.segment = from->segment;
    for (size_t i = 0; i < sizeof s->given / sizeof *s->given; i++)
        s->given[i] = true;
}

/* Of a document: what the engine is to do as soon as it is there. */
static void apply_computed(struct session *s, const struct figure_meta *meta)
{
    char place[32];
    apply_settings(s, &meta->settings);
    figure_meta_to_edits(meta, &s->edits);
    s->loss_when_ready = shows_loss(meta);
    if (meta->question && !s->question)
        session_set_question(s, meta->question);
    if (meta->has_range)
        snprintf(place, sizeof place, "%zu", meta->from);
    else
        snprintf(place, sizeof place, "w%zu", meta->window ? meta->window : 1);
    free(s->goto_when_ready);
    s->goto_when_ready = xstrdup(place);
}

/* A file that is another one than the figure was made of. */
static void tell_other(struct session *s, const char *what, const char *now, const char *then,
                       const char *way)
{
    if (now[0] && then[0] && strcmp(now, then) != 0)
        session_warn(s, "%s differs from the one in the figure (sha256 %.12s, not %.12s)" WAY
                     "%s" WAY
                     "view and settings are the figure's", what, now, then, way);
}

/* A session file holds what was pinned: was the difference one from it? */
static bool pinned_with_session(struct session *s, const struct figure_meta *meta)
{
    char name[sizeof meta->against] = "";
    if (s->restored && s->pinned)
        compare_name(s->pinned, s->snapshot, name, sizeof name);
    if (!name[0] || strcmp(name, meta->against) != 0)
        return false;
    s->view.pin_is_b = meta->against_is_b;
    session_compose(s);
    dialog_screen(s, SCREEN_COMPARE);
    return true;
}

/* The other side and the Compare screen, where they can be had. */
static void apply_against(struct session *s, const struct figure_meta *meta, const char *path)
{
    const struct figure_meta_file *was = &meta->against_file;
    char *file = figure_meta_beside(path, meta->against_file.name);
    struct err err = {0};
    if (!file && s->document.path) /* named for itself, as its other side may lie there */
        file = figure_meta_beside(s->document.path, meta->against_file.name);
    const char *letter = meta->against_is_b ? "B" : "A";
    if (file && !actions_pin_file(s, file, meta->against_is_b, &err))
        session_fail(s, &err, "compare FILE opens another", "the view is without its other side");
    else if (file)
        tell_other(s, was->name, s->pin_file->sha256, was->sha256, ":compare FILE opens another");
    else if (!file && was->name[0])
        session_warn(s, "%s of the difference, %s, is not beside the figure" WAY
                     ":compare FILE opens it" WAY "the view is without it", letter, was->name);
    else if (!file && meta->against[0] && !pinned_with_session(s, meta))
        session_note(s, "%s of a difference from %s: pin that with ⁅b⁆ to see it again",
                     meta->against_is_b ? "A" : "B", meta->against);
    free(file);
}

static void tell_document(struct session *s, const struct figure_meta *meta)
{
    const struct snapshot_document *raw = s->document.raw;
    const struct figure_meta_file *session = &meta->session_file;
    char hex[65];
    if (session->name[0] && s->restored)
        tell_other(s, session->name, s->restored_file->sha256, session->sha256,
                   ":restore FILE opens another");
    else if (session->name[0])
        session_warn(s, "the session of the figure, %s, is not beside it" WAY
                     ":restore FILE opens it" WAY "shown is its document", session->name);
    if (!raw || !meta->document.sha256[0])
        return;
    sha256_hex(raw->text, raw->size, hex);
    tell_other(s, "document", hex, meta->document.sha256, "⁅O⁆ opens another");
}

void reopen_apply(struct session *s)
{
    const struct figure_meta *meta = &s->reopening->meta;
    apply_view(&s->view, meta);
    if (s->restored)
        apply_restored(s, meta);
    else
        apply_computed(s, meta);
    apply_against(s, meta, s->reopening->path);
    tell_document(s, meta);
}

void reopen_ask(struct session *s)
{
    const struct reopening *r = s->reopening;
    char text[1024];
    if (r && r->waits) {
        const struct figure_meta *meta = &r->meta;
        size_t length = tell_missing(meta, r->path, text, sizeof text - 1);
        snprintf(text + length, sizeof text - length, ".");
        dialog_problem(s, PROBLEM_FIGURE_DOCUMENT, meta->session_file.name[0]
                       ? meta->session_file.name : meta->document.name, text);
    } else if (r && r->lacks_model && !s->edits_known) {
        const struct figure_meta_file *model = &r->meta.model;
        snprintf(text, sizeof text, "%s: its model %s (sha256 %.12s) is neither beside it nor in "
                 "the cache.", r->path, model->name, model->sha256);
        dialog_problem(s, PROBLEM_FIGURE_MODEL, model->name, text);
    }
}

void reopen_continue(struct session *s)
{
    struct err err = {0};
    if (!s->reopening || !s->reopening->waits ||
        (s->restored && !s->reopening->meta.session_file.name[0])) /* not of a session */
        return;
    s->reopening->waits = false;
    reopen_apply(s);
    if (s->edits_known && !s->restored) /* the engine was there before the document */
        jobs_set_settings(s);
    if (s->question && !s->restored && !action_run(s, "ask", &err))
        session_warn(s, "%s", err.text);
    session_compose(s);
    reopen_ask(s);
}

void reopen_compare(struct session *s)
{
    struct reopening *r = s->reopening;
    const struct snapshot_facts *facts = s->published ? &s->published->facts : NULL;
    if (!r || r->told || !facts || !facts->model_sha256[0])
        return;
    r->told = true;
    const struct figure_meta_file *was = &r->meta.compressor;
    tell_other(s, "compressor", facts->compressor_sha256, was->sha256,
               ":compressor PATH opens another");
    /* what was made of a session, as a run's looks are, has the name alone */
    if (!was->sha256[0] && was->name[0] && strcmp(was->name, facts->compressor) != 0)
        session_warn(s, "the figure was made of %s, not of %s" WAY ":restore opens its session" WAY
                     "view and settings are the figure's", was->name, facts->compressor);
    tell_other(s, "model", facts->model_sha256, r->meta.model.sha256,
               ":model PATH opens another");
}

void reopen_restored(struct session *s, const struct figure_meta *meta)
{
    apply_view(&s->view, meta);
    s->view.limit_low = meta->limit_low;
    s->view.limit_high = meta->limit_high;
    s->view.limit_pane = PANE_COUNT;
    apply_restored(s, meta);
}

void reopen_record(const struct session *s, struct figure_meta *meta)
{
    const struct view_state *v = &s->view;
    *meta = (struct figure_meta){
        .kind = export_kind_of_view(v),
        .value = v->value[v->focus == PANE_GATES ? PANE_GATES : PANE_PLAN],
        .norm = v->normalise, .scale = v->scale, .map = v->map, .unit = v->unit,
        .limit_low = v->limit_low, .limit_high = v->limit_high,
        .has_range = v->has_range, .from = v->range_from, .to = v->range_to,
        .window = snapshot_window_of(s->snapshot, v->token) + 1,
        .iteration = v->iteration, .locked = v->locked,
    };
    figure_meta_from_snapshot(meta, s->snapshot);
    figure_meta_from_edits(meta, &s->edits);
}
