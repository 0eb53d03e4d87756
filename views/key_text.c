#include "views/key_text.h"

#include <stdio.h>
#include <string.h>

/* Adds a piece as far as it fits; characters stay whole because pieces are cut at their ends. */
static size_t add(char *out, size_t used, size_t size, const char *piece, size_t length)
{
    if (used + length + 1 > size)
        return used;
    memcpy(out + used, piece, length);
    out[used + length] = '\0';
    return used + length;
}

/* The bytes of the marked key that a text begins with; 0 when it is none. shown: what stands for
 * it now. */
static size_t read_key(const struct view_state *v, const char *marked, char shown[KEY_NAME_BYTES])
{
    size_t mark = strlen(KEY_OPEN);
    const char *end = strncmp(marked, KEY_OPEN, mark) == 0 ? strstr(marked, KEY_CLOSE) : NULL;
    if (!end || (size_t)(end - marked) - mark >= KEY_NAME_BYTES)
        return 0;
    char own[KEY_NAME_BYTES];
    snprintf(own, sizeof own, "%.*s", (int)(end - marked - (long)mark), marked + mark);
    char *usual = own[0] ? strchr(own + 1, '|') : NULL;
    if (usual)
        *usual++ = '\0';
    snprintf(shown, KEY_NAME_BYTES, "%s", own);
    if (v->key_now && !v->key_now(v, own, shown))
        return 0; /* a text of the user's that has such brackets */
    if (usual && strcmp(shown, own) == 0)
        snprintf(shown, KEY_NAME_BYTES, "%s", usual);
    return (size_t)(end - marked) + strlen(KEY_CLOSE);
}

static size_t character_bytes(const char *text)
{
    size_t length = 1;
    while ((text[length] & 0xc0) == 0x80)
        length++;
    return length;
}

void key_text_fill(const struct view_state *v, const char *marked, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    while (*marked) {
        char shown[KEY_NAME_BYTES];
        size_t length = read_key(v, marked, shown);
        const char *piece = length ? shown : marked;
        length = length ? length : character_bytes(marked);
        used = add(out, used, size, piece, piece == shown ? strlen(shown) : length);
        marked += length;
    }
}

struct key_text key_text(const struct view_state *v, const char *marked)
{
    struct key_text result;
    key_text_fill(v, marked, result.text, sizeof result.text);
    return result;
}
