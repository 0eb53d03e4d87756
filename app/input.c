#include "app/input.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/text.h"

/* What a look at the front of the buffer found. */
enum found { FOUND_EVENT, FOUND_NOTHING, FOUND_INCOMPLETE };

enum { ESC = 0x1b, SEQUENCE_MAX = 256, STRING_MAX = 4096, PARAMETERS = 8 };

static const char paste_end[] = "\033[201~";

/* A control sequence: ESC [ prefix parameters final. */
struct sequence {
    char prefix; /* '<', '?', '>' or 0 */
    long parameter[PARAMETERS];
    size_t count;
    char final;
};

void input_free(struct input *input)
{
    free(input->bytes);
    *input = (struct input){0};
}

void input_feed(struct input *input, const void *bytes, size_t length)
{
    MEM_GROW(input->bytes, input->capacity, input->used + length);
    if (length)
        memcpy(input->bytes + input->used, bytes, length);
    input->used += length;
}

bool input_waiting(const struct input *input)
{
    return input->pasting || input->used > input->taken;
}

static void drop_taken(struct input *input)
{
    if (!input->taken)
        return;
    memmove(input->bytes, input->bytes + input->taken, input->used - input->taken);
    input->used -= input->taken;
    input->taken = 0;
}

/* ---- keys ------------------------------------------------------------------ */

/* Numbers of "ESC [ n ~". */
static const uint32_t tilde_keys[] = {
    [1] = KEYCODE_HOME,    [2] = KEYCODE_INSERT, [3] = KEYCODE_DELETE,  [4] = KEYCODE_END,
    [5] = KEYCODE_PAGE_UP, [6] = KEYCODE_PAGE_DOWN, [7] = KEYCODE_HOME, [8] = KEYCODE_END,
    [11] = KEYCODE_F1,     [12] = KEYCODE_F2,    [13] = KEYCODE_F3,     [14] = KEYCODE_F4,
    [15] = KEYCODE_F5,     [17] = KEYCODE_F6,    [18] = KEYCODE_F7,     [19] = KEYCODE_F8,
    [20] = KEYCODE_F9,     [21] = KEYCODE_F10,   [23] = KEYCODE_F11,    [24] = KEYCODE_F12,
};

/* Finals of "ESC [ X" and "ESC O X". */
static uint32_t letter_key(char final)
{
    switch (final) {
    case 'A': return KEYCODE_UP;
    case 'B': return KEYCODE_DOWN;
    case 'C': return KEYCODE_RIGHT;
    case 'D': return KEYCODE_LEFT;
    case 'H': return KEYCODE_HOME;
    case 'F': return KEYCODE_END;
    case 'M': return KEYCODE_ENTER; /* keypad, after ESC O only */
    case 'P': return KEYCODE_F1;
    case 'Q': return KEYCODE_F2;
    case 'R': return KEYCODE_F3;
    case 'S': return KEYCODE_F4;
    case 'Z': return KEYCODE_TAB | KEYCODE_SHIFT;
    default: return 0;
    }
}

/* A plain byte below 0x20, or 0x7f. Ctrl-J is Enter too: some terminals and most
 * scripts send it. */
static uint32_t control_key(unsigned char byte)
{
    switch (byte) {
    case 0x00: return ' ' | KEYCODE_CTRL;
    case '\t': return KEYCODE_TAB;
    case '\r':
    case '\n': return KEYCODE_ENTER;
    case ESC: return KEYCODE_ESCAPE;
    case 0x08:
    case 0x7f: return KEYCODE_BACKSPACE;
    default: break;
    }
    if (byte <= 26)
        return (uint32_t)(byte - 1 + 'a') | KEYCODE_CTRL;
    return (uint32_t)(byte + '@') | KEYCODE_CTRL;
}

static uint32_t with_modifiers(uint32_t key, long parameter)
{
    if (parameter < 2 || parameter > 16)
        return key;
    long bits = parameter - 1;
    return key | (bits & 1 ? KEYCODE_SHIFT : 0) | (bits & 2 ? KEYCODE_ALT : 0) |
           (bits & 4 ? KEYCODE_CTRL : 0);
}

/* ---- sequences -------------------------------------------------------------- */

/* Reads the sequence that begins with ESC [ . *length: its bytes. */
static enum found parse_sequence(const unsigned char *bytes, size_t used, struct sequence *out,
                                 size_t *length)
{
    *out = (struct sequence){.count = 1};
    size_t i = 2;
    if (i < used && strchr("<?>=", bytes[i]) && bytes[i])
        out->prefix = (char)bytes[i++];
    for (; i < used && i < SEQUENCE_MAX; i++) {
        unsigned char byte = bytes[i];
        if (byte >= '0' && byte <= '9') {
            long *parameter = &out->parameter[out->count - 1];
            *parameter = *parameter > 99999 ? *parameter : *parameter * 10 + (byte - '0');
        } else if (byte == ';' || byte == ':') {
            out->count += out->count < PARAMETERS;
        } else if (byte >= 0x40 && byte <= 0x7e) {
            out->final = (char)byte;
            *length = i + 1;
            return FOUND_EVENT;
        } else if (byte < 0x20 || byte > 0x2f) {
            *length = i; /* broken off by something else: that is looked at next */
            return FOUND_NOTHING;
        }
    }
    *length = i;
    return i < SEQUENCE_MAX ? FOUND_INCOMPLETE : FOUND_NOTHING;
}

