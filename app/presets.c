#include "app/presets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/assets.h"
#include "engine/base/mem.h"
#include "engine/train/config.h"
#include "views/token_text.h"

/* NULL and an error when there is none of that name. */
static char *preset_path(const char *name, struct err *err)
{
    char relative[96];
    if (strchr(name, '/'))
        return xstrdup(name);
    snprintf(relative, sizeof relative, "presets/%.64s.conf", name);
    char *path = assets_path(relative), *any = assets_path("presets/cpu-ntp.conf");
    if (!path && any)
        err_set(err, ERR_USAGE, "no preset \"%s\" (there are " TRAIN_PRESET_LIST ")", name);
    else if (!path)
        err_set(err, ERR_INPUT,
                "the presets are not beside the program: COMPREXIT_ASSETS must name the folder "
                "that has presets/%s.conf",
                name);
    free(any);
    return path;
}

/* The comment that a file begins with, its lines joined by blanks. */
static void read_comment(const char *path, char *text, size_t size)
{
    char line[256];
    FILE *file = fopen(path, "re");
    text[0] = '\0';
    while (file && fgets(line, sizeof line, file) && line[0] == '#') {
        line[strcspn(line, "\n")] = '\0';
        text_add(text, size, "%s%s", text[0] ? " " : "", line + 1 + strspn(line + 1, " "));
    }
    if (file)
        fclose(file);
}

bool preset_read(const char *name, struct train_config *config, char *text, size_t size,
                 struct err *err)
{
    char *path = preset_path(name, err);
    bool ok = path && train_config_read(config, path, err);
    if (ok && text)
        read_comment(path, text, size);
    free(path);
    return ok;
}
