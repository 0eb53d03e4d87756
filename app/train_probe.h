/* What a run shows of itself beside its losses: at each validation a fixed text is
 * compressed by what is trained, and the model goes on from its slots and answers a
 * question from them. Each look is a session file in the run directory, which the
 * explorer opens as any other, and a line of probes.jsonl:
 *   {"step": 400, "file": "probe-000400.cxt", "window": 1, "lead": "..", "follows": "..",
 *    "said": "..", "question": "..", "answer": "..", "f1": 0.33}
 * A resumed run may look again at steps that are there: the later line counts. Beyond 32
 * looks every second one is dropped, the first and the newest not. */
#ifndef APP_TRAIN_PROBE_H
#define APP_TRAIN_PROBE_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/err.h"
#include "engine/base/progress.h"
#include "engine/train/trainer.h"

struct train_probe {
    char *text, *name; /* text NULL: no looks */
    size_t size;
    const char *question, *gold; /* borrowed; NULL: none */
};

/* path: of the text; NULL: the sample document with its question, when it is installed;
 * "none": no looks. question: borrowed; NULL: the sample's, or none. */
bool train_probe_open(struct train_probe *probe, const char *path, const char *question,
                      struct err *err);
void train_probe_close(struct train_probe *probe);

/* Looks now, and writes what it saw into the run's directory. Trains nothing and draws no
 * random number of the run's. */
bool train_probe_look(const struct train_probe *probe, const struct trainer *trainer,
                      const char *directory, const struct progress *progress, struct err *err);

#endif
