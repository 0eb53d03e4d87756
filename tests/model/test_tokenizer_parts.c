/* The parts of the tokenizer against slow versions of themselves: merges, added
 * tokens, normalisation, and the table of texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <utf8proc.h>

#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "engine/base/text.h"
#include "engine/model/tokenizer_added.h"
#include "engine/model/tokenizer_bpe.h"
#include "engine/model/tokenizer_map.h"
#include "engine/model/tokenizer_nfc.h"
#include "engine/model/tokenizer_vocab.h"

/* ---- merges ---- */

/* Every step looks at all pairs for the lowest rank, the leftmost first. */
static size_t merge_slowly(const struct bpe *bpe, int32_t *ids, size_t n)
{
    for (;;) {
        const struct bpe_merge *best = NULL;
        size_t at = 0;
        for (size_t i = 0; i + 1 < n; i++) {
            const struct bpe_merge *m = bpe_find(bpe, ids[i], ids[i + 1]);
            if (m && (!best || m->rank < best->rank)) {
                best = m;
                at = i;
            }
        }
        if (!best)
            return n;
        ids[at] = best->product;
        memmove(ids + at + 1, ids + at + 2, (n - at - 2) * sizeof *ids);
        n--;
    }
}

/* Tokens 0..3 and what random merges make of them; some merges share a rank. */
static void random_merges(struct rng *rng, struct bpe *bpe)
{
    bpe_init(bpe, 0);
    for (int32_t product = 4; product < 60; product++)
        bpe_add(bpe, (struct bpe_merge){(int32_t)rng_below(rng, (uint64_t)product),
                                        (int32_t)rng_below(rng, (uint64_t)product),
                                        product, (uint32_t)rng_below(rng, 40)});
}

static void merges_equal_the_slow_way(void **state)
{
    enum { LONGEST = 120 };
    struct rng rng;
    struct bpe_work work = {0};
    (void)state;
    rng_seed(&rng, 1);
    for (int round = 0; round < 3000; round++) {
        struct bpe bpe;
        int32_t ids[LONGEST];
        size_t n = 1 + rng_below(&rng, round % 2 ? 30 : LONGEST);
        random_merges(&rng, &bpe);
        for (size_t i = 0; i < n; i++) {
            ids[i] = (int32_t)rng_below(&rng, 4);
            bpe_push(&work, ids[i], (uint32_t)(2 * i), (uint32_t)(2 * i + 2));
        }
        bpe_run(&bpe, &work);
        assert_int_equal(work.symbols[0].start, 0);
        assert_int_equal(work.symbols[work.count - 1].end, 2 * n);
        assert_int_equal(work.count, merge_slowly(&bpe, ids, n));
        for (size_t i = 0; i < work.count; i++) {
            assert_int_equal(work.symbols[i].id, ids[i]);
            assert_true(i == 0 || work.symbols[i].start == work.symbols[i - 1].end);
        }
        work.count = 0;
        bpe_free(&bpe);
    }
    bpe_work_free(&work);
}

static void the_first_merge_of_a_pair_counts(void **state)
{
    struct bpe bpe;
    (void)state;
    bpe_init(&bpe, 0);
    const struct bpe_merge merges[] = {{1, 2, 3, 7}, {1, 2, 4, 5}, {3, 1, 5, 6}};
    bpe_add_all(&bpe, merges, 3);
    assert_int_equal(bpe_find(&bpe, 1, 2)->product, 3);
    assert_int_equal(bpe.count, 2);
    assert_null(bpe_find(&bpe, 2, 1));
    bpe_free(&bpe);
    assert_null(bpe_find(&bpe, 1, 2));
}

/* ---- the table of texts ---- */

/* All of them, each between one that is not there. */
static void find_all_of(const struct token_map *map, const struct text_span *keys, size_t count)
{
    struct text_span *asked = xcalloc(2 * count, sizeof *asked);
    int32_t *ids = xcalloc(2 * count, sizeof *ids);
    for (size_t i = 0; i < count; i++) {
        asked[2 * i] = keys[i];
        asked[2 * i + 1] = (struct text_span){"0123456789", i % 10};
    }
    token_map_find_all(map, asked, 2 * count, ids);
    for (size_t i = 0; i < 2 * count; i++)
        assert_int_equal(ids[i], token_map_find(map, asked[i].text, asked[i].length));
    free(asked);
    free(ids);
}

