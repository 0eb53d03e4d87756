/* `set live on`: the compressed answer is made again by itself when nothing was changed
 * for a while. */
#ifndef APP_LIVE_H
#define APP_LIVE_H

#include "app/session.h"

enum { LIVE_REST_MS = 400 };

/* Settings or edits were changed. */
void live_changed(struct session *s);

/* They were put back, by nobody's key: the compressed answer is made again as soon as they are in
 * force, if it is of others, also with `live off`. */
void live_soon(struct session *s);

/* Asks when the rest is over and the changes are made. */
void live_tick(struct session *s);

#endif
