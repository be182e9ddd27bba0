/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzzer's function over its corpus, then over fixed mutations of it, in any build.
 *
 *     replay_x CORPUS_FOLDER [MUTATIONS]
 *
 * So the corpus is a regression test where there is no libFuzzer (gcc, CI). The same seed every
 * time: a failure here fails again. Each input lies in a heap block of its exact size, so that a
 * sanitizer sees a read past the end. Fails when the folder is missing or empty. */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

#define MUTATIONS       4000
#define INPUT_MAX_BYTES ((size_t)256 * 1024)

struct input {
    uint8_t *bytes;
    size_t size;
};

struct corpus {
    struct input *inputs;
    size_t count;
};

static uint8_t *allocate(size_t size)
{
    uint8_t *memory = malloc(size > 0 ? size : 1);

    FUZZ_REQUIRE(memory != NULL);
    return memory;
}

/* xorshift64*: small, and the same everywhere. */
static uint32_t draw(uint64_t *state, uint32_t below)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (uint32_t)((*state * 0x2545F4914F6CDD1DULL) >> 32) % (below > 0 ? below : 1);
}

static void corpus_add_file(struct corpus *corpus, const char *folder, const char *name)
{
    char path[4096];
    struct stat status;
    struct input input;
    FILE *file;

    FUZZ_REQUIRE(snprintf(path, sizeof(path), "%s/%s", folder, name) < (int)sizeof(path));
    file = fopen(path, "rb");
    FUZZ_REQUIRE(file != NULL && fstat(fileno(file), &status) == 0);
    FUZZ_REQUIRE((size_t)status.st_size <= INPUT_MAX_BYTES);
    input.size = (size_t)status.st_size;
    input.bytes = allocate(input.size);
    FUZZ_REQUIRE(fread(input.bytes, 1, input.size, file) == input.size);
    fclose(file);
    corpus->inputs = realloc(corpus->inputs, (corpus->count + 1) * sizeof(*corpus->inputs));
    FUZZ_REQUIRE(corpus->inputs != NULL);
    corpus->inputs[corpus->count++] = input;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* In alphabetical order, so that every machine draws the same mutations. */
static bool corpus_load(struct corpus *corpus, const char *folder)
{
    struct dirent **names;
    int count = scandir(folder, &names, is_visible, alphasort);

    if (count < 0)
        return false;
    for (int i = 0; i < count; i++) {
        corpus_add_file(corpus, folder, names[i]->d_name);
        free(names[i]);
    }
    free(names);
    return corpus->count > 0;
}

static void corpus_free(struct corpus *corpus)
{
    for (size_t i = 0; i < corpus->count; i++)
        free(corpus->inputs[i].bytes);
    free(corpus->inputs);
}

static void run(const uint8_t *bytes, size_t size)
{
    uint8_t *exact = allocate(size);

    memcpy(exact, bytes, size);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

/* Change, remove, insert or repeat a few bytes, or take the tail from another input. */
static void mutate_once(struct input *input, const struct corpus *corpus, uint64_t *state)
{
    static const char interesting[] = "\"\\{}[]:,*/u0eE+-. \t\r\n\x00\x7f\x80\xc3\xed\xf4\xff";
    uint32_t at = draw(state, (uint32_t)input->size);
    uint32_t span = 1 + draw(state, 8);
    const struct input *other;

    switch (draw(state, 5)) {
    case 0:
        if (input->size > 0)
            input->bytes[at] = (uint8_t)interesting[draw(state, sizeof(interesting) - 1)];
        break;
    case 1:
        if (input->size > 0)
            input->bytes[at] ^= (uint8_t)(1u << draw(state, 8));
        break;
    case 2:
        span = at + span <= input->size ? span : (uint32_t)input->size - at;
        memmove(input->bytes + at, input->bytes + at + span, input->size - at - span);
        input->size -= span;
        break;
    case 3:
        memmove(input->bytes + at + span, input->bytes + at, input->size - at);
        for (uint32_t i = 0; i < span; i++)
            input->bytes[at + i] = (uint8_t)interesting[draw(state, sizeof(interesting) - 1)];
        input->size += span;
        break;
    default:
        other = &corpus->inputs[draw(state, (uint32_t)corpus->count)];
        span = draw(state, (uint32_t)other->size);
        memcpy(input->bytes + at, other->bytes + span, other->size - span);
        input->size = at + (other->size - span);
        break;
    }
}

static void run_mutations(const struct corpus *corpus, unsigned count)
{
    uint64_t state = 0x9E3779B97F4A7C15ULL;
    struct input input = {.bytes = allocate(2 * INPUT_MAX_BYTES + 64)};

    for (unsigned i = 0; i < count; i++) {
        const struct input *from = &corpus->inputs[draw(&state, (uint32_t)corpus->count)];
        memcpy(input.bytes, from->bytes, from->size);
        input.size = from->size;
        for (uint32_t steps = 1 + draw(&state, 4); steps > 0 && input.size < INPUT_MAX_BYTES;
             steps--)
            mutate_once(&input, corpus, &state);
        run(input.bytes, input.size);
    }
    free(input.bytes);
}

int main(int argc, char **argv)
{
    struct corpus corpus = {0};

    if (argc < 2 || !corpus_load(&corpus, argv[1])) {
        fprintf(stderr, "usage: %s CORPUS_FOLDER [MUTATIONS]; the folder must hold files\n",
                argv[0]);
        return 2;
    }
    for (size_t i = 0; i < corpus.count; i++)
        run(corpus.inputs[i].bytes, corpus.inputs[i].size);
    run_mutations(&corpus, argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : MUTATIONS);
    printf("%zu inputs, replayed and mutated\n", corpus.count);
    corpus_free(&corpus);
    return 0;
}
