/* Which files are offered where a file of some kind is expected: by the end of their names. */
#ifndef APP_FILE_WANTED_H
#define APP_FILE_WANTED_H

#include <stdbool.h>

#define WANTED_ANY ""
#define WANTED_FOLDERS "/"
#define WANTED_MODELS ".gguf"
#define WANTED_TENSORS ".safetensors"
#define WANTED_SESSIONS ".cxt"
#define WANTED_PINS ".cxt|.safetensors"
#define WANTED_FIGURES ".png|.svg"
#define WANTED_EXPORTS ".png|.svg|.npy|.csv|.json|.tex"
/* Texts have any name: all but what is certainly something else. */
#define WANTED_DATA "!.gguf|.safetensors|.cxt|.png|.svg|.npy"
#define WANTED_DOCUMENTS "!.gguf|.safetensors|.png|.svg|.npy|.gz|.zst"

/* wanted: "" all, "/" folders, ".a|.b" these endings, "!.a|.b" all but these. Folders are always
 * wanted, since the file may be in them; so is what cannot be looked at. */
bool file_is_wanted(const char *wanted, const char *path);

#endif
