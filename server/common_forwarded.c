/* SPDX-License-Identifier: Apache-2.0 */
/* Follows Forwarded (RFC 7239 4 to 6) or X-Forwarded-* from the peer to the client
 * (common_forwarded.h).
 *
 * Happy path: the peer is trusted, the last header line is read, its last element names the client.
 * Several lines are one list; they are read from the last to the first, and only as far as
 * addresses are trusted, so what a client has put in front costs nothing and is never believed.
 *
 * Failure modes: Forwarded with a syntax error (also a parameter that comes twice, or an IPv6
 * address without quotes) is refused as a whole; X-Forwarded-For has no grammar to speak of, so an
 * element that is no address ends the way there. */
#include <string.h>

#include "common_forwarded.h"
#include "common_http_chars.h"
#include "common_http_fields.h"

/* Of one line, the last ones: nobody has as many trusted proxies. */
#define ELEMENTS_MAX 32

struct range {
    const char *at;
    size_t length; /* at is NULL: the parameter is not there */
};

struct element {
    struct range node; /* for= */
    struct range proto;
    struct range host;
};

/* The elements of one line, the last ELEMENTS_MAX of them: entry n lies at n % ELEMENTS_MAX. */
struct elements {
    struct element ring[ELEMENTS_MAX];
    size_t count;
};

static bool equals(struct range range, const char *lower_case)
{
    return range.at && vd_http_name_is(range.at, range.length, lower_case);
}

static const char *skip_space(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    return at;
}

/* ---- addresses ---------------------------------------------------------------------------------
 */

static bool read_port(const char *at, const char *end, uint16_t *port)
{
    uint32_t value = 0;

    if (at == end || end - at > 5)
        return false;
    for (; at < end; at++) {
        if (*at < '0' || *at > '9')
            return false;
        value = value * 10 + (uint32_t)(*at - '0');
    }
    *port = (uint16_t)value;
    return value <= UINT16_MAX;
}

/* a.b.c.d, a.b.c.d:port, [v6], [v6]:port; @bare: also v6 as it is. */
static bool read_address(struct range range, bool bare, struct vd_address *address, uint16_t *port)
{
    const char *at = range.at, *end = at + range.length, *stop;
    bool bracket = range.length > 0 && *at == '[';

    *port = 0;
    if (bracket) {
        at++;
        stop = memchr(at, ']', (size_t)(end - at));
    } else {
        stop = memchr(at, ':', range.length);
        if (bare && stop && memchr(stop + 1, ':', (size_t)(end - stop - 1)))
            stop = end;
        else if (!stop)
            stop = end;
    }
    if (!stop || !vd_address_parse(at, (size_t)(stop - at), address) ||
        address->kind == VD_ADDRESS_UNIX)
        return false;
    /* brackets are for what is written as IPv6 (which may be a mapped IPv4 address) */
    if (bracket != (memchr(at, ':', (size_t)(stop - at)) != NULL) && !bare)
        return false;
    if (bracket)
        stop++;
    return stop == end || (*stop == ':' && read_port(stop + 1, end, port));
}

/* ---- Forwarded ---------------------------------------------------------------------------------
 */

/* token or quoted-string, RFC 9110 5.6.4. A backslash is taken only where it is of no use: nothing
 * that we read needs one. */
static const char *read_value(const char *at, const char *end, struct range *value)
{
    if (at < end && *at == '"') {
        value->at = ++at;
        while (at < end && *at != '"') {
            if (*at == '\\' && ++at == end)
                return NULL;
            at++;
        }
        if (at == end)
            return NULL;
        value->length = (size_t)(at - value->at);
        return at + 1;
    }
    value->at = at;
    at = vd_http_skip(at, end, VD_HTTP_CHAR_TOKEN);
    value->length = (size_t)(at - value->at);
    return value->length ? at : NULL;
}

/* obfuscated: "_" 1*(ALPHA / DIGIT / "." / "_" / "-"), RFC 7239 6.3. */
static bool is_obfuscated(const char *at, const char *end)
{
    if (end - at < 2 || *at++ != '_')
        return false;
    for (; at < end; at++) {
        char lower = (char)(*at | 0x20);

        if (!(lower >= 'a' && lower <= 'z') && !(*at >= '0' && *at <= '9') && *at != '.' &&
            *at != '_' && *at != '-')
            return false;
    }
    return true;
}

