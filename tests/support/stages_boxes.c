/* Scenes with boxes over the screen, and of documents that are no ordinary ones. */
#include "tests/support/stages.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/sample_snapshot.h"

void stage_health(struct stage *g)
{
    stage_explore(g);
    g->v.overlay = OVERLAY_HEALTH;
    g->v.overlay_at = 1;
}

void stage_explain(struct stage *g)
{
    stage_plan(g);
    g->v.overlay = OVERLAY_EXPLAIN;
}

void stage_words(struct stage *g)
{
    stage_explore(g);
    g->v.overlay = OVERLAY_WORDS;
}

void stage_formulas(struct stage *g)
{
    stage_explore(g);
    g->v.overlay = OVERLAY_FORMULAS;
}

struct text_entry {
    const char *label, *detail;
    bool disabled;
};

/* Entries belong to whoever makes them: here to the stage. */
static void set_entries(struct stage *g, const struct text_entry *entries, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        snprintf(g->texts[i][0], sizeof g->texts[i][0], "%s", entries[i].label);
        snprintf(g->texts[i][1], sizeof g->texts[i][1], "%s", entries[i].detail);
        g->entries[i] = (struct list_entry){.label = g->texts[i][0], .detail = g->texts[i][1],
                                            .disabled = entries[i].disabled};
    }
    g->v.entries = g->entries;
    g->v.n_entries = n;
}

static const struct text_entry help_entries[] = {
    {"", "MOVE", false},
    {"arrows hjkl", "cursor", false},
    {"[ ]", "previous/next window", false},
    {"{ }", "previous/next segment", false},
    {"g G", "first / last", false},
    {"/ n N", "find in the document", false},
    {"", "LOOK", false},
    {"Space", "lock what lights up", false},
    {"v % c w", "value norm colour unit", false},
    {"z + - t", "zoom, cell size, turn", false},
    {"H i", "health, explain", false},
    {"", "CHANGE", false},
    {"s", "settings strip (iterations, eps, W, r)", false},
    {", .", "one iteration back / on", false},
    {"m o", "mute / only the thing under the cursor", false},
    {"u C-r x", "undo / redo / drop all edits", false},
    {"r", "regenerate the answers", false},
    {"", "OUTPUT", false},
    {"e E", "figure of this pane / of all panes", false},
    {"y", "copy the value in the status line", false},
    {"", "APPLICATION  1-5 screens  Tab pane  a ask  : command  O open  T tour  q quit", false},
    {"", "Changed by your rc file: \"w\" was \"unit next\"", false},
};

void stage_help(struct stage *g)
{
    stage_plan(g);
    g->v.overlay = OVERLAY_HELP;
    set_entries(g, help_entries, sizeof help_entries / sizeof *help_entries);
}

void stage_help_filter(struct stage *g)
{
    stage_help(g);
    snprintf(g->v.filter, sizeof g->v.filter, "ITER");
}

static const struct text_entry problem_entries[] = {
    {"", "harbour-x4.safetensors was made for another model.", false},
    {"", "  made for   Llama-3.2-1B  hidden 2048  16 layers  sha256 3f0c..91aa", false},
    {"", "  open now   SmolLM2-135M  hidden  576  30 layers  sha256 b81e..07d2", false},
    {"", "Nothing was changed: default-x4 stays in use.", false},
    {"Choose another compressor ...", "", false},
    {"Choose the model ...", "", false},
    {"Close (Esc)", "", false},
};

void stage_problem(struct stage *g)
{
    stage_explore(g);
    g->v.overlay = OVERLAY_PROBLEM;
    g->v.dialog_title = "Cannot use this compressor";
    g->v.overlay_over = PANE_PLAN;
    set_entries(g, problem_entries, sizeof problem_entries / sizeof *problem_entries);
    g->v.overlay_at = 4;
}

static const struct text_entry start_entries[] = {
    {"Open a document ...", "O   text, Markdown, a session, a model", false},
    {"The demo", "    a one-page text and a question", false},
    {"The guided tour", "T   10 steps, about 6 minutes", false},
    {"Open a session ...", "    .cxt, needs no model", false},
    {"Train a compressor ...", "4   cpu-ntp   cpu-sft   paper-ntp   paper-sft", false},
    {"", " ", false},
    {"saltworks.txt", "    today 14:02    window 2, 1 question", false},
    {"harbour-notes.md", "    file is missing", true},
    {"", " ", false},
    {"", "Model       SmolLM2-135M-Instruct Q4_1   30 layers x 576   94 MiB", false},
    {"", "Compressor  default-x4                   x4, window 128", false},
    {"", "Memory      0.4 GiB needed, 5.9 GiB free      2 threads", false},
};

