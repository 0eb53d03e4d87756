/* Signals: the orderly ones become bytes in a pipe that the loop reads; the fatal
 * ones give the terminal back with async-signal-safe calls alone and then kill
 * the process with the same signal, so that the exit status tells the truth. */
#ifndef APP_SIGNALS_H
#define APP_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

#include "engine/base/err.h"

/* Resize, terminate, hang up, interrupt, suspend, continue, and whatever else would end the
 * program from outside -> pipe; SIGPIPE is ignored. */
bool signals_open(struct err *err);
void signals_close(void);

/* Readable when a signal came. */
int signals_fd(void);

/* The next signal, or 0. */
int signals_take(void);

/* Stops the process as Ctrl-Z does and returns when it is continued; where nobody
 * could continue it (no shell), returns at once. */
void signals_stop_self(void);

/* While another program has the terminal: interrupt and quit typed there are meant for
 * that program alone. In its process, after fork: all signals as a shell would set
 * them. */
void signals_lend(void);
void signals_take_back(void);
void signals_reset_child(void);

/* Faults, traps and SIGQUIT: restore, say what happened in one line, die by the signal.
 * Handlers that were there before (a sanitizer's) run after the terminal is back. */
void signals_catch_crashes(void);

/* Those: no thread may block them, for a fault whose signal is blocked kills the process
 * without its handler. */
void signals_fatal(sigset_t *set);

/* What giving the terminal back means: write reset to fd and set its modes. NULL
 * disarms. The texts are copied. */
void signals_arm_terminal(int fd, const char *reset, size_t length, const struct termios *modes);

/* Does it now, once; safe in any state. Used by fatal paths. */
void signals_restore_terminal(void);

/* Around writing to the terminal: a crash of another thread waits (a moment) for the
 * end of what is being written, and afterwards nothing may be: then begin is false. */
bool signals_begin_output(void);
void signals_end_output(void);

/* A stack of its own for the crash handler of the calling thread. */
void signals_guard_thread(void);
void signals_unguard_thread(void);

#endif
