/* Where a figure comes from: the record that travels inside of it (PNG: iTXt chunk
 * "comprexit", SVG: <metadata>), and reading it back. It holds no directories, user,
 * host or time, so that the same figure has the same bytes. */
#ifndef APP_FIGURE_META_H
#define APP_FIGURE_META_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/undo.h"
#include "engine/base/err.h"
#include "engine/snapshot.h"
#include "views/figure.h"

#define FIGURE_META_KEYWORD "comprexit"

/* A file that the figure depends on. */
struct figure_meta_file {
    char name[256]; /* without directories */
    uint64_t size;  /* 0 = unknown */
    char sha256[65]; /* "" = unknown */
};

/* The record. */
struct figure_meta {
    char version[32];
    enum figure_kind kind; /* of the first panel */
    enum figure_kind panel[FIGURE_KIND_COUNT];
    size_t n_panels;       /* 0: a single figure */
    enum view_value value;
    enum normalise norm;
    enum scale scale;
    enum color_map map;
    enum unit unit;
    double limit_low, limit_high;
    bool has_range;  /* tokens from..to, else `window` */
    size_t window;   /* from 1; 0: neither (answers) */
    size_t from, to; /* both inclusive */
    int iteration;   /* -1: the last */
    struct source locked;
    size_t *muted, n_muted; /* slots of the document that were left out, owned */
    struct token_edit *tokens; /* [n_tokens] sender mass changed by hand, owned */
    size_t n_tokens;
    bool layer_off[EDIT_LAYERS_MAX];
    bool rebalance;     /* the plan was solved again without those slots */
    unsigned ablations; /* of enum compress_ablation */
    unsigned order_seed;
    struct snapshot_settings settings;
    char precision[16];
    char *question; /* owned; NULL: none */
    char against[128]; /* A of a difference: what it is called; "" = none */
    bool against_is_b; /* then the figure's settings are those of A */
    struct figure_meta_file against_file; /* session file that it is of; name "" = none */
    struct figure_meta_file session_file; /* that was restored; name "" = none */
    struct figure_meta_file model, compressor, document;
};

/* Parts of the method that can be taken out, as records call them. */
enum { ABLATION_NAMES = 3 };
struct ablation_name {
    unsigned bit;
    const char *name;
};
extern const struct ablation_name ablation_names[ABLATION_NAMES];

void figure_meta_free(struct figure_meta *meta);

/* Fills in what the snapshot knows: settings, question, names and hashes. */
void figure_meta_from_snapshot(struct figure_meta *meta, const struct snapshot *snapshot);

/* The edits by hand and the parts taken out, into edits, and back. */
void figure_meta_to_edits(const struct figure_meta *meta, struct edits *edits);
void figure_meta_from_edits(struct figure_meta *meta, const struct edits *edits);

/* A new reference. */
json_t *figure_meta_to_json(const struct figure_meta *meta);

/* Takes JSON of unknown origin: every field is checked (ERR_INPUT names it), absent
 * ones get their default. `name` is for messages. */
bool figure_meta_from_json(struct figure_meta *meta, const json_t *json, const char *name,
                           struct err *err);

/* The file of that name in the figure's folder, to be freed; NULL when it is not there, or
 * the name is empty. */
char *figure_meta_beside(const char *figure, const char *name);

/* The record of a PNG or SVG file as JSON, a new reference; NULL with ERR_INPUT that
 * says what is wrong with the file. */
json_t *figure_metadata_read(const char *path, struct err *err);

#endif
