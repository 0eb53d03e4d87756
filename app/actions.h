/* The commands of the `:` prompt, the rc file, scripts and keys. One table holds
 * name, arguments, completion and help; the function of a command is
 * do_NAME in one of the actions_*.c files. */
#ifndef APP_ACTIONS_H
#define APP_ACTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "app/session.h"
#include "app/words.h"

/* What Tab offers for the arguments: the words of the table's list, or a kind. */
enum action_completion {
    COMPLETE_NOTHING,
    COMPLETE_WORDS,    /* one of the list behind */
    COMPLETE_LIST,     /* several of it, with commas */
    COMPLETE_DOCUMENT, /* words of the open document */
    COMPLETE_SETTING,  /* a setting, then its values */
    COMPLETE_VALUE,    /* a pane, then its values */
    COMPLETE_COMMAND,
    COMPLETE_KEY,      /* [pane] key */
    COMPLETE_BINDING,  /* [pane] key command */
    COMPLETE_PLACE,    /* where goto goes */
    COMPLETE_TARGET,   /* slots, layers */
    COMPLETE_MUTED,    /* these and words of the document; then the list */
    /* from here on with names of files, in which ~/ stands for the home folder */
    COMPLETE_EXPORT,   /* panes, files, options and their values */
    COMPLETE_TRAIN,    /* words of the list, keys, their values */
    COMPLETE_EVAL,     /* data files, words of the list */
    COMPLETE_PINS,     /* names of pins, files */
    /* files of a kind, behind the words of the list */
    COMPLETE_FILES,
    COMPLETE_DOCUMENTS,
    COMPLETE_MODELS,
    COMPLETE_TENSORS,
    COMPLETE_SESSIONS,
    COMPLETE_DATA,
    COMPLETE_FOLDERS
};

/* How arguments are taken: as words, or the rest of the line as one text. */
enum action_arguments { TAKES_NONE = 0, TAKES_WORDS = 1, TAKES_TEXT = 2 };

/* The panes of Explore as words, in the order of enum pane. */
#define ACTION_PANES "document|gates|plan|answers"

