/* Golden screens: what view_draw makes of a deterministic snapshot, compared with
 * tests/screens/NAME-COLUMNSxROWS-DISPLAY.txt. UPDATE_SCREENS=1 writes them anew; then
 * look at what changed before it is committed. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "tests/support/sample_snapshot.h"
#include "tests/support/stages.h"

static const struct display displays[] = {
    {DEPTH_TRUE, GLYPHS_HALF, THEME_DARK, false},
    {DEPTH_256, GLYPHS_HALF, THEME_LIGHT, false},
    {DEPTH_MONO, GLYPHS_HALF, THEME_DEFAULT, false},
    {DEPTH_MONO, GLYPHS_ASCII, THEME_DEFAULT, false},
};
static const char *const display_name[] = {"true", "256", "mono", "ascii"};
enum { TRUE = 1, FIXED = 2, MONO = 4, ASCII = 8, ALL = 15 };

/* ---- scenes ----------------------------------------------------------------- */

static void set_source(struct view_state *v, enum source_kind kind)
{
    v->moved.kind = kind;
}

static void stage_explore(struct stage *g)
{
    g->v.token = 165; /* coal */
    g->v.slot = 12;
    g->v.layer = 12;
    g->v.answer_token = 2;
    g->v.document_top = 89;
    set_source(&g->v, SOURCE_TOKEN);
}

static void stage_gates(struct stage *g)
{
    stage_explore(g);
    g->v.focus = PANE_GATES;
    set_source(&g->v, SOURCE_LAYER);
}

static void stage_plan(struct stage *g)
{
    stage_explore(g);
    g->v.focus = PANE_PLAN;
    set_source(&g->v, SOURCE_SLOT);
}

static void stage_answers(struct stage *g)
{
    stage_explore(g);
    g->v.focus = PANE_ANSWERS;
    set_source(&g->v, SOURCE_ANSWER);
}

static void stage_full_answer(struct stage *g)
{
    stage_answers(g);
    g->v.answer = ANSWER_FULL;
}

static void stage_zoom_fit(struct stage *g)
{
    stage_plan(g);
    g->v.zoomed = true;
}

static void stage_zoom_cells(struct stage *g)
{
    stage_zoom_fit(g);
    g->v.zoom_level = 1;
}

static void stage_zoom_numbers(struct stage *g)
{
    stage_zoom_fit(g);
    g->v.zoom_level = 2;
    g->v.plan_left = 43;
    g->v.plan_top = 8;
    g->v.value[PANE_PLAN] = VALUE_SLOT_SHARE;
}

static void stage_zoom_turned(struct stage *g)
{
    stage_zoom_fit(g);
    g->v.turned = true;
    g->v.plan_left = 40;
}

static void stage_zoom_turned_numbers(struct stage *g)
{
    stage_zoom_turned(g);
    g->v.zoom_level = 2;
}

static void stage_zoom_gates(struct stage *g)
{
    stage_gates(g);
    g->v.zoomed = true;
}

static void stage_speech(struct stage *g)
{
    g->v.speak = true;
}

static void stage_strip(struct stage *g)
{
    stage_plan(g);
    g->v.strip_open = true;
    g->v.iteration = 0;
}

static void stage_not_converged(struct stage *g)
{
    stage_strip(g);
    g->v.iteration = 1;
    g->v.strip_field = STRIP_EPS;
}

static void stage_lock(struct stage *g)
{
    stage_plan(g);
    g->v.slot = 11;
    g->v.token = 150;
    g->v.locked = (struct source){.kind = SOURCE_TOKEN, .token = 165};
}

static void stage_words_unit(struct stage *g)
{
    stage_explore(g);
    g->v.unit = UNIT_WORD;
}

static void stage_mass_range(struct stage *g)
{
    stage_explore(g);
    g->v.value[PANE_DOCUMENT] = VALUE_MASS;
    g->v.value[PANE_GATES] = VALUE_ENTROPY;
    g->v.value[PANE_PLAN] = VALUE_LIKENESS;
    g->v.has_range = true;
    g->v.range_from = 135;
    g->v.range_to = 180;
}

