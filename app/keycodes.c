#include "app/keycodes.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "engine/base/text.h"

#define NAME(id, name) {name, KEYCODE_##id},
static const struct {
    const char *name;
    uint32_t code;
} named[] = {KEYCODE_NAMES(NAME){"Space", ' '}};
#undef NAME

enum { NAMED = sizeof named / sizeof *named };

static const struct {
    char letter;
    uint32_t bit;
} modifiers[] = {{'C', KEYCODE_CTRL}, {'M', KEYCODE_ALT}, {'S', KEYCODE_SHIFT}};

static bool parse_base(const char *text, uint32_t *code)
{
    for (size_t i = 0; i < NAMED; i++)
        if (strcasecmp(text, named[i].name) == 0) {
            *code = named[i].code;
            return true;
        }
    size_t length = strlen(text);
    return length > 0 && text_decode(text, length, code) == length && *code > ' ' &&
           *code != TEXT_INVALID && *code != 0x7f;
}

bool keycode_parse(const char *text, uint32_t *code)
{
    uint32_t bits = 0;
    while (text[0] && text[1] == '-' && text[2]) {
        uint32_t bit = 0;
        for (size_t i = 0; i < 3; i++)
            if (text[0] == modifiers[i].letter)
                bit = modifiers[i].bit;
        if (!bit)
            break;
        bits |= bit;
        text += 2;
    }
    uint32_t base;
    if (!parse_base(text, &base))
        return false;
    if (bits & KEYCODE_CTRL && base >= 'A' && base <= 'Z')
        base += 'a' - 'A';
    *code = base | bits;
    return true;
}

const char *keycode_never_comes(uint32_t code)
{
    static const struct {
        uint32_t base;
        const char *why;
    } controls[] = {{'i', "terminals send Tab for it"},
                    {'m', "terminals send Enter for it"},
                    {'j', "terminals send Enter for it"},
                    {'[', "terminals send Esc for it"},
                    {'h', "terminals send Backspace for it"},
                    {'?', "terminals send Backspace for it"}};
    uint32_t base = code & KEYCODE_PLAIN;
    if (code & KEYCODE_SHIFT && base <= KEYCODE_LAST_CHARACTER && base != ' ')
        return "a shifted letter is its capital";
    for (size_t i = 0; code & KEYCODE_CTRL && i < sizeof controls / sizeof *controls; i++)
        if (controls[i].base == base)
            return controls[i].why;
    return NULL;
}

char *keycode_format(uint32_t code, char out[KEYCODE_NAME_SIZE])
{
    size_t n = 0;
    for (size_t i = 0; i < 3; i++)
        if (code & modifiers[i].bit) {
            out[n++] = modifiers[i].letter;
            out[n++] = '-';
        }
    uint32_t base = code & KEYCODE_PLAIN;
    for (size_t i = 0; i < NAMED; i++)
        if (named[i].code == base) {
            snprintf(out + n, KEYCODE_NAME_SIZE - n, "%s", named[i].name);
            return out;
        }
    char escaped[TEXT_ESCAPE_MAX];
    size_t used = base > 0x10ffff ? 0 : text_escape(base, escaped);
    if (!used && base <= 0x10ffff)
        used = text_encode(base, escaped);
    memcpy(out + n, escaped, used);
    out[n + used] = '\0';
    return out;
}
