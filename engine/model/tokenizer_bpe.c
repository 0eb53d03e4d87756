#include "engine/model/tokenizer_bpe.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/model/tokenizer_map.h"

/* Up to this many symbols a scan for the best pair beats the heap. */
enum { SHORT_WORD = 24 };

/* ---- the table of merges ---- */

static void allocate_slots(struct bpe *bpe, size_t size)
{
    bpe->slots = xcalloc(size, sizeof *bpe->slots);
    for (size_t i = 0; i < size; i++)
        bpe->slots[i].left = -1;
    bpe->mask = size - 1;
}

void bpe_init(struct bpe *bpe, size_t expected)
{
    size_t size = 16;
    while (size < 2 * expected)
        size *= 2;
    *bpe = (struct bpe){0};
    allocate_slots(bpe, size);
    /* An address differs from run to run: a file cannot be made to collide. */
    bpe->seed = (uint64_t)(uintptr_t)bpe->slots;
}

void bpe_free(struct bpe *bpe)
{
    free(bpe->slots);
    *bpe = (struct bpe){0};
}

static size_t first_slot(const struct bpe *bpe, int32_t left, int32_t right)
{
    uint64_t key = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
    return token_hash_mix(key, bpe->seed) & bpe->mask;
}

static struct bpe_merge *find_slot(const struct bpe *bpe, int32_t left, int32_t right)
{
    for (size_t at = first_slot(bpe, left, right);; at = (at + 1) & bpe->mask) {
        struct bpe_merge *slot = &bpe->slots[at];
        if (slot->left < 0 || (slot->left == left && slot->right == right))
            return slot;
    }
}

static void grow_slots(struct bpe *bpe)
{
    struct bpe_merge *old = bpe->slots;
    size_t size = bpe->mask + 1;
    allocate_slots(bpe, 2 * size);
    for (size_t i = 0; i < size; i++)
        if (old[i].left >= 0)
            *find_slot(bpe, old[i].left, old[i].right) = old[i];
    free(old);
}

void bpe_add(struct bpe *bpe, struct bpe_merge merge)
{
    if (2 * (bpe->count + 1) > bpe->mask + 1)
        grow_slots(bpe);
    struct bpe_merge *slot = find_slot(bpe, merge.left, merge.right);
    if (slot->left >= 0)
        return;
    *slot = merge;
    bpe->count++;
}

void bpe_add_all(struct bpe *bpe, const struct bpe_merge *merges, size_t count)
{
    for (size_t i = 0; i < count; i++)
        __builtin_prefetch(&bpe->slots[first_slot(bpe, merges[i].left, merges[i].right)], 1);
    for (size_t i = 0; i < count; i++)
        bpe_add(bpe, merges[i]);
}

const struct bpe_merge *bpe_find(const struct bpe *bpe, int32_t left, int32_t right)
{
    if (!bpe->slots)
        return NULL;
    const struct bpe_merge *slot = find_slot(bpe, left, right);
    return slot->left < 0 ? NULL : slot;
}

/* ---- words ---- */

void bpe_push(struct bpe_work *work, int32_t id, uint32_t start, uint32_t end)
{
    MEM_GROW(work->symbols, work->capacity, work->count + 1);
    work->symbols[work->count++] =
        (struct bpe_symbol){.start = start, .end = end, .id = id};
}

void bpe_work_free(struct bpe_work *work)
{
    free(work->symbols);
    free(work->heap);
    *work = (struct bpe_work){0};
}

/* Merges by looking at all pairs in every round. */
static void run_short(const struct bpe *bpe, struct bpe_work *work)
{
    const struct bpe_merge *merges[SHORT_WORD];
    struct bpe_symbol *s = work->symbols;
    size_t n = work->count;
    for (size_t i = 0; i + 1 < n; i++)
        merges[i] = bpe_find(bpe, s[i].id, s[i + 1].id);
    for (;;) {
        size_t best = n;
        for (size_t i = 0; i + 1 < n; i++)
            if (merges[i] && (best == n || merges[i]->rank < merges[best]->rank))
                best = i;
        if (best == n)
            break;
        s[best].id = merges[best]->product;
        s[best].end = s[best + 1].end;
        n--;
        memmove(s + best + 1, s + best + 2, (n - best - 1) * sizeof *s);
        if (best + 1 < n) {
            memmove(merges + best + 1, merges + best + 2,
                    (n - best - 2) * sizeof *merges);
            merges[best] = bpe_find(bpe, s[best].id, s[best + 1].id);
        }
        if (best > 0)
            merges[best - 1] = bpe_find(bpe, s[best - 1].id, s[best].id);
    }
    work->count = n;
}

