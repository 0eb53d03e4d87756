/* Any bytes as a text, for the tokenizers of tests/golden-extra; the first byte says
 * for which. The ranges of the tokens lie side by side and cover the text, and a
 * token is what stands in its range. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/err.h"
#include "engine/base/file.h"
#include "engine/model/tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* exact: no normalisation, so that a token's bytes are those of its range. */
static const struct kind {
    const char *name;
    bool exact;
} kinds[] = {
    {"gpt-2", true},       {"default", true},    {"llama-bpe", true},  {"qwen2", false},
    {"spm-legacy", false}, {"spm-first", false}, {"spm-words", false},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static struct tokenizer *open_kind(const char *name)
{
    char path[128], *json;
    size_t length;
    struct err err = {0};
    snprintf(path, sizeof path, "tests/golden-extra/tokenizers/%s.json", name);
    CHECK(file_read(path, 1 << 24, &json, &length, &err));
    struct tokenizer *t = tokenizer_from_json(json, length, path, 4096, &err);
    CHECK(t);
    free(json);
    return t;
}

static void check_text(const struct tokenizer *t, bool exact, const char *text,
                       size_t length)
{
    struct token_list list = {0};
    uint32_t end = 0;
    tokenizer_encode(t, text, length, 0, &list);
    for (size_t i = 0; i < list.count; i++) {
        size_t bytes;
        const char *piece = tokenizer_piece(t, list.ids[i], false, &bytes);
        const char *range = text + list.start[i];
        CHECK(list.start[i] == end && list.end[i] >= end);
        end = list.end[i];
        /* An added token may have taken white space along. */
        CHECK(!exact || bytes == 0 ||
              memmem(range, list.end[i] - list.start[i], piece, bytes));
    }
    CHECK(end == length);
    token_list_free(&list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tokenizer *tokenizers[KINDS];
    if (size == 0)
        return 0;
    size_t k = data[0] % KINDS;
    if (!tokenizers[k])
        tokenizers[k] = open_kind(kinds[k].name);
    check_text(tokenizers[k], kinds[k].exact, (const char *)data + 1, size - 1);
    return 0;
}
