/* Unicode normalisation form C with a way back: which bytes of the original a
 * normalised byte comes from. Bytes that are not UTF-8 stay as they are. */
#ifndef ENGINE_MODEL_TOKENIZER_NFC_H
#define ENGINE_MODEL_TOKENIZER_NFC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Normalised bytes [start, end) stand for original bytes [from, to). */
struct nfc_edit {
    size_t start, end, from, to;
};

struct nfc_text {
    char *text;
    size_t length, capacity;
    struct nfc_edit *edits; /* in order; between them both texts are equal */
    size_t count, edits_capacity;
};

/* Normalises text[0..length). Returns false, and leaves *out empty, when the text
 * is in form C already, which most texts are. */
bool nfc_apply(struct nfc_text *out, const char *text, size_t length);
void nfc_free(struct nfc_text *out);

/* The original position of a normalised one. Never decreases; inside an edit it
 * runs along both sides until the original one ends. */
size_t nfc_original(const struct nfc_text *nfc, size_t at);

#endif
