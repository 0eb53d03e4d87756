/* Where the program keeps things of the user (XDG base directories). */
#ifndef APP_PLACES_H
#define APP_PLACES_H

/* To be freed; NULL when neither the variable nor HOME is set. */
char *places_rc_file(void);   /* $XDG_CONFIG_HOME/comprexit/rc */
char *places_state_dir(void); /* $XDG_STATE_HOME/comprexit */
char *places_models_dir(void); /* $XDG_CACHE_HOME/comprexit/models */

const char *places_temporary(void); /* $TMPDIR, else /tmp; borrowed */

#endif
