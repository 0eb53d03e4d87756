/* `comprexit export DOC`: figures and their data, without the explorer. The options
 * are those of the explorer's command, from the same table (export.h). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/batch.h"
#include "app/cli.h"
#include "app/export.h"
#include "app/export_train.h"
#include "app/file_wanted.h"
#include "app/report.h"
#include "app/reopen.h"
#include "app/session_file.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"

struct job {
    const struct cli_arguments *arguments;
    struct export_request request;
    struct figure_meta meta; /* of --from-figure */
    bool has_meta;
    struct edits edits; /* that the figure was made with */
    struct batch batch;
    struct snapshot *restored; /* DOC is a session file: no model is needed; else NULL */
    struct snapshot *against;  /* A of a difference; or NULL */
    const char *question;
    bool no_views;  /* --view train */
    json_t *files; /* written */
};

/* ---- what was asked for ------------------------------------------------------------- */

/* "plan", or "gate,plan" for panels; those of the figure when none is named. */
static bool read_views(struct job *job, const char *list, struct err *err)
{
    const char *item;
    size_t length;
    if (list)
        job->request.n_kinds = 0;
    while (value_next_item(&list, &item, &length)) {
        char *word = xstrndup(item, length);
        bool ok = export_add_view(&job->request, word, err);
        free(word);
        if (!ok)
            return false;
    }
    return true;
}

static bool draws(const struct job *job, enum figure_kind wanted)
{
    enum figure_kind kind[FIGURE_KIND_COUNT];
    size_t n = export_kinds(&job->request, kind);
    for (size_t i = 0; i < n; i++)
        if (kind[i] == wanted)
            return true;
    return false;
}

/* Is there a figure with tokens? */
static bool draws_matrix(const struct job *job)
{
    return draws(job, FIGURE_PLAN) || draws(job, FIGURE_GATE) || draws(job, FIGURE_MASS) ||
           draws(job, FIGURE_LOSS) || draws(job, FIGURE_DIFF);
}

static bool read_options(struct job *job, struct err *err)
{
    const struct cli_arguments *a = job->arguments;
    const char *output;
    if (!job->no_views && !read_views(job, cli_text(a, "view"), err))
        return false;
    for (const struct export_option *o = export_options; o->name; o++) {
        const char *value = o->flag ? NULL : cli_text(a, o->name);
        if ((o->flag ? cli_flag(a, o->name) : value != NULL) &&
            !export_set(&job->request, o->name, value, err))
            return false;
    }
    for (size_t i = 0; (output = cli_text_at(a, "output", i)); i++)
        if (!export_add_file(&job->request, output, err) || !batch_has_folder(output, err))
            return false;
    if (job->request.caption && !batch_has_folder(job->request.caption, err))
        return false;
    if (cli_flag(a, "all-windows") && job->request.n_files)
        return err_set(err, ERR_USAGE,
                       "export: --all-windows names its files itself; use --formats");
    job->request.force = cli_flag(a, "force");
    job->question = cli_text(a, "question");
    return true;
}

/* The view that a figure was made of; options that are given count more. */
static bool read_figure(struct job *job, const char *path, struct err *err)
{
    json_t *json = figure_metadata_read(path, err);
    job->has_meta = json && figure_meta_from_json(&job->meta, json, path, err);
    json_decref(json);
    if (job->has_meta)
        export_request_from_meta(&job->request, &job->meta);
    return job->has_meta;
}

/* The document: as given, else the figure's. To be freed. */
static char *document_path(const struct job *job, struct err *err)
{
    const struct cli_arguments *a = job->arguments;
    const char *figure = cli_text(a, "from-figure");
    if (a->n_operands > 0)
        return xstrdup(a->operands[0]);
    if (!job->has_meta || !job->meta.document.name[0]) {
        err_set(err, ERR_USAGE, "export: expected DOC");
        return NULL;
    }
    return reopen_document(&job->meta, figure, false, err);
}

/* ---- engine --------------------------------------------------------------------------- */

/* The settings that the figure was made with, where no option says otherwise. */
static bool apply_settings(struct job *job, struct err *err)
{
    const struct snapshot_settings *from = &job->meta.settings;
    struct compress_settings s;
    size_t segment;
    if (!job->has_meta || from->window == 0)
        return true;
    engine_settings(job->batch.engine, &s, &segment);
    const struct cli_arguments *a = job->arguments;
    s.window = from->window;
    if (!cli_text(a, "ratio"))
        s.ratio = from->ratio;
    if (!cli_text(a, "eps"))
        s.eps = from->eps;
    if (!cli_text(a, "iters"))
        s.iters = from->iters;
    if (!cli_text(a, "align"))
        s.align = from->align_head ? ALIGN_HEAD : ALIGN_TAIL;
    if (!cli_text(a, "segment") && from->segment > 0)
        segment = from->segment;
    s.ablations = job->meta.ablations;
    s.order_seed = job->meta.order_seed;
    return compress_settings_check(&s, err) &&
           engine_set_settings(job->batch.engine, &s, segment, 0, &job->batch.progress, err);
}

