/* A temporary directory for a test's files, removed with everything in it.
 *
 *     char *dir = temporary_directory();
 *     char *path = temporary_file(dir, "x.json", text, strlen(text));
 *     ...
 *     free(path);
 *     temporary_remove(dir);
 */
#ifndef TESTS_SUPPORT_TEMPORARY_H
#define TESTS_SUPPORT_TEMPORARY_H

#include <stddef.h>

char *temporary_directory(void);

/* Writes a file of this name; its path, to be freed. */
char *temporary_file(const char *dir, const char *name, const void *data, size_t size);

/* Removes the directory with all that is in it, and frees dir. */
void temporary_remove(char *dir);

#endif
