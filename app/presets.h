/* The presets of training, assets/presets/NAME.conf, in the order in which they are offered. */
#ifndef APP_PRESETS_H
#define APP_PRESETS_H

#define TRAIN_PRESETS(first, next)                                                          \
    first("cpu-ntp") next("cpu-sft") next("cpu-prompt") next("cuda-sft") next("cuda-prompt") \
        next("paper-ntp") next("paper-sft")

/* "cpu-ntp, cpu-sft, ..." for messages */
#define PRESET_ONE(name) name
#define PRESET_MORE(name) ", " name
#define TRAIN_PRESET_LIST TRAIN_PRESETS(PRESET_ONE, PRESET_MORE)

#endif
