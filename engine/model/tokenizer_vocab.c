#include "engine/model/tokenizer_vocab.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/base/text.h"

/* Bytes that the byte-level alphabet writes as themselves (in Latin-1). */
static bool is_own_character(int byte)
{
    return (byte >= '!' && byte <= '~') || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
}

/* The byte that a character of the byte-level alphabet stands for, or -1. The
 * other bytes are numbered from U+0100 in their order. */
static int byte_of_character(uint32_t c)
{
    if (c < 0x100)
        return is_own_character((int)c) ? (int)c : -1;
    if (c < 0x100 + 33)
        return (int)(c - 0x100);
    if (c < 0x100 + 33 + 34)
        return (int)(c - 0x100 - 33) + 0x7f;
    return c == 0x100 + 67 ? 0xad : -1;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool vocab_looks_like_byte(const char *text, size_t length)
{
    return length == 6 && memcmp(text, "<0x", 3) == 0 && text[5] == '>';
}

int vocab_byte_value(const char *text, size_t length)
{
    if (!vocab_looks_like_byte(text, length))
        return -1;
    int high = hex_value(text[3]), low = hex_value(text[4]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* Writes the bytes that a byte-level token stands for; false when the text has a
 * character outside of the alphabet. Never longer than the text. */
static bool decode_byte_level(const struct text_span *text, char *out, size_t *length)
{
    size_t n = 0;
    for (size_t i = 0; i < text->length;) {
        uint32_t c = (unsigned char)text->text[i];
        i += c < 0x80 ? 1 : text_decode(text->text + i, text->length - i, &c);
        int byte = byte_of_character(c);
        if (byte < 0)
            return false;
        out[n++] = (char)byte;
    }
    *length = n;
    return true;
}

static void decode_space_marks(const struct text_span *text, char *out, size_t *length)
{
    size_t n = 0;
    for (size_t i = 0; i < text->length;) {
        bool mark = vocab_is_space_mark(text->text + i, text->length - i);
        out[n++] = mark ? ' ' : text->text[i];
        i += mark ? 3 : 1;
    }
    *length = n;
}

/* Of several tokens of one byte the first normal one stands for it. */
static void enter_byte(struct vocab *vocab, size_t id, unsigned char byte)
{
    int32_t *now = &vocab->byte_ids[byte];
    if (*now < 0 || vocab->types[*now] == TOKEN_BYTE)
        *now = (int32_t)id;
}

/* Writes the piece of token `id` to out and enters it where text can find it. */
static bool add_piece(struct vocab *vocab, const struct vocab_source *source, size_t id, char *out,
                      struct err *err)
{
    const struct text_span *text = &source->texts[id];
    struct text_span *piece = &vocab->pieces[id];
    bool byte_level = vocab->alphabet == VOCAB_BYTE_LEVEL, findable = false;
    *piece = (struct text_span){out, text->length};
    memcpy(out, text->text, text->length);
    if (vocab->types[id] == TOKEN_BYTE) {
        int byte = vocab_byte_value(text->text, text->length);
        if (byte < 0)
            return err_set(err, ERR_INPUT,
                           "%s: token %zu: byte token malformed: \"%.*s\", expected "
                           "<0x00> to <0xFF>",
                           source->name, id, (int)size_min(text->length, 32), text->text);
        out[0] = (char)byte;
        piece->length = 1;
        vocab->byte_ids[byte] = (int32_t)id;
    } else if (vocab->types[id] == TOKEN_NORMAL && byte_level) {
        findable = decode_byte_level(text, out, &piece->length);
    } else if (vocab->types[id] != TOKEN_CONTROL && !byte_level) {
        decode_space_marks(text, out, &piece->length);
        findable = vocab->types[id] == TOKEN_NORMAL || vocab->types[id] == TOKEN_USER;
    }
    if (!findable || piece->length == 0)
        return true;
    if (byte_level && piece->length == 1)
        enter_byte(vocab, id, (unsigned char)out[0]);
    if (vocab->map.slots)
        token_map_put(&vocab->map, (int32_t)id);
    return true;
}

/* The bytes that all pieces need at most; a decoded piece is never longer than
 * its text. */
static bool measure_texts(const struct vocab_source *source, size_t *total, struct err *err)
{
    *total = 1;
    for (size_t i = 0; i < source->count; i++) {
        size_t length = source->texts[i].length;
        if (length > VOCAB_PIECE_MAX)
            return err_set(err, ERR_INPUT, "%s: token %zu has %zu bytes, at most %d", source->name,
                           i, length, VOCAB_PIECE_MAX);
        *total += length;
    }
    return true;
}

/* SentencePiece needs its space and all bytes, for then every text has tokens. */
static bool check_sentencepiece(struct vocab *vocab, const char *name, struct err *err)
{
    for (int byte = 0; byte < 256; byte++)
        if (vocab->byte_ids[byte] < 0)
            return err_set(err, ERR_INPUT, "%s: byte token <0x%02X> is missing", name,
                           (unsigned)byte);
    vocab->space = token_map_find(&vocab->map, " ", 1);
    if (vocab->space < 0)
        return err_set(err, ERR_INPUT, "%s: no token for the space (U+2581)", name);
    return true;
}

bool vocab_build(struct vocab *vocab, const struct vocab_source *source, struct err *err)
{
    size_t total, count = source->count;
    bool sentencepiece = source->alphabet == VOCAB_SENTENCEPIECE;
    *vocab = (struct vocab){.count = count, .alphabet = source->alphabet, .space = -1};
    memset(vocab->byte_ids, 0xff, sizeof vocab->byte_ids);
    if (!measure_texts(source, &total, err))
        return false;
    vocab->pieces = xcalloc(count, sizeof *vocab->pieces);
    vocab->types = xmalloc(count);
    memcpy(vocab->types, source->types, count);
    vocab->bytes = xmalloc(total);
    if (sentencepiece || source->whole_words)
        token_map_init(&vocab->map, vocab->pieces, count);
    char *out = vocab->bytes;
    for (size_t id = 0; id < count; id++) {
        if (!add_piece(vocab, source, id, out, err))
            return false;
        out += source->texts[id].length;
    }
    return !sentencepiece || check_sentencepiece(vocab, source->name, err);
}

void vocab_free(struct vocab *vocab)
{
    token_map_free(&vocab->map);
    free(vocab->pieces);
    free(vocab->types);
    free(vocab->bytes);
    *vocab = (struct vocab){0};
}
