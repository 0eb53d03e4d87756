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

void key_text_fill(const struct view_state *v, const char *marked, char *out, size_t size)
{
    size_t used = 0, mark = strlen(KEY_OPEN);
    out[0] = '\0';
    while (*marked) {
        const char *end = strncmp(marked, KEY_OPEN, mark) == 0 ? strstr(marked, KEY_CLOSE) : NULL;
        if (!end || (size_t)(end - marked) - mark >= KEY_NAME_BYTES) {
            size_t length = 1;
            while ((marked[length] & 0xc0) == 0x80)
                length++;
            used = add(out, used, size, marked, length);
            marked += length;
            continue;
        }
        char own[KEY_NAME_BYTES], now[KEY_NAME_BYTES];
        snprintf(own, sizeof own, "%.*s", (int)(end - marked - (long)mark), marked + mark);
        char *shown = own[0] ? strchr(own + 1, '|') : NULL;
        if (shown)
            *shown++ = '\0';
        snprintf(now, sizeof now, "%s", own);
        if (v->key_now)
            v->key_now(v, own, now);
        const char *name = shown && strcmp(now, own) == 0 ? shown : now;
        used = add(out, used, size, name, strlen(name));
        marked = end + strlen(KEY_CLOSE);
    }
}

struct key_text key_text(const struct view_state *v, const char *marked)
{
    struct key_text result;
    key_text_fill(v, marked, result.text, sizeof result.text);
    return result;
}
