/* SHA-256 (through nettle, which uses the CPU's instructions where it can). */
#ifndef ENGINE_BASE_SHA256_H
#define ENGINE_BASE_SHA256_H

#include <nettle/sha2.h>
#include <stddef.h>

/* Writes 64 lower-case hex digits and a NUL. */
void sha256_hex(const void *data, size_t size, char hex[65]);

/* The same in pieces. */
struct sha256 {
    struct sha256_ctx context;
};
void sha256_begin(struct sha256 *hash);
void sha256_add(struct sha256 *hash, const void *data, size_t size);
void sha256_end(struct sha256 *hash, char hex[65]);

#endif