void stage_start(struct stage *g)
{
    snapshot_set_document(g->s, NULL);
    set_entries(g, start_entries, sizeof start_entries / sizeof *start_entries);
    g->v.overlay = OVERLAY_START;
    g->v.dialog_title = "comprexit 1.0.0";
    g->v.dialog_keys = "arrows and Enter choose \u00b7 / filters \u00b7 ? help \u00b7 q quit";
}

static const struct text_entry open_entries[] = {
    {"Type a path ...", "Tab completes it", false},
    {"Another model ...", "GGUF files and Hugging Face directories", false},
    {"Another compressor ...", "those made for this model first", false},
    {"..", "directory", false},
    {"notes.md", "Markdown  2.0 KiB", false},
    {"saltworks.txt", "text  2.0 KiB", false},
    {"secret.txt", "text  12 KiB  cannot be read", true},
};

void stage_open(struct stage *g)
{
    stage_explore(g);
    set_entries(g, open_entries, sizeof open_entries / sizeof *open_entries);
    g->v.overlay = OVERLAY_DIALOG;
    g->v.overlay_at = 4;
    g->v.dialog_title = "Open a document";
    g->v.dialog_keys = "arrows and Enter choose \u00b7 / filters \u00b7 Esc";
}

/* The same without a document: it fills the screen. */
void stage_open_first(struct stage *g)
{
    stage_open(g);
    snapshot_set_document(g->s, NULL);
}

/* ---- texts of others -------------------------------------------------------- */

static void use_snapshot(struct stage *g, struct snapshot *s)
{
    snapshot_release(g->s);
    g->s = s;
    for (size_t i = 0; i < s->windows; i++)
        sample_read_window(s, i);
    stage_source(&g->v, SOURCE_TOKEN);
}

void stage_wide_text(struct stage *g)
{
    static const char text[] =
        "漢字 are wide and 日本語のテキスト runs on without blanks, 한국어도 넓다. "
        "Éclair, naïve, e\u0301 and\ttabs\tare narrow.\n\nA new paragraph.\n";
    use_snapshot(g, sample_document(text, sizeof text - 1));
    g->v.token = 1;
}

void stage_hostile(struct stage *g)
{
    char text[1024] =
        "esc \033[2J\033]0;title\007 c1 \xc2\x9b bad \xff\xfe bidi \u202eabc\u202c "
        "zero\u200bwidth marks a";
    for (int i = 0; i < 100; i++)
        strcat(text, "\u0301");
    strcat(text, " end\r\nnext line\r\n");
    use_snapshot(g, sample_document(text, strlen(text)));
    snprintf(g->v.message, sizeof g->v.message,
             "message with \033[31m and \u202e inside");
}

/* The three bytes of a character in three tokens, then one in a token with others. */
void stage_fragments(struct stage *g)
{
    use_snapshot(g, sample_tokens("cost \u20ac5 or \u20ac7 ok", "daaaaacddaa"));
    g->v.token = 4;
    g->v.unit = UNIT_WORD;
}

/* Only tokens: nothing is read. */
void stage_unread(struct stage *g)
{
    snapshot_release(g->s);
    g->s = sample_document(sample_text, strlen(sample_text));
    snprintf(g->s->activity.stage, sizeof g->s->activity.stage, "layers");
    g->s->activity.done = 12;
    g->s->activity.total = 30;
    g->s->activity.eta_ms = 3400;
    g->v.token = 165;
}

/* Gates of the window on screen, but no plan yet. */
void stage_no_plan(struct stage *g)
{
    stage_unread(g);
    sample_read_window(g->s, 1);
    g->s->window[1]->has_plan = false;
    snprintf(g->s->activity.stage, sizeof g->s->activity.stage, "windows");
    g->s->activity.done = 1;
    g->s->activity.total = 4;
    g->s->activity.eta_ms = -1;
}

/* Its plan is being made again: the one before stands there. */
void stage_held_plan(struct stage *g)
{
    stage_plan(g);
    g->held = g->s->window[1];
    g->v.held = g->held;
    g->s->window[1] = NULL;
    sample_read_window(g->s, 1);
    g->s->window[1]->has_plan = false;
    g->s->settings.eps = 0.2;
}

void stage_engine_problem(struct stage *g)
{
    stage_unread(g);
    g->s->activity.stage[0] = '\0';
    snprintf(
        g->s->problem, sizeof g->s->problem,
        "saltworks.txt: changed on disk while it was read; press r to open it again");
}
