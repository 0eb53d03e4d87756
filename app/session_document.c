/* The open document of a session: its text as it stands until there are tokens, what
 * is forgotten with it, and snapshots of session files in its place. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "app/jobs.h"
#include "app/refusal.h"
#include "app/session.h"
#include "app/session_file.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"

enum { PREVIEW_WORDS = 4000 };

/* End of the word that begins at `at`, its leading blanks included. */
static size_t word_end(const char *text, size_t size, size_t at)
{
    while (at < size && isspace((unsigned char)text[at]))
        at++;
    while (at < size && !isspace((unsigned char)text[at]))
        at++;
    return at;
}

/* The text as it stands, in words without ids: what is on screen until there are
 * tokens. Takes over text. */
static struct snapshot_document *raw_document(const char *path, char *text, size_t size)
{
    size_t words = 0;
    for (size_t at = 0; at < size && words < PREVIEW_WORDS; words++)
        at = word_end(text, size, at);
    struct snapshot_document *d = snapshot_document_new(words);
    for (size_t i = 0, at = 0; i < words; i++) {
        d->start[i] = (uint32_t)at;
        d->end[i] = (uint32_t)(at = word_end(text, size, at));
    }
    free(d->ids);
    d->ids = NULL;
    char name[256];
    const char *last = strcmp(path, "-") == 0 ? "standard input" : file_name(path);
    text_sanitize(name, sizeof name, last, strlen(last));
    d->name = xstrdup(name);
    d->text = text;
    d->size = size;
    return d;
}

/* Everything that belongs to the document before. */
static void forget_document(struct session *s)
{
    snapshot_release(s->restored);
    s->restored = NULL;
    free(s->restored_file);
    s->restored_file = NULL;
    session_drop_held(s);
    snapshot_document_release(s->document.raw);
    s->document.raw = NULL;
    watch_clear(&s->document_watch);
    s->read_from = s->read_to = 0;
    s->read_failed = false;
    s->view.token = s->view.slot = s->view.document_top = 0;
    s->view.has_range = s->view.range_open = false;
    s->jumped_from.known = false;
    s->view.moved.kind = s->view.locked.kind = SOURCE_NONE;
    s->play = (struct playback){.opened = s->play.opened};
    edits_drop(&s->edits);
    undo_free(&s->undo);
    s->continue_from = 0;
    s->document.asked = 0;
}

void session_set_restored(struct session *s, const char *path, struct snapshot *restored,
                          const struct figure_meta_file *file)
{
    char *kept = xstrdup(path);
    if (s->worker)
        worker_cancel(s->worker, JOB_DOCUMENT | JOB_ASK | JOB_READ | JOB_LOSS | JOB_CONTROL);
    forget_document(s);
    free(s->document.path);
    session_set_question(s, NULL);
    s->document.path = kept;
    s->restored = restored;
    s->restored_file = xmalloc(sizeof *s->restored_file);
    *s->restored_file = *file;
    s->ask_when_ready = false;
    session_compose(s);
}

bool session_read_text(const struct session *s, const char *path, char **text, size_t *size,
                       struct err *err)
{
    return worker_read_file(!s->no_sandbox, path, DOCUMENT_BYTES_MAX, text, size, err);
}

struct reading {
    const char *path;
    struct figure_meta *meta;
    bool *text_missing;
    struct pins *pins;
    struct figure_meta_file *file;
    struct snapshot *snapshot;
};

static bool read_session(void *context, struct err *err)
{
    struct reading *r = context;
    r->snapshot = session_file_read(r->path, r->meta, r->text_missing, r->pins, err);
    if (!r->snapshot || session_file_identify(r->path, r->file, err))
        return r->snapshot != NULL;
    snapshot_release(r->snapshot);
    r->snapshot = NULL;
    figure_meta_free(r->meta);
    if (r->pins)
        pins_free(r->pins);
    return false;
}

struct snapshot *session_read_file(const struct session *s, const char *path,
                                   struct figure_meta *meta, bool *text_missing, struct pins *pins,
                                   struct figure_meta_file *file, struct err *err)
{
    struct reading r = {path, meta, text_missing, pins, file, NULL};
    worker_call(!s->no_sandbox, read_session, &r, err);
    return r.snapshot;
}

void session_set_question(struct session *s, const char *text)
{
    char *kept = text ? xstrdup(text) : NULL;
    free(s->question);
    s->view.question = s->question = kept;
}

void session_pin(struct session *s, const char *name, struct snapshot *snapshot)
{
    struct snapshot *kept = snapshot_retain(snapshot);
    snapshot_release(s->pinned);
    free(s->pin_name);
    free(s->pin_file);
    s->pinned = kept;
    s->pin_name = name ? xstrdup(name) : NULL;
    s->pin_file = NULL;
    s->view.pin_is_b = s->view.compare_swapped = s->view.compare_flicker = false;
    s->view.plan_difference = false;
}

bool session_can_compute(const struct session *s, struct err *err)
{
    const char *model = s->restored ? s->restored->facts.model : "";
    return !s->restored || err_set(err, ERR_USAGE, "this session was restored: it needs %s and "
                                                   "its document" WAY "⁅O⁆ opens it anew",
                                   model[0] ? model : "the model");
}

void session_set_document(struct session *s, const char *path, char *text, size_t size)
{
    char *kept = xstrdup(path);
    forget_document(s);
    free(s->path_before);
    s->path_before = s->document.path;
    s->document = (struct document){.path = kept, .raw = raw_document(path, text, size)};
    if (strcmp(path, "-") != 0)
        watch_add(&s->document_watch, path);
    if (s->worker && s->edits_known)
        jobs_set_document(s);
    session_compose(s);
}

void session_document_settled(struct session *s, bool ok)
{
    snapshot_document_release(s->document.raw);
    s->document.raw = NULL;
    if (ok) {
        free(s->path_before);
    } else {
        s->tour_when_ready = false;
        free(s->document.path);
        s->document.path = s->path_before;
    }
    s->path_before = NULL;
}
