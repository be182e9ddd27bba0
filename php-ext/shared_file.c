/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the file of viaduct.tables with PHP's own INI parser; the header shows what it says.
 *
 * Failure modes: anything that is not understood refuses the whole file, and the error says which
 * section and key, so that a slip of the pen never makes a table that is nearly the one that was
 * meant. (PHP keeps the number of the line to itself.) */
#include "shared_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <php.h>
#include <zend_ini_parser.h>
#include <zend_ini_scanner.h>

#include "global_state.h"

#define TTL_MAX_S 10000000.0

enum section { NOTHING, TABLE, COUNTERS, GLOBAL_STATE };

struct reading {
    const char *path;
    struct vd_php_declarations *to;
    enum section section;
    char title[64]; /* of the section: says where */
    struct vd_error *error;
    enum vd_err result;
};

static void refuse(struct reading *reading, const char *format, ...)
    ZEND_ATTRIBUTE_FORMAT(printf, 2, 3);
static void refuse(struct reading *reading, const char *format, ...)
{
    char text[256];
    va_list arguments;
    if (reading->result != VD_OK) {
        return; /* the first is the one to mend */
    }
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    reading->result = vd_error_set(reading->error, VD_ERR_INVALID, "%s: %s%s%s%s", reading->path,
                                   reading->title[0] ? "[" : "", reading->title,
                                   reading->title[0] ? "] " : "", text);
}

static void refuse_memory(struct reading *reading)
{
    if (reading->result == VD_OK) {
        reading->result =
            vd_error_set(reading->error, VD_ERR_NO_MEMORY, "%s: out of memory", reading->path);
    }
}

/* ---- words ------------------------------------------------------------------------------------
 */

static bool read_whole(const char *text, int64_t *number)
{
    char *end;
    errno = 0;
    *number = strtoll(text, &end, 10);
    return errno == 0 && end != text && *end == '\0';
}

static bool read_ttl(const char *text, uint64_t *ttl_ms)
{
    char *end;
    double seconds = strtod(text, &end);
    if (end == text || *end != '\0' || !(seconds == 0 || seconds >= 0.001) || seconds > TTL_MAX_S) {
        return false;
    }
    *ttl_ms = (uint64_t)(seconds * 1000 + 0.5);
    return true;
}

/* "INT 4", "FLOAT", "STRING 64"; whether the size is allowed the table says. */
static bool read_type(const char *text, struct vd_column *column)
{
    static const struct {
        const char *word;
        enum vd_column_type type;
        uint32_t bytes;
    } types[] = {
        {"INT", VD_COLUMN_INT, 8}, {"FLOAT", VD_COLUMN_FLOAT, 8}, {"STRING", VD_COLUMN_STRING, 0}};
    size_t length = strcspn(text, " \t");
    const char *size = text + length + strspn(text + length, " \t");
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        int64_t bytes = types[i].bytes;
        if (strlen(types[i].word) != length || strncasecmp(text, types[i].word, length) != 0) {
            continue;
        }
        if (*size && (!read_whole(size, &bytes) || bytes < 1 || bytes > VD_TABLE_STRING_MAX)) {
            return false;
        }
        column->type = types[i].type;
        column->bytes = (uint32_t)bytes;
        return bytes > 0;
    }
    return false;
}

/* ---- sections ---------------------------------------------------------------------------------
 */

struct vd_table_options vd_php_declared_options(struct vd_php_declared_table *table)
{
    return (struct vd_table_options){.name = table->name,
                                     .rows = table->rows,
                                     .columns = table->columns,
                                     .column_count = table->column_count,
                                     .ttl_ms = table->ttl_ms};
}

static struct vd_php_declared_table *last_table(const struct reading *reading)
{
    return reading->to->tables[reading->to->table_count - 1];
}

static void end_section(struct reading *reading)
{
    struct vd_error why = {0};
    struct vd_table_options options;
    if (reading->result != VD_OK) {
        return;
    }
    if (reading->section == GLOBAL_STATE &&
        (reading->to->global_rows == 0 || reading->to->global_bytes == 0)) {
        refuse(reading, "the global state needs rows and bytes");
    }
    if (reading->section == TABLE) {
        options = vd_php_declared_options(last_table(reading));
        if (vd_table_bytes(&options, &why) == 0) {
            refuse(reading, "%s", why.text);
        }
    }
}

