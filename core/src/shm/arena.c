/* SPDX-License-Identifier: Apache-2.0 */
/* The arena: one memfd, mapped at one address in every process of a node.
 *
 * Happy path: create makes the memfd, sizes it, seals the size and maps it at a candidate address
 * that is free in every process we know of; allocate appends a region and publishes it in the
 * directory; a re-executed process attaches by descriptor at the address the header names.
 *
 * Failure modes: no candidate is free (the kernel chooses; forks do not care, a re-executed process
 * may then find the address taken: VD_ERR_EXISTS); the descriptor is no arena of this version, or
 * its size could still change under us, which would turn a load into a SIGBUS (VD_ERR_CORRUPT);
 * a writer killed inside allocate leaves at most unused bytes, never a half-named region. */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <viaduct/arena.h>

#define ARENA_MAGIC   0x56644172656e6131u /* "VdArena1" */
#define ARENA_VERSION 1u
#define SIZE_SEALS    (F_SEAL_SHRINK | F_SEAL_GROW)

struct arena_region {
    char name[VD_ARENA_NAME_MAX + 1];
    uint64_t offset;
    uint64_t bytes;
};

/* At the start of the shared memory. Written by one process at a time, read by all. */
struct arena_header {
    uint64_t magic;
    uint32_t version;
    _Atomic uint32_t region_count; /* stored last: a region is complete when it is counted */
    uint64_t base;
    uint64_t capacity;
    _Atomic uint64_t used;
    uint64_t reserved[3];
    struct arena_region regions[VD_ARENA_REGIONS_MAX];
};

_Static_assert(sizeof(struct arena_region) == 64, "one cache line a region");
_Static_assert(sizeof(struct arena_header) == VD_ARENA_HEADER_BYTES, "the layout is shared");

/* This process's handle. */
struct vd_arena {
    struct arena_header *header;
    size_t capacity; /* private copy: what is mapped here */
    int fd;
};

/* Where to map. The first block lies below where position-independent programs are loaded: free in
 * plain processes, above ASan's shadow, and inside what TSan counts as application memory. Valgrind
 * keeps everything above 8 TiB for itself, hence the second block, under 512 GiB because TSan turns
 * a fixed address outside its ranges into address 0. Four places each, for programs with several
 * arenas. */
static const uint64_t candidates[] = {
    0x550000000000, 0x551000000000, 0x552000000000, 0x553000000000,
    0x002000000000, 0x003000000000, 0x004000000000, 0x005000000000,
};

/* MAP_FAILED with errno EEXIST when something is there already. */
static void *map_at(uint64_t address, size_t bytes, int fd)
{
    void *wanted = (void *)(uintptr_t)address; /* NOLINT(performance-no-int-to-ptr) */
    void *got =
        mmap(wanted, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0);

    if (got == MAP_FAILED || got == wanted)
        return got;
    munmap(got, bytes); /* a kernel before 4.17 takes the address for a hint */
    errno = EEXIST;
    return MAP_FAILED;
}

static void *map_somewhere(size_t bytes, int fd)
{
    for (size_t i = 0; i < sizeof(candidates) / sizeof(candidates[0]); i++) {
        void *base = map_at(candidates[i], bytes, fd);

        if (base != MAP_FAILED)
            return base;
    }
    return mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
}

static size_t page_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static enum vd_err open_memory(size_t capacity, int *fd, struct vd_error *error)
{
    enum vd_err result;

    *fd = memfd_create("viaduct", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (*fd < 0)
        return vd_error_set_errno(error, "memfd_create of the arena");
    if (ftruncate(*fd, (off_t)capacity) != 0) {
        result = vd_error_set_errno(error, "sizing the arena");
        goto err_after_open;
    }
    if (fcntl(*fd, F_ADD_SEALS, SIZE_SEALS | F_SEAL_SEAL) != 0) {
        result = vd_error_set_errno(error, "sealing the size of the arena");
        goto err_after_open;
    }
    return VD_OK;

err_after_open:
    close(*fd);
    *fd = -1;
    return result;
}

static void write_header(struct arena_header *header, size_t capacity)
{
    header->magic = ARENA_MAGIC;
    header->version = ARENA_VERSION;
    header->base = (uintptr_t)header;
    header->capacity = capacity;
    atomic_store_explicit(&header->used, sizeof(*header), memory_order_relaxed);
    atomic_store_explicit(&header->region_count, 0, memory_order_release);
}

enum vd_err vd_arena_create(size_t capacity_bytes, struct vd_arena **arena, struct vd_error *error)
{
    size_t page = page_bytes();
    struct vd_arena *created;
    enum vd_err result;
    void *base;

    *arena = NULL;
    if (capacity_bytes <= sizeof(struct arena_header) || capacity_bytes > SIZE_MAX / 4) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "an arena of %zu bytes: must be more than its header (%zu)",
                            capacity_bytes, sizeof(struct arena_header));
    }
    created = malloc(sizeof(*created));
    if (!created)
        return vd_error_set(error, VD_ERR_NO_MEMORY, "no memory for an arena handle");
    created->capacity = (capacity_bytes + page - 1) & ~(page - 1);
    result = open_memory(created->capacity, &created->fd, error);
    if (result != VD_OK)
        goto err_after_alloc;
    base = map_somewhere(created->capacity, created->fd);
    if (base == MAP_FAILED) {
        result = vd_error_set_errno(error, "mapping the arena");
        goto err_after_open;
    }
    created->header = base;
    write_header(created->header, created->capacity);
    *arena = created;
    return VD_OK;

