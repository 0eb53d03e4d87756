/* The worker's engine and how it is opened. After engine_host_new only the worker's thread
 * touches it, in run functions of jobs. */
#ifndef APP_ENGINE_HOST_H
#define APP_ENGINE_HOST_H

#include <stdbool.h>

#include "engine/engine.h"

struct worker;
struct engine_host;

enum engine_part { ENGINE_ALL, ENGINE_MODEL, ENGINE_COMPRESSOR };

/* options' texts are copied; publish, log and context are set by connect. */
struct engine_host *engine_host_new(const struct engine_options *options);
void engine_host_free(struct engine_host *host); /* after worker_stop only; NULL is nothing */

/* Snapshots and log lines go to the worker from now on; before anything is opened. */
void engine_host_connect(struct engine_host *host, struct worker *worker);

/* Opens the engine as the options say (ENGINE_ALL; path NULL; nothing if it is open), or
 * with another model or compressor. If that fails, the engine is as it was. */
bool engine_host_open(struct engine_host *host, enum engine_part part, const char *path,
                      struct err *err);

/* The path that an error of ENGINE_ALL is about, and what it is; else the model's, which may
 * be NULL. */
const char *engine_host_blamed(const struct engine_host *host, const struct err *err,
                               enum engine_part *part);

/* The engine, or NULL with a message. */
struct engine *engine_host_engine(const struct engine_host *host, struct err *err);

#endif
