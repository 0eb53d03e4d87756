#include "app/capabilities.h"

#include <string.h>
#include <term.h>
#include <unistd.h>

#include "app/terminfo.h"

enum { FLAGS_MAX = 64, NUMBERS_MAX = 64, STRINGS_MAX = 512 };

static TERMINAL *loaded; /* a copy, because curses replaces cur_term by its own */

bool capabilities_load(const char *type, struct err *err)
{
    int found;
    if (setupterm(type, STDOUT_FILENO, &found) == 0) {
        loaded = cur_term;
        return true;
    }
    return err_set(err, ERR_TERMINAL, "TERM=%s: no description of this terminal is installed",
                   type);
}

void capabilities_drop(void)
{
    if (loaded)
        del_curterm(loaded);
    loaded = NULL;
}

const char *capabilities_string(const char *name)
{
    const char *value = tigetstr(name);
    return value == (char *)-1 ? NULL : value;
}

int capabilities_number(const char *name)
{
    int value = tigetnum(name);
    return value < 0 ? -1 : value;
}

bool capabilities_flag(const char *name)
{
    return tigetflag(name) == 1;
}

static bool string_has(const char *name, const char *part)
{
    const char *value = capabilities_string(name);
    return value && strstr(value, part) != NULL;
}

bool capabilities_take_sgr(void)
{
    return string_has("setaf", "38;5;%p1%d") && string_has("setab", "48;5;%p1%d") &&
           string_has("el", "\033[K") && string_has("sgr0", "\033[m") &&
           capabilities_flag("xenl");
}

/* The colour is one number, 0xRRGGBB. */
#define DIRECT(code)                                                           \
    "\033[" code ";2;%p1%{65536}%/%d;%p1%{256}%/%{255}%&%d;%p1%{255}%&%dm"

static const char *direct_string(const char *name)
{
    if (strcmp(name, "setaf") == 0)
        return DIRECT("38");
    if (strcmp(name, "setab") == 0)
        return DIRECT("48");
    if (strcmp(name, "initc") == 0 || strcmp(name, "oc") == 0)
        return NULL;
    return capabilities_string(name);
}

static int direct_number(const char *name)
{
    if (strcmp(name, "colors") == 0)
        return CAPABILITIES_RGB;
    return strcmp(name, "pairs") == 0 ? 32767 : capabilities_number(name);
}

char *capabilities_with_direct_color(const char *type)
{
    signed char flags[FLAGS_MAX];
    int numbers[NUMBERS_MAX];
    const char *strings[STRINGS_MAX];
    struct terminfo d = {.name = type, .flags = flags, .numbers = numbers, .strings = strings};
    for (; d.n_flags < FLAGS_MAX && boolnames[d.n_flags]; d.n_flags++)
        flags[d.n_flags] = (signed char)(strcmp(boolnames[d.n_flags], "ccc") != 0 &&
                                         capabilities_flag(boolnames[d.n_flags]));
    for (; d.n_numbers < NUMBERS_MAX && numnames[d.n_numbers]; d.n_numbers++)
        numbers[d.n_numbers] = direct_number(numnames[d.n_numbers]);
    for (; d.n_strings < STRINGS_MAX && strnames[d.n_strings]; d.n_strings++)
        strings[d.n_strings] = direct_string(strnames[d.n_strings]);
    d.extended_flag = "RGB";
    return terminfo_encode(&d);
}