/* name, arguments (shown), taken as, completion, list, help */
#define ACTIONS(X)                                                                              \
    X(open, "[DOC]", TEXT, DOCUMENTS, "", "open a document; alone: choose one")                 \
    X(model, "[PATH]", TEXT, MODELS, "", "open another model; alone: choose one")               \
    X(compressor, "[PATH|none]", TEXT, TENSORS, "none", "open another compressor, or none")     \
    X(demo, "", NONE, NOTHING, "", "open the sample document and ask about it")                 \
    X(ask, "[TEXT]", TEXT, DOCUMENT, "", "ask a question; alone: the last one again")           \
    X(gold, "[TEXT]", TEXT, DOCUMENT, "", "the right answer, for scores; alone: none")          \
    X(continue, "[off]", WORDS, WORDS, "off",                                                   \
      "let the model go on behind the window of the cursor, in place of an answer")             \
    X(control, "", NONE, NOTHING, "",                                                           \
      "how much of the answer is about this text: the slots of another one in its place")       \
    X(loss, "[next|off]", WORDS, WORDS, "next|off",                                             \
      "what compression costs each token, told from what stands before it")                     \
    X(answers, "LIST", TEXT, LIST, "full|compressed|none", "answers to run, with commas")       \
    X(regen, "", NONE, NOTHING, "",                                                             \
      "answers again, stale ones first; opens what changed on disk")                            \
    X(stop, "", NONE, NOTHING, "", "stop what is running")                                      \
    X(goto, "N|N%|wN|sN|LN|compressed:N", WORDS, PLACE, "compressed:|full:|none:",              \
      "move to a token, window, slot, layer or token of an answer")                             \
    X(return, "", NONE, NOTHING, "", "to the place before the last jump, and back")             \
    X(move, "WHERE", WORDS, WORDS,                                                              \
      "left|right|up|down|first|last|page-up|page-down|half-up|half-down|"                      \
      "window-back|window-on|segment-back|segment-on", "move the cursor")                       \
    X(find, "TEXT", TEXT, DOCUMENT, "",                                                         \
      "search; a capital makes case count, \\ begins a regular expression")                     \
    X(match, "next|previous", WORDS, WORDS, "next|previous", "the next or previous match")      \
    X(range, "A B|A-B|off", WORDS, WORDS, "off",                                                \
      "restrict answers and figures to tokens A to B")                                          \
    X(mark, "", NONE, NOTHING, "", "begin, then end a range at the cursor")                     \
    X(lock, "", NONE, NOTHING, "", "lock what lights up, unlock")                               \
    X(follow, "", NONE, NOTHING, "", "follow the thing under the cursor")                       \
    X(back, "", NONE, NOTHING, "", "one step back")                                             \
    X(focus, "next|previous|PANE", WORDS, WORDS, "next|previous|" ACTION_PANES,                 \
      "put a pane in front")                                                                    \
    X(switch, "SCREEN", WORDS, WORDS, "explore|compare|data|train|eval", "to another screen")   \
    X(view, "next|PANE VALUE", WORDS, VALUE, "next|" ACTION_PANES,                              \
      "what a pane paints")                                                                     \
    X(norm, "next|window|token|slot", WORDS, WORDS, "next|window|token|slot",                   \
      "what the largest value is taken over")                                                   \
    X(scale, "linear|sqrt|log", WORDS, WORDS, "linear|sqrt|log", "scale of the colours")        \
    X(limits, "MIN MAX [gates|plan]|auto", WORDS, WORDS, "auto",                                \
      "values of the first and last colour")                                                    \
    X(colors, "next|MAP", WORDS, WORDS, "next|viridis|cividis|magma|gray", "colour map")        \
    X(unit, "next|token|word|sentence", WORDS, WORDS, "next|token|word|sentence",               \
      "what the cursor moves over")                                                             \
    X(zoom, "[PANE|off|larger|smaller]", WORDS, WORDS,                                          \
      ACTION_PANES "|off|larger|smaller", "one pane on the whole screen, back")                 \
    X(layout, "auto|wide|narrow", WORDS, WORDS, "auto|wide|narrow",                             \
      "four panes or one: by the size of the screen, or as wished")                             \
    X(turn, "", NONE, NOTHING, "", "turn the plan: tokens down")                                \
    X(set, "NAME [VALUE]", WORDS, SETTING, "", "change a setting; alone: tell it")              \
    X(show, "", NONE, NOTHING, "", "all settings")                                              \
    X(strip, "[on|off]", WORDS, WORDS, "on|off", "the settings strip, open or closed")          \
    X(iter, "N|last", WORDS, WORDS, "last", "show the plan after N iterations")                 \
    X(step, "back|on", WORDS, WORDS, "back|on", "one iteration back or on")                     \
    X(play, "[FPS]", WORDS, NOTHING, "", "play the iterations, hold")                           \
    X(mute, "[sN|wN:sN|LN|TOKEN|\"TEXT\"] [rebalance]", WORDS, MUTED, "rebalance",              \
      "leave a slot, a layer or a token out, or take it in again; rebalance: solve the plan "   \
      "for the other slots")                                                                    \
    X(only, "[sN|wN:sN|LN]", WORDS, TARGET, "", "leave out all slots, or layers, but this one") \
    X(mass, "half|double|even|TOKEN FACTOR", WORDS, DOCUMENT, "half|double|even",               \
      "change how much a token may send; even: all the same, or as learned again")              \
    X(shuffle, "[SEED|off]", WORDS, WORDS, "off",                                               \
      "home spans of a random order of the tokens, or of their own")                            \
    X(pool, "mean|plan", WORDS, WORDS, "mean|plan",                                             \
      "a slot is the mean of its home span, or what the plan sends it")                         \
    X(truncate, "K|off", WORDS, WORDS, "off", "keep only the last K tokens of the document")    \
    X(undo, "", NONE, NOTHING, "", "undo the last change of settings or edits")                 \
    X(redo, "", NONE, NOTHING, "", "do again what was undone")                                  \
    X(reset, "", NONE, NOTHING, "", "drop all edits: as the document was opened")               \
    X(pin, "[NAME]", TEXT, NOTHING, "",                                                         \
      "keep what Explore shows as A of the Compare screen; with a name: for later, too")        \
    X(compare, "[NAME|FILE.cxt|CHECKPOINT|off]", TEXT, PINS, "off",                             \
      "the Compare screen; with a pin as A, a session file or checkpoint as B; off lets go")    \
    X(swap, "", NONE, NOTHING, "", "swap A and B in the Compare screen")                        \
    X(difference, "", NONE, NOTHING, "", "the plan as its difference from A, and back")         \
    X(flicker, "", NONE, NOTHING, "", "A in the place of B, and back")                          \
    X(health, "", NONE, NOTHING, "", "health of the plan")                                      \
    X(stats, "", NONE, NOTHING, "", "numbers about all that is read")                           \
    X(data, "FILE", TEXT, DATA, "", "what the trainer sees of a data file, sample by sample")   \
    X(eval, "FILE... [limit N]", WORDS, EVAL, "limit",                                          \
      "exact match and F1 over questions, the first 100 or N (0: all)")                         \
    X(train, "[ntp|sft|prompt] [KEY=VALUE...] [dry-run|start]", WORDS, TRAIN,                   \
      "ntp|sft|prompt|preset=|data=|run=|resume|steps=|dry-run|start",                          \
      "the form of a training run; dry-run measures it, start begins it")                       \
    X(watch, "RUN", WORDS, FOLDERS, "", "follow the log of a run directory")                    \
    X(pause, "[toggle]", WORDS, WORDS, "toggle", "hold the training, toggle: or go on")         \
    X(resume, "", NONE, NOTHING, "", "go on with the training")                                 \
    X(checkpoint, "", NONE, NOTHING, "", "save the training after this step")                   \
    X(export, "[VIEW...] [FILE] [KEY=VALUE...]", WORDS, EXPORT,                                 \
      "plan|gate|mass|answers|loss|diff", "figure and data files of what is on screen")         \
    X(explain, "", NONE, NOTHING, "", "explain the pane in front")                              \
    X(tour, "[next|back|off]", WORDS, WORDS, "next|back|off",                                   \
      "the guided tour: begin, or its next step")                                               \
    X(present, "[FILE]", TEXT, FILES, "",                                                       \
      "one pane with captions for an audience: a script, or the tour; again: the end")          \
    X(save, "[notext] [FILE.cxt]", TEXT, SESSIONS, "notext",                                    \
      "the session into a file that opens without the model; notext: with the text's "          \
      "hash only")                                                                              \
    X(restore, "FILE.cxt", TEXT, SESSIONS, "", "open a session file")                           \
    X(record, "FILE|off", TEXT, FILES, "off", "write down what is done by hand, as a script")   \
    X(copy, "[TEXT]", TEXT, NOTHING, "", "what the status line tells to the clipboard")         \
    X(recreate, "[FILE]", TEXT, FILES, "",                                                      \
      "the commands that make this view again to the clipboard, or into a file for --play")     \
    X(info, "", NONE, NOTHING, "", "version, machine, memory, hashes")                          \
    X(log, "", NONE, NOTHING, "", "all messages")                                               \
    X(help, "[WORD|commands|words|formulas]", TEXT, COMMAND, "commands|words|formulas",         \
      "keys that work here, or what has WORD in it")                                            \
    X(prompt, "ask|command|find|export|export-all", WORDS, WORDS,                               \
      "ask|command|find|export|export-all", "open the prompt")                                  \
    X(bind, "[[PANE] KEY [COMMAND]]", WORDS, BINDING, "",                                       \
      "let a key run a command; alone: list the keys; without a command: tell what it runs")    \
    X(unbind, "[PANE] KEY", WORDS, KEY, "", "let a key do nothing")                             \
    X(source, "FILE", TEXT, FILES, "", "run the commands of a file")                            \
    X(redraw, "", NONE, NOTHING, "", "draw the screen anew")                                    \
    X(suspend, "", NONE, NOTHING, "", "give the terminal back for a while")                     \
    X(quit, "", NONE, NOTHING, "", "quit")