/* node = nodename [ ":" node-port ], RFC 7239 6. */
static bool is_node(struct range node)
{
    const char *end = node.at + node.length, *from = node.at, *colon;
    struct vd_address address;
    uint16_t port;

    if (node.length > 0 && *from == '[' && !(from = memchr(from, ']', node.length)))
        return false;
    colon = memchr(from, ':', (size_t)(end - from));
    if (colon && !is_obfuscated(colon + 1, end) && !read_port(colon + 1, end, &port))
        return false;
    struct range name = {node.at, (size_t)((colon ? colon : end) - node.at)};
    return equals(name, "unknown") || is_obfuscated(name.at, name.at + name.length) ||
           read_address(name, false, &address, &port);
}

static bool is_scheme(struct range proto)
{
    for (size_t i = 0; i < proto.length; i++) {
        char byte = proto.at[i], lower = (char)(byte | 0x20);

        if (!(lower >= 'a' && lower <= 'z') &&
            (i == 0 ||
             (!(byte >= '0' && byte <= '9') && byte != '+' && byte != '-' && byte != '.')))
            return false;
    }
    return proto.length > 0;
}

static bool take_parameter(struct element *element, struct range name, struct range value)
{
    struct range *place = equals(name, "for")     ? &element->node
                          : equals(name, "proto") ? &element->proto
                          : equals(name, "host")  ? &element->host
                                                  : NULL;

    if (!place)
        return !equals(name, "by") || is_node(value);
    if (place->at)
        return false; /* RFC 7239 4: not more than once */
    *place = value;
    if (place == &element->node)
        return is_node(value);
    if (place == &element->proto)
        return is_scheme(value);
    return vd_http_is_authority(value.at, value.at + value.length);
}

/* forwarded-element = [ pair ] *( ";" [ pair ] ). Stops at the comma or the end. NULL: malformed.
 * White space beside a semicolon is let pass: it is common and can mean one thing only. */
static const char *read_element(const char *at, const char *end, struct element *element)
{
    memset(element, 0, sizeof(*element));
    for (;;) {
        struct range name = {skip_space(at, end), 0}, value;

        at = vd_http_skip(name.at, end, VD_HTTP_CHAR_TOKEN);
        name.length = (size_t)(at - name.at);
        if (name.length > 0) {
            if (at == end || *at != '=')
                return NULL;
            at = read_value(at + 1, end, &value);
            if (!at || !take_parameter(element, name, value))
                return NULL;
        }
        at = skip_space(at, end);
        if (at == end || *at == ',')
            return at;
        if (*at++ != ';')
            return NULL;
    }
}

/* A list may hold empty elements (RFC 9110 5.6.1.2); an element without a parameter is one. */
static bool read_line(const char *at, const char *end, struct elements *elements)
{
    struct element element;

    for (;;) {
        at = read_element(at, end, &element);
        if (!at)
            return false;
        if (element.node.at || element.proto.at || element.host.at)
            elements->ring[elements->count++ % ELEMENTS_MAX] = element;
        if (at == end)
            return true;
        at++; /* the comma */
    }
}

static void take_scheme(struct vd_client *client, struct range proto)
{
    if (proto.at)
        client->https = equals(proto, "https") || equals(proto, "wss");
}

static void take_host(struct vd_client *client, const char *bytes, struct range host)
{
    if (!host.at)
        return;
    client->host.offset = (uint32_t)(host.at - bytes);
    client->host.length = (uint32_t)host.length;
}

static bool is_trusted(const struct vd_trust *trust, const struct vd_client *client)
{
    return vd_networks_contain(trust->networks, trust->count, &client->address);
}

static bool field_is(const char *bytes, const struct vd_http_field *field, const char *name)
{
    return vd_http_name_is(bytes + field->name.offset, field->name.length, name);
}

