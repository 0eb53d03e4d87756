/* The commands of session files, and copying what is on the screen. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/actions.h"
#include "app/autosave.h"
#include "app/cursor.h"
#include "app/dialog.h"
#include "app/record.h"
#include "app/recreate.h"
#include "app/refusal.h"
#include "app/reopen.h"
#include "app/session_file.h"
#include "app/terminal.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"

/* NAME.cxt beside nothing: the document's name with another ending. */
static char *default_path(const struct session *s)
{
    const char *name = s->snapshot->document->name, *dot = strrchr(name, '.');
    size_t length = dot && dot > name ? (size_t)(dot - name) : strlen(name), size = length + 8;
    char *path = xmalloc(size);
    snprintf(path, size, "%.*s%s", (int)length, name, SESSION_FILE_ENDING);
    return path;
}

/* Behind "notext", if the text begins with that word; else the text. */
static const char *behind_notext(const char *text, bool *with_text)
{
    static const char word[] = "notext";
    const char *rest = text + sizeof word - 1;
    *with_text = strncmp(text, word, sizeof word - 1) != 0 || (*rest && *rest != ' ');
    return *with_text ? text : rest + strspn(rest, " ");
}

bool do_save(struct session *s, const struct words *words, struct err *err)
{
    struct figure_meta meta;
    bool with_text;
    const char *name = behind_notext(words->rest, &with_text);
    if (!session_tokens(s) || !s->snapshot->windows)
        return err_set(err, ERR_USAGE, "there is nothing to save yet" WAY "⁅O⁆ opens a document");
    char *path = name[0] ? xstrdup(name) : default_path(s);
    bool ok = session_file_is(path) ||
              err_set(err, ERR_USAGE, "%s: a session file ends in " SESSION_FILE_ENDING, path);
    if (ok && !words->force && file_exists(path))
        ok = err_set(err, ERR_USAGE, "%s is there already" WAY "save! overwrites it", path);
    if (ok) {
        struct pins pins;
        reopen_record(s, &meta);
        pins_copy(&pins, &s->pins, s->pin_name, s->view.pin_is_b ? NULL : s->pinned);
        ok = session_file_write(path, s->snapshot, &meta, &pins, with_text, err);
        pins_free(&pins);
        figure_meta_free(&meta);
    }
    if (ok)
        edits_assign(&s->saved, &s->edits);
    if (ok)
        session_note(s, with_text ? "%s written: it opens without the model"
                                  : "%s written: without the text, of which it has the hash", path);
    free(path);
    return ok;
}

/* In place of those with the same names; A as well, if there was one. */
static void restore_pins(struct session *s, const struct pins *pins)
{
    for (size_t i = 0; i < pins->n; i++)
        pins_keep(&s->pins, pins->pins[i].name, pins->pins[i].snapshot);
    if (pins->a)
        session_pin(s, pins->pins[pins->a - 1].name, pins->pins[pins->a - 1].snapshot);
}

bool do_restore(struct session *s, const struct words *words, struct err *err)
{
    struct figure_meta meta;
    if (!words->rest[0])
        return refusal_wants(words, err, "a session file");
    bool text_missing;
    struct pins pins;
    struct figure_meta_file file;
    struct snapshot *restored = session_read_file(s, words->rest, &meta, &text_missing, &pins,
                                                  &file, err);
    if (!restored)
        return false;
    session_set_restored(s, words->rest, restored, &file);
    restore_pins(s, &pins);
    pins_free(&pins);
    autosave_adopt(s, words->rest);
    reopen_restored(s, &meta);
    edits_assign(&s->saved, &s->edits);
    dialog_screen(s, SCREEN_EXPLORE);
    session_compose(s);
    if (text_missing)
        session_warn(s, "saved without its text, dots stand for it" WAY "put %s beside it" WAY
                     "plan and answers are as saved", meta.document.name);
    figure_meta_free(&meta);
    if (!text_missing)
        session_note(s, "restored: to look at, scrub, compare and export; asking needs %s",
                     restored->facts.model[0] ? restored->facts.model : "the model");
    reopen_continue(s);
    return true;
}

/* The terminal's own way to the clipboard (OSC 52). */
bool do_copy(struct session *s, const struct words *words, struct err *err)
{
    char text[1024];
    snprintf(text, sizeof text, "%s", words->rest);
    if (!text[0])
        view_status_text(s->snapshot, &s->view, text, sizeof text);
    if (!text[0])
        return err_set(err, ERR_USAGE, "there is nothing to copy" WAY "⁅O⁆ opens a document");
    if (s->terminal)
        terminal_copy(s->terminal, text);
    session_note(s, "copied: %s", text);
    return true;
}

bool do_recreate(struct session *s, const struct words *words, struct err *err)
{
    const char *path = words->rest;
    if (path[0] && !words->force && file_exists(path))
        return err_set(err, ERR_USAGE, "%s is there already" WAY "recreate! overwrites it", path);
    char *text = recreate_commands(s);
    size_t lines = 0;
    for (const char *at = text; (at = strchr(at, '\n')); at++)
        lines++;
    bool ok = !path[0] || file_replace(path, text, strlen(text), err);
    if (ok && !path[0] && s->terminal)
        terminal_copy(s->terminal, text);
    if (ok && path[0])
        session_note(s, "%s written: --play %s makes this view again", path, path);
    else if (ok)
        session_note(s, "copied: %zu commands that make this view again", lines);
    free(text);
    return ok;
}

bool do_record(struct session *s, const struct words *words, struct err *err)
{
    bool off = strcmp(words->rest, "off") == 0;
    if (!words->rest[0])
        return refusal_wants(words, err, "a file, or off");
    if (off && !s->record)
        return err_set(err, ERR_USAGE, "nothing is recorded" WAY "record FILE begins");
    if (!record_to(s, off ? NULL : words->rest, words->force, err))
        return false;
    session_note(s, off ? "recording ended" : "recording into %s: record off ends it", words->rest);
    return true;
}