static bool mouse_event(const struct sequence *s, struct input_event *event)
{
    long code = s->parameter[0];
    bool wheel = code & 64;
    long button = (code & 3) + (wheel ? MOUSE_WHEEL_UP : 0);
    bool motion = code & 32;
    if (s->count < 3 || motion || button > MOUSE_WHEEL_DOWN || (!wheel && button > MOUSE_RIGHT))
        return false;
    event->kind = INPUT_MOUSE;
    event->button = (enum mouse_button)button;
    event->release = s->final == 'm';
    event->column = (int)s->parameter[1] - 1;
    event->row = (int)s->parameter[2] - 1;
    return event->row >= 0 && event->column >= 0;
}

static bool key_event(const struct sequence *s, struct input_event *event)
{
    long number = s->parameter[0];
    uint32_t key = 0;
    if (s->final == '~' && number >= 0 && (size_t)number < sizeof tilde_keys / sizeof *tilde_keys)
        key = tilde_keys[number];
    else if (s->final == 'u' && number == ESC)
        key = KEYCODE_ESCAPE;
    else if (s->final == 'u' && number > ' ' && number < 0x110000)
        key = (uint32_t)number;
    else if (s->final != '~' && s->final != 'M')
        key = letter_key(s->final);
    if (!key)
        return false;
    event->kind = INPUT_KEY;
    event->key = with_modifiers(key, s->count > 1 ? s->parameter[1] : 0);
    return true;
}

static bool interpret(struct input *input, const struct sequence *s, struct input_event *event)
{
    if (s->prefix == '<' && (s->final == 'M' || s->final == 'm'))
        return mouse_event(s, event);
    if (s->prefix)
        return false;
    if (s->final == '~' && s->parameter[0] == 200) {
        input->pasting = true;
        return false;
    }
    /* A reply from row 1 looks like F3 with modifiers: nobody asks there. */
    if (s->final == 'R' && s->count == 2 && s->parameter[0] > 1 && s->parameter[1] > 0) {
        event->kind = INPUT_POSITION;
        event->row = (int)s->parameter[0] - 1;
        event->column = (int)s->parameter[1] - 1;
        return true;
    }
    return key_event(s, event);
}

/* "]11;rgb:RRRR/GGGG/BBBB": the background as luminance. */
static bool background_event(const char *text, size_t length, struct input_event *event)
{
    static const char prefix[] = "11;rgb:";
    if (length < sizeof prefix - 1 || memcmp(text, prefix, sizeof prefix - 1) != 0)
        return false;
    static const double weight[3] = {0.2126, 0.7152, 0.0722};
    const char *p = text + sizeof prefix - 1, *end = text + length;
    double luminance = 0;
    for (int i = 0; i < 3; i++) {
        unsigned value = 0, digits = 0, full = 1;
        for (; p < end && *p != '/'; p++, digits++) {
            static const char hex[] = "0123456789abcdef";
            const char *at = strchr(hex, *p >= 'A' && *p <= 'F' ? *p + 32 : *p);
            if (!*p || !at || digits == 4)
                return false;
            value = value * 16 + (unsigned)(at - hex);
            full *= 16;
        }
        if (!digits || (i < 2 && p == end))
            return false;
        luminance += weight[i] * value / (full - 1);
        p++;
    }
    event->kind = INPUT_BACKGROUND;
    event->luminance = luminance;
    return true;
}

/* ESC ] ... up to BEL or ESC \ (and the other strings ESC P, ESC ^, ESC _). */
static enum found parse_string(struct input *input, struct input_event *event, size_t *length)
{
    for (size_t i = 2; i < input->used; i++) {
        unsigned char byte = input->bytes[i];
        bool st = byte == ESC && i + 1 < input->used && input->bytes[i + 1] == '\\';
        if (byte == ESC && i + 1 == input->used)
            break;
        if (byte == '\a' || st || byte == ESC || i >= STRING_MAX) {
            *length = i + (st ? 2 : byte == '\a');
            bool is_reply = input->bytes[1] == ']' && (byte == '\a' || st);
            return is_reply && background_event((char *)input->bytes + 2, i - 2, event)
                       ? FOUND_EVENT
                       : FOUND_NOTHING;
        }
    }
    return FOUND_INCOMPLETE;
}

/* ESC and one character: Alt. */
static enum found parse_alt(struct input *input, struct input_event *event, size_t *length)
{
    const unsigned char *bytes = input->bytes;
    uint32_t key;
    size_t n = 1;
    if (bytes[1] < 0x20 || bytes[1] == 0x7f) {
        key = control_key(bytes[1]);
    } else {
        if (text_incomplete((char *)bytes + 1, input->used - 1) == input->used - 1)
            return FOUND_INCOMPLETE;
        n = text_decode((char *)bytes + 1, input->used - 1, &key);
    }
    *length = 1 + n;
    event->kind = INPUT_KEY;
    event->key = key | KEYCODE_ALT;
    return key == TEXT_INVALID ? FOUND_NOTHING : FOUND_EVENT;
}

