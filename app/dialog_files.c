/* Dialogs that choose something to open, and the problem box. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/cursor.h"
#include "app/dialog.h"
#include "app/places.h"
#include "app/screens.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "views/key_text.h"

enum { FILES_MAX = 5000 };

/* ---- files ---------------------------------------------------------------------------- */

struct file {
    char *name;
    bool directory, readable;
    off_t size;
};

struct files {
    struct file *files;
    size_t count, capacity;
};

static int by_kind_and_name(const void *a, const void *b)
{
    const struct file *x = a, *y = b;
    if (x->directory != y->directory)
        return y->directory - x->directory;
    return strcmp(x->name, y->name);
}

static void read_directory(const char *directory, struct files *out)
{
    DIR *dir = opendir(directory);
    struct dirent *item;
    while (dir && (item = readdir(dir)) && out->count < FILES_MAX) {
        struct stat st;
        if (item->d_name[0] == '.')
            continue;
        char *path = file_join(directory, item->d_name);
        if (stat(path, &st) == 0 && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))) {
            MEM_GROW(out->files, out->capacity, out->count + 1);
            out->files[out->count++] = (struct file){.name = xstrdup(item->d_name),
                                                     .directory = S_ISDIR(st.st_mode),
                                                     .readable = access(path, R_OK) == 0,
                                                     .size = st.st_size};
        }
        free(path);
    }
    if (dir)
        closedir(dir);
    if (out->count)
        qsort(out->files, out->count, sizeof *out->files, by_kind_and_name);
}

static void free_files(struct files *files)
{
    for (size_t i = 0; i < files->count; i++)
        free(files->files[i].name);
    free(files->files);
}

static bool has_suffix(const char *name, const char *suffix)
{
    size_t n = strlen(name), k = strlen(suffix);
    return n >= k && strcmp(name + n - k, suffix) == 0;
}

static const char *kind_of(const struct file *file)
{
    static const struct {
        const char *suffix, *kind;
    } kinds[] = {{".txt", "text"}, {".md", "Markdown"}, {".gguf", "model"},
                 {".safetensors", "tensors"}, {".jsonl", "data"}, {".gz", "compressed data"},
                 {".cxt", "session"}, {".png", "figure"}, {".svg", "figure"}};
    if (file->directory)
        return "directory";
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (has_suffix(file->name, kinds[i].suffix))
            return kinds[i].kind;
    return "file";
}

