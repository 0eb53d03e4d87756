/* `comprexit train ... --ui` and `--watch RUN`: the explorer, opened on its Train
 * screen with the run that the arguments describe. */
#ifndef APP_TRAIN_UI_H
#define APP_TRAIN_UI_H

#include "app/cli.h"

/* Do the arguments ask for it? */
bool train_ui_wanted(const struct cli_arguments *arguments);

bool train_ui_run(const struct cli_arguments *arguments, struct err *err);

#endif