static void the_map_finds_what_was_put(void **state)
{
    enum { COUNT = 5000 };
    static char texts[COUNT][24];
    static struct text_span keys[COUNT];
    struct token_map map;
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        /* Lengths on both sides of the eight bytes that are hashed at once. */
        snprintf(texts[i], sizeof texts[i], "%.*s%zu", (int)(i % 17), "................",
                 i);
        keys[i] = (struct text_span){texts[i], strlen(texts[i])};
    }
    keys[COUNT - 1] = keys[7];
    token_map_init(&map, keys, COUNT);
    for (int32_t i = 0; i < COUNT; i++)
        assert_int_equal(token_map_put(&map, i), i == COUNT - 1 ? 7 : i);
    for (int32_t i = 0; i < COUNT - 1; i++)
        assert_int_equal(token_map_find(&map, keys[i].text, keys[i].length), i);
    assert_int_equal(token_map_find(&map, "", 0), -1);
    assert_int_equal(token_map_find(&map, "123456789012", 12), -1);
    assert_true(map.repeats);
    find_all_of(&map, keys, COUNT);
    token_map_free(&map);
    assert_int_equal(token_map_find(&map, "1", 1), -1);
}

/* ---- added tokens ---- */

static struct added_set make_set(const char *const *texts, const unsigned *flags,
                                 size_t count)
{
    struct added_set set = {0};
    for (size_t i = 0; i < count; i++)
        assert_true(added_set_put(&set, texts[i], strlen(texts[i]), (int32_t)i,
                                  flags ? flags[i] : 0, "t", i, NULL));
    added_set_finish(&set);
    return set;
}

/* The longest token at the first place that has one. */
static bool find_slowly(const char *const *texts, size_t count, const char *text,
                        size_t length, size_t from, struct added_match *match)
{
    for (size_t at = from; at < length; at++) {
        size_t longest = 0;
        for (size_t i = 0; i < count; i++) {
            size_t n = strlen(texts[i]);
            if (n > longest && n <= length - at && memcmp(texts[i], text + at, n) == 0) {
                longest = n;
                *match = (struct added_match){at, at + n, (int32_t)i};
            }
        }
        if (longest)
            return true;
    }
    return false;
}

static void added_tokens_equal_the_slow_way(void **state)
{
    static const char *const texts[] = {"<",  "<a>", "<a",  "<ab>", "b",
                                        "ba", "bab", ">>>", "a<b"};
    enum { COUNT = sizeof texts / sizeof *texts };
    struct added_set set = make_set(texts, NULL, COUNT);
    struct rng rng;
    (void)state;
    rng_seed(&rng, 2);
    for (int round = 0; round < 20000; round++) {
        char text[24];
        size_t length = rng_below(&rng, sizeof text), from = 0;
        struct added_match got, want;
        for (size_t i = 0; i < length; i++)
            text[i] = "<>ab "[rng_below(&rng, 5)];
        for (;;) {
            bool found = added_set_find(&set, text, length, from, true, &got);
            assert_int_equal(found, find_slowly(texts, COUNT, text, length, from, &want));
            if (!found)
                break;
            assert_int_equal(got.id, want.id);
            assert_int_equal(got.start, want.start);
            assert_int_equal(got.end, want.end);
            from = got.end;
        }
    }
    added_set_free(&set);
}

/* The first match of a text: "start-end", or "none". */
static void check_match(const struct added_set *set, const char *text, size_t from,
                        bool parse_special, const char *expected)
{
    struct added_match m;
    char got[64] = "none";
    if (added_set_find(set, text, strlen(text), from, parse_special, &m))
        snprintf(got, sizeof got, "%zu-%zu", m.start, m.end);
    if (strcmp(got, expected) != 0)
        fail_msg("\"%s\": %s, expected %s", text, got, expected);
}