/* What was changed by hand for the figure; the document is there, nothing is read. */
static void apply_edits(struct job *job)
{
    struct engine *e = job->batch.engine;
    const struct edits *edits = &job->edits;
    figure_meta_to_edits(&job->meta, &job->edits);
    struct engine_edits wanted = edits_for_engine(edits);
    engine_set_edits(e, &wanted);
    engine_set_muted(e, edits->muted, edits->muted_count);
    job->request.edits = edits;
}

static void note_difference(const struct job *job, const char *what, const char *then,
                            const char *now)
{
    if (then[0] && now[0] && strcmp(then, now) != 0)
        report_note(job->arguments, "%s differs from the one in the figure (sha256 %.12s)", what,
                    then);
}

static void compare_hashes(const struct job *job)
{
    const struct snapshot *s = engine_snapshot(job->batch.engine);
    if (!job->has_meta)
        return;
    if (job->meta.session_file.name[0])
        report_note(job->arguments, "the session of the figure, %s, is not beside it: drawn is its "
                    "document", job->meta.session_file.name);
    note_difference(job, "document", job->meta.document.sha256, s->document->sha256);
    note_difference(job, "model", job->meta.model.sha256, s->facts.model_sha256);
    note_difference(job, "compressor", job->meta.compressor.sha256, s->facts.compressor_sha256);
}

/* The question belongs to the view, also where no answer is drawn: the explorer's key records
 * it. */
static const char *question_of(const struct job *job)
{
    return job->question ? job->question : job->meta.question;
}

/* A context that the model cannot take is told in its row, as on the screen, and does not keep
 * the others from being shown; it is an error when there are no others. */
static bool ask_all(struct job *job, struct err *err)
{
    const char *question = question_of(job);
    struct ask_options options = {.top_p = 1, .gold = cli_text(job->arguments, "gold")};
    bool any = false;
    if (!draws(job, FIGURE_ANSWERS))
        return true;
    if (!question)
        return err_set(err, ERR_USAGE, "export: answers to which question? Give it with -q");
    for (int mode = 0; mode < ANSWER_MODES; mode++) {
        struct err failed = {0};
        bool ok = engine_ask(job->batch.engine, question, (enum answer_mode)mode, &options,
                             &job->batch.progress, &failed);
        any = any || ok;
        if (ok)
            continue;
        if (failed.code != ERR_INPUT || (mode + 1 == ANSWER_MODES && !any)) {
            *err = failed;
            return false;
        }
        report_note(job->arguments, "%s: %s", answer_mode_name[mode], failed.text);
    }
    return true;
}

/* Losses begin behind the first window, before which nothing is compressed. */
static size_t first_window(const struct job *job)
{
    return draws(job, FIGURE_LOSS) && engine_snapshot(job->batch.engine)->windows > 1 ? 2 : 1;
}

static bool read_tokens(struct job *job, struct err *err)
{
    struct export_request *request = &job->request;
    struct engine *e = job->batch.engine;
    size_t from = 0, to = engine_snapshot(e)->document->tokens;
    if (!draws_matrix(job))
        return true;
    if (!cli_flag(job->arguments, "all-windows")) {
        bool named = cli_text(job->arguments, "window") || request->has_range || job->has_meta;
        if (!named)
            request->window = first_window(job);
        if (!export_tokens(engine_snapshot(e), request, &from, &to, err))
            return false;
    }
    return engine_read(e, from, to, &job->batch.progress, err) &&
           (!draws(job, FIGURE_LOSS) || engine_loss(e, to, &job->batch.progress, err));
}

/* ---- output --------------------------------------------------------------------------- */

static void add_files(struct job *job, const struct export_result *result)
{
    for (size_t i = 0; i < result->n; i++)
        json_array_append_new(job->files, report_text(result->path[i], strlen(result->path[i])));
}

static const struct snapshot *snapshot_of(const struct job *job)
{
    return job->restored ? job->restored : engine_snapshot(job->batch.engine);
}

static bool export_one(struct job *job, struct err *err)
{
    struct export_result result;
    bool ok = export_run(snapshot_of(job), &job->request, &result, err);
    add_files(job, &result);
    export_result_free(&result);
    return ok;
}

