/* A run directory, held by one process at a time:
 *   lock                      process id; flock, gone with the process
 *   config                    key = value, as the run was started
 *   log.jsonl                 a line a step, a line a validation
 *   step-000400.safetensors   checkpoints, the last `keep` of them
 *   best.safetensors          the checkpoint of the best validation
 *   compressor.safetensors    the best compressor in BF16 (or soft prompt), ready for use
 * Every file but the log is replaced atomically; the log is cut back to the
 * checkpoint that a run resumes from. */
#ifndef ENGINE_TRAIN_RUN_DIR_H
#define ENGINE_TRAIN_RUN_DIR_H

#include "engine/base/file.h"
#include "engine/train/trainer.h"

struct run_dir {
    char *path;
    int lock;
    struct append_file log;
    size_t keep;
};

/* Creates the directory if needed and locks it; ERR_LOCKED when somebody has it. */
bool run_dir_open(struct run_dir *dir, const char *path, size_t keep, struct err *err);
void run_dir_close(struct run_dir *dir);

/* Does it hold checkpoints of an earlier run? */
bool run_dir_started(const struct run_dir *dir);

/* Begins a new run: writes config, opens the log. */
bool run_dir_begin(struct run_dir *dir, struct trainer *t, struct err *err);

/* Writes what t is configured as now over the run's config. */
bool run_dir_configure(struct run_dir *dir, struct trainer *t, struct err *err);

/* Loads the newest checkpoint that is whole; `note` says which were passed over
 * and why ("" when none was). accept_data_change: go on although a data file is
 * another one now. */
bool run_dir_resume(struct run_dir *dir, struct trainer *t, bool accept_data_change, char *note,
                    size_t note_size, struct err *err);

/* The configuration that the run was started with. */
bool run_dir_config(const char *path, struct train_config *config, struct err *err);

/* Writes a checkpoint of the present step, then drops the oldest beyond keep. A
 * full disk leaves the old ones and says so. */
bool run_dir_save(struct run_dir *dir, const struct trainer *t, struct err *err);

/* Writes best.safetensors and compressor.safetensors. */
bool run_dir_save_best(struct run_dir *dir, const struct trainer *t,
                       const struct validation *validations, size_t n, struct err *err);

/* Lines of the log. All have step, samples and seconds, of the whole run so far. */
bool run_dir_log_step(struct run_dir *dir, const struct trainer *t, const struct step_report *r,
                      struct err *err);
bool run_dir_log_validation(struct run_dir *dir, const struct trainer *t,
                            const struct validation *v, size_t n, struct err *err);

#endif
