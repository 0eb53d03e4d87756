/* What an action says when it is refused, in five parts: where (the command) and what, what was
 * got and what was expected; what to do; what was left as it was.
 *
 *     goto: window 14 is not in 1..13 · :help goto · nothing changed
 *
 * An action gives the first part and, where it knows a better way out than the help of the
 * command, that: err_set(err, ERR_USAGE, "no document is open" WAY "⁅O⁆ opens one"). */
#ifndef APP_REFUSAL_H
#define APP_REFUSAL_H

#include <stdbool.h>

#include "app/words.h"
#include "engine/base/err.h"
#include "views/key_text.h"

#define WAY " \u00b7 "

/* "NAME wants ...; found ...": arguments that the command does not take. Returns false. */
bool refusal_wants(const struct words *words, struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Gives a refusal of the command `name` the parts that it lacks. A refusal changes nothing; one
 * that is complete already (of a command inside of this one) stays. Returns false. */
bool refusal_complete(const char *name, struct err *err);

#endif
