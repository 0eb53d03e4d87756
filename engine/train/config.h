/* The settings of a training run: one table gives the struct, the defaults, the
 * "key = value" files, --set, --print-config and the help text. */
#ifndef ENGINE_TRAIN_CONFIG_H
#define ENGINE_TRAIN_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "engine/compress/compressor.h"
#include "engine/data/stream.h"

enum { CONFIG_TEXT_MAX = 192 };

/* kind, key, default, help. Kinds: COUNT (unsigned integer), NUMBER, TEXT. */
#define TRAIN_CONFIG(X)                                                                            \
    X(TEXT, phase, "ntp", "ntp, sft or prompt")                                                    \
    X(NUMBER, mix_ntp, 1.0, "share of next-token blocks in the samples")                           \
    X(NUMBER, mix_reconstruct, 0.0, "share of reconstruction blocks (our extension in this form)") \
    X(NUMBER, mix_sft, 0.0, "share of question-answer samples")                                    \
    X(TEXT, blocks, "512+128", "context+predicted tokens of a block; a list mixes them by step")   \
    X(COUNT, sft_context, 512, "longest context of a question, in tokens")                         \
    X(COUNT, sft_tokens, 128, "question and answer together, in tokens")                           \
    X(COUNT, sft_group, 1, "most questions of a context in a row, which share its pass")           \
    X(COUNT, steps, 763, "optimizer steps")                                                        \
    X(COUNT, batch, 2048, "samples a step")                                                        \
    X(COUNT, micro_batch, 16, "samples in one pass")                                               \
    X(TEXT, accumulate, "sum",                                                                     \
      "gradient of a step: sum of the micro-batches' mean losses, or mean")                        \
    X(TEXT, optimizer, "adamw", "adamw, or muon for the 2-D weights (our extension)")              \
    X(NUMBER, lr, 1e-4, "peak learning rate")                                                      \
    X(NUMBER, warmup, 0.05, "share of the steps with a rising rate")                               \
    X(TEXT, schedule, "linear", "linear, cosine or constant, after the warm-up")                   \
    X(NUMBER, beta1, 0.9, "AdamW")                                                                 \
    X(NUMBER, beta2, 0.999, "AdamW")                                                               \
    X(NUMBER, adam_eps, 1e-8, "AdamW")                                                             \
    X(NUMBER, average, 0.0,                                                                        \
      "share that a mean of the weights keeps a step; 0 = none (our extension)")                   \
    X(NUMBER, weight_decay, 0.0, "AdamW")                                                          \
    X(NUMBER, muon_momentum, 0.9, "Muon")                                                          \
    X(NUMBER, gate_rate, 1.0, "share of lr that the gate's Wq and Wk take (our extension)")        \
    X(NUMBER, value_rate, 1.0, "share of lr that the gate's Wv takes (our extension)")             \
    X(NUMBER, clip, 20.0, "largest norm of the gradient; 0 = off")                                 \
    X(COUNT, window, 128, "tokens that share a plan")                                              \
    X(TEXT, ratio_schedule, "0:4", "step:ratio, ...: the ratio from that step on (our extension)") \
    X(TEXT, eps_schedule, "0:0.1", "step:eps, ...: Sinkhorn's regularisation from that step on")   \
    X(COUNT, iters, 30, "Sinkhorn's iterations")                                                   \
    X(TEXT, align, "tail", "tail or head")                                                         \
    X(TEXT, positions, "reference", "of short contexts: reference (gap kept) or contiguous")       \
    X(TEXT, init, "published",                                                                     \
      "published, warm (our extension), or the path of what to go on from")                        \
    X(NUMBER, warm_gate, 12.0, "warm: preference of the gate for the embedding layer")             \
    X(NUMBER, warm_spread, 0.0,                                                                    \
      "warm: share of the gate's weight on the layers above the embedding")                        \
    X(NUMBER, distill, 0.0, "times the KL divergence from the full context (our extension)")       \
    X(TEXT, soft_prompt, "none",                                                                   \
      "sft: a trained soft prompt in front of every question (our extension)")                     \
    X(COUNT, soft_tokens, 32, "virtual tokens of the prompt phase")                                \
    X(COUNT, valid_every, 50, "steps between validations; 0 = never")                              \
    X(COUNT, valid_samples, 32, "held-out samples of each kind in a validation")                   \
    X(COUNT, health_stop, 0, "validations in a row with a sick plan that end a run; 0 = none do")  \
    X(NUMBER, valid_ratio, 4.0, "the ratio that validations use")                                  \
    X(COUNT, held_out_tokens, 100000, "tokens at the end of each text file kept out of training")  \
    X(COUNT, held_out_questions, 500, "questions at the end of each file kept out of training")    \
    X(COUNT, save_every, 25, "steps between checkpoints")                                          \
    X(COUNT, keep, 3, "checkpoints that are kept beside the best")                                 \
    X(TEXT, frozen_precision, "f32",                                                               \
      "frozen passes: f32, q16, mixed, q8, bf16; on a GPU f32, tf32")                              \
    X(TEXT, device, "cpu", "where passes are computed: cpu, or cuda (make CUDA=1)")                \
    X(COUNT, seed, 1, "of the initialisation and the order of samples")

/* Keys whose value is one of a few words. */
#define TRAIN_WORDS(X)                                                                             \
    X(phase, "ntp|sft|prompt")                                                                     \
    X(accumulate, "sum|mean")                                                                      \
    X(optimizer, "adamw|muon")                                                                     \
    X(schedule, "linear|cosine|constant")                                                          \
    X(align, "tail|head")                                                                          \
    X(positions, "reference|contiguous")                                                           \
    X(frozen_precision, "f32|q16|mixed|q8|bf16|tf32")                                              \
    X(device, "cpu|cuda")

#define TRAIN_MEMBER_COUNT(key) size_t key;
#define TRAIN_MEMBER_NUMBER(key) double key;
#define TRAIN_MEMBER_TEXT(key) char key[CONFIG_TEXT_MAX];
#define TRAIN_MEMBER(kind, key, standard, help) TRAIN_MEMBER_##kind(key)
struct train_config {
    TRAIN_CONFIG(TRAIN_MEMBER)
};
#undef TRAIN_MEMBER

void train_config_defaults(struct train_config *config);

/* Sets one key from text; an unknown key or a bad value is a usage error that
 * names what is expected. */
bool train_config_set(struct train_config *config, const char *key, const char *value,
                      struct err *err);

/* Applies a file of "key = value" lines ("#" begins a comment). */
bool train_config_read(struct train_config *config, const char *path, struct err *err);

/* The file form of all keys with their help, to be freed. */
char *train_config_print(const struct train_config *config);

/* The i-th setting of the table as text; false behind the last. */
struct train_config_row {
    const char *key, *help; /* borrowed */
    char value[CONFIG_TEXT_MAX];
};
bool train_config_row(const struct train_config *config, size_t i, struct train_config_row *row);

/* Checks values against each other. */
bool train_config_check(const struct train_config *config, struct err *err);

/* "0:1.5,400:2" -> the value at `step`; false when the text is malformed. */
bool schedule_value_at(const char *schedule, size_t step, double *value);

/* "128+64,512+128" -> shapes; returns their number, 0 when malformed. */
size_t train_config_shapes(const char *text, struct block_shape shapes[STREAM_SHAPES_MAX]);

/* The settings of the compressor at a step. */
void train_config_settings(const struct train_config *config, size_t step,
                           struct compress_settings *settings);

#endif
