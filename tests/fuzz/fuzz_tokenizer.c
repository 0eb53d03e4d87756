/* A tokenizer.json, a NUL, and a text for it, whose first byte also chooses the flags: the
 * loader, then the text there and back. fuzz_encode.c has the long texts. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/err.h"
#include "engine/base/size.h"
#include "engine/model/tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROWS = 512, TEXT_BYTES = 128, FLAGS = 4 };

static void check_tokens(const struct tokenizer *t, const struct token_list *list,
                         size_t length)
{
    uint32_t end = 0;
    for (size_t i = 0; i < list->count; i++) {
        CHECK(list->ids[i] >= 0 && (size_t)list->ids[i] < tokenizer_vocab(t));
        CHECK(list->start[i] >= end && list->end[i] >= list->start[i]);
        end = list->end[i];
    }
    CHECK(end <= length);
}

/* A stream gives out what decoding at once does. */
static void check_decoding(const struct tokenizer *t, const struct token_list *list)
{
    struct token_stream stream = {0};
    size_t length, used = 0;
    char *text = tokenizer_decode(t, list->ids, list->count, false, &length);
    for (size_t i = 0; i <= list->count; i++) {
        size_t n;
        const char *part = i < list->count
                               ? token_stream_feed(&stream, t, list->ids[i], &n)
                               : token_stream_flush(&stream, &n);
        CHECK(n <= length - used && memcmp(part, text + used, n) == 0);
        used += n;
    }
    CHECK(used == length);
    free(text);
    free(tokenizer_decode(t, list->ids, list->count, true, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *nul = memchr(data, 0, size);
    size_t length = nul ? (size_t)(nul - data) : size;
    const char *text = nul ? (const char *)nul + 1 : "text";
    size_t text_length = size_min(nul ? size - length - 1 : 4, TEXT_BYTES);
    unsigned flags = text_length ? (unsigned char)text[0] % FLAGS : 0u;
    struct err err = {0};
    struct tokenizer *t =
        tokenizer_from_json((const char *)data, length, "fuzz", ROWS, &err);
    CHECK(t || (err.code == ERR_INPUT && *err.text));
    if (t) {
        struct token_list list = {0};
        tokenizer_encode(t, text, text_length, flags, &list);
        check_tokens(t, &list, text_length);
        check_decoding(t, &list);
        token_list_free(&list);
    }
    tokenizer_free(t);
    return 0;
}
