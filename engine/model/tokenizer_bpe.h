/* Byte-pair merges. A word is a row of symbols, each one token; again and again
 * the neighbours whose merge has the lowest rank (the leftmost of these) become
 * one token, until no two neighbours have a merge. */
#ifndef ENGINE_MODEL_TOKENIZER_BPE_H
#define ENGINE_MODEL_TOKENIZER_BPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bpe_merge {
    int32_t left, right; /* left < 0: a free slot */
    int32_t product;
    uint32_t rank;
};

struct bpe {
    struct bpe_merge *slots;
    size_t mask, count;
    uint64_t seed;
};

/* An empty table; it grows as merges are added. */
void bpe_init(struct bpe *bpe, size_t expected);
void bpe_free(struct bpe *bpe);

/* The first merge of a pair counts; a later one of the same pair is ignored. */
void bpe_add(struct bpe *bpe, struct bpe_merge merge);

/* The same for `count` merges: the memory is asked for several at a time. */
void bpe_add_all(struct bpe *bpe, const struct bpe_merge *merges, size_t count);

/* NULL when the two do not merge. An all-zero table holds no merges. */
const struct bpe_merge *bpe_find(const struct bpe *bpe, int32_t left, int32_t right);

/* A token and the bytes [start, end) of the text that it stands for. */
struct bpe_symbol {
    uint32_t start, end;
    int32_t id;
    int32_t previous, next; /* neighbours by index, -1 = none; set by bpe_run */
};

struct bpe_candidate {
    uint32_t rank;
    int32_t at; /* index of the left symbol */
    int32_t product;
};

/* Scratch space for one word after the other. */
struct bpe_work {
    struct bpe_symbol *symbols;
    size_t count, capacity;
    struct bpe_candidate *heap;
    size_t heap_count, heap_capacity;
};

void bpe_push(struct bpe_work *work, int32_t id, uint32_t start, uint32_t end);

/* Merges the symbols of the word in place; count shrinks to what is left, in
 * order. O(n log n) for n symbols. */
void bpe_run(const struct bpe *bpe, struct bpe_work *work);
void bpe_work_free(struct bpe_work *work);

#endif
