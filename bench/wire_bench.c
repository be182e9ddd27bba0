/* SPDX-License-Identifier: Apache-2.0 */
/* What the wire codec costs for one message: nanoseconds to encode and to decode it.
 *
 *     wire_bench [--json]
 *
 * "200 bytes" is the length of the JSON text. Five rounds, the best one counts: on a shared machine
 * the others measure the neighbours. Goal: 60 ns to encode, 300 ns to decode the plain one. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <viaduct/wire.h>

#define ROUNDS     5
#define ITERATIONS 400000
#define TEXT_BYTES 4096

struct sample {
    const char *name;
    const char *data;
    size_t data_length;
};

struct result {
    size_t text_bytes;
    double encode_ns;
    double decode_ns;
};

static double now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Keeps the compiler from leaving out what nobody reads. */
static void consume(const void *memory)
{
    __asm__ volatile("" : : "r"(memory) : "memory");
}

static void require(enum vd_err code)
{
    if (code) {
        fprintf(stderr, "wire_bench: %s\n", vd_err_text(code));
        exit(1);
    }
}

static struct result measure_round(const struct vd_message *message)
{
    static char text[TEXT_BYTES], scratch[TEXT_BYTES];
    struct vd_message decoded;
    struct result result = {0};
    double start = now_ns();

    for (int i = 0; i < ITERATIONS; i++) {
        require(vd_wire_encode(message, text, sizeof(text), &result.text_bytes));
        consume(text);
    }
    result.encode_ns = (now_ns() - start) / ITERATIONS;
    start = now_ns();
    for (int i = 0; i < ITERATIONS; i++) {
        require(
            vd_wire_decode(text, result.text_bytes, 0, scratch, sizeof(scratch), &decoded, NULL));
        consume(&decoded);
    }
    result.decode_ns = (now_ns() - start) / ITERATIONS;
    return result;
}

static struct result measure(const struct sample *sample)
{
    struct vd_message message = {
        .scope = "room:lobby",
        .scope_length = 10,
        .event = "say",
        .event_length = 3,
        .data = sample->data,
        .data_length = sample->data_length,
        .has_data = true,
        .origin = "0f3a5c7e9b1d2468",
        .origin_length = 16,
        .sequence = 123456,
    };
    struct result best = measure_round(&message);

    for (int i = 1; i < ROUNDS; i++) {
        struct result round = measure_round(&message);
        best.encode_ns = round.encode_ns < best.encode_ns ? round.encode_ns : best.encode_ns;
        best.decode_ns = round.decode_ns < best.decode_ns ? round.decode_ns : best.decode_ns;
    }
    return best;
}

#define SAMPLE(name, text)                                                                         \
    {                                                                                              \
        name, text, sizeof(text) - 1                                                               \
    }

int main(int argc, char **argv)
{
    static const struct sample samples[] = {
        SAMPLE("plain", "The quick brown fox jumps over the lazy dog, and then it sits down and "
                        "waits for the next message, as it did before 123"),
        SAMPLE("html", "<li class=\"message\" id=\"m42\"><b>Ann</b> <time datetime=\"12:00\">noon"
                       "</time>\n<p>It is lunch time</p></li>"),
        SAMPLE("json", "{\"room\":\"lobby\",\"name\":\"Ann\",\"text\":\"Hello all of you\","
                       "\"time\":1700000000,\"worker\":3}"),
        SAMPLE("utf8", "Zw\xc3\xb6lf Boxk\xc3\xa4mpfer jagen Viktor quer \xc3\xbc"
                       "ber den gro\xc3\x9f"
                       "en Sylter Deich \xf0\x9f\x8f\xa0, dann sitzen sie am Meer, ohne Eile"),
        SAMPLE("binary", "\x89PNG\r\n\x1a\n\xff\xfe\xfd\xfc this is a picture, or at least it "
                         "begins like one, and base64 carries it"),
    };
    bool json = argc > 1 && strcmp(argv[1], "--json") == 0;

    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        struct result result = measure(&samples[i]);
        printf(json ? "{\"bench\":\"wire\",\"sample\":\"%s\",\"bytes\":%zu,\"encode_ns\":%.1f,"
                      "\"decode_ns\":%.1f}\n"
                    : "%-8s %4zu bytes   encode %6.1f ns   decode %6.1f ns\n",
               samples[i].name, result.text_bytes, result.encode_ns, result.decode_ns);
    }
    return 0;
}
