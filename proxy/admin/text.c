#include "proxy/admin/text.h"

#include <stdbool.h>

#include "proxy/base/alloc.h"

FILE *
text_open(char **text, size_t *len)
{
	return xrequire(open_memstream(text, len));
}

void
text_close(FILE *file)
{
	bool is_cut = ferror(file) != 0;

	if (fclose(file) != 0 || is_cut)
		xrequire(NULL);
}
