/* The screens beside Explore. The commands of keys mean on each of them what suits it:
 * a screen names those that it takes, and the rest of Explore's keys say that they have
 * no use there. */
#ifndef APP_SCREENS_H
#define APP_SCREENS_H

#include <stdbool.h>

#include "app/actions.h"
#include "app/session.h"

/* What a screen makes of a command instead of what it does in Explore. */
struct screen_action {
    const char *name;
    action_fn *run;
    const char *list; /* words for Tab, "a|b", in place of the command's; NULL: those */
};

/* The screen's own meaning of a command; NULL: the general one. */
const struct screen_action *screens_action(const struct session *s, const char *name);

/* May this key be used on the screen in front? */
bool screens_take_key(const struct session *s, const struct binding *binding);

/* Shows the screen in front from its beginning: its data, or the list that opens some. */
void screens_show(struct session *s);

/* Brings what it shows up to date. */
void screens_refresh(struct session *s);

/* The scope of keys, and the name of the pane in front for messages. */
enum key_scope screens_scope(const struct session *s);

/* key_now of view_state, whose keys are a struct keymap. */
bool screens_key_now(const struct view_state *state, const char *own, char now[KEY_NAME_BYTES]);
const char *screens_place(const struct session *s);

/* ---- screens_train.c ----------------------------------------------------------- */

extern const struct screen_action screens_train[]; /* ends with a row without a name */
void screens_train_show(struct session *s);
void screens_train_refresh(struct session *s);

/* ---- screens_data.c, screens_eval.c ---------------------------------------------- */

extern const struct screen_action screens_data[], screens_eval[];
void screens_data_show(struct session *s);
void screens_data_refresh(struct session *s);
void screens_eval_show(struct session *s);
void screens_eval_refresh(struct session *s);

#endif
