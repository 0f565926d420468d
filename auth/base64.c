#include "auth/base64.h"

#include <assert.h>
#include <limits.h>

static int
value_of(enum base64_alphabet alphabet, char digit)
{
	if (digit >= 'A' && digit <= 'Z')
		return digit - 'A';
	if (digit >= 'a' && digit <= 'z')
		return digit - 'a' + 26;
	if (digit >= '0' && digit <= '9')
		return digit - '0' + 52;
	if (digit == (alphabet == BASE64_URL ? '-' : '+'))
		return 62;
	return digit == (alphabet == BASE64_URL ? '_' : '/') ? 63 : -1;
}

int
base64_decode(
    enum base64_alphabet alphabet, void *out, const char *text, size_t digits)
{
	unsigned bits = 0, count = 0;
	unsigned char *bytes = out;
	size_t i;
	int len = 0;

	assert(digits <= INT_MAX);
	if (digits % 4 == 1)
		return -1;
	for (i = 0; i < digits; i++) {
		int value = value_of(alphabet, text[i]);

		if (value == -1)
			return -1;
		bits = (bits << 6 | (unsigned)value) & 0xffff;
		count += 6;
		if (count >= 8) {
			count -= 8;
			bytes[len++] = (unsigned char)(bits >> count & 0xff);
		}
	}
	return (bits & ((1u << count) - 1)) == 0 ? len : -1;
}
