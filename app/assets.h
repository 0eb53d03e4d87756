/* Where the program's own files are: the sample documents, the default rc file,
 * the default compressor. */
#ifndef APP_ASSETS_H
#define APP_ASSETS_H

/* The sample document, a question about it, and what stands there. The answer shows what is
 * lost on the way from few slots to many: see assets/README.md. */
#define ASSETS_DEMO_DOCUMENT "saltworks.txt"
#define ASSETS_DEMO_QUESTION "When was the last fire put out?"
#define ASSETS_DEMO_ANSWER "the ninth of October 1924"

/* The path of an asset, to be freed, or NULL when it is nowhere. Looked for in
 * COMPREXIT_ASSETS, then in share/comprexit beside the bin folder of the installed
 * program, then in assets/ of the source tree that the program was built in. */
char *assets_path(const char *name);

#endif
