#include "app/engine_host.h"

#include <stdlib.h>
#include <string.h>

#include "app/worker.h"
#include "engine/base/mem.h"

struct engine_host {
    struct engine *engine; /* NULL until it is opened */
    struct engine_options options;
    /* owned; may be NULL */
    char *model, *compressor, *default_compressor, *soft_prompt, *default_soft_prompt, *precision;
};

static char *copy_or_null(const char *text)
{
    return text ? xstrdup(text) : NULL;
}

struct engine_host *engine_host_new(const struct engine_options *options)
{
    struct engine_host *host = xcalloc(1, sizeof *host);
    host->options = *options;
    host->model = copy_or_null(options->model);
    host->compressor = copy_or_null(options->compressor);
    host->default_compressor = copy_or_null(options->default_compressor);
    host->soft_prompt = copy_or_null(options->soft_prompt);
    host->default_soft_prompt = copy_or_null(options->default_soft_prompt);
    host->precision = copy_or_null(options->precision);
    return host;
}

void engine_host_free(struct engine_host *host)
{
    if (!host)
        return;
    if (host->engine)
        engine_close(host->engine);
    free(host->model);
    free(host->compressor);
    free(host->default_compressor);
    free(host->soft_prompt);
    free(host->default_soft_prompt);
    free(host->precision);
    free(host);
}

static bool open_engine(struct engine_host *host, struct err *err)
{
    host->options.model = host->model;
    host->options.compressor = host->compressor;
    host->options.default_compressor = host->default_compressor;
    host->options.soft_prompt = host->soft_prompt;
    host->options.default_soft_prompt = host->default_soft_prompt;
    host->options.precision = host->precision;
    host->engine = engine_open(&host->options, err);
    return host->engine != NULL;
}

/* Opens with another model or compressor than before; what failed is forgotten. */
static bool open_with(struct engine_host *host, char **kept, const char *path, struct err *err)
{
    char *before = *kept;
    *kept = xstrdup(path);
    if (open_engine(host, err)) {
        free(before);
        return true;
    }
    free(*kept);
    *kept = before;
    return false;
}

void engine_host_connect(struct engine_host *host, struct worker *worker)
{
    host->options.publish = worker_publish;
    host->options.log = worker_log;
    host->options.context = worker;
}

bool engine_host_open(struct engine_host *host, enum engine_part part, const char *path,
                      struct err *err)
{
    if (part == ENGINE_ALL)
        return host->engine || open_engine(host, err);
    if (!host->engine)
        return open_with(host, part == ENGINE_MODEL ? &host->model : &host->compressor, path, err);
    if (part == ENGINE_MODEL)
        return engine_set_model(host->engine, path, err);
    return engine_set_compressor(host->engine, path, err);
}

const char *engine_host_blamed(const struct engine_host *host, const struct err *err,
                               enum engine_part *part)
{
    const char *paths[] = {host->compressor, host->default_compressor, host->model};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (paths[i] && strncmp(err->text, paths[i], strlen(paths[i])) == 0) {
            *part = paths[i] == host->model ? ENGINE_MODEL : ENGINE_COMPRESSOR;
            return paths[i];
        }
    return host->model;
}

struct engine *engine_host_engine(const struct engine_host *host, struct err *err)
{
    if (!host->engine)
        err_set(err, ERR_OTHER, "no model is open: use model PATH");
    return host->engine;
}