static void stage_edits(struct stage *g)
{
    stage_explore(g);
    g->muted[29 + 12] = g->muted[3] = true;
    g->v.muted_any = true;
    g->v.muted = g->muted;
    g->v.muted_count = 125;
}

static const struct token_edit token_edits[] = {{161, 2}, {165, 0}};

static void stage_edits_by_hand(struct stage *g)
{
    stage_edits(g);
    g->v.token = 170;
    g->v.token_edits = token_edits;
    g->v.n_token_edits = 2;
    g->layer_off[9] = true;
    g->v.layer_off = g->layer_off;
    g->v.n_layer_off = 31;
    g->v.shuffled = true;
}

static void stage_tour(struct stage *g)
{
    stage_explore(g);
    g->v.focus = PANE_GATES;
    g->v.caption = "A gate decides how much of each layer to take. Bright rows are the layers taken "
                   "from. Move over 'the', then over 'coal'.";
    g->v.caption_title = "3 of 10 \u00b7 Down the layers";
    g->v.caption_keys = "T next \u00b7 Esc ends";
}

static void stage_present(struct stage *g)
{
    stage_tour(g);
    g->v.presenting = g->v.zoomed = true;
    g->v.focus = PANE_PLAN;
    g->v.caption_keys = "Space next \u00b7 PgUp back \u00b7 F5 ends";
}

/* A is the plan after three iterations; its answer lacked a word. */
static void stage_compare(struct stage *g)
{
    stage_plan(g);
    g->pinned = sample_snapshot();
    for (size_t i = 0; i < g->pinned->windows; i++) {
        struct snapshot_window *w = g->pinned->window[i];
        if (w && w->has_plan)
            snapshot_window_plan_at(w, 3, w->plan);
    }
    g->pinned->settings.iters = 3;
    g->pinned->answer[ANSWER_COMPRESSED]->f1 = 0.67;
    memmove(strstr(g->pinned->answer[ANSWER_COMPRESSED]->text, " coal"), " ", 2);
    g->v.screen = SCREEN_COMPARE;
    g->v.pinned = g->pinned;
    g->v.compare_side = 2;
}

/* In Explore: the plan less A. */
static void stage_difference(struct stage *g)
{
    stage_compare(g);
    g->v.screen = SCREEN_EXPLORE;
    g->v.plan_difference = true;
}

/* Other slots: rows are home spans. A in the place of B. */
static void stage_compare_other(struct stage *g)
{
    stage_compare(g);
    struct snapshot_window *w = g->pinned->window[1];
    struct snapshot_window *half = snapshot_window_new(w->tokens, w->slots / 2, w->layers, 0, false);
    half->first = w->first;
    half->has_plan = true;
    memcpy(half->mass, w->mass, w->tokens * sizeof *w->mass);
    for (size_t j = 0; j <= half->slots; j++)
        half->span[j] = w->span[2 * j];
    for (size_t t = 0; t < w->tokens; t++)
        for (size_t j = 0; j < w->slots; j++)
            half->plan[t * half->slots + j / 2] += w->plan[t * w->slots + j];
    snapshot_set_window(g->pinned, 1, half);
    g->pinned->settings.ratio = 8;
    g->v.pin_name = "draft";
    g->v.compare_flicker = true;
    g->v.compare_side = 1;
}

/* What compression costs: most where a word is new, less than nothing in places. */
static void stage_loss(struct stage *g)
{
    stage_explore(g);
    size_t n = g->s->document->tokens;
    struct snapshot_loss *l = snapshot_loss_new(n);
    for (size_t t = 1; t < n; t++) {
        l->full[t] = (float)(t * 37 % 100) / 40.0f;
        if (t >= g->s->window_first[1] && t < g->s->window_first[3])
            l->compressed[t] = l->full[t] + (float)(int)(t * 53 % 90) / 30.0f - 0.75f;
    }
    snapshot_set_loss(g->s, l);
    g->v.value[PANE_DOCUMENT] = VALUE_LOSS;
    g->s->control = (struct snapshot_control){6, 0.21, 0.9, 3.1, 4.0, false, "coal dust", "harbour.txt"};
}

