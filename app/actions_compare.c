/* Commands of the Compare screen: what Explore shows is kept as A, and what it shows
 * later is B; or a session file is B, and what Explore shows is A. A snapshot does not
 * change, so keeping it is one reference. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/actions.h"
#include "app/dialog.h"
#include "app/refusal.h"
#include "app/session_file.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"

bool do_pin(struct session *s, const struct words *words, struct err *err)
{
    char name[PIN_NAME_BYTES];
    if (!session_tokens(s) || !s->snapshot->windows)
        return err_set(err, ERR_USAGE, "there is nothing to pin yet" WAY "⁅O⁆ opens a document");
    if (words->rest[0])
        text_sanitize(name, sizeof name, words->rest, strlen(words->rest));
    else
        view_edits_text(s->snapshot, &s->view, name, sizeof name);
    session_pin(s, name, s->snapshot);
    session_compose(s);
    if (words->rest[0]) {
        pins_keep(&s->pins, name, s->snapshot);
        session_note(s, "pinned as A, and kept: compare %s makes it A again", name);
    } else {
        session_note(s, "pinned as A: change something, then ⁅2⁆ compares");
    }
    return true;
}

/* What Explore shows as A; B is the same document through another compressor. */
static bool compare_checkpoint(struct session *s, const char *path, struct err *err)
{
    return action_run(s, "pin", err) &&
           action_run_text(s, "compressor", path, err);
}

static bool has_ending(const char *path, const char *ending)
{
    size_t length = strlen(path), n = strlen(ending);
    return length > n && strcmp(path + length - n, ending) == 0;
}

static bool need_pin(const struct session *s, struct err *err)
{
    return s->pinned || err_set(err, ERR_USAGE, "nothing is pinned" WAY
                                "⁅b⁆ pins what Explore shows");
}

bool actions_pin_file(struct session *s, const char *path, bool is_b, struct err *err)
{
    struct figure_meta meta;
    char name[PIN_NAME_BYTES];
    struct figure_meta_file file;
    struct snapshot *other = session_read_file(s, path, &meta, NULL, NULL, &file, err);
    if (!other)
        return false;
    figure_meta_free(&meta);
    text_sanitize(name, sizeof name, file_name(path), strlen(file_name(path)));
    session_pin(s, name, other);
    snapshot_release(other);
    s->pin_file = xmalloc(sizeof *s->pin_file);
    *s->pin_file = file;
    s->view.pin_is_b = is_b;
    session_compose(s);
    dialog_screen(s, SCREEN_COMPARE);
    return true;
}

bool do_compare(struct session *s, const struct words *words, struct err *err)
{
    bool off = strcmp(words->rest, "off") == 0;
    const struct pin *pin = pins_find(&s->pins, words->rest);
    bool checkpoint = !pin && (has_ending(words->rest, ".safetensors") ||
                               file_is_directory(words->rest));
    if (pin)
        session_pin(s, pin->name, pin->snapshot);
    else if (checkpoint && !compare_checkpoint(s, words->rest, err))
        return false;
    else if (words->rest[0] && !off && !checkpoint && !actions_pin_file(s, words->rest, true, err))
        return false;
    if (!need_pin(s, err))
        return false;
    if (off)
        session_pin(s, NULL, NULL);
    session_compose(s);
    dialog_screen(s, off ? SCREEN_EXPLORE : SCREEN_COMPARE);
    return true;
}

bool do_swap(struct session *s, const struct words *words, struct err *err)
{
    (void)words;
    if (!need_pin(s, err))
        return false;
    s->view.compare_swapped = !s->view.compare_swapped;
    s->dirty = true;
    return true;
}

static const char *pin_letter(const struct session *s)
{
    return s->view.pin_is_b ? "B" : "A";
}

/* Where the other is of another document there is nothing to lay over it. */
static bool need_same_document(const struct session *s, struct err *err)
{
    const struct snapshot_document *a = s->pinned->document, *b = s->snapshot->document;
    bool same = a && b && a->ids && b->ids && a->tokens == b->tokens &&
                memcmp(a->ids, b->ids, a->tokens * sizeof *a->ids) == 0;
    return same || err_set(err, ERR_USAGE, "%s shows another document" WAY
                           "⁅b⁆ pins this one", pin_letter(s));
}

bool do_difference(struct session *s, const struct words *words, struct err *err)
{
    (void)words;
    if (!need_pin(s, err) || !need_same_document(s, err))
        return false;
    s->view.plan_difference = !s->view.plan_difference;
    if (s->view.plan_difference)
        session_note(s, "the plan: what it has more and less than %s", pin_letter(s));
    else
        session_note(s, "the plan: as it is");
    return true;
}

bool do_flicker(struct session *s, const struct words *words, struct err *err)
{
    (void)words;
    if (!need_pin(s, err) ||
        (s->view.screen == SCREEN_EXPLORE && !need_same_document(s, err)))
        return false;
    s->view.compare_flicker = !s->view.compare_flicker;
    s->dirty = true;
    return true;
}