err_after_open:
    close(created->fd);
err_after_alloc:
    free(created);
    return result;
}

/* The part of the header before the directory, read before anything is mapped. */
static enum vd_err check_descriptor(int fd, uint64_t *base, uint64_t *capacity,
                                    struct vd_error *error)
{
    unsigned char bytes[offsetof(struct arena_header, used)];
    struct stat status;
    uint64_t magic;
    uint32_t version;
    int seals = fcntl(fd, F_GET_SEALS);

    if (seals < 0 || (seals & SIZE_SEALS) != SIZE_SEALS || fstat(fd, &status) != 0 ||
        pread(fd, bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
        return vd_error_set(error, VD_ERR_CORRUPT, "descriptor %d is not an arena", fd);
    memcpy(&magic, bytes + offsetof(struct arena_header, magic), sizeof(magic));
    memcpy(&version, bytes + offsetof(struct arena_header, version), sizeof(version));
    memcpy(base, bytes + offsetof(struct arena_header, base), sizeof(*base));
    memcpy(capacity, bytes + offsetof(struct arena_header, capacity), sizeof(*capacity));
    if (magic != ARENA_MAGIC || *capacity != (uint64_t)status.st_size ||
        *capacity <= sizeof(struct arena_header) || *base == 0 || *base % page_bytes() != 0)
        return vd_error_set(error, VD_ERR_CORRUPT, "descriptor %d is not an arena", fd);
    if (version != ARENA_VERSION) {
        return vd_error_set(error, VD_ERR_CORRUPT, "arena of version %u, this program knows %u",
                            version, ARENA_VERSION);
    }
    return VD_OK;
}

static int directory_is_sound(const struct arena_header *header, size_t capacity)
{
    uint32_t count = atomic_load_explicit(&header->region_count, memory_order_acquire);
    uint64_t used = atomic_load_explicit(&header->used, memory_order_relaxed);

    if (count > VD_ARENA_REGIONS_MAX || used < sizeof(*header) || used > capacity)
        return 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct arena_region *region = &header->regions[i];

        if (region->name[VD_ARENA_NAME_MAX] != 0 || region->offset < sizeof(*header) ||
            region->offset > used || region->bytes > used - region->offset)
            return 0;
    }
    return 1;
}

static enum vd_err attach(int fd, bool anywhere, struct vd_arena **arena, struct vd_error *error)
{
    struct vd_arena *attached;
    uint64_t base = 0;
    uint64_t capacity = 0;
    enum vd_err result;
    void *mapped;

