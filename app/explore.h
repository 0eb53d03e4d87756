/* The explorer: opens what it is given, runs the loop, gives everything back. */
#ifndef APP_EXPLORE_H
#define APP_EXPLORE_H

#include <stdbool.h>

#include "engine/engine.h"

struct explore_options {
    const char *document;         /* path, "-" = standard input, NULL = start screen */
    struct engine_options engine; /* publish, log and context are set here */
    const char *question, *gold;  /* asked at once; NULL = none */
    const char *at;               /* as for `goto` */
    const char *view;             /* as for `view`: a pane, or "PANE VALUE" */
    const char *color;            /* "auto", "always", "never"; NULL = auto */
    const char *theme, *glyphs;   /* as for `set`; NULL = the rc file's */
    const char *rc;               /* a file, "none", NULL = the user's */
    const char *play;             /* script, or NULL */
    const char *present;          /* script to present, "tour" = the tour, or NULL */
    bool headless;                /* no terminal; wants `play` */
    bool no_sandbox;              /* --sandbox off */
    bool demo;                    /* the sample document and its question */
    bool no_answers;              /* a question is set, not asked */
    const char *command;          /* a command line that is run first, or NULL */
    const char *from_figure;      /* path of a figure to open again, or NULL */
};

/* True when it ended in the ordinary way. Else err->code is the exit code, with a
 * message unless a signal (128 + n) or Ctrl-C was the reason. */
bool explore_run(const struct explore_options *options, struct err *err);

#endif
