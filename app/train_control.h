/* `train --control`: a run that another process steers, the training side. Commands
 * come as lines on standard input (pause, resume, save, stop); what happens goes as
 * JSON lines to standard output. The end of the input is a stop: a run whose Train
 * screen is gone saves after its step and ends.
 *
 *   {"event": "stage", "stage": "samples", "done": 8, "total": 32}   at most 10 a second
 *   {"event": "started", "steps": ..., "batch": ..., "step": ..., "parameters": ...}
 *   {"event": "step"} {"event": "note", "text": ...} {"event": "saved", "step": ...}
 *   {"event": "looked"}   the probe text, after a validation
 *   {"event": "paused"} {"event": "resumed"}
 *   {"event": "estimate", "parameters": ..., "step_ms": ..., ...}
 *   {"event": "end", "code": 0, "message": ""}
 *
 * Lines are written whole or not at all. A reader who has fallen behind loses steps and
 * stages, which come again; for the rest he is waited for, some seconds, and until he
 * reads again only for the end: a reader who does not read loses events, never the run. */
#ifndef APP_TRAIN_CONTROL_H
#define APP_TRAIN_CONTROL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "engine/base/progress.h"

struct train_control {
    bool enabled;
    bool paused, save, stop;
    bool is_deaf; /* the reader was waited for in vain, and has taken nothing since */
    char input[256]; /* the beginning of a line */
    size_t used;
    double told_ms; /* when a stage was told last */
};

/* Takes over standard input and output; gives way to other processes from here on. */
void train_control_open(struct train_control *control);

/* One event; takes the reference. */
void train_control_tell(struct train_control *control, json_t *event);
void train_control_note(struct train_control *control, const char *text);

/* A progress callback (context: the control): tells the stage, reads commands, waits
 * as long as the run is paused. Always goes on: a stop comes after the step. */
bool train_control_tick(void *context, const char *stage, size_t done, size_t total);

/* Reads what commands there are. */
void train_control_poll(struct train_control *control);

#endif
