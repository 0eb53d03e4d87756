/* Which key runs which command where. One table holds the keys of the program,
 * with the words that the help overlay and the manual print; the rc file and
 * `bind` change a copy of it. A key means a command line, so that keys, prompt,
 * scripts and rc file share one syntax. */
#ifndef APP_KEYS_H
#define APP_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a binding holds: everywhere, or in one pane (which goes first). */
#define KEY_SCOPES(X)                                                          \
    X(ANY, "any")                                                              \
    X(DOCUMENT, "Document")                                                    \
    X(GATES, "Gates")                                                          \
    X(PLAN, "Plan")                                                            \
    X(ANSWERS, "Answers")                                                      \
    X(DATA, "Data")                                                            \
    X(TRAIN, "Train")                                                          \
    X(EVAL, "Eval")

#define KEY_SCOPE_ENUM(id, name) SCOPE_##id,
enum key_scope { KEY_SCOPES(KEY_SCOPE_ENUM) SCOPE_COUNT };
#undef KEY_SCOPE_ENUM
extern const char *const key_scope_name[SCOPE_COUNT];

#define KEY_GROUPS(X)                                                          \
    X(MOVE, "MOVE")                                                            \
    X(LOOK, "LOOK")                                                            \
    X(CHANGE, "CHANGE")                                                        \
    X(OUTPUT, "OUTPUT")                                                        \
    X(APPLICATION, "APPLICATION")

#define KEY_GROUP_ENUM(id, name) GROUP_##id,
enum key_group { KEY_GROUPS(KEY_GROUP_ENUM) GROUP_COUNT };
#undef KEY_GROUP_ENUM
extern const char *const key_group_name[GROUP_COUNT];

