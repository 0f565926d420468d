#include "proxy/base/crc32.h"

#include <zlib.h>

uint32_t
crc32_of(const void *bytes, size_t len)
{
	return (uint32_t)crc32_z(0, bytes, len);
}