static void stage_stale_untrained(struct stage *g)
{
    stage_explore(g);
    struct snapshot_answer *a = g->s->answer[ANSWER_COMPRESSED];
    a->stale = true;
    g->s->facts.untrained = true;
    g->s->settings.ratio = 8;
}

/* The cursor in another window than what the answer looked at; nothing in common. */
static void stage_other_window(struct stage *g)
{
    stage_explore(g);
    g->v.token = 20;
    struct snapshot_answer *a = g->s->answer[ANSWER_COMPRESSED];
    for (char *p = a->text; *p; p++)
        *p = *p == ' ' ? ' ' : 'x';
}

/* A stopped, a failed and a running answer. */
static void stage_answer_states(struct stage *g)
{
    stage_explore(g);
    g->s->answer[ANSWER_FULL]->state = ANSWER_STOPPED;
    g->s->answer[ANSWER_NONE]->state = ANSWER_RUNNING;
    struct snapshot_answer *a = g->s->answer[ANSWER_COMPRESSED];
    a->state = ANSWER_FAILED;
    snprintf(a->error, sizeof a->error,
             "9,000 slots are more than the model's 8,192 positions: restrict the range, "
             "raise "
             "the ratio, or open another model");
}

static void stage_diff(struct stage *g)
{
    stage_explore(g);
    g->v.value[PANE_ANSWERS] = VALUE_DIFF_FULL;
}

static void stage_message(struct stage *g)
{
    stage_explore(g);
    snprintf(g->v.message, sizeof g->v.message, "nothing to do with > in this pane");
    g->v.prompt_open = true;
    g->v.prompt_label = ":";
    g->v.prompt_text = "set eps 0.02";
    g->v.prompt_point = 12;
}

static void stage_paste(struct stage *g)
{
    stage_explore(g);
    g->v.prompt_open = true;
    g->v.prompt_label = "ask> ";
    g->v.prompt_text = "first line of a paste\nthe second, with \033[2J and 漢字\nthird";
    g->v.prompt_point = 40;
}

static void stage_health(struct stage *g)
{
    stage_explore(g);
    g->v.overlay = OVERLAY_HEALTH;
    g->v.overlay_at = 1;
}

static void stage_explain(struct stage *g)
{
    stage_plan(g);
    g->v.overlay = OVERLAY_EXPLAIN;
}

static void stage_words(struct stage *g)
{
    stage_explore(g);
    g->v.overlay = OVERLAY_WORDS;
}

static void stage_formulas(struct stage *g)
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

static void stage_help(struct stage *g)
{
    stage_plan(g);
    g->v.overlay = OVERLAY_HELP;
    set_entries(g, help_entries, sizeof help_entries / sizeof *help_entries);
}

static void stage_help_filter(struct stage *g)
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

static void stage_problem(struct stage *g)
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

static void stage_start(struct stage *g)
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

static void stage_open(struct stage *g)
{
    stage_explore(g);
    set_entries(g, open_entries, sizeof open_entries / sizeof *open_entries);
    g->v.overlay = OVERLAY_DIALOG;
    g->v.overlay_at = 4;
    g->v.dialog_title = "Open a document";
    g->v.dialog_keys = "arrows and Enter choose \u00b7 / filters \u00b7 Esc";
}

/* The same without a document: it fills the screen. */
static void stage_open_first(struct stage *g)
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
    set_source(&g->v, SOURCE_TOKEN);
}

static void stage_wide_text(struct stage *g)
{
    static const char text[] =
        "漢字 are wide and 日本語のテキスト runs on without blanks, 한국어도 넓다. "
        "Éclair, naïve, e\u0301 and\ttabs\tare narrow.\n\nA new paragraph.\n";
    use_snapshot(g, sample_document(text, sizeof text - 1));
    g->v.token = 1;
}

