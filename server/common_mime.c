/* SPDX-License-Identifier: Apache-2.0 */
/* Media types by file extension, from the IANA registry (https://www.iana.org/assignments/
 * media-types) and, for what is not registered there, from what browsers expect
 * (https://mimesniff.spec.whatwg.org).
 *
 * text/ types say charset=utf-8; JSON and XML do not, since their formats settle it themselves.
 * An unknown extension is application/octet-stream, which a browser saves and never runs. */
#include "common_mime.h"

#include <stdlib.h>
#include <string.h>

#define EXTENSION_MAX_BYTES 12
#define UTF8                "; charset=utf-8"

/* In the order of strcmp: bsearch. */
static const struct vd_mime types[] = {
    {"7z", "application/x-7z-compressed", false},
    {"aac", "audio/aac", false},
    {"apk", "application/vnd.android.package-archive", false},
    {"apng", "image/apng", false},
    {"appcache", "text/cache-manifest" UTF8, true},
    {"atom", "application/atom+xml", true},
    {"avif", "image/avif", false},
    {"bin", "application/octet-stream", false},
    {"bmp", "image/bmp", true},
    {"br", "application/octet-stream", false},
    {"bz2", "application/x-bzip2", false},
    {"cjs", "text/javascript" UTF8, true},
    {"conf", "text/plain" UTF8, true},
    {"css", "text/css" UTF8, true},
    {"csv", "text/csv" UTF8, true},
    {"cur", "image/x-icon", true},
    {"deb", "application/vnd.debian.binary-package", false},
    {"doc", "application/msword", true},
    {"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", false},
    {"eot", "application/vnd.ms-fontobject", true},
    {"epub", "application/epub+zip", false},
    {"flac", "audio/flac", false},
    {"geojson", "application/geo+json", true},
    {"gif", "image/gif", false},
    {"glb", "model/gltf-binary", true},
    {"gltf", "model/gltf+json", true},
    {"gz", "application/gzip", false},
    {"heic", "image/heic", false},
    {"heif", "image/heif", false},
    {"htm", "text/html" UTF8, true},
    {"html", "text/html" UTF8, true},
    {"ico", "image/x-icon", true},
    {"ics", "text/calendar" UTF8, true},
    {"iso", "application/octet-stream", false},
    {"jar", "application/java-archive", false},
    {"jfif", "image/jpeg", false},
    {"jpeg", "image/jpeg", false},
    {"jpg", "image/jpeg", false},
    {"js", "text/javascript" UTF8, true},
    {"json", "application/json", true},
    {"jsonld", "application/ld+json", true},
    {"jxl", "image/jxl", false},
    {"log", "text/plain" UTF8, true},
    {"m3u8", "application/vnd.apple.mpegurl", true},
    {"m4a", "audio/mp4", false},
    {"m4v", "video/mp4", false},
    {"map", "application/json", true},
    {"md", "text/markdown" UTF8, true},
    {"mid", "audio/midi", true},
    {"mjs", "text/javascript" UTF8, true},
    {"mkv", "video/matroska", false},
    {"mov", "video/quicktime", false},
    {"mp3", "audio/mpeg", false},
    {"mp4", "video/mp4", false},
    {"mpd", "application/dash+xml", true},
    {"mpeg", "video/mpeg", false},
    {"mpg", "video/mpeg", false},
    {"odp", "application/vnd.oasis.opendocument.presentation", false},
    {"ods", "application/vnd.oasis.opendocument.spreadsheet", false},
    {"odt", "application/vnd.oasis.opendocument.text", false},
    {"oga", "audio/ogg", false},
    {"ogg", "audio/ogg", false},
    {"ogv", "video/ogg", false},
    {"opus", "audio/ogg", false},
    {"otf", "font/otf", true},
    {"pdf", "application/pdf", false},
    {"png", "image/png", false},
    {"ppt", "application/vnd.ms-powerpoint", true},
    {"pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation", false},
    {"rar", "application/vnd.rar", false},
    {"rss", "application/rss+xml", true},
    {"rtf", "application/rtf", true},
    {"sql", "application/sql", true},
    {"svg", "image/svg+xml", true},
    {"svgz", "image/svg+xml", false},
    {"tar", "application/x-tar", true},
    {"text", "text/plain" UTF8, true},
    {"tif", "image/tiff", false},
    {"tiff", "image/tiff", false},
    {"ts", "video/mp2t", false},
    {"ttc", "font/collection", true},
    {"ttf", "font/ttf", true},
    {"txt", "text/plain" UTF8, true},
    {"vcf", "text/vcard" UTF8, true},
    {"vtt", "text/vtt" UTF8, true},
    {"wasm", "application/wasm", true},
    {"wav", "audio/wav", true},
    {"weba", "audio/webm", false},
    {"webm", "video/webm", false},
    {"webmanifest", "application/manifest+json", true},
    {"webp", "image/webp", false},
    {"woff", "font/woff", false},
    {"woff2", "font/woff2", false},
    {"xhtml", "application/xhtml+xml", true},
    {"xls", "application/vnd.ms-excel", true},
    {"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", false},
    {"xml", "application/xml", true},
    {"xsl", "application/xslt+xml", true},
    {"xslt", "application/xslt+xml", true},
    {"xz", "application/x-xz", false},
    {"yaml", "application/yaml", true},
    {"yml", "application/yaml", true},
    {"zip", "application/zip", false},
    {"zst", "application/zstd", false},
};

static const struct vd_mime unknown = {"", "application/octet-stream", false};

static int compare(const void *key, const void *row)
{
    return strcmp(key, ((const struct vd_mime *)row)->extension);
}

const struct vd_mime *vd_mime_of(const char *path, size_t length)
{
    char extension[EXTENSION_MAX_BYTES + 1];
    const struct vd_mime *found;
    size_t count = 0, at = length;

    while (at > 0 && path[at - 1] != '.') {
        if (path[at - 1] == '/' || length - at >= EXTENSION_MAX_BYTES)
            return &unknown;
        at--;
    }
    if (at == 0)
        return &unknown;
    for (; at < length; at++) {
        char c = path[at];

        if (c >= 'A' && c <= 'Z')
            c = (char)(c | 0x20);
        extension[count++] = c;
    }
    extension[count] = '\0';
    found = bsearch(extension, types, sizeof(types) / sizeof(*types), sizeof(*types), compare);
    return found ? found : &unknown;
}
