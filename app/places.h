/* Where the program keeps things of the user (XDG base directories), and the list of
 * recent documents. */
#ifndef APP_PLACES_H
#define APP_PLACES_H

#include <stdbool.h>
#include <stddef.h>

/* To be freed; NULL when neither the variable nor HOME is set. */
char *places_rc_file(void);   /* $XDG_CONFIG_HOME/comprexit/rc */
char *places_state_dir(void); /* $XDG_STATE_HOME/comprexit */
char *places_models_dir(void); /* $XDG_CACHE_HOME/comprexit/models */

/* Recent documents, newest first: absolute paths. The array and its texts are to be
 * freed with places_free_recent. */
enum { RECENT_MAX = 10 };
char **places_recent(size_t *count);
void places_free_recent(char **paths, size_t count);

/* Puts path in front. A failure is silent: the list is a comfort. */
void places_add_recent(const char *path);

#endif