    *arena = NULL;
    result = check_descriptor(fd, &base, &capacity, error);
    if (result != VD_OK)
        return result;
    attached = malloc(sizeof(*attached));
    if (!attached)
        return vd_error_set(error, VD_ERR_NO_MEMORY, "no memory for an arena handle");
    attached->capacity = capacity;
    attached->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (attached->fd < 0) {
        result = vd_error_set_errno(error, "duplicating the arena's descriptor");
        goto err_after_alloc;
    }
    mapped = map_at(base, attached->capacity, attached->fd);
    if (mapped == MAP_FAILED && anywhere)
        mapped = map_somewhere(attached->capacity, attached->fd);
    if (mapped == MAP_FAILED) {
        if (errno == EEXIST) {
            result = vd_error_set(error, VD_ERR_EXISTS, "the arena's address %p is taken here",
                                  (void *)(uintptr_t)base); /* NOLINT(performance-no-int-to-ptr) */
        } else {
            result = vd_error_set_errno(error, "mapping the arena");
        }
        goto err_after_dup;
    }
    attached->header = mapped;
    if (!directory_is_sound(attached->header, attached->capacity)) {
        result = vd_error_set(error, VD_ERR_CORRUPT, "the arena's directory is damaged");
        goto err_after_map;
    }
    *arena = attached;
    return VD_OK;

err_after_map:
    munmap(mapped, attached->capacity);
err_after_dup:
    close(attached->fd);
err_after_alloc:
    free(attached);
    return result;
}

enum vd_err vd_arena_attach(int fd, struct vd_arena **arena, struct vd_error *error)
{
    return attach(fd, false, arena, error);
}

enum vd_err vd_arena_attach_anywhere(int fd, struct vd_arena **arena, struct vd_error *error)
{
    return attach(fd, true, arena, error);
}

void vd_arena_destroy(struct vd_arena *arena)
{
    if (!arena)
        return;
    munmap(arena->header, arena->capacity);
    close(arena->fd);
    free(arena);
}

static const struct arena_region *find_region(const struct vd_arena *arena, const char *name)
{
    uint32_t count = atomic_load_explicit(&arena->header->region_count, memory_order_acquire);

    for (uint32_t i = 0; i < count && i < VD_ARENA_REGIONS_MAX; i++) {
        if (strncmp(arena->header->regions[i].name, name, VD_ARENA_NAME_MAX + 1) == 0)
            return &arena->header->regions[i];
    }
    return NULL;
}

static enum vd_err check_request(const struct vd_arena *arena, const char *name, size_t alignment,
                                 struct vd_error *error)
{
    size_t length = strlen(name);

    if (length == 0 || length > VD_ARENA_NAME_MAX) {
        return vd_error_set(error, VD_ERR_INVALID, "region name of %zu bytes: allowed are 1 to %d",
                            length, VD_ARENA_NAME_MAX);
    }
    if (alignment == 0 || (alignment & (alignment - 1)) != 0 || alignment > page_bytes()) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "region %s: alignment %zu is no power of two up to a page", name,
                            alignment);
    }
    if (find_region(arena, name))
        return vd_error_set(error, VD_ERR_EXISTS, "region %s exists already", name);
    return VD_OK;
}

void *vd_arena_allocate(struct vd_arena *arena, const char *name, size_t bytes, size_t alignment,
                        struct vd_error *error)
{
    struct arena_header *header = arena->header;
    uint64_t used = atomic_load_explicit(&header->used, memory_order_relaxed);
    uint32_t count = atomic_load_explicit(&header->region_count, memory_order_relaxed);
    struct arena_region *region;
    uint64_t offset;

    if (check_request(arena, name, alignment, error) != VD_OK)
        return NULL;
    offset = (used + alignment - 1) & ~(uint64_t)(alignment - 1);
    if (count >= VD_ARENA_REGIONS_MAX || offset > arena->capacity ||
        bytes > arena->capacity - offset) {
        vd_error_set(error, VD_ERR_FULL, "region %s of %zu bytes: %zu of %zu are used", name, bytes,
                     (size_t)used, arena->capacity);
        return NULL;
    }
    /* The bytes are taken before the name is known: a kill in between wastes them, and nobody gets
     * them twice. They are zero because nothing is ever given back. */
    region = &header->regions[count];
    memset(region, 0, sizeof(*region));
    memcpy(region->name, name, strlen(name));
    region->offset = offset;
    region->bytes = bytes;
    atomic_store_explicit(&header->used, offset + bytes, memory_order_release);
    atomic_store_explicit(&header->region_count, count + 1, memory_order_release);
    return (unsigned char *)header + offset;
}

void *vd_arena_find(const struct vd_arena *arena, const char *name, size_t *bytes)
{
    const struct arena_region *region = find_region(arena, name);

    if (!region)
        return NULL;
    if (bytes)
        *bytes = region->bytes;
    return (unsigned char *)arena->header + region->offset;
}

const char *vd_arena_region_at(const struct vd_arena *arena, size_t index)
{
    uint32_t count = atomic_load_explicit(&arena->header->region_count, memory_order_acquire);

    return index < count && index < VD_ARENA_REGIONS_MAX ? arena->header->regions[index].name
                                                         : NULL;
}

int vd_arena_fd(const struct vd_arena *arena)
{
    return arena->fd;
}

size_t vd_arena_used_bytes(const struct vd_arena *arena)
{
    return atomic_load_explicit(&arena->header->used, memory_order_relaxed);
}

size_t vd_arena_capacity_bytes(const struct vd_arena *arena)
{
    return arena->capacity;
}