static void format_size(off_t size, char out[32])
{
    static const char *const unit[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double value = (double)size;
    int u = 0;
    while (value >= 1024 && u < 4) {
        value /= 1024;
        u++;
    }
    snprintf(out, 32, u && value < 10 ? "%.1f %s" : "%.0f %s", value, unit[u]);
}

char *dialog_command(const char *command, const char *path)
{
    char *word = list_quote(path);
    size_t size = strlen(command) + strlen(word) + 2;
    char *line = xmalloc(size);
    snprintf(line, size, "%s %s", command, word);
    free(word);
    return line;
}

static void add_file(struct list *list, const char *directory, const struct file *file,
                     const char *command)
{
    char detail[96], size[32];
    format_size(file->size, size);
    snprintf(detail, sizeof detail, "%s%s%s%s", kind_of(file), file->directory ? "" : "  ",
             file->directory ? "" : size, file->readable ? "" : "  cannot be read");
    if (!file->readable) {
        list_add_disabled(list, file->name, detail);
        return;
    }
    char *path = file_join(directory, file->name), *line = dialog_command(command, path);
    list_add(list, file->name, detail, line);
    free(line);
    free(path);
}

/* Files of a directory that `wanted` accepts, each with a command. */
static size_t add_directory(struct list *list, const char *directory, const char *command,
                            bool (*wanted)(const char *directory, const struct file *file))
{
    struct files files = {0};
    size_t added = 0;
    read_directory(directory, &files);
    for (size_t i = 0; i < files.count; i++)
        if (!wanted || wanted(directory, &files.files[i])) {
            add_file(list, directory, &files.files[i], command);
            added++;
        }
    free_files(&files);
    return added;
}

static void reopen_open(struct session *s)
{
    char *directory = xstrdup(s->list_directory);
    dialog_open(s, directory);
    free(directory);
}

void dialog_open(struct session *s, const char *directory)
{
    struct list *list = dialog_begin(s);
    char *resolved = realpath(directory, NULL);
    char *absolute = resolved ? resolved : xstrdup(directory);
    list_add(list, "Type a path ...", "Tab completes it", "prompt command \"open \"");
    list_add(list, "Another model ...", "GGUF files and Hugging Face directories", "model");
    list_add(list, "Another compressor ...", "those made for this model first", "compressor");
    char *parent = file_join(absolute, ".."), *line = dialog_command("open", parent);
    list_add(list, "..", "directory", line);
    free(line);
    free(parent);
    add_directory(list, absolute, "open", NULL);
    dialog_show(s, OVERLAY_DIALOG, "Open a document", DIALOG_LIST_KEYS);
    s->dialog_reopen = reopen_open;
    free(s->list_directory);
    s->list_directory = absolute;
}

/* ---- models ---------------------------------------------------------------------------------- */

static bool is_model(const char *directory, const struct file *file)
{
    if (!file->directory)
        return has_suffix(file->name, ".gguf");
    char *path = file_join(directory, file->name), *config = file_join(path, "config.json");
    bool yes = file_exists(config);
    free(config);
    free(path);
    return yes;
}

void dialog_models(struct session *s)
{
    struct list *list = dialog_begin(s);
    char *models = places_models_dir();
    size_t found = models ? add_directory(list, models, "model", is_model) : 0;
    found += add_directory(list, ".", "model", is_model);
    if (!found)
        list_add_text(list, "no model in the cache or here; `make model` fetches the default");
    list_add(list, "Type a path ...", "a GGUF file or a Hugging Face directory",
             "prompt command \"model \"");
    dialog_show(s, OVERLAY_DIALOG, "Open a model", DIALOG_LIST_KEYS);
    free(models);
}

/* ---- leaving ------------------------------------------------------------------------------ */

void dialog_quit(struct session *s, const char *why)
{
    struct list *list = dialog_begin(s);
    list_add_text(list, "%s", why);
    list_add(list, "Stay (Esc)", "", "");
    list_add(list, "Quit", "", "quit!");
    dialog_show(s, OVERLAY_PROBLEM, "Quit?", "Enter · Esc stays · ⁅q⁆ quits");
    s->quit_asked = true;
}

/* ---- screens that are not here yet ------------------------------------------ */

static const char *const screen_text[SCREEN_COUNT][3] = {
    [SCREEN_COMPARE] = {"Compare",
                        "⁅b⁆ pins what Explore shows as A: a compressor, settings, edits.",
                        "Then change something there (it is B), and come back with ⁅2⁆."},
};

void dialog_screen(struct session *s, enum screen screen)
{
    struct list *list = dialog_begin(s);
    s->view.overlay = OVERLAY_NONE;
    s->view.screen = screen;
    if (screen == SCREEN_COMPARE && s->pinned && session_tokens(s)) {
        cursor_focus(s, PANE_PLAN); /* the arrows move token and slot */
    } else if (screen != SCREEN_EXPLORE && !screen_text[screen][0]) {
        screens_show(s);
    } else if (screen != SCREEN_EXPLORE) {
        list_add_text(list, "%s", key_text(&s->view, screen_text[screen][1]).text);
        list_add_text(list, "%s", key_text(&s->view, screen_text[screen][2]).text);
        dialog_show(s, OVERLAY_NONE, screen_text[screen][0], "⁅1⁆ Explore · ⁅q⁆ quit");
    } else if (!s->document.path) {
        dialog_start(s);
    }
    s->dirty = true;
}
