#include "proxy/exposition/fast_parts.h"

#include <string.h>

#include "proxy/base/utf8.h"
#include "proxy/exposition/equal.h"

/* NaN, +Inf, -Inf: as every library writes them. */
static unsigned
special_number(const unsigned char *p)
{
	static const struct {
		char text[5];
		unsigned len;
	} specials[] = { { "NaN", 3 }, { "+Inf", 4 }, { "-Inf", 4 } };
	size_t i;

	for (i = 0; i < sizeof(specials) / sizeof(specials[0]); i++)
		if (memcmp(p, specials[i].text, specials[i].len) == 0 &&
		    (p[specials[i].len] == '\n' || p[specials[i].len] == ' '))
			return specials[i].len;
	return 0;
}

/* digits[.digits], with the sign off: one bit a byte. */
static bool
is_mantissa(uint32_t digits, uint32_t dots, uint32_t all)
{
	return (digits | dots) == all && fast_is_single(dots) && digits != 0;
}

/* Which bytes of a number are what: a bit each. */
struct shape {
	uint32_t digits, dots, signs, es, others;
};

static struct shape
shape_of(const unsigned char *p)
{
	simd_block block = simd_load(p);
	struct shape shape = { simd_digits(block), simd_equal(block, '.'),
		simd_equal(block, '-') | simd_equal(block, '+'),
		simd_equal_lower(block, 'e'), 0 };

	shape.others =
	    ~(shape.digits | shape.dots | shape.signs | shape.es) & 0xffff;
	return shape;
}

static struct shape
widen(struct shape shape, const unsigned char *p)
{
	struct shape more = shape_of(p);

	shape.digits |= more.digits << SIMD_WIDTH;
	shape.dots |= more.dots << SIMD_WIDTH;
	shape.signs |= more.signs << SIMD_WIDTH;
	shape.es |= more.es << SIMD_WIDTH;
	shape.others |= more.others << SIMD_WIDTH;
	return shape;
}

/* mantissa e [sign] digits; the e is bit `e`. */
static bool
is_scientific(const struct shape *shape, unsigned len)
{
	unsigned e = simd_first(shape->es), first = e + 1;
	uint32_t below = ((uint32_t)1 << e) - 1, signs = shape->signs >> first;

	if (!fast_is_single(shape->es) || signs > 1 ||
	    !is_mantissa(shape->digits & below, shape->dots,
		below & ~(shape->signs & 1)))
		return false;
	first += signs;
	/* Two digits of exponent cannot overflow; three might. */
	return first < len && len - first <= 2 &&
	       shape->digits >> first == ((uint32_t)1 << (len - first)) - 1;
}

unsigned
fast_any_number(const unsigned char *p, const unsigned char *safe)
{
	struct shape shape = shape_of(p);
	uint32_t all;
	unsigned len;

	if (shape.others == 0) {
		if (p + SIMD_WIDTH > safe)
			return 0;
		shape = widen(shape, p + SIMD_WIDTH);
		if (shape.others == 0)
			return 0;
	}
	len = simd_first(shape.others);
	if (len == 0 || (p[len] != '\n' && p[len] != ' '))
		return special_number(p);
	all = ((uint32_t)1 << len) - 1;
	shape.digits &= all;
	shape.dots &= all;
	shape.signs &= all;
	shape.es &= all;
	if (shape.es != 0)
		return is_scientific(&shape, len) ? len : 0;
	if (shape.signs > 1 ||
	    !is_mantissa(shape.digits, shape.dots, all & ~shape.signs))
		return 0;
	return len;
}

/* The newline, or NULL: a NUL comes before it, or the end of the window. */
static const unsigned char *
skip_text(const unsigned char *p, const unsigned char *safe, bool *has_high)
{
	uint32_t bits;

	*has_high = false;
	for (;;) {
		if (p > safe)
			return NULL;
		bits = simd_odd(simd_load(p));
		if (bits == 0) {
			p += SIMD_WIDTH;
			continue;
		}
		p += simd_first(bits);
		if (*p == '\n')
			return p;
		if (*p == '\0')
			return NULL;
		*has_high |= *p >= 0x80;
		p++;
	}
}

/* The end of a HELP text, or NULL. */
static const unsigned char *
help_end(const unsigned char *text, const unsigned char *safe)
{
	bool has_high;
	const unsigned char *eol = skip_text(text, safe, &has_high);

	if (eol == NULL || lex_is(text[0], CLASS_BLANK) ||
	    (has_high && !utf8_is_valid(text, (size_t)(eol - text))))
		return NULL;
	return eol;
}

/* The end of a type that the format has, or NULL; most are the first three. */
static const unsigned char *
type_end(const struct fast *fast, const unsigned char *text,
    const unsigned char *safe)
{
	struct slice slice = { text, 0 };
	enum metric_type type;
	const unsigned char *eol;
	bool has_high;

	if (text > safe)
		return NULL;
	if (memcmp(text, "gauge\n", 6) == 0)
		return text + 5;
	if (memcmp(text, "counter\n", 8) == 0 ||
	    (memcmp(text, "untyped\n", 8) == 0 && !fast->is_openmetrics))
		return text + 7;
	eol = skip_text(text, safe, &has_high);
	if (eol == NULL)
		return NULL;
	slice.len = (size_t)(eol - text);
	return parse_type(slice, fast->is_openmetrics, &type) ? eol : NULL;
}

/* "# HELP name text" and "# TYPE name type", with one blank each. */
const unsigned char *
fast_metadata(struct fast *fast, const unsigned char *p,
    const unsigned char *end, const unsigned char *safe)
{
	const unsigned char *name = p + 7, *text, *eol;
	struct families *families = &fast->learn->families;
	bool is_help;

	if (name > safe)
		return NULL;
	is_help = p[2] == 'H';
	if (!equal_seven(p, is_help ? "# HELP " : "# TYPE "))
		return NULL;
	text = fast_open_name(families, name, safe);
	if (text == NULL)
		text = fast_skip_name(name, safe);
	if (text == NULL || text >= end || *text != ' ')
		return NULL;
	text++;
	eol = is_help ? help_end(text, safe) : type_end(fast, text, safe);
	if (eol == NULL || eol >= end ||
	    (size_t)(eol + 1 - p) > PARSE_ENTRY_MAX ||
	    (eol == text && !fast->is_openmetrics))
		return NULL;
	/* OpenMetrics steps over NULs here, even behind the newline. */
	if (fast->is_openmetrics && (eol + 1 == end || eol[1] == '\0'))
		return NULL;
	learn_metadata(fast->learn, is_help ? PARSE_HELP : PARSE_TYPE, name,
	    (size_t)(text - 1 - name), (size_t)(eol + 1 - p));
	families->plain_len = families->name_len;
	return eol + 1;
}