static void stage_hostile(struct stage *g)
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
static void stage_fragments(struct stage *g)
{
    use_snapshot(g, sample_tokens("cost \u20ac5 or \u20ac7 ok", "daaaaacddaa"));
    g->v.token = 4;
    g->v.unit = UNIT_WORD;
}

/* Only tokens: nothing is read. */
static void stage_unread(struct stage *g)
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
static void stage_no_plan(struct stage *g)
{
    stage_unread(g);
    sample_read_window(g->s, 1);
    g->s->window[1]->has_plan = false;
    snprintf(g->s->activity.stage, sizeof g->s->activity.stage, "windows");
    g->s->activity.done = 1;
    g->s->activity.total = 4;
    g->s->activity.eta_ms = -1;
}

static void stage_engine_problem(struct stage *g)
{
    stage_unread(g);
    g->s->activity.stage[0] = '\0';
    snprintf(
        g->s->problem, sizeof g->s->problem,
        "saltworks.txt: changed on disk while it was read; press r to open it again");
}

/* ---- the table -------------------------------------------------------------- */

struct scene_test {
    const char *name;
    void (*set)(struct stage *stage);
    int columns, rows;
    unsigned displays;
};

/* Every screen, at four sizes and on four kinds of terminal. */
static const struct {
    const char *name;
    void (*set)(struct stage *stage);
} everywhere[] = {
    {"explore", stage_explore},
    {"zoom-numbers", stage_zoom_numbers},
    {"compare", stage_compare},
    {"train", stage_train},
    {"data", stage_data},
    {"eval", stage_eval},
    {"help", stage_help},
    {"health", stage_health},
    {"start", stage_start},
    {"open", stage_open},
    {"problem", stage_problem},
    {"tour", stage_tour},
    {"present", stage_present},
};
static const int everywhere_size[][2] = {{40, 10}, {80, 24}, {120, 36}, {200, 60}};