static enum found parse_control(struct input *input, struct input_event *event, size_t *length)
{
    const unsigned char *bytes = input->bytes;
    struct sequence s;
    enum found found = parse_sequence(bytes, input->used, &s, length);
    if (found != FOUND_EVENT)
        return found;
    if (s.final == '[' && *length == 3) { /* Linux console: ESC [ [ A .. E = F1 .. F5 */
        if (input->used < 4)
            return FOUND_INCOMPLETE;
        *length = 4;
        event->kind = INPUT_KEY;
        event->key = KEYCODE_F1 + (uint32_t)(bytes[3] - 'A');
        return bytes[3] >= 'A' && bytes[3] <= 'E' ? FOUND_EVENT : FOUND_NOTHING;
    }
    if (s.final == 'M' && !s.prefix && *length == 3) { /* old mouse report: three bytes follow */
        *length = 6;
        return input->used < 6 ? FOUND_INCOMPLETE : FOUND_NOTHING;
    }
    return interpret(input, &s, event) ? FOUND_EVENT : FOUND_NOTHING;
}

static enum found parse_escape(struct input *input, struct input_event *event, size_t *length)
{
    if (input->used == 1)
        return FOUND_INCOMPLETE;
    switch (input->bytes[1]) {
    case '[':
        return parse_control(input, event, length);
    case ']':
    case 'P':
    case '^':
    case '_':
        return parse_string(input, event, length);
    case 'O':
        if (input->used == 2)
            return FOUND_INCOMPLETE;
        *length = 3;
        event->kind = INPUT_KEY;
        event->key = letter_key((char)input->bytes[2]);
        return event->key ? FOUND_EVENT : FOUND_NOTHING;
    case ESC:
        *length = 1;
        event->kind = INPUT_KEY;
        event->key = KEYCODE_ESCAPE;
        return FOUND_EVENT;
    default:
        return parse_alt(input, event, length);
    }
}

static enum found parse_key(struct input *input, struct input_event *event, size_t *length)
{
    unsigned char byte = input->bytes[0];
    if (byte == ESC)
        return parse_escape(input, event, length);
    event->kind = INPUT_KEY;
    *length = 1;
    if (byte < 0x20 || byte == 0x7f) {
        event->key = control_key(byte);
        return FOUND_EVENT;
    }
    if (text_incomplete((char *)input->bytes, input->used) == input->used)
        return FOUND_INCOMPLETE;
    *length = text_decode((char *)input->bytes, input->used, &event->key);
    return event->key == TEXT_INVALID ? FOUND_NOTHING : FOUND_EVENT;
}

/* A paste ends with its mark, with the limit, or when nothing more comes. */
static bool next_paste(struct input *input, bool settle, struct input_event *event)
{
    size_t mark = sizeof paste_end - 1;
    const void *end = memmem(input->bytes, input->used, paste_end, mark);
    if (!end && !settle) {
        if (input->used > INPUT_PASTE_MAX + mark) { /* keep what may be a part of the mark */
            memmove(input->bytes + INPUT_PASTE_MAX, input->bytes + input->used - mark, mark);
            input->used = INPUT_PASTE_MAX + mark;
        }
        return false;
    }
    size_t length = end ? (size_t)((const unsigned char *)end - input->bytes) : input->used;
    *event = (struct input_event){.kind = INPUT_PASTE, .bytes = (char *)input->bytes};
    event->length = length < INPUT_PASTE_MAX ? length : INPUT_PASTE_MAX;
    input->taken = length + (end ? mark : 0);
    input->pasting = false;
    return true;
}

/* An incomplete sequence after which nothing came: Esc alone, Alt-[, ... */
static size_t settle_escape(struct input *input, struct input_event *event)
{
    bool pair = input->used == 2 && input->bytes[0] == ESC;
    event->kind = INPUT_KEY;
    event->key = input->bytes[0] != ESC ? 0
                 : input->used == 1     ? KEYCODE_ESCAPE
                 : pair                 ? input->bytes[1] | KEYCODE_ALT
                                        : 0;
    return input->used;
}

bool input_next(struct input *input, bool settle, struct input_event *event)
{
    for (;;) {
        drop_taken(input);
        if (input->pasting)
            return next_paste(input, settle, event);
        if (!input->used)
            return false;
        *event = (struct input_event){0};
        size_t length = 0;
        enum found found = parse_key(input, event, &length);
        if (found == FOUND_INCOMPLETE) {
            if (!settle)
                return false;
            length = settle_escape(input, event);
            found = event->key ? FOUND_EVENT : FOUND_NOTHING;
        }
        input->taken = length;
        event->bytes = (char *)input->bytes;
        event->length = length;
        if (found == FOUND_EVENT)
            return true;
    }
}