static void added_tokens_honour_their_flags(void **state)
{
    static const char *const texts[] = {"<l>", "<r>", "word", "<s>", "<s>!"};
    static const unsigned flags[] = {ADDED_LSTRIP, ADDED_RSTRIP, ADDED_SINGLE_WORD,
                                     ADDED_SPECIAL, 0};
    struct added_set set = make_set(texts, flags, 5);
    (void)state;
    check_match(&set, "a \xc2\xa0\n<l> b", 0, true, "1-8");
    check_match(&set, "a \xc2\xa0\n<l> b", 4, true, "4-8");
    check_match(&set,
                "a <r> \xe3\x80\x80"
                "b",
                0, true, "2-9");
    check_match(&set, "a <r>", 0, true, "2-5");
    check_match(&set, "a word.", 0, true, "2-6");
    check_match(&set, "word", 0, true, "0-4");
    check_match(&set, "aword word", 0, true, "6-10");
    check_match(&set, "words", 0, true, "none");
    check_match(&set, "word_", 0, true, "none");
    check_match(&set, "\xc3\xa9word", 0, true, "none");
    check_match(&set, "word\xcc\x81", 0, true, "none");
    check_match(&set, "word\xff", 0, true, "0-4");
    check_match(&set, "a<s>b", 0, true, "1-4");
    check_match(&set, "a<s>b<r>", 0, false, "5-8");
    check_match(&set, "<s>!", 0, false, "0-4");
    added_set_free(&set);
}

static void added_tokens_have_limits(void **state)
{
    struct added_set set = {0};
    struct err err = {0};
    char text[ADDED_TEXT_MAX + 1];
    (void)state;
    memset(text, 'a', sizeof text);
    assert_false(added_set_put(&set, text, 0, 0, 0, "t", 3, &err));
    assert_string_equal(err.text, "t: added token 3: empty content");
    assert_false(added_set_put(&set, text, sizeof text, 0, 0, "t", 4, &err));
    assert_string_equal(err.text, "t: added token 4: 257 bytes, at most 256");
    assert_true(added_set_put(&set, text, sizeof text - 1, 0, 0, "t", 4, &err));
    added_set_free(&set);
}

/* ---- normalisation ---- */

static size_t random_characters(struct rng *rng, char *out, size_t count)
{
    static const uint32_t blocks[][2] = {
        {0x20, 0x7e},     {0xa0, 0x24f},     {0x300, 0x36f},   {0x900, 0x97f},
        {0xac00, 0xac80}, {0x1100, 0x1112},  {0x1161, 0x1175}, {0x11a8, 0x11c2},
        {0xf900, 0xfa60}, {0x1e00, 0x1fff},  {0x2100, 0x2140}, {0xf71, 0xf84},
        {0x9be, 0x9d7},   {0x1d150, 0x1d172}};
    size_t length = 0;
    for (size_t i = 0; i < count; i++) {
        const uint32_t *block = blocks[rng_below(rng, sizeof blocks / sizeof *blocks)];
        uint32_t c = block[0] + (uint32_t)rng_below(rng, block[1] - block[0] + 1);
        length += text_encode(c, out + length);
    }
    return length;
}

/* Normalised text and positions: they run along the original, and never back. */
static void check_positions(const struct nfc_text *nfc, const char *text, size_t length)
{
    size_t last = 0;
    for (size_t at = 0; at <= nfc->length; at++) {
        size_t from = nfc_original(nfc, at);
        assert_true(from >= last && from <= length);
        last = from;
    }
    assert_int_equal(nfc_original(nfc, 0), 0);
    assert_int_equal(last, length);
    for (size_t i = 0; i <= nfc->count; i++) {
        size_t start = i ? nfc->edits[i - 1].end : 0, from = i ? nfc->edits[i - 1].to : 0;
        size_t end = i < nfc->count ? nfc->edits[i].start : nfc->length;
        assert_memory_equal(nfc->text + start, text + from, end - start);
    }
}

static void normalisation_equals_that_of_the_whole(void **state)
{
    struct rng rng;
    size_t changed = 0;
    (void)state;
    rng_seed(&rng, 3);
    for (int round = 0; round < 5000; round++) {
        char text[128];
        size_t length = random_characters(&rng, text, rng_below(&rng, 24));
        text[length] = '\0';
        char *want = (char *)utf8proc_NFC((const utf8proc_uint8_t *)text);
        struct nfc_text nfc;
        if (nfc_apply(&nfc, text, length)) {
            changed++;
            assert_int_equal(nfc.length, strlen(want));
            assert_memory_equal(nfc.text, want, nfc.length);
            check_positions(&nfc, text, length);
        } else {
            assert_string_equal(text, want);
        }
        nfc_free(&nfc);
        free(want);
    }
    assert_true(changed > 1000);
}

