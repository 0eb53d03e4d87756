/* The command `export`: what is on screen into figure and data files. */

#include "app/actions.h"
#include "app/export.h"
#include "app/jobs.h"
#include "app/refusal.h"

bool do_export(struct session *s, const struct words *words, struct err *err)
{
    if (!s->snapshot->document)
        return err_set(err, ERR_USAGE, "no document is open" WAY "⁅O⁆ opens one");
    struct export_request request;
    export_request_init(&request);
    export_request_from_view(&request, s->snapshot, &s->view);
    request.force = words->force;
    bool ok = true;
    for (size_t i = 0; ok && i < words->count; i++)
        ok = export_word(&request, words->word[i], err);
    ok = ok && jobs_export(s, &request, err);
    export_request_free(&request);
    return ok;
}
