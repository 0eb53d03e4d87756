#include "app/faces.h"

#include <fontconfig/fontconfig.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"

#define FAMILY "DejaVu Sans"
enum { ROOM_BYTES = 32 << 20 };

/* The file of the face, to be freed; NULL when the machine only has others. */
static char *find_face(FcConfig *config, int weight)
{
    FcPattern *wanted = FcPatternCreate();
    FcPatternAddString(wanted, FC_FAMILY, (const FcChar8 *)FAMILY);
    FcPatternAddInteger(wanted, FC_WEIGHT, weight);
    FcPatternAddInteger(wanted, FC_SLANT, FC_SLANT_ROMAN);
    FcPatternAddInteger(wanted, FC_WIDTH, FC_WIDTH_NORMAL);
    FcConfigSubstitute(config, wanted, FcMatchPattern);
    FcDefaultSubstitute(wanted);
    FcResult result;
    FcPattern *found = FcFontMatch(config, wanted, &result);
    FcChar8 *family = NULL, *file = NULL;
    char *path = NULL;
    if (found && FcPatternGetString(found, FC_FAMILY, 0, &family) == FcResultMatch &&
        FcPatternGetString(found, FC_FILE, 0, &file) == FcResultMatch &&
        strcmp((const char *)family, FAMILY) == 0)
        path = xstrdup((const char *)file);
    if (found)
        FcPatternDestroy(found);
    FcPatternDestroy(wanted);
    return path;
}

static struct font *open_face(struct mapped_file *file, FcConfig *config, int weight)
{
    char *path = find_face(config, weight);
    bool mapped = path && mapped_file_open(file, path, NULL);
    free(path);
    return mapped ? font_open(file->data, file->size) : NULL;
}

/* fontconfig crashes where it gets no memory: is there what it takes for many fonts? */
static bool memory_for_fonts(void)
{
    struct err err;
    void *room = mem_try_raw(1, ROOM_BYTES, "fonts", &err);
    free(room);
    return room != NULL;
}

void faces_open(struct faces *faces, bool builtin)
{
    *faces = (struct faces){0};
    FcConfig *config = builtin || !memory_for_fonts() ? NULL : FcInitLoadConfigAndFonts();
    if (config) {
        faces->regular = open_face(&faces->regular_file, config, FC_WEIGHT_REGULAR);
        faces->bold = open_face(&faces->bold_file, config, FC_WEIGHT_BOLD);
        FcConfigDestroy(config);
        FcFini();
    }
    if (!faces->regular)
        faces->regular = font_open(NULL, 0);
}

void faces_close(struct faces *faces)
{
    font_close(faces->regular);
    font_close(faces->bold);
    mapped_file_close(&faces->regular_file);
    mapped_file_close(&faces->bold_file);
    *faces = (struct faces){0};
}

struct figure_fonts faces_fonts(const struct faces *faces)
{
    return (struct figure_fonts){faces->regular, faces->bold};
}
