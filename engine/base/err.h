/* Errors as values: one fixed-size message per caller, no global state.
 *
 *     struct err err = {0};
 *     if (!gguf_open(&g, path, &err))
 *         die_with(err.code, err.text);
 *
 * A fallible function returns false (or NULL) and fills the `struct err` that
 * it takes last. The message is one line that names the file, the place, what
 * was found and what was expected; err_set makes it safe to print. */
#ifndef ENGINE_BASE_ERR_H
#define ENGINE_BASE_ERR_H

#include <stdbool.h>

/* The codes are the exit codes of the program. */
enum err_code {
    ERR_NONE = 0,
    ERR_OTHER = 1,
    ERR_USAGE = 2,
    ERR_INPUT = 3,     /* a file that is not what it should be */
    ERR_IO = 4,        /* reading or writing failed, disk full */
    ERR_MEMORY = 5,    /* would not fit, or did not */
    ERR_NONFINITE = 6, /* training stopped on NaN or infinity */
    ERR_LOCKED = 7,    /* another process holds the run directory */
    ERR_TERMINAL = 8,  /* no usable terminal */
    ERR_CANCELLED = 130
};

struct err {
    enum err_code code;
    char text[512];
};

/* Formats a message into *err (which may be NULL) and returns false. Control
 * characters, invalid UTF-8 and invisible characters of the formatted text are
 * shown escaped; a text that is too long is cut at a character boundary. */
bool err_set(struct err *err, enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "prefix: " in front of the message that is already there; returns false. */
bool err_prefix(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Puts "; addition" behind the message that is already there: the way on. Returns false. */
bool err_add(struct err *err, const char *addition);

/* A broken invariant inside the program, never a bad input: says where, aborts.
 * Active in all builds. */
#define CHECK(condition)                                                       \
    do {                                                                       \
        if (!(condition))                                                      \
            check_failed(__FILE__, __LINE__, #condition);                      \
    } while (0)
_Noreturn void check_failed(const char *file, int line, const char *condition);

#endif
