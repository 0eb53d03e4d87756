/* `--play FILE`: commands from a file, run while the program runs. Besides the
 * commands of the prompt it knows
 *
 *   key NAME...        keys as if typed      type TEXT        characters as if typed
 *   wait idle|step N|Ns|Nms   until work is done, a training step is, or so long
 *   wait for "TEXT" [within Ns|Nms]   until TEXT is on the screen; status 1 when it is not there
 *                      in time (100 s)
 *   size 120x36        of the virtual screen (headless only)
 *   screen FILE        writes the screen as text
 *   expect "TEXT"      ends the program with status 1 unless TEXT is on the screen
 *
 * Same script, same files. */
#ifndef APP_SCRIPT_H
#define APP_SCRIPT_H

#include <stdbool.h>

#include "app/session.h"

struct script;

/* How a script types: the loop's way of handling bytes from the terminal. */
typedef void script_type_fn(struct session *s, const char *bytes, size_t length);

struct script *script_open(const char *path, bool confined, script_type_fn *type, struct err *err);
void script_close(struct script *script);

/* Runs lines until one waits; call once per turn of the loop. False with a message
 * ("NAME:7: ...") when a line failed. */
bool script_step(struct script *script, struct session *s, struct err *err);

/* All lines have run. */
bool script_is_done(const struct script *script);

/* Milliseconds until the wait ends, -1 when it waits for work or for nothing. */
int script_timeout(const struct script *script, const struct session *s);

/* Draws the session into its own canvas and returns it as text, to be freed. */
char *script_screen(struct session *s);

#endif