typedef bool action_fn(struct session *s, const struct words *words, struct err *err);
#define ACTION_DECLARE(name, usage, takes, complete, list, help) action_fn do_##name;
ACTIONS(ACTION_DECLARE)
#undef ACTION_DECLARE

struct action {
    const char *name, *usage;
    enum action_arguments takes;
    enum action_completion completion;
    const char *list; /* "a|b|c" */
    const char *help;
    action_fn *run;
};

extern const struct action actions[];
size_t actions_count(void);

/* By name or unique beginning; else NULL, with a message that proposes the three
 * nearest. */
const struct action *action_find(const char *name, struct err *err);

/* Runs a command line. False, with a message, when it is wrong or failed; an empty
 * line and a comment are true. */
bool action_run(struct session *s, const char *line, struct err *err);

/* A session file beside what Explore shows, as A or B, and the Compare screen. */
bool actions_pin_file(struct session *s, const char *path, bool is_b, struct err *err);

/* A command whose argument is a text as it is, quotes and blanks included. */
bool action_run_text(struct session *s, const char *name, const char *text, struct err *err);

/* action_run, the message going to the status line. */
void action_perform(struct session *s, const char *line);

/* A word of "a|b|c" by name or unique beginning: its index, else -1 with "unknown
 * WHAT "x", expected a, b or c". */
int action_choice(const char *word, const char *list, const char *what, struct err *err);

#endif
