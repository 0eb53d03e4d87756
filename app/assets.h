/* Where the program's own files are: the sample documents, the default rc file,
 * the default compressor. */
#ifndef APP_ASSETS_H
#define APP_ASSETS_H

/* The sample document, a question about it, and what stands there. The answer shows what
 * comes through few slots and through many: see assets/README.md. */
#define ASSETS_DEMO_DOCUMENT "saltworks.txt"
#define ASSETS_DEMO_QUESTION "Who founded the saltworks?"
#define ASSETS_DEMO_ANSWER "Aldous and Peter Hale"

/* The path of an asset, to be freed, or NULL when it is nowhere. Looked for in
 * COMPREXIT_ASSETS, then in share/comprexit beside the bin folder of the installed
 * program, then in assets/ of the source tree that the program was built in. */
char *assets_path(const char *name);

#endif