/* One line, from right to left. Returns true when the way goes on in the line before. */
static bool follow_elements(const struct vd_trust *trust, const char *bytes,
                            const struct elements *elements, struct vd_client *client)
{
    size_t first = elements->count > ELEMENTS_MAX ? elements->count - ELEMENTS_MAX : 0;

    for (size_t i = elements->count; i > first; i--) {
        const struct element *element = &elements->ring[(i - 1) % ELEMENTS_MAX];
        struct vd_address address;
        uint16_t port;

        take_scheme(client, element->proto);
        take_host(client, bytes, element->host);
        if (!element->node.at || !read_address(element->node, false, &address, &port))
            return false;
        client->address = address;
        client->port = port;
        if (!is_trusted(trust, client))
            return false;
    }
    return first == 0;
}

static bool follow_standard(const struct vd_trust *trust, const char *bytes,
                            const struct vd_http_request *head, struct vd_client *client)
{
    struct elements elements;

    for (size_t i = head->header_count; i > 0; i--) {
        const struct vd_http_field *field = &head->headers[i - 1];
        const char *value = bytes + field->value.offset;

        if (!field_is(bytes, field, "forwarded"))
            continue;
        elements.count = 0;
        if (!read_line(value, value + field->value.length, &elements))
            return false;
        if (!follow_elements(trust, bytes, &elements, client))
            return true;
    }
    return true;
}

/* ---- X-Forwarded-* -----------------------------------------------------------------------------
 */

/* A list over several lines, read from its end. */
struct backward {
    const char *bytes, *name;
    const struct vd_http_request *head;
    size_t next_field;       /* fields from here on are done with */
    const char *first, *end; /* of the line, what is left; first is NULL: none */
};

static bool previous_line(struct backward *list)
{
    while (list->next_field > 0) {
        const struct vd_http_field *field = &list->head->headers[--list->next_field];

        if (field_is(list->bytes, field, list->name)) {
            list->first = list->bytes + field->value.offset;
            list->end = list->first + field->value.length;
            return true;
        }
    }
    return false;
}

static bool previous_element(struct backward *list, struct range *element)
{
    const char *at, *end;

    if (!list->first && !previous_line(list))
        return false;
    at = end = list->end;
    while (at > list->first && at[-1] != ',')
        at--;
    if (at == list->first) {
        list->first = NULL;
    } else {
        list->end = at - 1;
    }
    at = skip_space(at, end);
    while (end > at && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    *element = (struct range){at, (size_t)(end - at)};
    return true;
}

/* The element that belongs to the last hop that was followed: as many from the right as there were
 * hops, or the first one of a shorter list, which proxies overwrite rather than extend. */
static bool element_of_hop(const char *bytes, const struct vd_http_request *head, const char *name,
                           size_t hops, struct range *element)
{
    struct backward list = {
        .bytes = bytes, .name = name, .head = head, .next_field = head->header_count};
    bool found = false;

    for (size_t i = 0; i < hops && previous_element(&list, element); i++)
        found = true;
    return found;
}

static void follow_x(const struct vd_trust *trust, const char *bytes,
                     const struct vd_http_request *head, struct vd_client *client)
{
    struct backward list = {
        .bytes = bytes, .name = "x-forwarded-for", .head = head, .next_field = head->header_count};
    struct range element;
    struct vd_address address;
    uint16_t port;
    size_t hops = 0;

    while (previous_element(&list, &element)) {
        hops++;
        if (!read_address(element, true, &address, &port))
            break;
        client->address = address;
        client->port = port;
        if (!is_trusted(trust, client))
            break;
    }
    if (hops == 0)
        hops = 1;
    if (element_of_hop(bytes, head, "x-forwarded-proto", hops, &element))
        take_scheme(client, element);
    if (element_of_hop(bytes, head, "x-forwarded-host", hops, &element) &&
        vd_http_is_authority(element.at, element.at + element.length))
        take_host(client, bytes, element);
}

bool vd_forwarded_follow(const struct vd_trust *trust, const char *bytes,
                         const struct vd_http_request *head, struct vd_client *client)
{
    client->https = false;
    client->host = (struct vd_http_span){0, 0};
    if (!is_trusted(trust, client))
        return true;
    if (trust->headers != VD_FORWARDED_X) {
        for (size_t i = 0; i < head->header_count; i++) {
            if (field_is(bytes, &head->headers[i], "forwarded"))
                return follow_standard(trust, bytes, head, client);
        }
    }
    if (trust->headers != VD_FORWARDED_STANDARD)
        follow_x(trust, bytes, head, client);
    return true;
}