/* What else may be seen, where it differs. */
static const struct scene_test scenes[] = {
    {"explore", stage_explore, 176, 50, ALL},
    {"explore", stage_explore, 30, 8, ALL},
    {"explore", stage_explore, 112, 30, MONO},
    {"gates", stage_gates, 120, 36, MONO | TRUE},
    {"gates", stage_gates, 80, 24, MONO},
    {"gates", stage_gates, 40, 10, MONO},
    {"plan", stage_plan, 120, 36, MONO | TRUE},
    {"plan", stage_plan, 80, 24, MONO | ASCII},
    {"plan", stage_plan, 40, 10, MONO},
    {"answers", stage_answers, 120, 36, MONO | TRUE},
    {"answers", stage_answers, 80, 24, MONO},
    {"answers", stage_answers, 40, 10, MONO},
    {"full-answer", stage_full_answer, 120, 36, MONO},
    {"zoom-fit", stage_zoom_fit, 120, 36, MONO},
    {"zoom-cells", stage_zoom_cells, 120, 36, MONO},
    {"zoom-numbers", stage_zoom_numbers, 120, 18, MONO},
    {"zoom-turned", stage_zoom_turned, 120, 36, MONO},
    {"zoom-turned-numbers", stage_zoom_turned_numbers, 120, 36, MONO},
    {"zoom-gates", stage_zoom_gates, 120, 40, MONO},
    {"speech", stage_speech, 120, 36, MONO},
    {"speech", stage_speech, 40, 10, MONO},
    {"strip", stage_strip, 120, 36, MONO},
    {"strip", stage_strip, 80, 24, MONO},
    {"strip", stage_strip, 176, 50, MONO},
    {"strip", stage_strip, 200, 60, MONO},
    {"strip", stage_strip, 40, 10, MONO},
    {"not-converged", stage_not_converged, 120, 36, MONO},
    {"lock", stage_lock, 120, 36, MONO},
    {"unit-word", stage_words_unit, 120, 36, MONO},
    {"mass-range", stage_mass_range, 120, 36, MONO | TRUE},
    {"edits", stage_edits, 120, 36, MONO},
    {"edits-by-hand", stage_edits_by_hand, 120, 36, ALL},
    {"edits-by-hand", stage_edits_by_hand, 80, 24, ALL},
    {"edits-by-hand", stage_edits_by_hand, 176, 50, ALL},
    {"edits-by-hand", stage_edits_by_hand, 40, 12, ALL},
    {"difference", stage_difference, 120, 36, ALL},
    {"difference", stage_difference, 80, 24, MONO},
    {"compare-other", stage_compare_other, 120, 36, MONO},
    {"loss", stage_loss, 120, 36, ALL},
    {"loss", stage_loss, 80, 24, ALL},
    {"loss", stage_loss, 176, 50, ALL},
    {"loss", stage_loss, 40, 12, ALL},
    {"stale-untrained", stage_stale_untrained, 120, 36, MONO},
    {"stale-untrained", stage_stale_untrained, 80, 24, MONO},
    {"stale-untrained", stage_stale_untrained, 40, 10, MONO},
    {"answer-states", stage_answer_states, 120, 36, MONO},
    {"answer-states", stage_answer_states, 80, 24, MONO},
    {"other-window", stage_other_window, 120, 36, MONO},
    {"diff", stage_diff, 120, 36, MONO},
    {"message", stage_message, 120, 36, MONO},
    {"paste", stage_paste, 80, 24, MONO},
    {"health", stage_health, 40, 16, MONO},
    {"explain", stage_explain, 80, 24, MONO},
    {"words", stage_words, 120, 36, MONO},
    {"words", stage_words, 80, 24, ASCII},
    {"formulas", stage_formulas, 120, 36, MONO},
    {"help-filter", stage_help_filter, 120, 36, MONO},
    {"open-first", stage_open_first, 80, 24, MONO},
    {"wide-text", stage_wide_text, 120, 36, MONO},
    {"wide-text", stage_wide_text, 40, 12, MONO | ASCII},
    {"hostile", stage_hostile, 80, 24, MONO},
    {"fragments", stage_fragments, 80, 24, MONO},
    {"unread", stage_unread, 120, 36, MONO},
    {"unread", stage_unread, 80, 24, MONO},
    {"no-plan", stage_no_plan, 120, 36, MONO},
    {"engine-problem", stage_engine_problem, 120, 36, MONO},
    {"train", stage_train, 112, 30, MONO},
    {"train", stage_train, 64, 16, MONO},
    {"train-probe", stage_train_probe, 80, 24, MONO | TRUE},
    {"train-probe", stage_train_probe, 40, 10, MONO},
    {"train-samples", stage_train_samples, 80, 24, MONO},
    {"train-log", stage_train_log, 80, 24, MONO},
    {"train-norm", stage_train_norm, 120, 36, MONO},
    {"train-numbers", stage_train_numbers, 40, 10, MONO},
    {"train-new", stage_train_new, 120, 36, MONO},
    {"data-sample", stage_data_sample, 80, 24, MONO},
    {"data-bad", stage_data_bad, 120, 36, MONO},
    {"eval-running", stage_eval_running, 120, 36, MONO},
};

/* ---- comparing -------------------------------------------------------------- */

static void stage_free(struct stage *stage)
{
    snapshot_release(stage->s);
    snapshot_release(stage->pinned);
    training_free(&stage->training);
    samples_free(&stage->samples);
    samples_text_free(&stage->sample);
    results_free(&stage->results);
}

static char *draw(struct stage *stage)
{
    struct canvas canvas;
    canvas_init(&canvas, stage->v.rows, stage->v.columns);
    view_draw(stage->s, &stage->v, &canvas);
    char *dump = canvas_dump(&canvas, true);
    canvas_free(&canvas);
    return dump;
}

