/* The Train screen without a run: the form that begins one, and the runs that are there. */
#ifndef APP_TRAIN_FORM_H
#define APP_TRAIN_FORM_H

#include "app/session.h"

void train_form_show(struct session *s);

#endif
