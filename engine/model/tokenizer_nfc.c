#include "engine/model/tokenizer_nfc.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/base/text.h"
#include "engine/model/tokenizer_unicode.h"

/* A character with the marks behind it is normalised alone, since nothing else
 * joins. Sorting marks takes quadratic time, so a longer row of them is cut. */
enum { RUN_BYTES_MAX = 512, RUN_CODEPOINTS_MAX = 2048 };

/* Behind the character at `at` and all that can join it. */
static size_t run_end(const char *text, size_t length, size_t at)
{
    uint32_t c;
    size_t end = at + text_decode(text + at, length - at, &c);
    if (c == TEXT_INVALID)
        return end;
    while (end < length && end - at < RUN_BYTES_MAX - 4) {
        size_t bytes = text_decode(text + end, length - end, &c);
        if (!unicode_joins_before(c))
            break;
        end += bytes;
    }
    return end;
}

static void append(struct nfc_text *out, const char *text, size_t length)
{
    MEM_GROW(out->text, out->capacity, out->length + length + 1);
    memcpy(out->text + out->length, text, length);
    out->length += length;
}

/* Form C of one run into out[0..4 * RUN_CODEPOINTS_MAX); its length, or 0 when
 * it cannot be normalised. */
static size_t normalise_run(const char *run, size_t length, char *out)
{
    utf8proc_int32_t codepoints[RUN_CODEPOINTS_MAX];
    const utf8proc_option_t form_c = UTF8PROC_STABLE | UTF8PROC_COMPOSE;
    utf8proc_ssize_t n =
        utf8proc_decompose((const utf8proc_uint8_t *)run, (utf8proc_ssize_t)length,
                           codepoints, RUN_CODEPOINTS_MAX, form_c);
    if (n <= 0 || n > RUN_CODEPOINTS_MAX)
        return 0;
    n = utf8proc_normalize_utf32(codepoints, n, form_c);
    size_t used = 0;
    for (utf8proc_ssize_t i = 0; i < n; i++)
        used += text_encode((uint32_t)codepoints[i], out + used);
    return used;
}

bool nfc_apply(struct nfc_text *out, const char *text, size_t length)
{
    char run[4 * RUN_CODEPOINTS_MAX];
    size_t copied = 0;
    *out = (struct nfc_text){0};
    for (size_t at = 0, end; at < length; at = end) {
        end = at + 1;
        if ((unsigned char)text[at] < 0x80 &&
            (end == length || (unsigned char)text[end] < 0x80))
            continue;
        end = run_end(text, length, at);
        size_t bytes = normalise_run(text + at, end - at, run);
        if (bytes == 0 || (bytes == end - at && memcmp(run, text + at, bytes) == 0))
            continue;
        append(out, text + copied, at - copied);
        append(out, run, bytes);
        copied = end;
        MEM_GROW(out->edits, out->edits_capacity, out->count + 1);
        out->edits[out->count++] =
            (struct nfc_edit){out->length - bytes, out->length, at, end};
    }
    if (out->count == 0)
        return false;
    append(out, text + copied, length - copied);
    return true;
}

void nfc_free(struct nfc_text *out)
{
    free(out->text);
    free(out->edits);
    *out = (struct nfc_text){0};
}

size_t nfc_original(const struct nfc_text *nfc, size_t at)
{
    size_t low = 0, high = nfc->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (nfc->edits[middle].start < at)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return at;
    const struct nfc_edit *edit = &nfc->edits[low - 1];
    if (at < edit->end)
        return size_min(edit->from + (at - edit->start), edit->to);
    return edit->to + (at - edit->end);
}