/* One figure a window, all with the same limits. */
static bool export_windows(struct job *job, struct err *err)
{
    const struct snapshot *s = snapshot_of(job);
    struct export_request *request = &job->request;
    double top = 0, high;
    size_t first = first_window(job);
    request->has_range = false;
    for (request->window = first; request->window <= s->windows; request->window++) {
        if (!export_maximum(s, request, &high, err))
            return false;
        top = fmax(top, high);
    }
    if (isnan(request->figure.limit_high))
        request->figure.limit_high = top;
    for (request->window = first; request->window <= s->windows; request->window++)
        if (!export_one(job, err))
            return false;
    return true;
}

static void print_files(const struct job *job)
{
    enum figure_kind kind[FIGURE_KIND_COUNT];
    size_t n = export_kinds(&job->request, kind);
    if (cli_flag(job->arguments, "json")) {
        report_json(json_pack("{s:s, s:O}", "view",
                              job->no_views ? "train"
                              : n > 1       ? "panels"
                                            : figure_kind_name[kind[0]],
                              "files", job->files));
        return;
    }
    for (size_t i = 0; i < json_array_size(job->files); i++) {
        const char *path = json_string_value(json_array_get(job->files, i));
        report_lines(path, strlen(path));
    }
}

static bool write_all(struct job *job, struct err *err)
{
    bool windows = cli_flag(job->arguments, "all-windows") && draws_matrix(job);
    bool ok = windows ? export_windows(job, err) : export_one(job, err);
    if (ok || !cli_flag(job->arguments, "json"))
        print_files(job);
    return ok;
}

static bool work(struct job *job, const struct batch_input *input, struct err *err)
{
    if (!apply_settings(job, err) || !batch_set_document(&job->batch, input, err))
        return false;
    apply_edits(job);
    if (!read_tokens(job, err) || !ask_all(job, err))
        return false;
    job->request.question = question_of(job);
    engine_hash(job->batch.engine);
    compare_hashes(job);
    progress_line_end(&job->batch.line);
    return write_all(job, err);
}

/* What a session file holds, as it was saved. */
static bool with_session(struct job *job, const char *path, struct err *err)
{
    struct figure_meta meta;
    bool text_missing;
    job->restored = session_file_read(path, &meta, &text_missing, NULL, err);
    if (!job->restored || !session_file_identify(path, &job->request.session_file, err))
        return false;
    note_difference(job, "the session file", job->meta.session_file.sha256,
                    job->request.session_file.sha256);
    if (text_missing)
        report_note(job->arguments, "%s was saved without its text, dots stand for it: put %s "
                    "beside it", path, meta.document.name);
    figure_meta_to_edits(&meta, &job->edits);
    job->request.edits = &job->edits;
    figure_meta_free(&meta);
    return write_all(job, err);
}

/* The other side of a difference: as named, else the figure's, which lies beside it or beside the
 * document. */
static bool read_against(struct job *job, const char *document, struct err *err)
{
    struct figure_meta meta;
    const char *named = cli_text(job->arguments, "against");
    const char *figure = cli_text(job->arguments, "from-figure");
    char *path = named ? xstrdup(named) : NULL;
    const char *name = job->meta.against_file.name;
    if (!path && figure && draws(job, FIGURE_DIFF)) {
        path = figure_meta_beside(figure, name);
        if (!path)
            path = figure_meta_beside(document, name);
        if (!path && name[0])
            return err_set(err, ERR_INPUT, "%s: %s of its difference, %s, is not beside it: name "
                           "it with --against", figure, job->meta.against_is_b ? "B" : "A", name);
    }
    if (!path)
        return true;
    job->against = session_file_read(path, &meta, NULL, NULL, err);
    bool ok = job->against && session_file_identify(path, &job->request.against_file, err);
    free(path);
    if (!ok)
        return false;
    figure_meta_free(&meta);
    job->request.figure.against_is_b = !named && job->meta.against_is_b;
    note_difference(job, job->meta.against_is_b ? "B" : "A", job->meta.against_file.sha256,
                    job->request.against_file.sha256);
    job->request.figure.against = job->against;
    return true;
}

/* The model that the figure was made with, where the command line names none; as in the
 * explorer it goes before the environment's. To be freed; NULL when it is nowhere. */
static char *figure_model(const struct job *job)
{
    const struct cli_arguments *a = job->arguments;
    if (!job->has_meta || cli_text(a, "model"))
        return NULL;
    return reopen_model(&job->meta, cli_text(a, "from-figure"), false);
}

static bool with_document(struct job *job, const char *path, struct err *err)
{
    struct batch_input input;
    if (!read_against(job, path, err))
        return false;
    if (session_file_is(path))
        return with_session(job, path, err);
    if (!batch_input_read(&input, path, NULL, err))
        return false;
    char *model = figure_model(job);
    bool ok = batch_open_with(&job->batch, job->arguments, model, err) && work(job, &input, err);
    batch_close(&job->batch);
    batch_input_free(&input);
    free(model);
    return ok;
}

