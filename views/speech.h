/* The screen of those who listen: one sentence, rewritten after each move. */
#ifndef VIEWS_SPEECH_H
#define VIEWS_SPEECH_H

#include "views/scene.h"

/* In place of everything: what the status line, or the chosen line of a box, says; below
 * it the prompt when it is open. The terminal's cursor stands at its beginning. */
void draw_speech(struct scene *scene);

#endif
