#include <stdio.h>
#include <string.h>

#include "proxy/diagnosis/classify.h"
#include "proxy/diagnosis/resources.h"
#include "proxy/diagnosis/sketch.h"

/* Into the status line, whose words make room for it. */
static void
add_bracket(struct finding *finding, const char *bracket)
{
	const char *id = reason_row(finding->reason)->id;
	size_t room = sizeof(finding->words) - strlen(id) - strlen(": ");
	size_t wanted = strlen(bracket) + strlen(" []");
	size_t len = strlen(finding->words);

	if (len + wanted > room) {
		len = room - wanted;
		memcpy(finding->words + len - 3, "...", 3);
	}
	sketch_print(finding->words + len, sizeof(finding->words) - len,
	    " [%s]", bracket);
}

static void
add_text(char *text, size_t size, const char *more, bool instead)
{
	size_t len = instead ? 0 : strlen(text);

	if (more[0] != '\0')
		sketch_print(
		    text + len, size - len, "%s%s", len > 0 ? " " : "", more);
}

/* Pieces end in their mark; one that does not fit whole is left out. */
static void
add_pieces(char *out, size_t size, const char *pieces)
{
	static const char gap[] = "; ";
	size_t used = strlen(out), len, before;
	const char *end;

	for (; *pieces != '\0'; pieces = end + strspn(end, gap)) {
		end = strstr(pieces, "); ");
		end = end != NULL ? end + 1 : pieces + strlen(pieces);
		len = (size_t)(end - pieces);
		before = used > 0 ? strlen(gap) : 0;
		if (used + before + len >= size)
			continue;
		memcpy(out + used, gap, before);
		memcpy(out + used + before, pieces, len);
		used += before + len;
		out[used] = '\0';
	}
}

void
finding_explain(
    struct finding *finding, const struct resources_verdict *verdict)
{
	bool is_sure = verdict->cause != RESOURCES_NONE &&
		       verdict->kind == RESOURCES_MEASURED;
	char seen[sizeof(finding->seen)];

	if (verdict->bracket[0] != '\0')
		add_bracket(finding, verdict->bracket);
	add_text(finding->cause, sizeof(finding->cause), verdict->cause_text,
	    is_sure);
	add_text(
	    finding->fix, sizeof(finding->fix), verdict->fix_text, is_sure);
	memcpy(seen, finding->seen, sizeof(seen));
	finding->seen[0] = '\0';
	/* What explains it first: there may not be room for all. */
	add_pieces(finding->seen, sizeof(finding->seen),
	    is_sure ? verdict->seen : seen);
	add_pieces(finding->seen, sizeof(finding->seen),
	    is_sure ? seen : verdict->seen);
}
