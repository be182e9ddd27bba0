/* SPDX-License-Identifier: Apache-2.0 */
/* Names and texts of the error codes, from the one table in error.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <viaduct/error.h>

#define NAME_ROW(name, text) #name,
#define TEXT_ROW(name, text) text,
static const char *const names[] = {VD_ERR_MAP(NAME_ROW)};
static const char *const texts[] = {VD_ERR_MAP(TEXT_ROW)};

const char *vd_err_name(enum vd_err code)
{
    return (unsigned)code < VD_ERR_COUNT ? names[code] : "VD_ERR_UNKNOWN";
}

const char *vd_err_text(enum vd_err code)
{
    return (unsigned)code < VD_ERR_COUNT ? texts[code] : "unknown error";
}

enum vd_err vd_error_set(struct vd_error *error, enum vd_err code, const char *format, ...)
{
    va_list arguments;

    if (!error)
        return code;
    error->code = code;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof(error->text), format, arguments);
    va_end(arguments);
    return code;
}

enum vd_err vd_error_set_errno(struct vd_error *error, const char *what)
{
    char buffer[128];

    return vd_error_set(error, VD_ERR_SYSTEM, "%s: %s", what,
                        strerror_r(errno, buffer, sizeof(buffer)));
}
