/* Pre-tokenizers: how a text is cut into words before byte-pair merging. The
 * published patterns are matched by hand-written scanners, in one pass without
 * backtracking; a pattern that a file brings along is only ever compared with
 * them, never executed. */
#ifndef ENGINE_MODEL_TOKENIZER_SPLIT_H
#define ENGINE_MODEL_TOKENIZER_SPLIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum split_kind {
    SPLIT_NONE,
    SPLIT_GPT2,    /* 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|
                      \s+(?!\S)|\s+ */
    SPLIT_SMOLLM,  /* every \p{N} alone, GPT-2 on what lies between */
    SPLIT_DEFAULT, /* [\p{P}$+<=>^~|]+ apart, GPT-2 between, then \p{N}+ apart, then
                      groups of three ASCII digits */
    SPLIT_LLAMA3,  /* (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|
                      ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+  (a space before
                      the second "?") */
    SPLIT_QWEN2    /* as LLAMA3, but \p{N} instead of \p{N}{1,3} */
};

/* "gpt-2", "smollm", ... of GGUF's tokenizer.ggml.pre, or SPLIT_NONE. */
enum split_kind split_from_name(const char *name, size_t length);
const char *split_name(enum split_kind kind);

/* The kind whose regular expression this is, as published, or SPLIT_NONE. */
enum split_kind split_from_pattern(const char *pattern, size_t length);

/* Length of the first word of text[0..length), length > 0. Bytes that are not
 * UTF-8 count as symbols. The rest of the text is cut independently of what was
 * cut off before. */
size_t split_first(enum split_kind kind, const char *text, size_t length);

#endif
