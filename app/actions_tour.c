/* The commands of the tour and the presenter. */
#include "app/actions.h"
#include "app/tour.h"

bool do_tour(struct session *s, const struct words *words, struct err *err)
{
    if (words->count) {
        switch (action_choice(words->word[0], "next|back|off", "tour", err)) {
        case 0: tour_next(s); return true;
        case 1: tour_back(s); return true;
        case 2: tour_stop(s); return true;
        default: return false;
        }
    }
    if (s->tour) {
        tour_next(s);
        return true;
    }
    if (session_tokens(s))
        return tour_start(s, NULL, false, err);
    s->tour_when_ready = true;
    return s->document.path || action_run(s, "demo", err);
}

bool do_present(struct session *s, const struct words *words, struct err *err)
{
    if (s->tour && s->view.presenting && !words->rest[0]) {
        tour_stop(s);
        return true;
    }
    return tour_start(s, words->rest[0] ? words->rest : NULL, true, err);
}
