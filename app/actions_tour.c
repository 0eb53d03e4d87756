/* The commands of the tour and the presenter. */
#include "app/actions.h"
#include "app/tour.h"

/* The tour; it waits for the tokens of the document, of the demo where none is open. */
static bool begin(struct session *s, bool presented, struct err *err)
{
    if (session_tokens(s))
        return tour_start(s, NULL, presented, err);
    s->tour_when_ready = true;
    s->tour_presented = presented;
    return s->document.path || action_run(s, "demo", err);
}

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
    return begin(s, false, err);
}

bool do_present(struct session *s, const struct words *words, struct err *err)
{
    if (s->tour && s->view.presenting && !words->rest[0]) {
        tour_stop(s);
        return true;
    }
    return words->rest[0] ? tour_start(s, words->rest, true, err) : begin(s, true, err);
}
