#include "app/notes.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/text.h"

const char *notes_add(struct notes *notes, bool error, const char *text)
{
    char clean[1024];
    text_sanitize(clean, sizeof clean, text, strlen(text));
    if (notes->count == NOTES_MAX) {
        free(notes->notes[0].text);
        memmove(notes->notes, notes->notes + 1, (NOTES_MAX - 1) * sizeof *notes->notes);
        notes->count--;
    }
    MEM_GROW(notes->notes, notes->capacity, notes->count + 1);
    struct note *note = &notes->notes[notes->count++];
    *note = (struct note){.when = time(NULL), .error = error, .text = xstrdup(clean)};
    return note->text;
}

void notes_free(struct notes *notes)
{
    for (size_t i = 0; i < notes->count; i++)
        free(notes->notes[i].text);
    free(notes->notes);
    *notes = (struct notes){0};
}