/* keys (several separated by blanks), scope, group, command, help */
#define KEYS(X)                                                                \
    X("Left h", ANY, MOVE, "move left", "cursor left")                         \
    X("Right l", ANY, MOVE, "move right", "cursor right")                      \
    X("Up k", ANY, MOVE, "move up", "cursor up")                               \
    X("Down j", ANY, MOVE, "move down", "cursor down")                         \
    X("g Home", ANY, MOVE, "move first", "first")                              \
    X("G End", ANY, MOVE, "move last", "last")                                 \
    X("PgUp", ANY, MOVE, "move page-up", "page back")                          \
    X("PgDn", ANY, MOVE, "move page-down", "page on")                          \
    X("C-u", ANY, MOVE, "move half-up", "half a page back")                    \
    X("C-d", ANY, MOVE, "move half-down", "half a page on")                    \
    X("[", ANY, MOVE, "move window-back", "previous window")                   \
    X("]", ANY, MOVE, "move window-on", "next window")                         \
    X("{", ANY, MOVE, "move segment-back", "previous segment")                 \
    X("}", ANY, MOVE, "move segment-on", "next segment")                       \
    X("/", ANY, MOVE, "prompt find", "find in the document")                   \
    X("n", ANY, MOVE, "match next", "next match")                              \
    X("N", ANY, MOVE, "match previous", "previous match")                      \
    X("Tab", ANY, APPLICATION, "focus next", "next pane")                      \
    X("S-Tab", ANY, APPLICATION, "focus previous", "previous pane")            \
    X("`", ANY, MOVE, "return", "to the place before the last jump")           \
    X("Enter", ANY, MOVE, "follow", "follow: from an answer token to its first slot") \
    X("Space", ANY, LOOK, "lock", "lock what lights up, unlock")               \
    X("V", ANY, LOOK, "mark", "begin, end a range")                            \
    X("v", ANY, LOOK, "view next", "next value of this pane")                  \
    X("%", ANY, LOOK, "norm next", "normalise by window, token, slot")         \
    X("c", ANY, LOOK, "colors next", "next colour map")                        \
    X("w", ANY, LOOK, "unit next", "unit: token, word, sentence")              \
    X("z", ANY, LOOK, "zoom", "zoom this pane, back")                          \
    X("+ =", ANY, LOOK, "zoom larger", "larger cells")                         \
    X("-", ANY, LOOK, "zoom smaller", "smaller cells")                         \
    X("t", ANY, LOOK, "turn", "turn the plan (tokens down)")                   \
    X("b", ANY, LOOK, "pin", "pin this as A, to compare")                      \
    X("B", ANY, LOOK, "swap", "swap A and B (Compare)")                        \
    X("d", ANY, LOOK, "difference", "paint the plan's difference from A")      \
    X("f", ANY, LOOK, "flicker", "A in the place of what is shown, and back")  \
    X("H", ANY, LOOK, "health", "plan health")                                 \
    X("i", ANY, LOOK, "explain", "explain this pane")                          \
    X("s", ANY, CHANGE, "strip", "settings strip (iterations, eps, W, r)")     \
    X(",", ANY, CHANGE, "step back", "one iteration back")                     \
    X(".", ANY, CHANGE, "step on", "one iteration on")                         \
    X("p", ANY, CHANGE, "play", "play the iterations, hold")                   \
    X("m", ANY, CHANGE, "mute", "mute the thing under the cursor")             \
    X("o", ANY, CHANGE, "only", "only the thing under the cursor")             \
    X("<", ANY, CHANGE, "mass half", "halve what a token may send")            \
    X(">", ANY, CHANGE, "mass double", "double what a token may send")         \
    X("u", ANY, CHANGE, "undo", "undo")                                        \
    X("C-r", ANY, CHANGE, "redo", "redo")                                      \
    X("x", ANY, CHANGE, "reset", "drop all edits")                             \
    X("r", ANY, CHANGE, "regen", "regenerate the answers")                     \
    X("y", ANY, OUTPUT, "copy", "copy what the status line tells")             \
    X("Y", ANY, OUTPUT, "recreate", "copy the commands that make this view")   \
    X("S", ANY, OUTPUT, "save", "save the session")                            \
    X("[", DATA, MOVE, "move window-back", "sample before")                    \
    X("]", DATA, MOVE, "move window-on", "next sample")                        \
    X("/", DATA, MOVE, "prompt find", "list what has a text, or: cut, bad")    \
    X("Enter", DATA, MOVE, "follow", "explore the sample")                     \
    X("v", DATA, LOOK, "view next", "as text, as tokens, as it stands in the file") \
    X("r", DATA, CHANGE, "regen", "read the file again")                       \
    X("[", EVAL, MOVE, "move window-back", "set before")                       \
    X("]", EVAL, MOVE, "move window-on", "next set")                           \
    X("Enter", EVAL, MOVE, "follow", "explore the example")                    \
    X("v", EVAL, LOOK, "view next", "examples lost, won, wrong, all")          \
    X("r", EVAL, CHANGE, "regen", "run the set again, as a new line")          \
    X("Up k", TRAIN, MOVE, "move up", "log: a line back")                      \
    X("Down j", TRAIN, MOVE, "move down", "log: a line on")                    \
    X("Left h", TRAIN, MOVE, "move left", "look at the probe before")          \
    X("Right l", TRAIN, MOVE, "move right", "next look at the probe")          \
    X("+ =", TRAIN, LOOK, "zoom larger", "this pane alone")                    \
    X("-", TRAIN, LOOK, "zoom smaller", "all panes")                           \
    X("[", TRAIN, MOVE, "move window-back", "run before this one")             \
    X("]", TRAIN, MOVE, "move window-on", "run behind this one")               \
    X("v", TRAIN, LOOK, "view next", "next curve: loss, lr, norm, speed")      \
    X(",", TRAIN, LOOK, "step back", "look at the probe before")                \
    X(".", TRAIN, LOOK, "step on", "next look at the probe")                    \
    X("p", TRAIN, LOOK, "play", "play the looks at the probe, hold")            \
    X("Enter", TRAIN, MOVE, "follow", "explore the probe as it was")            \
    X("Esc", TRAIN, APPLICATION, "back", "one step back: zoom, form, Explore") \
    X("C-c", TRAIN, APPLICATION, "stop", "stop after this step and save")      \
    X("P", TRAIN, CHANGE, "pause toggle", "pause, go on with the training")    \
    X("S", TRAIN, CHANGE, "checkpoint", "save after this step")                \
    X("%", TRAIN, LOOK, "scale next", "logarithmic scale of the curve")        \
    X("i", TRAIN, LOOK, "explain", "explain the curve")                        \
    X("e", ANY, OUTPUT, "prompt export", "figure of this pane")                \
    X("E", ANY, OUTPUT, "prompt export-all", "figure of all panes")            \
    X("1", ANY, APPLICATION, "switch explore", "Explore")                      \
    X("2", ANY, APPLICATION, "switch compare", "Compare")                      \
    X("3", ANY, APPLICATION, "switch data", "Data")                            \
    X("4", ANY, APPLICATION, "switch train", "Train")                          \
    X("5", ANY, APPLICATION, "switch eval", "Eval")                            \
    X("a", ANY, APPLICATION, "prompt ask", "ask a question")                   \
    X(":", ANY, APPLICATION, "prompt command", "command")                      \
    X("O", ANY, APPLICATION, "open", "open a document, model, compressor")     \
    X("L", ANY, APPLICATION, "log", "log of all messages")                     \
    X("M", ANY, APPLICATION, "set mouse toggle", "mouse on, off")              \
    X("T", ANY, APPLICATION, "tour", "guided tour; its next step")             \
    X("F5", ANY, APPLICATION, "present", "present to an audience, end it")     \
    X("Esc", ANY, APPLICATION, "back", "one step back")                        \
    X("? F1", ANY, APPLICATION, "help", "keys that work here")                 \
    X("F2", ANY, APPLICATION, "help commands", "all commands")                 \
    X("F3", ANY, APPLICATION, "help words", "words on the screen")             \
    X("F4", ANY, APPLICATION, "help formulas", "formulas")                     \
    X("C-l", ANY, APPLICATION, "redraw", "draw the screen anew")               \
    X("C-z", ANY, APPLICATION, "suspend", "suspend the program")               \
    X("C-c", ANY, APPLICATION, "stop", "stop what is running")                 \
    X("q", ANY, APPLICATION, "quit", "quit")

struct binding {
    uint32_t key;
    enum key_scope scope;
    const char *command, *help; /* command: owned when changed, NULL: none */
    enum key_group group;
    const char *own, *own_help; /* the program's; NULL: none */
    bool changed;               /* command is not the program's own */
    bool by_file;               /* the change: a line of the rc file, or of another */
};

struct keymap {
    struct binding *bindings;
    size_t count, capacity;
};

/* The table above. */
void keymap_init(struct keymap *keymap);
void keymap_free(struct keymap *keymap);

/* The binding that a key has in a pane: the pane's own, else the general one. */
const struct binding *keymap_find(const struct keymap *keymap, enum key_scope scope, uint32_t key);

/* The name of the key that does in a scope what the program's own key `own` does; where none does,
 * what to type for it (":ask"). Returns out. */
const char *keymap_now(const struct keymap *keymap, enum key_scope scope, const char *own,
                       char *out, size_t size);

/* command: copied; NULL takes the binding away. The program's own is no change. */
void keymap_bind(struct keymap *keymap, enum key_scope scope, uint32_t key, const char *command,
                 bool by_file);

bool key_scope_parse(const char *name, enum key_scope *scope);

#endif
