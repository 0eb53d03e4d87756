/* A data file as tokens in memory, and the samples that are cut from it (METHOD
 * section 6):
 *   NTP          blocks of context + predict tokens of the concatenated documents
 *   RECONSTRUCT  a block whose context is to be said again from its slots
 *   SFT          a question on a context, its first gold answer and EOS
 * The end of every file can be held out; training and validation never share a
 * token or a context. */
#ifndef ENGINE_DATA_DATASET_H
#define ENGINE_DATA_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/progress.h"
#include "engine/data/records.h"
#include "engine/data/sample.h"
#include "engine/model/tokenizer.h"

enum phase { PHASE_NTP, PHASE_RECONSTRUCT, PHASE_SFT, PHASES };
extern const char *const phase_name[PHASES]; /* "ntp", "reconstruct", "sft" */

/* Lengths of a sample. For SFT, context is the most that is kept, predict the most
 * of question and answer together. */
struct block_shape {
    size_t context, predict;
};

enum part { PART_TRAINING, PART_HELD_OUT };

enum { SFT_CHARACTERS_PER_TOKEN = 6 };

/* The query of SFT, tokenised as one string: prefix, question, suffix. */
extern const char sft_prefix[], sft_suffix[];

struct dataset_question {
    size_t context_at, context_n; /* tokens of the context in `tokens` */
    size_t context_cut;           /* tokens or, before tokenising, characters that were cut */
    char *cut_text;               /* how what was cut begins; NULL: nothing was */
    char *id, *question;
    char **answers;
    size_t n_answers;
    size_t line;
};

struct dataset {
    char *path;
    double weight;
    char sha256[65]; /* of the file, to notice a change when a run is resumed */
    size_t bytes;
    int32_t *tokens; /* all documents, or all contexts, one behind the other */
    size_t n_tokens, capacity;
    size_t documents, bad;
    struct dataset_question *questions;
    size_t n_questions, question_capacity;
    size_t train_tokens, train_questions; /* those before the held-out end */
    size_t *groups; /* [n_groups + 1] first questions, see dataset_group; NULL: one each */
    size_t n_groups;
    const char *form;
};

/* Reads and tokenises the whole file. context_max: SFT contexts keep that many
 * tokens at their end. */
struct dataset *dataset_load(const char *path, const struct records_options *options,
                             const struct tokenizer *tokenizer, size_t context_max,
                             const struct progress *progress, struct err *err);
void dataset_free(struct dataset *dataset);

bool dataset_is_qa(const struct dataset *dataset);

/* Keeps the last `tokens` tokens, or `questions` questions (and those before them
 * that share their first context), but at most a tenth of the file, out of training. */
void dataset_hold_out(struct dataset *dataset, size_t tokens, size_t questions);

/* Puts training questions that share a context into groups of at most `most`, which are
 * drawn together; after dataset_hold_out. */
void dataset_group(struct dataset *dataset, size_t most);

/* How many samples of a phase one part has. */
size_t dataset_count(const struct dataset *dataset, enum part part, enum phase phase,
                     struct block_shape shape);

/* Sample i < dataset_count of that part; to be freed with sample_free. */
struct sample dataset_sample(const struct dataset *dataset, const struct tokenizer *tokenizer,
                             enum part part, enum phase phase, struct block_shape shape, size_t i);

/* The query tokens of a question alone, as SFT has them. */
void dataset_query(const struct tokenizer *tokenizer, const char *question,
                   struct token_list *out);

#endif
