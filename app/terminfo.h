/* A terminal description as ncurses reads it from the TERMINFO variable.
 *
 * Many terminals show 24-bit colour and say so in COLORTERM, but their
 * description offers 256 colours, and ncurses only believes descriptions. So the
 * description is read, its colour capabilities are replaced by direct colour, and
 * the whole is handed back in the form "hex:..." that ncurses accepts in place of
 * a file (format: term(5), the extended one with 32-bit numbers). */
#ifndef APP_TERMINFO_H
#define APP_TERMINFO_H

#include <stddef.h>

struct terminfo {
    const char *name;             /* equal to TERM */
    const signed char *flags;     /* 1 set, else not */
    const int *numbers;           /* < 0 absent */
    const char *const *strings;   /* NULL absent */
    size_t n_flags, n_numbers, n_strings;
    const char *extended_flag;    /* one more flag that is set, "RGB"; or NULL */
};

/* The value for TERMINFO, to be freed; NULL when it would be larger than ncurses
 * reads. */
char *terminfo_encode(const struct terminfo *description);

#endif
