/* SPDX-License-Identifier: Apache-2.0 */
/* gzip by zlib, br by brotli, behind one incremental interface.
 *
 * Happy path: begin, any number of runs, the last one with FINISH; coded bytes leave in pieces of
 * at most OUT_BYTES, so that memory does not grow with the body. zlib's state is kept for the next
 * body (making it costs more than a short body's coding); brotli's cannot be kept, but is small for
 * a short body, whose window is chosen to fit.
 *
 * Failure modes: no memory at begin - nothing was emitted, the body can go as it is; within brotli
 * later - the body is cut; a body that was given up half-way leaves nothing behind, the next begin
 * starts anew. */
#include <stdlib.h>
#include <string.h>

#include <brotli/encode.h>
#include <zlib.h>

#include "worker_coding.h"

#define OUT_BYTES        (16 * 1024)
#define GZIP_WINDOW_BITS (15 + 16) /* + 16: gzip's header and trailer, not zlib's */
#define GZIP_MEMORY      8
#define BROTLI_BITS_MIN  10
#define BROTLI_BITS_MAX  18 /* 256 KiB of window: what the body of an answer gains from */

struct vd_coder {
    enum vd_coding coding;
    z_stream gzip;
    bool gzip_ready;
    int gzip_level;
    BrotliEncoderState *brotli;
    unsigned char out[OUT_BYTES];
};

struct vd_coder *vd_coder_create(void)
{
    return calloc(1, sizeof(struct vd_coder));
}

static void brotli_drop(struct vd_coder *coder)
{
    BrotliEncoderDestroyInstance(coder->brotli);
    coder->brotli = NULL;
}

void vd_coder_destroy(struct vd_coder *coder)
{
    if (!coder)
        return;
    if (coder->gzip_ready)
        deflateEnd(&coder->gzip);
    brotli_drop(coder);
    free(coder);
}

static enum vd_err gzip_begin(struct vd_coder *coder, int level)
{
    if (coder->gzip_ready && coder->gzip_level == level)
        return deflateReset(&coder->gzip) == Z_OK ? VD_OK : VD_ERR_NO_MEMORY;
    if (coder->gzip_ready)
        deflateEnd(&coder->gzip);
    memset(&coder->gzip, 0, sizeof(coder->gzip));
    coder->gzip_ready = deflateInit2(&coder->gzip, level, Z_DEFLATED, GZIP_WINDOW_BITS, GZIP_MEMORY,
                                     Z_DEFAULT_STRATEGY) == Z_OK;
    coder->gzip_level = level;
    return coder->gzip_ready ? VD_OK : VD_ERR_NO_MEMORY;
}

static uint32_t window_bits(size_t length)
{
    uint32_t bits = BROTLI_BITS_MIN;

    if (length == 0)
        return BROTLI_BITS_MAX;
    while (bits < BROTLI_BITS_MAX && ((size_t)1 << bits) < length + 16)
        bits++;
    return bits;
}

static enum vd_err brotli_begin(struct vd_coder *coder, unsigned level, size_t length)
{
    brotli_drop(coder);
    coder->brotli = BrotliEncoderCreateInstance(NULL, NULL, NULL);
    if (!coder->brotli)
        return VD_ERR_NO_MEMORY;
    BrotliEncoderSetParameter(coder->brotli, BROTLI_PARAM_QUALITY, level);
    BrotliEncoderSetParameter(coder->brotli, BROTLI_PARAM_LGWIN, window_bits(length));
    BrotliEncoderSetParameter(coder->brotli, BROTLI_PARAM_SIZE_HINT,
                              length < UINT32_MAX ? (uint32_t)length : UINT32_MAX);
    return VD_OK;
}

enum vd_err vd_coder_begin(struct vd_coder *coder, enum vd_coding coding, unsigned level,
                           size_t length)
{
    coder->coding = coding;
    return coding == VD_CODING_GZIP ? gzip_begin(coder, (int)level)
                                    : brotli_begin(coder, level, length);
}

/* zlib counts in unsigned int: longer bodies go in parts. */
static enum vd_err gzip_run(struct vd_coder *coder, const unsigned char *bytes, size_t length,
                            enum vd_coder_step step, vd_coder_emit emit, void *context)
{
    static const int flushes[] = {Z_NO_FLUSH, Z_SYNC_FLUSH, Z_FINISH};
    const size_t part_max = 1u << 30;
    z_stream *gzip = &coder->gzip;
    enum vd_err result = VD_OK;

    do {
        size_t part = length < part_max ? length : part_max;
        int flush = part == length ? flushes[step] : Z_NO_FLUSH;

        gzip->next_in = (unsigned char *)bytes;
        gzip->avail_in = (unsigned)part;
        do {
            gzip->next_out = coder->out;
            gzip->avail_out = OUT_BYTES;
            deflate(gzip, flush); /* Z_BUF_ERROR: there was nothing left to say */
            if (gzip->avail_out < OUT_BYTES)
                result = emit(context, coder->out, OUT_BYTES - gzip->avail_out);
        } while (result == VD_OK && gzip->avail_out == 0);
        bytes += part;
        length -= part;
    } while (result == VD_OK && length > 0);
    return result;
}

static enum vd_err brotli_run(struct vd_coder *coder, const unsigned char *bytes, size_t length,
                              enum vd_coder_step step, vd_coder_emit emit, void *context)
{
    static const BrotliEncoderOperation operations[] = {
        BROTLI_OPERATION_PROCESS, BROTLI_OPERATION_FLUSH, BROTLI_OPERATION_FINISH};
    enum vd_err result = VD_OK;

    do {
        unsigned char *out = coder->out;
        size_t room = OUT_BYTES;

        if (!BrotliEncoderCompressStream(coder->brotli, operations[step], &length, &bytes, &room,
                                         &out, NULL))
            return VD_ERR_NO_MEMORY;
        if (room < OUT_BYTES)
            result = emit(context, coder->out, OUT_BYTES - room);
    } while (result == VD_OK && (length > 0 || BrotliEncoderHasMoreOutput(coder->brotli)));
    if (step == VD_CODER_FINISH || result != VD_OK)
        brotli_drop(coder);
    return result;
}

enum vd_err vd_coder_run(struct vd_coder *coder, const void *bytes, size_t length,
                         enum vd_coder_step step, vd_coder_emit emit, void *context)
{
    if (length == 0)
        bytes = ""; /* may be NULL, with which no sum may be done */
    return coder->coding == VD_CODING_GZIP ? gzip_run(coder, bytes, length, step, emit, context)
                                           : brotli_run(coder, bytes, length, step, emit, context);
}
