#include "engine/eval/prompt.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/data/dataset.h"

enum { QUESTION_TOKENS_MAX = 64 };

void prompt_query(const struct tokenizer *tokenizer, const char *question, struct token_list *out)
{
    size_t before = out->count, prefix = strlen(sft_prefix), length = strlen(question);
    char *text = xmalloc(prefix + length + 1);
    memcpy(text, sft_prefix, prefix);
    memcpy(text + prefix, question, length + 1);
    tokenizer_encode(tokenizer, text, prefix + length, 0, out);
    out->count = size_min(out->count, before + QUESTION_TOKENS_MAX);
    tokenizer_encode(tokenizer, sft_suffix, strlen(sft_suffix), 0, out);
    free(text);
}
