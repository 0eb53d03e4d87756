/* What is open and what runs: everything that a command may look at or change. One
 * session is one explorer; it belongs to the UI thread. The engine is out of reach
 * here: jobs.h posts work to the worker, and results come back as snapshots. */
#ifndef APP_SESSION_H
#define APP_SESSION_H

#include <stdbool.h>
#include <stddef.h>

#include "app/keys.h"
#include "app/list.h"
#include "app/notes.h"
#include "app/pins.h"
#include "app/undo.h"
#include "app/watch.h"
#include "app/worker.h"
#include "engine/base/err.h"
#include "engine/snapshot.h"
#include "views/view_state.h"

struct terminal;
struct engine_host;
struct tour;
struct run_control;
struct data_screen;
struct eval_screen;
struct append_file;
struct figure_meta_file;

enum { NOTE_MS = 5000, HINT_MS = 60000, WATCH_MS = 2000, FRAME_MS = 33, PLAY_FPS = 8 };

/* What `set` changes and the engine does not care about. "auto" is a value. */
struct preferences {
    bool mouse;
    size_t history;
    double fps; /* largest number of frames a second */
    char theme[8], glyphs[8], ambiguous[8];
    bool answers[ANSWER_MODES]; /* which are run by ask and regen */
    unsigned long seed;
    size_t max_tokens;
    size_t keep; /* windows */
    bool live;   /* answer again after a change */
    size_t autosave; /* seconds between saves; 0: none */
};

/* The open document. raw: its text in words, shown until the engine has made tokens
 * of it; then NULL. */
struct document {
    char *path; /* NULL: none, "-": standard input */
    size_t asked; /* questions */
    struct snapshot_document *raw;
};

/* Animation of the iterations. */
struct playback {
    double fps;     /* 0: not playing */
    double next_ms; /* when the next frame is due */
    bool opening;   /* the one that plays by itself after the first plan */
    bool opened;    /* ... has been */
};

struct figure_meta;

/* A file of commands that is being run, and the one that ran it. */
struct sourced {
    const char *path;
    const struct sourced *outer;
};

struct session {
    struct view_state view;
    struct snapshot *snapshot;  /* what is shown; never NULL; one reference */
    struct snapshot *published; /* the engine's last, or NULL */
    struct worker *worker;      /* NULL in tests of commands alone */
    struct job *waiting_exports; /* until hashes of model and compressor are known; a list */
    struct worker *writer;      /* writes figures; NULL: they are written at once */
    struct engine_host *host;   /* handed to the worker; not touched here */
    struct terminal *terminal;  /* NULL: headless */
    struct run_control *run;    /* training; never NULL, as are the next two */
    struct data_screen *data;
    struct eval_screen *eval;
    struct preferences preferences;
    struct keymap keymap;
    struct notes notes;
    struct document document;
    struct watch document_watch, model_watch;
    double next_watch_ms;
    char *model_path; /* that is open, or named at the start; NULL: neither */
    char *rc_model, *rc_compressor; /* that the rc file named; NULL: none */
    char *path_before; /* of the document that stays open when the new one fails */

    /* What was asked for. */
    struct snapshot *restored; /* of a session file: shown in place of the engine's; or NULL */
    struct figure_meta_file *restored_file; /* where it is not NULL; owned */
    struct snapshot_window *held; /* the last window on screen that had a plan; or NULL */
    char *held_of;                /* what it was made with; owned */
    struct snapshot *pinned; /* A of Compare, or B (view.pin_is_b); one reference; or NULL */
    char *pin_name;
    struct figure_meta_file *pin_file; /* session file that it is of, owned; or NULL */
    struct reopening *reopening; /* of --from-figure, owned; or NULL */
    struct pins pins; /* that were given a name */
    char *question, *gold;
    size_t continue_from; /* not a question: the text behind this many tokens; 0: none */
    unsigned waiting[ANSWER_MODES]; /* posted and not yet finished */
    bool ask_when_ready;          /* as soon as the document is tokenised */
    size_t read_from, read_to;    /* range of the last read job; empty = none */
    bool read_failed;             /* do not try the same again and again */
    uint64_t last_note_serial;

    /* Edits: what is wanted, what the document was opened with, and the way back.
     * `known` once the engine has told its settings; before that, settings given by
     * the rc file wait in edits.settings with their bit in `given`. */
    struct edits edits, opened_with, saved; /* saved: in a session file */
    bool edits_known, given[5];
    struct undo undo;

    char *needle;           /* last find */
    struct place {
        bool known;
        enum pane focus;
        size_t token, layer, slot;
    } jumped_from;          /* before the last jump */
    struct tour *tour;      /* or presentation; NULL: none */
    bool hint_when_idle;    /* how to go on, once the demo's answers are there */
    bool tour_when_ready, tour_presented; /* as soon as there are tokens; to an audience */
    char *said;             /* caption of a script */
    struct append_file *record; /* script that is written; NULL: none */
    int performing;         /* commands inside of commands are not recorded */
    char *prompt_label, *prompt_text; /* what view borrows; readline's own changes any time */
    struct list list;       /* entries of the overlay */
    bool matches_shown;     /* what Tab offers is in the status line, until the next key */
    bool filtering;         /* typed characters go to view.filter */
    void (*dialog_reopen)(struct session *); /* makes the list anew after a change */
    char *list_directory;   /* of the open dialog; NULL: not shown yet */
    struct playback play;
    int press_row, press_column; /* of the mouse button; -1: none */
    double stops_ms[3];     /* the last times of Ctrl-C */

