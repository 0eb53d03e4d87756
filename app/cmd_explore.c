/* `comprexit [explore] [DOC]`: the interactive explorer. */
#include <stdio.h>
#include <string.h>

#include "app/batch.h"
#include "app/cli.h"
#include "app/config.h"
#include "app/explore.h"
#include "app/file_wanted.h"
#include "app/sandbox.h"
#include "app/tour.h"

#define TOUR "tour" /* in place of a script to present: the built-in one */

/* In `--present notes.md` the word may be the document: when there is no other, and it is no
 * script that says anything. */
static void take_back_document(struct explore_options *o)
{
    if (!o->present || o->document || strcmp(o->present, TOUR) == 0 ||
        tour_is_script(o->present, !o->no_sandbox))
        return;
    o->document = o->present;
    o->present = TOUR;
}

static bool run(const struct cli_arguments *a, struct err *err)
{
    if (cli_flag(a, "default-rc")) {
        config_print_default(stdout);
        return true;
    }
    struct explore_options options = {
        .document = a->n_operands ? a->operands[0] : cli_text(a, "doc"),
        .question = cli_text(a, "question"),
        .gold = cli_text(a, "gold"),
        .at = cli_text(a, "at"),
        .view = cli_text(a, "view"),
        .color = cli_text(a, "color"),
        .theme = cli_text(a, "theme"),
        .glyphs = cli_text(a, "glyphs"),
        .rc = cli_text(a, "rc"),
        .play = cli_text(a, "play"),
        .from_figure = cli_text(a, "from-figure"),
        .present = cli_text(a, "present"),
        .headless = cli_flag(a, "headless"),
        .no_sandbox = !sandbox_wanted(a),
        .demo = cli_flag(a, "demo"),
        .no_answers = cli_flag(a, "no-answers"),
    };
    take_back_document(&options);
    if (!batch_engine_options(a, &options.engine, err))
        return false;
    bool ok = explore_run(&options, err);
    batch_engine_options_free(&options.engine);
    return ok;
}

static const struct cli_option options[] = {
    {.name = "question", .letter = 'q', .kind = CLI_TEXT, .value = "TEXT",
     .help = "asked as soon as the document is read"},
    {.name = "gold", .kind = CLI_TEXT, .value = "TEXT", .help = "the right answer, for scores"},
    {.name = "at", .kind = CLI_TEXT, .value = "PLACE",
     .help = "where the cursor begins: 162, 45%, w2"},
    {.name = "view", .kind = CLI_TEXT, .value = "PANE[ VALUE]",
     .help = "pane in front, and what it paints"},
    {.name = "no-answers", .kind = CLI_FLAG, .help = "keep the question for later"},
    {.name = "demo", .kind = CLI_FLAG, .help = "open the sample document and ask about it"},
    {.name = "from-figure", .kind = CLI_PATH, .value = "F.png", .files = WANTED_FIGURES,
     .help = "open again what a figure shows"},
    {.name = "doc", .kind = CLI_PATH, .value = "PATH",
     .help = "the figure's document, if it is neither beside it nor a recent one; as DOC"},
    {.name = "play", .kind = CLI_PATH, .value = "FILE",
     .help = "run a script of commands and keys"},
    {.name = "present", .kind = CLI_PATH, .value = "[FILE]", .otherwise = TOUR,
     .help = "present a script with captions to an audience; without one, or \"tour\": the "
             "guided tour; a word that is no such script is DOC"},
    {.name = "headless", .kind = CLI_FLAG, .help = "with --play: no terminal, a virtual screen"},
    {.name = "default-rc", .kind = CLI_FLAG, .help = "print the built-in settings and keys"},
    {0}};

static const struct cli_example examples[] = {
    {"comprexit notes.md -q \"When was it built?\"", "open a document and ask about it"},
    {"comprexit explore notes.md --at 45% --view plan", "begin at a place, the plan in front"},
    {"cat notes.md | comprexit -", "a document from a pipe; keys come from the terminal"},
    {"comprexit --play figures.rc --headless", "run a script without a terminal"},
    {0}};

const struct cli_command command_explore = {
    .name = "explore",
    .operands = "[DOC]",
    .max_operands = 1,
    .summary = "look at gates, plan, slots and answers of a document",
    .description =
        "Opens the explorer: the document, what each token takes from the model's layers, how "
        "it is sent to the slots, and the answers from the full context, from the slots, and "
        "from nothing. ? in the program shows the keys. "
        "A script (--play) has the commands of the prompt, a line each, and: key NAME..., type "
        "TEXT, wait idle|step N|for \"TEXT\" [within 5s]|2s|500ms, size 120x36, screen FILE, "
        "expect \"TEXT\" (status 1 unless it is on the screen).",
    .options = options,
    .examples = examples,
    .groups = CLI_MODEL | CLI_SETTINGS | CLI_SCREEN,
    .confines_itself = true,
    .run = run,
};
