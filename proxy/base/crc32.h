/*
 * CRC-32 as in zlib, gzip and PNG (polynomial 0xedb88320): tells whether bytes
 * are still those that were written.
 */
#ifndef PROXY_BASE_CRC32_H
#define PROXY_BASE_CRC32_H

#include <stddef.h>
#include <stdint.h>

uint32_t crc32_of(const void *bytes, size_t len);

#endif
