/* The runs of a folder, for lists of them. */
#ifndef APP_RUN_FOLDER_H
#define APP_RUN_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

enum { RUN_FOLDER_MAX = 200, RUN_FOLDER_FACTS = 96 };

/* Paths of the folders below `parent` that hold a run, sorted; to be freed with run_folder_free. */
size_t run_folder_list(const char *parent, char *names[RUN_FOLDER_MAX]);
void run_folder_free(char **names, size_t n);

/* "ntp \u00b7 step 40 of 60 saved" of each, "" where a run's files do not say; read in a thread,
 * confined or not. */
void run_folder_facts(char *const *names, size_t n, bool confined,
                      char facts[][RUN_FOLDER_FACTS]);

#endif