static void begin_table(struct reading *reading, const char *name)
{
    struct vd_php_declarations *to = reading->to;
    struct vd_php_declared_table **tables;
    size_t length = strlen(name);
    if (length == 0 || length > VD_TABLE_NAME_MAX) {
        refuse(reading, "the name of a table must have 1 to %d bytes", VD_TABLE_NAME_MAX);
        return;
    }
    if (vd_php_global_state_is_name(name)) {
        refuse(reading, "is Viaduct's own; the global state is declared in [global state]");
        return;
    }
    for (size_t i = 0; i < to->table_count; i++) {
        if (strcmp(to->tables[i]->name, name) == 0) {
            refuse(reading, "table \"%s\" is declared twice", name);
            return;
        }
    }
    tables = realloc(to->tables, (to->table_count + 1) * sizeof(struct vd_php_declared_table *));
    if (!tables) {
        refuse_memory(reading);
        return;
    }
    to->tables = tables;
    tables[to->table_count] = calloc(1, sizeof(struct vd_php_declared_table));
    if (!tables[to->table_count]) {
        refuse_memory(reading);
        return;
    }
    memcpy(tables[to->table_count++]->name, name, length + 1);
}

static void begin_section(struct reading *reading, const char *name)
{
    end_section(reading);
    snprintf(reading->title, sizeof(reading->title), "%s", name);
    if (strncmp(name, "table ", 6) == 0) {
        reading->section = TABLE;
        begin_table(reading, name + 6 + strspn(name + 6, " "));
    } else if (strcmp(name, "counters") == 0) {
        reading->section = COUNTERS;
    } else if (strcmp(name, "global state") == 0) {
        reading->section = GLOBAL_STATE;
    } else {
        refuse(reading, "is no section; allowed are [table NAME], [counters] and [global state]");
    }
}

/* ---- entries ----------------------------------------------------------------------------------
 */

static void table_entry(struct reading *reading, const char *key, const char *value)
{
    struct vd_php_declared_table *table = last_table(reading);
    int64_t number;
    if (strcmp(key, "rows") == 0) {
        if (!read_whole(value, &number) || number < 1) {
            refuse(reading, "rows = %s; allowed are 1 to %llu", value,
                   (unsigned long long)VD_TABLE_ROWS_MAX);
        } else {
            table->rows = (uint64_t)number;
        }
    } else if (strcmp(key, "ttl") == 0) {
        if (!read_ttl(value, &table->ttl_ms)) {
            refuse(reading, "ttl = %s; allowed are seconds, 0.001 to %.0f, and 0: never", value,
                   TTL_MAX_S);
        }
    } else {
        refuse(reading, "\"%s\"; a table has rows, ttl and columns[NAME]", key);
    }
}

static void table_column(struct reading *reading, const char *name, const char *value)
{
    struct vd_php_declared_table *table = last_table(reading);
    struct vd_column *column = &table->columns[table->column_count];
    size_t length = strlen(name);
    zend_ulong number;
    if (table->column_count == VD_TABLE_COLUMNS_MAX) {
        refuse(reading, "table \"%s\" has more than %d columns", table->name, VD_TABLE_COLUMNS_MAX);
    } else if (length == 0 || length > VD_TABLE_NAME_MAX) {
        refuse(reading, "the name of a column must have 1 to %d bytes", VD_TABLE_NAME_MAX);
    } else if (ZEND_HANDLE_NUMERIC_STR(name, length, number)) {
        refuse(reading, "columns[%s] has a number for its name: a row is an array by name", name);
    } else if (!read_type(value, column)) {
        refuse(reading, "columns[%s] = %s; allowed are INT 1, 2, 4 or 8, FLOAT, and STRING 1 to %u",
               name, value, VD_TABLE_STRING_MAX);
    } else {
        column->name = memcpy(table->column_names[table->column_count++], name, length + 1);
    }
}