static bool goes_before(struct bpe_candidate a, struct bpe_candidate b)
{
    return a.rank < b.rank || (a.rank == b.rank && a.at < b.at);
}

static void heap_push(struct bpe_work *work, struct bpe_candidate candidate)
{
    MEM_GROW(work->heap, work->heap_capacity, work->heap_count + 1);
    size_t i = work->heap_count++;
    for (; i > 0; i = (i - 1) / 2) {
        if (!goes_before(candidate, work->heap[(i - 1) / 2]))
            break;
        work->heap[i] = work->heap[(i - 1) / 2];
    }
    work->heap[i] = candidate;
}

static struct bpe_candidate heap_pop(struct bpe_work *work)
{
    struct bpe_candidate *heap = work->heap, top = heap[0];
    size_t n = --work->heap_count;
    struct bpe_candidate last = heap[n];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= n)
            break;
        if (child + 1 < n && goes_before(heap[child + 1], heap[child]))
            child++;
        if (!goes_before(heap[child], last))
            break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = last;
    return top;
}

/* Enters the merge of the symbol at `at` with its right neighbour, if any. */
static void propose(const struct bpe *bpe, struct bpe_work *work, int32_t at)
{
    const struct bpe_symbol *s = work->symbols;
    if (at < 0 || s[at].next < 0)
        return;
    const struct bpe_merge *merge = bpe_find(bpe, s[at].id, s[s[at].next].id);
    if (merge)
        heap_push(work, (struct bpe_candidate){merge->rank, at, merge->product});
}

/* Symbols that were merged away have the id -1; a candidate is stale when its
 * pair gives another product by now. */
static bool is_stale(const struct bpe *bpe, const struct bpe_work *work,
                     struct bpe_candidate candidate)
{
    const struct bpe_symbol *s = &work->symbols[candidate.at];
    if (s->id < 0 || s->next < 0)
        return true;
    const struct bpe_merge *merge = bpe_find(bpe, s->id, work->symbols[s->next].id);
    return !merge || merge->product != candidate.product;
}

static void apply(const struct bpe *bpe, struct bpe_work *work,
                  struct bpe_candidate candidate)
{
    struct bpe_symbol *left = &work->symbols[candidate.at];
    struct bpe_symbol *right = &work->symbols[left->next];
    left->id = candidate.product;
    left->end = right->end;
    left->next = right->next;
    right->id = -1;
    if (left->next >= 0)
        work->symbols[left->next].previous = candidate.at;
    propose(bpe, work, left->previous);
    propose(bpe, work, candidate.at);
}

static void run_long(const struct bpe *bpe, struct bpe_work *work)
{
    struct bpe_symbol *s = work->symbols;
    int32_t n = (int32_t)work->count;
    for (int32_t i = 0; i < n; i++) {
        s[i].previous = i - 1;
        s[i].next = i + 1 < n ? i + 1 : -1;
    }
    work->heap_count = 0;
    for (int32_t i = 0; i < n; i++)
        propose(bpe, work, i);
    while (work->heap_count > 0) {
        struct bpe_candidate candidate = heap_pop(work);
        if (!is_stale(bpe, work, candidate))
            apply(bpe, work, candidate);
    }
    size_t kept = 0;
    for (int32_t i = 0; i >= 0; i = s[i].next)
        s[kept++] = s[i];
    work->count = kept;
}

void bpe_run(const struct bpe *bpe, struct bpe_work *work)
{
    if (work->count < 2)
        return;
    if (work->count <= SHORT_WORD)
        run_short(bpe, work);
    else
        run_long(bpe, work);
}
