/* SPDX-License-Identifier: Apache-2.0 */
/* The drivers of this build, from drivers.def, found by name or URL scheme. */
#include <stdio.h>
#include <string.h>

#include <viaduct/broker_driver.h>

#define VD_BROKER_DRIVER(name) extern const struct vd_broker_driver vd_broker_driver_##name;
#include "drivers.def"
#undef VD_BROKER_DRIVER

#define VD_BROKER_DRIVER(name) &vd_broker_driver_##name,
static const struct vd_broker_driver *const drivers[] = {
#include "drivers.def"
};
#undef VD_BROKER_DRIVER

#define DRIVER_COUNT (sizeof(drivers) / sizeof(drivers[0]))

const struct vd_broker_driver *vd_broker_driver_at(size_t index)
{
    return index < DRIVER_COUNT ? drivers[index] : NULL;
}

/* Is @word (of @length bytes) one of the words of @list, which spaces separate? */
static bool list_has(const char *list, const char *word, size_t length)
{
    while (*list != '\0') {
        size_t here = strcspn(list, " ");
        if (here == length && memcmp(list, word, length) == 0)
            return true;
        list += here;
        list += strspn(list, " ");
    }
    return false;
}

static void list_schemes(char *text, size_t capacity)
{
    size_t length = 0;

    text[0] = '\0';
    for (size_t i = 0; i < DRIVER_COUNT && length < capacity; i++) {
        int wanted =
            snprintf(text + length, capacity - length, "%s%s", i ? " " : "", drivers[i]->schemes);
        length += wanted > 0 ? (size_t)wanted : 0;
    }
}

const struct vd_broker_driver *vd_broker_driver_find(const char *url, struct vd_error *error)
{
    size_t length = url ? strcspn(url, ":") : 0;
    char known[128];

    for (size_t i = 0; i < DRIVER_COUNT && length > 0; i++) {
        if (list_has(drivers[i]->schemes, url, length))
            return drivers[i];
    }
    list_schemes(known, sizeof(known));
    vd_error_set(error, length ? VD_ERR_UNSUPPORTED : VD_ERR_INVALID,
                 "url: %s; a broker's URL begins with one of: %s",
                 length ? "no driver for its scheme" : "missing", known);
    return NULL;
}