    double now_ms;          /* of this turn of the loop */
    double message_until_ms;
    double next_autosave_ms;
    uint64_t autosaved; /* version of the engine's snapshot that was saved last */
    char *left_over;    /* session of an explorer that was cut off; NULL: none */
    double live_due_ms; /* when to answer again by itself; 0: not */
    bool dirty;             /* draw a frame */
    uint64_t frames;        /* drawn so far */
    bool redraw;            /* ... and every cell of it */
    bool slow_line;         /* colours take too long: heat is shaded (until C-l) */
    bool loss_when_ready;        /* measured as soon as there are tokens */
    char *goto_when_ready;       /* place to begin at; NULL: none (any more) */
    bool suspend, edit_prompt;   /* for the loop to do */
    bool quit, quit_asked, headless;
    bool no_sandbox; /* the engine's thread may write files and start programs */
    bool quit_saving; /* as soon as the training run has saved */
    int exit_code;
    char *failed_screen;    /* on which a script's expectation failed */
    const char *rc_path;    /* while a file of commands runs, for messages */
    int depth;              /* of nested source commands */
    const struct sourced *sourced; /* files of commands that are being run, the innermost first */
};

void session_init(struct session *s);
void session_free(struct session *s);

/* One sentence in the status line for five seconds, and in the log; while a file of
 * commands runs, only warnings, with their place. */
void session_note(struct session *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void session_warn(struct session *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The warning of work that failed: what and where (of err), what to do, and what stays as it
 * was. */
void session_fail(struct session *s, const struct err *err, const char *way, const char *stays);

/* Opens a document from text (taken over): shown at once, tokenised by the worker.
 * text ends in a NUL beyond size. */
void session_set_document(struct session *s, const char *path, char *text, size_t size);

/* The bytes of a document, and session_file_read with session_file_identify, in a thread that can
 * write nothing: the file may be anybody's. *text is to be freed. */
bool session_read_text(const struct session *s, const char *path, char **text, size_t *size,
                       struct err *err);
struct snapshot *session_read_file(const struct session *s, const char *path,
                                   struct figure_meta *meta, bool *text_missing, struct pins *pins,
                                   struct figure_meta_file *file, struct err *err);

/* A copy of the text becomes the question, also on the screen, which does not show the one before
 * any more; NULL: none. */
void session_set_question(struct session *s, const char *text);

/* Makes a snapshot A of the Compare screen, in place of what was; NULL: nothing is A. */
void session_pin(struct session *s, const char *name, struct snapshot *snapshot);

/* Shows the snapshot of a session file (taken over) until a document is opened. */
void session_set_restored(struct session *s, const char *path, struct snapshot *restored,
                          const struct figure_meta_file *file);

/* Nothing new can be computed for a restored session: false, with a message. */
bool session_can_compute(const struct session *s, struct err *err);

/* The engine took the document, or not: then the one before stays open. */
void session_document_settled(struct session *s, bool ok);

/* Takes what the worker has to say; true when anything changed. */
bool session_collect(struct session *s);

/* Forgets the plan that is shown while another one is made. */
void session_drop_held(struct session *s);

/* Makes the shown snapshot from the engine's and what only the UI knows (queued
 * answers, work in progress), and keeps the cursor inside of it. */
void session_compose(struct session *s);

/* Tokens [from, to) of the document that a question is about now: those before a continuation,
 * else the range, else all of them (to 0). */
void session_asked_range(const struct session *s, size_t *from, size_t *to);

/* Reads the part of the document on screen that is not read yet. */
void session_read_visible(struct session *s);

/* Timers: notes that end, iterations that play. Milliseconds until the next one is
 * due, -1 for none. */
void session_tick(struct session *s);
int session_timeout(const struct session *s);

/* Nothing queued, running or playing. */
bool session_is_idle(const struct session *s);

/* Puts the prompt as it stands into the view state; before a frame. */
void session_show_prompt(struct session *s);

/* What the terminal can do, with what `set` overrides. */
void session_apply_display(struct session *s);

/* The line has another speed, or it is another line: shades for a slow one, colours for others. */
void session_take_speed(struct session *s);

/* Shades in place of colours, with a note, until C-l: the line is slow. */
void session_leave_colors_out(struct session *s);

/* Windows, tokens and slots of the shown snapshot; 0 when there are none. */
size_t session_tokens(const struct session *s);
const struct snapshot_window *session_window(const struct session *s); /* at the cursor, or NULL */
size_t session_slot_base(const struct session *s, size_t window); /* slots before it */

#endif