/* The first line that differs, so that a failure can be read. */
static void show_difference(const char *path, const char *want, const char *got)
{
    size_t line = 1, at = 0;
    while (want[at] && want[at] == got[at]) {
        line += want[at] == '\n';
        at++;
    }
    while (at > 0 && want[at - 1] != '\n' && got[at - 1] != '\n')
        at--;
    print_error("%s:%zu\n  expected %.*s\n  drawn    %.*s\n", path, line,
                (int)strcspn(want + at, "\n"), want + at, (int)strcspn(got + at, "\n"),
                got + at);
}

static size_t check_screen(const struct scene_test *scene, int display)
{
    struct stage stage = {.s = sample_snapshot()};
    struct err err = {0};
    char path[160], *want = NULL;
    size_t size = 0;
    view_state_init(&stage.v);
    stage.v.rows = scene->rows;
    stage.v.columns = scene->columns;
    stage.v.display = displays[display];
    scene->set(&stage);
    view_follow_cursor(stage.s, &stage.v);
    char *got = draw(&stage);
    stage_free(&stage);
    snprintf(path, sizeof path, "tests/screens/%s-%dx%d-%s.txt", scene->name,
             scene->columns, scene->rows, display_name[display]);
    bool failed = false;
    if (getenv("UPDATE_SCREENS"))
        failed = !file_replace(path, got, strlen(got), &err);
    else if (!file_read(path, 1 << 20, &want, &size, &err))
        failed = true;
    else if (strcmp(want, got) != 0)
        failed = true;
    if (failed && want)
        show_difference(path, want, got);
    else if (failed)
        print_error("%s\n", err.text);
    free(want);
    free(got);
    return failed;
}

static void test_golden_screens(void **state)
{
    (void)state;
    size_t failures = 0;
    for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++)
        for (int display = 0; display < 4; display++)
            if (scenes[i].displays & 1u << display)
                failures += check_screen(&scenes[i], display);
    for (size_t i = 0; i < sizeof everywhere / sizeof *everywhere; i++)
        for (size_t k = 0; k < sizeof everywhere_size / sizeof *everywhere_size; k++)
            for (int display = 0; display < 4; display++) {
                struct scene_test test = {everywhere[i].name, everywhere[i].set,
                                          everywhere_size[k][0], everywhere_size[k][1], ALL};
                failures += check_screen(&test, display);
            }
    assert_int_equal(failures, 0);
}

/* Every scene at every odd size: nothing is drawn outside, nothing crashes, and the
 * cursor of the terminal is on the screen or nowhere. */
static void test_any_size(void **state)
{
    (void)state;
    static const int sizes[][2] = {{1, 1},   {3, 40},  {10, 40},  {11, 41}, {16, 64},
                                   {17, 70}, {24, 99}, {30, 112}, {60, 300}};
    size_t n = sizeof scenes / sizeof *scenes, all = n + sizeof everywhere / sizeof *everywhere;
    for (size_t i = 0; i < all; i++) {
        struct stage stage = {.s = sample_snapshot()};
        view_state_init(&stage.v);
        (i < n ? scenes[i].set : everywhere[i - n].set)(&stage);
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
            struct canvas canvas;
            stage.v.rows = sizes[k][0];
            stage.v.columns = sizes[k][1];
            stage.v.display = displays[(i + k) % 4];
            view_follow_cursor(stage.s, &stage.v);
            canvas_init(&canvas, stage.v.rows, stage.v.columns);
            view_draw(stage.s, &stage.v, &canvas);
            bool draws = stage.v.rows >= 10 && stage.v.columns >= 40; /* else a notice */
            assert_true(canvas.cursor_row >= (draws ? 0 : -1));
            assert_true(canvas.cursor_row < stage.v.rows);
            assert_true(canvas.cursor_column < stage.v.columns);
            for (int x = 0; x < stage.v.rows * stage.v.columns; x++)
                assert_true(canvas.cells[x].codepoint == 0 ||
                            canvas.cells[x].codepoint >= ' ');
            canvas_free(&canvas);
        }
        stage_free(&stage);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_screens),
        cmocka_unit_test(test_any_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