static void counter_entry(struct reading *reading, const char *name, const char *value)
{
    struct vd_php_declarations *to = reading->to;
    struct vd_php_declared_counter *counters;
    int64_t initial = 0;
    if (strlen(name) == 0 || strlen(name) > VD_COUNTER_NAME_MAX) {
        refuse(reading, "the name of a counter must have 1 to %d bytes", VD_COUNTER_NAME_MAX);
        return;
    }
    if (!read_whole(value, &initial)) {
        refuse(reading, "%s = %s; a counter begins with a whole number of 64 bits", name, value);
        return;
    }
    counters = realloc(to->counters, (to->counter_count + 1) * sizeof(*counters));
    if (!counters) {
        refuse_memory(reading);
        return;
    }
    to->counters = counters;
    counters[to->counter_count].initial = initial;
    memcpy(counters[to->counter_count++].name, name, strlen(name) + 1);
}

static void global_entry(struct reading *reading, const char *key, const char *value)
{
    int64_t number;
    if (!read_whole(value, &number) || number < 1) {
        refuse(reading, "%s = %s; a number over 0 is meant", key, value);
    } else if (strcmp(key, "rows") == 0 && (uint64_t)number <= VD_PHP_STATE_ROWS_MAX) {
        reading->to->global_rows = (uint64_t)number;
    } else if (strcmp(key, "bytes") == 0 && number <= VD_PHP_STATE_VALUE_MAX) {
        reading->to->global_bytes = (uint32_t)number;
    } else {
        refuse(reading, "%s = %s; the global state has rows (to %d) and bytes (to %d)", key, value,
               VD_PHP_STATE_ROWS_MAX, VD_PHP_STATE_VALUE_MAX);
    }
}

static void entry(struct reading *reading, const char *key, const char *value)
{
    switch (reading->section) {
    case TABLE:
        table_entry(reading, key, value);
        break;
    case COUNTERS:
        counter_entry(reading, key, value);
        break;
    case GLOBAL_STATE:
        global_entry(reading, key, value);
        break;
    default:
        refuse(reading, "\"%s\" stands before the first section", key);
    }
}

static const char *text_of(const zval *value)
{
    return value && Z_TYPE_P(value) == IS_STRING ? Z_STRVAL_P(value) : "";
}

static void on_ini(zval *key, zval *value, zval *index, int type, void *context)
{
    struct reading *reading = context;
    if (reading->result != VD_OK) {
        return;
    }
    if (type == ZEND_INI_PARSER_SECTION) {
        begin_section(reading, text_of(key));
    } else if (type == ZEND_INI_PARSER_ENTRY) {
        entry(reading, text_of(key), text_of(value));
    } else if (reading->section == TABLE && strcmp(text_of(key), "columns") == 0) {
        table_column(reading, text_of(index), text_of(value));
    } else {
        refuse(reading, "\"%s[]\"; only columns of a table are written so", text_of(key));
    }
}

/* ---- the file ---------------------------------------------------------------------------------
 */

void vd_php_declarations_free(struct vd_php_declarations *declarations)
{
    for (size_t i = 0; i < declarations->table_count; i++) {
        free(declarations->tables[i]);
    }
    free(declarations->tables);
    free(declarations->counters);
    memset(declarations, 0, sizeof(*declarations));
}

/* NULL: errno tells. A directory can be opened, and looks like an empty file. */
static FILE *open_file(const char *path)
{
    FILE *file = fopen(path, "re");
    struct stat status;
    if (file && fstat(fileno(file), &status) == 0 && S_ISDIR(status.st_mode)) {
        fclose(file);
        errno = EISDIR;
        return NULL;
    }
    return file;
}

enum vd_err vd_php_declarations_read(const char *path, struct vd_php_declarations *declarations,
                                     struct vd_error *error)
{
    struct reading reading = {.path = path, .to = declarations, .error = error};
    zend_file_handle handle;
    FILE *file = open_file(path);
    memset(declarations, 0, sizeof(*declarations));
    if (!file) {
        return vd_error_set(error, VD_ERR_NOT_FOUND, "%s: %s", path, strerror(errno));
    }
    zend_stream_init_fp(&handle, file, path);
    if (zend_parse_ini_file(&handle, false, ZEND_INI_SCANNER_RAW, on_ini, &reading) != SUCCESS &&
        reading.result == VD_OK) {
        reading.result = vd_error_set(error, VD_ERR_INVALID, "%s: not in the form of an INI file",
                                      path); /* PHP has said where */
    }
    zend_destroy_file_handle(&handle); /* closes it */
    end_section(&reading);
    if (reading.result != VD_OK) {
        vd_php_declarations_free(declarations);
    }
    return reading.result;
}
