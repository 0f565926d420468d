#include "proxy/base/memory.h"

#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "proxy/base/clock.h"
#include "proxy/base/file.h"

/* Threads share these; each arena keeps what was freed in it for itself. */
#define ARENAS 2

/*
 * From this size on each allocation is a mapping of its own and goes back
 * when it is freed.  Set, it also stays: by itself it would rise to 32 MB
 * with the first large answer.
 */
#define MAPPED_FROM_BYTES (128 * 1024)

/*
 * What the end of the heap may keep for the next answer.  By itself it would
 * be given back and asked for again, page by page, with each scrape.  As much
 * as one of 60 KB takes; when two have met, the second's goes back.
 */
#define KEPT_BYTES (320 * 1024)

#define STATUS_MAX ((size_t)16384)

#define LOOK_EVERY_US (UINT64_C(30) * 1000000)
#define MUCH_BYTES ((size_t)1024 * 1024)

void
memory_prepare(void)
{
	mallopt(M_ARENA_MAX, ARENAS);
	mallopt(M_MMAP_THRESHOLD, MAPPED_FROM_BYTES);
	mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
}

static bool
is_traced(void)
{
	static const char key[] = "TracerPid:\t";
	size_t len;
	char *text = file_load("/proc/self/status", STATUS_MAX, &len);
	const char *found = text == NULL ? NULL : strstr(text, key);
	/* Who cannot tell leaves all as it is. */
	bool is_so = found == NULL || found[sizeof(key) - 1] != '0';

	free(text);
	return is_so;
}

/* What may not be written is as it is in the file (the linker is told to make
 * no text relocations), so nothing is lost. */
static int
drop_constant_parts(struct dl_phdr_info *program, size_t size, void *arg)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), first, end;
	size_t i;

	(void)size;
	(void)arg;
	for (i = 0; i < program->dlpi_phnum; i++) {
		if (program->dlpi_phdr[i].p_type != PT_LOAD ||
		    (program->dlpi_phdr[i].p_flags & PF_W) != 0)
			continue;
		first = program->dlpi_addr + program->dlpi_phdr[i].p_vaddr;
		end = first + program->dlpi_phdr[i].p_filesz;
		first &= ~(page - 1);
		/* It is a favour: without it all works as well. */
		madvise((void *)first, end - first, MADV_DONTNEED);
	}
	return 1; /* the libraries are other programs' too */
}

void
memory_settle(void)
{
	if (!is_traced())
		dl_iterate_phdr(drop_constant_parts, NULL);
}

/* Resident and not of a file; 0 if the kernel does not say. */
static size_t
resident_bytes(void)
{
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	unsigned long resident, shared;
	char text[128], *end;
	ssize_t n;

	if (fd == -1)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	strtoul(text, &end, 10); /* all that is mapped */
	resident = strtoul(end, &end, 10);
	shared = strtoul(end, &end, 10);
	if (resident < shared)
		return 0;
	return (resident - shared) * (size_t)sysconf(_SC_PAGESIZE);
}

/* Resident only because malloc keeps it. */
static bool
keeps_much(void)
{
	struct mallinfo2 info = mallinfo2();

	return resident_bytes() > info.uordblks + info.hblkhd + MUCH_BYTES;
}

void
memory_tidy(void)
{
	static uint64_t looked_us;
	uint64_t now_us = clock_now_us();

	if (looked_us != 0 && now_us - looked_us < LOOK_EVERY_US)
		return;
	looked_us = now_us;
	if (keeps_much())
		malloc_trim(0);
}
