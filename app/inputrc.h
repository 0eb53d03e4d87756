/* The user's file of keys for readline, looked at before readline opens it: readline would
 * wait for a FIFO for ever, and follow a file that includes itself until its stack ends. */
#ifndef APP_INPUTRC_H
#define APP_INPUTRC_H

#include <stdbool.h>

#include "engine/base/err.h"

/* True when readline may read it. Else it is taken out of its way (INPUTRC of this process is
 * set), and err says in one line why. confined: as for worker_call. */
bool inputrc_guard(bool confined, struct err *err);

#endif