static void normalisation_leaves_other_bytes_alone(void **state)
{
    struct nfc_text nfc;
    (void)state;
    assert_false(nfc_apply(&nfc, "", 0));
    assert_false(nfc_apply(&nfc, "plain\0\xff\xcc", 8));
    assert_false(nfc_apply(&nfc, "\xc3\xa9\xed\xa0\x80", 5));
    assert_true(nfc_apply(&nfc, "\xffxe\xcc\x81y\xcc", 7));
    assert_int_equal(nfc.length, 6);
    assert_memory_equal(nfc.text, "\xffx\xc3\xa9y\xcc", 6);
    assert_int_equal(nfc_original(&nfc, 2), 2);
    assert_int_equal(nfc_original(&nfc, 4), 5);
    assert_int_equal(nfc_original(&nfc, 6), 7);
    nfc_free(&nfc);
}

/* ---- vocabulary ---- */

static void byte_tokens_are_read_strictly(void **state)
{
    static const char *const wrong[] = {"",       "<0x>",   "<0x-1>", "<0xZZ>", "<0x+F>",
                                        "<0x0a>", "<0X0A>", "<0x 1>", "<0x100", " 0x10>"};
    char text[8];
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        snprintf(text, sizeof text, "<0x%02X>", (unsigned)byte);
        assert_int_equal(vocab_byte_value(text, 6), byte);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(vocab_byte_value(wrong[i], strlen(wrong[i])), -1);
}

/* The alphabet in which byte-level files write bytes: 188 of them as themselves,
 * the others from U+0100 on. */
static void the_byte_alphabet_covers_all_bytes(void **state)
{
    char texts[256][4];
    struct text_span spans[256];
    uint8_t types[256];
    struct vocab vocab;
    struct err err = {0};
    uint32_t other = 0x100;
    (void)state;
    memset(types, TOKEN_NORMAL, sizeof types);
    for (uint32_t byte = 0; byte < 256; byte++) {
        bool own = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte != 0xad);
        spans[byte].text = texts[byte];
        spans[byte].length = text_encode(own ? byte : other++, texts[byte]);
    }
    assert_int_equal(other, 0x144);
    const struct vocab_source source = {
        .alphabet = VOCAB_BYTE_LEVEL, .texts = spans, .types = types, .count = 256, .name = "t"};
    assert_true(vocab_build(&vocab, &source, &err));
    for (int byte = 0; byte < 256; byte++) {
        assert_int_equal(vocab.byte_ids[byte], byte);
        assert_int_equal(vocab.pieces[byte].length, 1);
        assert_int_equal((unsigned char)vocab.pieces[byte].text[0], byte);
    }
    vocab_free(&vocab);
}

static void pieces_have_a_limit(void **state)
{
    char text[VOCAB_PIECE_MAX + 1];
    struct text_span span = {text, sizeof text};
    struct vocab vocab;
    struct err err = {0};
    (void)state;
    memset(text, 'a', sizeof text);
    const struct vocab_source source = {.alphabet = VOCAB_BYTE_LEVEL,
                                        .texts = &span,
                                        .types = &(uint8_t){TOKEN_NORMAL},
                                        .count = 1,
                                        .name = "t"};
    assert_false(vocab_build(&vocab, &source, &err));
    assert_string_equal(err.text, "t: token 0 has 1025 bytes, at most 1024");
    vocab_free(&vocab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merges_equal_the_slow_way),
        cmocka_unit_test(the_first_merge_of_a_pair_counts),
        cmocka_unit_test(the_map_finds_what_was_put),
        cmocka_unit_test(added_tokens_equal_the_slow_way),
        cmocka_unit_test(added_tokens_honour_their_flags),
        cmocka_unit_test(added_tokens_have_limits),
        cmocka_unit_test(normalisation_equals_that_of_the_whole),
        cmocka_unit_test(normalisation_leaves_other_bytes_alone),
        cmocka_unit_test(byte_tokens_are_read_strictly),
        cmocka_unit_test(the_byte_alphabet_covers_all_bytes),
        cmocka_unit_test(pieces_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
