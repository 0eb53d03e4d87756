/* What the process denies itself before it reads files of unknown origin (Landlock, by the
 * kernel): to start programs, to speak TCP, and to make, change or remove files outside of
 * the folders that the user named. Files may be read anywhere, what is open stays open.
 *
 * A kernel without Landlock leaves things as they are, and sandbox_describe says so. */
#ifndef APP_SANDBOX_H
#define APP_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "app/cli.h"

/* For the calling thread and all that it starts from now on, so before other threads run.
 * Written may be what lies beside each of paths, where that folder is there now. False when
 * the kernel has Landlock and refuses. */
bool sandbox_confine(const char *const *paths, size_t n, struct err *err);

/* Unless the arguments say --sandbox off. */
bool sandbox_wanted(const struct cli_arguments *arguments);

bool sandbox_is_on(void);

/* "on (abi 7)", "off (the kernel has no Landlock)", "off": of the thread or process that
 * was confined last. */
enum { SANDBOX_TEXT_MAX = 48 };
const char *sandbox_describe(char out[SANDBOX_TEXT_MAX]);

#endif
