/* The presets of training, assets/presets/NAME.conf, in the order in which they are offered. */
#ifndef APP_PRESETS_H
#define APP_PRESETS_H

#include <stdbool.h>
#include <stddef.h>

#define TRAIN_PRESETS(first, next)                                                          \
    first("cpu-ntp") next("cpu-sft") next("cpu-prompt") next("cuda-sft") next("cuda-prompt") \
        next("paper-ntp") next("paper-sft")

/* "cpu-ntp, cpu-sft, ..." for messages */
#define PRESET_ONE(name) name
#define PRESET_MORE(name) ", " name
#define TRAIN_PRESET_LIST TRAIN_PRESETS(PRESET_ONE, PRESET_MORE)

struct train_config;
struct err;

/* Applies a preset by name (assets/presets/NAME.conf) or, with a / in it, by path. text, where it
 * is wanted: what the file says of itself in its first lines, "" when nothing. */
bool preset_read(const char *name, struct train_config *config, char *text, size_t size,
                 struct err *err);

#endif
