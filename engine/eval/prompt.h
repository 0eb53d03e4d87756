/* The prompt of evaluation and of the explorer (METHOD section 7): the question and
 * the answer instruction, tokenised one after the other, both without BOS. */
#ifndef ENGINE_EVAL_PROMPT_H
#define ENGINE_EVAL_PROMPT_H

#include "engine/model/tokenizer.h"

/* Appends the tokens of "Question: {question}" (the first 64 of them) and of
 * "Answer ... Answer:". */
void prompt_query(const struct tokenizer *tokenizer, const char *question, struct token_list *out);

#endif
