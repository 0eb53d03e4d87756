/* The command `export`: what is on screen into figure and data files. */

#include "app/actions.h"
#include "app/export.h"

/* "plan.png and 2 more written". */
static void note_files(struct session *s, const struct export_result *result)
{
    if (result->n == 1)
        session_note(s, "%s written", result->path[0]);
    else if (result->n > 1)
        session_note(s, "%s and %zu more written", result->path[0], result->n - 1);
}

bool do_export(struct session *s, const struct words *words, struct err *err)
{
    if (!s->snapshot->document)
        return err_set(err, ERR_USAGE, "no document is open: O opens one");
    struct export_request request;
    struct export_result result = {0};
    export_request_init(&request);
    export_request_from_view(&request, s->snapshot, &s->view);
    request.force = words->force;
    request.edits = &s->edits;
    bool ok = true;
    for (size_t i = 0; ok && i < words->count; i++)
        ok = export_word(&request, words->word[i], err);
    ok = ok && export_run(s->snapshot, &request, &result, err);
    if (ok)
        note_files(s, &result);
    export_result_free(&result);
    export_request_free(&request);
    return ok;
}
