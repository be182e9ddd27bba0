/* SPDX-License-Identifier: Apache-2.0 */
/* viaduct top: what its files share. top.c has the loop and the terminal, top_fetch.c finds nodes
 * and asks them, top_draw.c makes text of what they say. */
#ifndef VIADUCT_CLI_TOP_H
#define VIADUCT_CLI_TOP_H

#include <stdbool.h>
#include <stddef.h>

#include "common_control.h"
#include "json.h"
#include "text.h"

#define TOP_NODES_MAX 64

struct top_node {
    char path[VD_CONTROL_PATH_BYTES]; /* of its control socket */
    struct json_document document;    /* zeroed: it does not answer now */
};

enum top_answer {
    TOP_ANSWERED,
    TOP_SILENT, /* something is there and does not answer, or not to the end: now */
    TOP_NO_NODE /* nobody is there, it may not be asked, or it is no node */
};

/* Ask the node at @path. @raw: its document (appended), safe for a terminal. Not answered: said in
 * @why (128 bytes). */
enum top_answer top_fetch(const char *path, struct cli_text *raw, struct json_document *document,
                          char *why);

/* The nodes in the usual place of this user; when there are none, those elsewhere that this user
 * may look at. At most TOP_NODES_MAX. Returns how many. */
size_t top_find(struct top_node *nodes);

/* A picture of the node; @before: an earlier one, or NULL: then there are no rates. Lines are cut
 * at
 * @columns (0: no limit), and at @rows (0: no limit) with a last line that says so. */
void top_draw(struct cli_text *text, const struct json *now, const struct json *before,
              unsigned columns, unsigned rows);

#endif
