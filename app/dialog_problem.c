/* The box for what cannot be used: what it is, where, what was found and what was expected,
 * what was left as it was, and what can be done. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/dialog.h"
#include "app/worker.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/compress/checkpoint_io.h"
#include "engine/engine.h"

enum { FIRST_BYTES = 8 };

static const struct {
    const char *title, *expected, *unchanged, *label, *command;
    enum pane pane; /* that stays without what it shows */
} problems[PROBLEM_COUNT] = {
    [PROBLEM_MODEL] = {"Cannot use this model",
                       "a Llama-family model that fits into memory: GGUF file or "
                       "Hugging Face directory",
                       "Nothing was changed", "Choose another model ...", "model", PANE_COUNT},
    [PROBLEM_COMPRESSOR] = {"Cannot use this compressor",
                            "a compressor that was made for the open model",
                            "Nothing was changed", "Choose another compressor ...", "compressor",
                            PANE_PLAN},
    [PROBLEM_DOCUMENT] = {"Cannot use this document", "a text with at least one token",
                          "Nothing was changed", "Choose another document ...", "open",
                          PANE_DOCUMENT},
    [PROBLEM_READ] = {"Cannot read the document",
                      "gates and a plan for the tokens that are asked for",
                      "What was read before stays", "Try again", "regen", PANE_GATES},
    [PROBLEM_FIGURE_DOCUMENT] = {"The figure's document is not here",
                                 "the text that it shows, beside it or a recent document",
                                 "Its view, settings and question wait for it",
                                 "Choose the document ...", "open", PANE_DOCUMENT},
    [PROBLEM_FIGURE_MODEL] = {"The figure's model is not here",
                              "that very model: numbers of another model are others",
                              "Its view, settings and question wait for it",
                              "Choose a model ...", "model", PANE_COUNT},
};

/* A sentence a line, so that it fits a box. */
static void add_wrapped(struct list *list, const char *text)
{
    enum { WIDTH = 70 }; /* of 80 columns */
    while (*text) {
        size_t length = strlen(text), take = length;
        if (length > WIDTH) {
            take = WIDTH;
            while (take > WIDTH / 2 && text[take] != ' ')
                take--;
            if (text[take] != ' ')
                take = WIDTH;
            while (take && (text[take] & 0xc0) == 0x80)
                take--;
        }
        list_add_text(list, "%.*s", (int)take, text);
        text += take;
        text += *text == ' ';
    }
}

struct found {
    const char *path;
    char *out;
    size_t size;
};

/* What stands at a path: nothing, a directory, or so many bytes and how they begin. */
static bool describe_found(void *context, struct err *err)
{
    const struct found *f = context;
    const char *path = f->path;
    char *out = f->out;
    size_t size = f->size;
    struct stat st;
    (void)err;
    char bytes[TEXT_NUMBER_MAX], raw[FIRST_BYTES], first[FIRST_BYTES * TEXT_ESCAPE_MAX];
    if (stat(path, &st) != 0) {
        snprintf(out, size, "nothing there: %s", strerror(errno));
        return true;
    }
    int fd = S_ISREG(st.st_mode) ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
    ssize_t n = fd >= 0 ? read(fd, raw, sizeof raw) : 0;
    if (fd >= 0)
        close(fd);
    text_sanitize(first, sizeof first, raw, n > 0 ? (size_t)n : 0);
    if (S_ISDIR(st.st_mode))
        snprintf(out, size, "a directory");
    else if (!S_ISREG(st.st_mode))
        snprintf(out, size, "neither a file nor a directory");
    else
        snprintf(out, size, n > 0 ? "a file of %s that begins with \"%s\"" : "a file of %s",
                 text_bytes((uint64_t)st.st_size, bytes), first);
    return true;
}

static void add_identity(struct list *list, const char *lead, const char *name, size_t hidden,
                         size_t layers, const char *sha256)
{
    char hash[32] = "not known";
    size_t n = strlen(sha256);
    if (n > 8)
        snprintf(hash, sizeof hash, "%.4s..%s", sha256, sha256 + n - 4);
    list_add_text(list, "  %-10s %-24s hidden %4zu  %2zu layers  sha256 %s", lead, name, hidden,
                  layers, hash);
}

struct peek {
    const char *path;
    struct compressor_info info;
    struct compressor_shape shape;
};

static bool peek(void *context, struct err *err)
{
    struct peek *p = context;
    return compressor_peek(&p->info, &p->shape, p->path, err);
}

/* A whole compressor of another model: whose it is, and which is open. */
static bool add_owners(struct list *list, const struct session *s, const char *path)
{
    const struct snapshot_facts *open = &s->snapshot->facts;
    struct peek p = {.path = path};
    const struct compressor_info *info = &p.info;
    struct err ignored = {0};
    if (!worker_call(!s->no_sandbox, peek, &p, &ignored))
        return false;
    add_identity(list, "made for", info->base_architecture[0] ? info->base_architecture : "a model",
                 p.shape.H, info->base_layers ? info->base_layers : p.shape.M - 1,
                 info->base_sha256);
    add_identity(list, "open now", open->model, open->hidden, open->layers, open->embedding_sha256);
    return true;
}

static void add_unchanged(struct list *list, const struct session *s, enum problem problem)
{
    const struct snapshot_facts *f = &s->snapshot->facts;
    const char *stays = problem == PROBLEM_MODEL        ? f->model
                        : problem == PROBLEM_COMPRESSOR ? f->compressor
                                                        : "";
    if (stays[0])
        list_add_text(list, "%s: %s stays in use.", problems[problem].unchanged, stays);
    else
        list_add_text(list, "%s.", problems[problem].unchanged);
}

static void add_default_model(struct list *list)
{
    char *path = engine_default_model_path();
    if (path && (file_exists(path) || file_is_directory(path))) {
        char *line = dialog_command("model", path);
        list_add(list, "The default model", "", line);
        free(line);
    }
    free(path);
}

void dialog_problem(struct session *s, enum problem problem, const char *path, const char *text)
{
    char found[192] = "";
    notes_add(&s->notes, true, text);
    struct list *list = dialog_begin(s);
    add_wrapped(list, text);
    list_add_text(list, "  %-10s %s", "where", path);
    bool owned = problem == PROBLEM_COMPRESSOR && add_owners(list, s, path);
    if (!owned) {
        worker_call(!s->no_sandbox, describe_found,
                    &(struct found){path, found, sizeof found}, NULL);
        list_add_text(list, "  %-10s %s", "got", found);
        list_add_text(list, "  %-10s %s", "expected", problems[problem].expected);
    }
    add_unchanged(list, s, problem);
    list_add(list, problems[problem].label, "", problems[problem].command);
    if (problem == PROBLEM_FIGURE_MODEL)
        add_default_model(list);
    if (problem == PROBLEM_COMPRESSOR)
        list_add(list, "Choose the model ...", "", "model");
    list_add(list, "Close (Esc)", "", "");
    dialog_show(s, OVERLAY_PROBLEM, problems[problem].title, "arrows and Enter choose · Esc");
    s->view.overlay_over = problems[problem].pane;
}