/* Learning curves of run directories: no engine is needed. */
static bool run_train(const struct cli_arguments *a, struct err *err)
{
    struct job job = {.arguments = a, .files = json_array(), .no_views = true};
    struct export_result result = {0};
    export_request_init(&job.request);
    bool ok = read_options(&job, err) &&
              export_train(a->operands, a->n_operands, &job.request, &result, err);
    add_files(&job, &result);
    if (ok)
        print_files(&job);
    export_result_free(&result);
    export_request_free(&job.request);
    json_decref(job.files);
    return ok;
}

static bool run(const struct cli_arguments *a, struct err *err)
{
    const char *view = cli_text(a, "view");
    if (view && strcmp(view, "train") == 0)
        return run_train(a, err);
    if (a->n_operands > 1)
        return err_set(err, ERR_USAGE, "export: one DOC; several runs only with --view train");
    struct job job = {.arguments = a, .files = json_array()};
    const char *figure = cli_text(a, "from-figure");
    export_request_init(&job.request);
    bool ok = (!figure || read_figure(&job, figure, err)) && read_options(&job, err);
    char *path = ok ? document_path(&job, err) : NULL;
    ok = path && with_document(&job, path, err);
    free(path);
    export_request_free(&job.request);
    figure_meta_free(&job.meta);
    snapshot_release(job.restored);
    snapshot_release(job.against);
    edits_free(&job.edits);
    json_decref(job.files);
    return ok;
}

#define ROW_TEXT(key, words, about) {.name = #key, .kind = CLI_TEXT, .value = words, .help = about},
#define ROW_FLAG(key, words, about) {.name = #key, .kind = CLI_FLAG, .help = about},
#define ROW_WRITTEN(key, words, about)                                                            \
    {.name = #key, .kind = CLI_PATH, .value = words, .help = about, .written = true},
#define ROW(key, kind, words, about) ROW_##kind(key, words, about)

static const struct cli_option options[] = {
    {.name = "view", .kind = CLI_TEXT, .value = "plan|gate|mass|answers|loss|diff|train",
     .help = "what to draw (plan); several with commas become panels of one figure; train: the "
             "learning curves of run directories, which stand in place of DOC"},
    {.name = "output", .letter = 'o', .kind = CLI_PATH, .value = "F.png", .many = true,
     .written = true,
     .help = "write to this file: .png .svg .npy .csv or .json; may be given several times"},
    {.name = "question", .letter = 'q', .kind = CLI_TEXT, .value = "TEXT",
     .help = "the question of the answers"},
    {.name = "gold", .kind = CLI_TEXT, .value = "TEXT", .help = "its gold answer, for scores"},
    {.name = "from-figure", .kind = CLI_PATH, .value = "F.png", .files = WANTED_FIGURES,
     .help = "as in this figure; DOC is looked for beside it"},
    {.name = "against", .kind = CLI_PATH, .value = "FILE.cxt",
     .help = "of diff: the session file that the plan is compared with"},
    {.name = "all-windows", .kind = CLI_FLAG,
     .help = "a figure for each window, all with the same limits"},
    EXPORT_OPTIONS(ROW)
    {.name = NULL},
};

static const struct cli_example examples[] = {
    {"comprexit export notes.md --view plan --window 2 -o plan.svg -o plan.npy",
     "the plan of window 2 as a figure and as numbers"},
    {"comprexit export notes.md --view gate --width nature-1col --map cividis",
     "the gates of window 1 for a column of 89 mm, in notes-w01-gate.png"},
    {"comprexit export --from-figure notes-w01-gate.png --formats svg",
     "the same figure again in another format"},
    {"comprexit export runs/a runs/b --view train -o curves.svg -o curves.csv",
     "how two runs learned"},
    {"comprexit export runs/a/probe-000400.cxt --view diff --against runs/a/probe-000000.cxt",
     "what 400 steps changed in a plan, from the session files of a run"},
    {NULL, NULL},
};

const struct cli_command command_export = {
    .name = "export",
    .operands = "[DOC|RUN...]",
    .max_operands = 8,
    .summary = "write figures, and the numbers behind them, to files",
    .description =
        "Without -o the file is named after the document, as in notes-w02-plan.png. A name in use "
        "gets -2; --force overwrites. PNG and SVG hold the record of how they were made (see "
        "info FILE); it names no folder, user, machine or time, and the same call gives the same "
        "bytes. NPY: float32 [rows, tokens] as drawn before colouring. CSV: token (in the "
        "document), index (in its window), text, mass, and a column a slot or layer.",
    .options = options,
    .examples = examples,
    .groups = CLI_MODEL | CLI_SETTINGS | CLI_OUTPUT,
    .writes_here = true,
    .run = run,
};
