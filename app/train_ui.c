#include "app/train_ui.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/batch.h"
#include "app/data_options.h"
#include "app/explore.h"
#include "app/list.h"
#include "app/sandbox.h"
#include "engine/base/mem.h"

enum { LINE_BYTES = 16384 };

bool train_ui_wanted(const struct cli_arguments *a)
{
    return cli_flag(a, "ui") || cli_text(a, "watch");
}

/* Appends a word, quoted where it must be. */
static void add(char *line, const char *key, const char *value)
{
    char word[4096];
    snprintf(word, sizeof word, "%s%s", key, value);
    char *quoted = list_quote(word);
    size_t used = strlen(line);
    snprintf(line + used, LINE_BYTES - used, " %s", quoted);
    free(quoted);
}

/* The explorer's command line for the run. */
static bool make_line(const struct cli_arguments *a, char *line, struct err *err)
{
    static const char *const keys[] = {"init", "steps", "batch", "lr", "optimizer", "distill"};
    const char *value, *watch = cli_text(a, "watch");
    if (watch) {
        snprintf(line, LINE_BYTES, "watch");
        add(line, "", watch);
        return true;
    }
    if (a->n_operands == 0)
        return err_set(err, ERR_USAGE, "train: expected ntp, sft or prompt");
    snprintf(line, LINE_BYTES, "train");
    add(line, "", a->operands[0]);
    if ((value = cli_text(a, "preset")))
        add(line, "preset=", value);
    char data[8192] = "";
    for (size_t i = 0; (value = data_options_file(a, i)); i++) {
        size_t used = strlen(data);
        snprintf(data + used, sizeof data - used, "%s%s", used ? "," : "", value);
    }
    if (data[0])
        add(line, "data=", data);
    if ((value = cli_text(a, "run")))
        add(line, "run=", value);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        char key[32];
        snprintf(key, sizeof key, "%s=", keys[i]);
        if ((value = cli_text(a, keys[i])))
            add(line, key, value);
    }
    for (size_t i = 0; (value = cli_text_at(a, "set", i)); i++)
        add(line, "", value);
    if (cli_flag(a, "resume"))
        add(line, "", "resume");
    if (data[0] && cli_text(a, "run"))
        add(line, "", cli_flag(a, "dry-run") ? "dry-run" : "start");
    return true;
}

bool train_ui_run(const struct cli_arguments *a, struct err *err)
{
    char *line = xcalloc(LINE_BYTES, 1);
    struct explore_options options = {
        .color = cli_text(a, "color"),
        .theme = cli_text(a, "theme"),
        .glyphs = cli_text(a, "glyphs"),
        .rc = cli_text(a, "rc"),
        .no_sandbox = !sandbox_wanted(a),
        .command = line,
    };
    bool ok = make_line(a, line, err) && batch_engine_options(a, &options.engine, err);
    if (ok) {
        ok = explore_run(&options, err);
        batch_engine_options_free(&options.engine);
    }
    free(line);
    return ok;
}
