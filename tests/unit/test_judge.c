#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proxy/base/escape.h"
#include "tests/judge_feed.h"

#define B(bytes) bytes, sizeof(bytes) - 1
#define OK "HTTP/1.1 200 OK\r\n"
#define CHUNKED OK "Transfer-Encoding: chunked\r\n\r\n"
#define GZIP OK "Content-Encoding: gzip\r\n"
#define OPENMETRICS                                                            \
	OK "Content-Type: application/openmetrics-text; version=1.0.0\r\n\r\n"

/* "a 1\n" */
#define GZIP_HEAD "\x1f\x8b\x08\0\0\0\0\0\0\x03"
#define GZIP_DATA "\x4b\x54\x30\xe4\x02\0"
#define GZIP_SUMS "\x36\xe7\x1b\xbc\x04\0\0\0"
#define GZIPPED GZIP_HEAD GZIP_DATA GZIP_SUMS

#define KEPT true

struct row {
	const char *name;
	const char *bytes;
	size_t len;
	enum verdict verdict;
	const char *detail; /* NULL: not looked at */
	const char *text;   /* NULL: not looked at */
	bool is_keep_alive;
	int status; /* 0: 200 if whole, else not looked at */
};

/* clang-format off */
static const struct row rows[] = {
	/* Good ones, some of them odd but taken by Prometheus. */
	{ "length", B(OK "Content-Length: 5\r\n\r\nhello"),
	    VERDICT_WHOLE, "", "hello", KEPT, 0 },
	{ "length 0", B(OK "Content-Length: 0\r\n\r\n"),
	    VERDICT_WHOLE, "", "", false, 0 },
	{ "asks to close", B(OK "Connection: close\r\nContent-Length: 1\r\n"
	    "\r\nx"), VERDICT_WHOLE, "", "x", false, 0 },
	{ "1.0", B("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx"),
	    VERDICT_WHOLE, "", "x", false, 0 },
	{ "1.0 kept", B("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n"
	    "Content-Length: 1\r\n\r\nx"), VERDICT_WHOLE, "", "x", KEPT, 0 },
	{ "bare LF", B("HTTP/1.1 200 OK\nContent-Length: 5\n\nhello"),
	    VERDICT_WHOLE, "", "hello", KEPT, 0 },
	{ "no reason", B("HTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx"),
	    VERDICT_WHOLE, "", "x", KEPT, 0 },
	{ "two spaces", B("HTTP/1.1  200 OK\r\nContent-Length: 1\r\n\r\nx"),
	    VERDICT_WHOLE, "", "x", KEPT, 0 },
	{ "fold", B(OK "X: a\r\n b\r\n\tc\r\nContent-Length: 1\r\n\r\nx"),
	    VERDICT_WHOLE, "", "x", KEPT, 0 },
	{ "folded length", B(OK "Content-Length:\r\n  1\r\n\r\nx"),
	    VERDICT_WHOLE, "", "x", KEPT, 0 },
	{ "folded chunked", B(OK "Transfer-Encoding:\r\n chunked\r\n\r\n"
	    "1\r\nx\r\n0\r\n\r\n"), VERDICT_WHOLE, "", "x", KEPT, 0 },
	{ "space in a name", B(OK "X Y : z\r\nContent-Length: 1\r\n\r\nx"),
	    VERDICT_WHOLE, "", "x", KEPT, 0 },
	{ "8-bit value", B(OK "X: \xff\xe4\r\nContent-Length: 1\r\n\r\nx"),
	    VERDICT_WHOLE, "", "x", KEPT, 0 },
	{ "upgrade offered", B(OK "Connection: Upgrade\r\nUpgrade: h2c\r\n"
	    "Content-Length: 1\r\n\r\nx"), VERDICT_WHOLE, "", "x", KEPT, 0 },
	{ "early hints", B("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n"
	    "Content-Type: text/html\r\n\r\n" OK "Content-Length: 1\r\n\r\nx"),
	    VERDICT_WHOLE, "", "x", KEPT, 0 },

	/* U13, U21, U28, U34 and relatives: cut. */
	{ "U13", B(OK "Content-Type: text/plain\r\n"),
	    VERDICT_CLOSED_IN_HEADERS, "unexpected EOF", "", false, 0 },
	{ "U13 after a length", B(OK "Content-Length: 5\r\n"),
	    VERDICT_CLOSED_IN_HEADERS, "unexpected EOF", "", false, 0 },
	{ "U21", B("HTTP/1.1 100 Continue\r\n\r\n"),
	    VERDICT_CLOSED_IN_HEADERS, "unexpected EOF", "", false, 0 },
	{ "nothing", B(""), VERDICT_PENDING, "", "", false, 0 },
	{ "U28", B(OK "Content-Length: 30\r\n\r\nabc"),
	    VERDICT_BODY_TRUNCATED, "got 3 of 30 bytes", "abc", false, 200 },
	{ "U28 of a 500", B("HTTP/1.1 500 No\r\nContent-Length: 30\r\n\r\nab"),
	    VERDICT_BODY_TRUNCATED, "got 2 of 30 bytes", "ab", false, 500 },
	{ "U34", B(CHUNKED "5\r\nhello\r\n"), VERDICT_BODY_TRUNCATED,
	    "no last chunk after 5 bytes", "hello", false, 0 },
	{ "U34 in a chunk", B(CHUNKED "5\r\nhel"), VERDICT_BODY_TRUNCATED,
	    "no last chunk after 3 bytes", "hel", false, 0 },
	{ "U34 in the size", B(CHUNKED "5"), VERDICT_BODY_TRUNCATED,
	    "no last chunk after 0 bytes", "", false, 0 },

	/* U16 to U19: not HTTP/1.x. */
	{ "U16", B("SSH-2.0-OpenSSH_9.2\r\n"), VERDICT_NOT_HTTP,
	    "malformed HTTP response \"SSH-2.0-OpenSSH_9.2\"", "", false, 0 },
	{ "U16 binary", B("\x15\x03\x01\0\x02\x02\n"), VERDICT_NOT_HTTP,
	    "malformed HTTP response \"\\x15\\x03\\x01\\x00\\x02\\x02\"", "",
	    false, 0 },
	{ "U17", B("hello\nworld\n"), VERDICT_NOT_HTTP,
	    "malformed HTTP response \"hello\"", "", false, 0 },
	{ "blank line first", B("\r\n" OK "\r\n"), VERDICT_NOT_HTTP,
	    "malformed HTTP response \"\"", "", false, 0 },
	{ "U18 2.0", B("HTTP/2.0 200 OK\r\n\r\n"), VERDICT_NOT_HTTP,
	    "malformed HTTP version \"HTTP/2.0\"", "", false, 0 },
	{ "U18 9.9", B("HTTP/9.9 200 OK\r\n\r\n"), VERDICT_NOT_HTTP,
	    "malformed HTTP version \"HTTP/9.9\"", "", false, 0 },
	{ "U18 ICY", B("ICY 200 OK\r\n\r\n"), VERDICT_NOT_HTTP,
	    "malformed HTTP version \"ICY\"", "", false, 0 },
	{ "U19 99", B("HTTP/1.1 99 OK\r\n\r\n"), VERDICT_NOT_HTTP,
	    "malformed HTTP status code \"99\"", "", false, 0 },
	{ "U19 1000", B("HTTP/1.1 1000 OK\r\n\r\n"), VERDICT_NOT_HTTP,
	    "malformed HTTP status code \"1000\"", "", false, 0 },
	{ "U19 20x", B("HTTP/1.1 20x OK\r\n\r\n"), VERDICT_NOT_HTTP,
	    "malformed HTTP status code \"20x\"", "", false, 0 },
	{ "U19 none", B("HTTP/1.1 \r\n\r\n"), VERDICT_NOT_HTTP,
	    "malformed HTTP status code \"\"", "", false, 0 },
	{ "CR in the status line", B("HTTP/1.1 200 a\rb\r\n\r\n"),
	    VERDICT_NOT_HTTP, NULL, "", false, 0 },

	/* U22, U43: answers without a body. */
	{ "U22", B("HTTP/1.1 101 Switching Protocols\r\nUpgrade: foo\r\n"
	    "Connection: Upgrade\r\n\r\nraw"), VERDICT_WHOLE, "", "", false,
	    101 },
	{ "U22 bare", B("HTTP/1.1 101 Switching Protocols\r\n\r\n"),
	    VERDICT_WHOLE, "", "", false, 101 },
	{ "U43 204", B("HTTP/1.1 204 No\r\nContent-Length: 3\r\n\r\nabc"),
	    VERDICT_WHOLE, "", "", false, 204 },
	{ "U43 204 chunked", B("HTTP/1.1 204 No\r\nTransfer-Encoding: chunked"
	    "\r\n\r\n"), VERDICT_WHOLE, "", "", false, 204 },
	{ "U43 304", B("HTTP/1.1 304 No\r\nContent-Encoding: gzip\r\n\r\nabc"),
	    VERDICT_WHOLE, "", "", false, 304 },
	{ "204 alone", B("HTTP/1.1 204 No\r\n\r\n"),
	    VERDICT_WHOLE, "", "", false, 204 },

	/* U23: header lines. */
	{ "U23 NUL", B(OK "X: a\0b\r\n\r\n"), VERDICT_HEADER_MALFORMED,
	    "malformed MIME header line: \"X: a\\x00b\"", "", false, 0 },
	{ "U23 CR", B(OK "X: a\rb\r\n\r\n"), VERDICT_HEADER_MALFORMED,
	    "malformed MIME header line: \"X: a\\rb\"", "", false, 0 },
	{ "U23 control", B(OK "X: a\x01\r\n\r\n"), VERDICT_HEADER_MALFORMED,
	    "malformed MIME header line: \"X: a\\x01\"", "", false, 0 },
	{ "U23 no colon", B(OK "foo\r\n\r\n"), VERDICT_HEADER_MALFORMED,
	    "malformed MIME header: missing colon: \"foo\"", "", false, 0 },
	{ "U23 no name", B(OK ": foo\r\n\r\n"), VERDICT_HEADER_MALFORMED,
	    "malformed MIME header line: \": foo\"", "", false, 0 },
	{ "U23 odd name", B(OK "a/b: foo\r\n\r\n"), VERDICT_HEADER_MALFORMED,
	    "malformed MIME header line: \"a/b: foo\"", "", false, 0 },
	{ "U23 fold first", B(OK " X: a\r\n\r\n"), VERDICT_HEADER_MALFORMED,
	    "malformed MIME header initial line: \" X: a\"", "", false, 0 },
	{ "U23 control in a fold", B(OK "X: a\r\n b\x7f\r\n\r\n"),
	    VERDICT_HEADER_MALFORMED, NULL, "", false, 0 },
	{ "U23 space before colon", B(OK "Content-Length : 3\r\n\r\nabc"),
	    VERDICT_HEADER_MALFORMED,
	    "malformed MIME header line: \"Content-Length : 3\"", "", false,
	    0 },
	{ "U23 tab before colon", B(OK "X\t: 3\r\n\r\nabc"),
	    VERDICT_HEADER_MALFORMED, NULL, "", false, 0 },

	/* U24 to U27: framing headers. */
	{ "U24", B(OK "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "1\r\nx\r\n0\r\n\r\n"), VERDICT_BAD_FRAMING,
	    "Transfer-Encoding: chunked beside Content-Length \"3\"", "",
	    false, 0 },
	{ "U25", B(OK "Content-Length: 5\r\nContent-Length: 6\r\n\r\nabc"),
	    VERDICT_BAD_FRAMING, "http: message cannot contain multiple "
	    "Content-Length headers; got [\"5\" \"6\"]", "", false, 0 },
	{ "U25 equal", B(OK "Content-Length: 3\r\ncontent-length: 3\r\n\r\n"),
	    VERDICT_BAD_FRAMING, "http: message cannot contain multiple "
	    "Content-Length headers; got [\"3\" \"3\"]", "", false, 0 },
	{ "U26 +3", B(OK "Content-Length: +3\r\n\r\nabc"),
	    VERDICT_BAD_FRAMING, "bad Content-Length \"+3\"", "", false, 0 },
	{ "U26 -1", B(OK "Content-Length: -1\r\n\r\nabc"),
	    VERDICT_BAD_FRAMING, "bad Content-Length \"-1\"", "", false, 0 },
	{ "U26 3x", B(OK "Content-Length: 3x\r\n\r\nabc"),
	    VERDICT_BAD_FRAMING, "bad Content-Length \"3x\"", "", false, 0 },
	{ "U26 0x3", B(OK "Content-Length: 0x3\r\n\r\nabc"),
	    VERDICT_BAD_FRAMING, "bad Content-Length \"0x3\"", "", false, 0 },
	{ "U26 empty", B(OK "Content-Length:\r\n\r\nabc"),
	    VERDICT_BAD_FRAMING, "invalid empty Content-Length \"\"", "",
	    false, 0 },
	{ "U26 2^64+3", B(OK "Content-Length: 18446744073709551619\r\n\r\nabc"),
	    VERDICT_BAD_FRAMING,
	    "bad Content-Length \"18446744073709551619\"", "", false, 0 },
	{ "U26 2^63", B(OK "Content-Length: 9223372036854775808\r\n\r\nabc"),
	    VERDICT_BAD_FRAMING,
	    "bad Content-Length \"9223372036854775808\"", "", false, 0 },
	{ "U26 list", B(OK "Content-Length: 3, 3\r\n\r\nabc"),
	    VERDICT_BAD_FRAMING, "bad Content-Length \"3, 3\"", "", false, 0 },
	{ "U26 words", B(OK "Content-Length: abc\r\n\r\nabc"),
	    VERDICT_BAD_FRAMING, "bad Content-Length \"abc\"", "", false, 0 },
	{ "U26 fold", B(OK "Content-Length: 1\r\n 2\r\n\r\nabc"),
	    VERDICT_BAD_FRAMING, "bad Content-Length \"1 2\"", "", false, 0 },
	{ "U26 of a 404", B("HTTP/1.1 404 No\r\nContent-Length: x\r\n\r\n"),
	    VERDICT_BAD_FRAMING, "bad Content-Length \"x\"", "", false, 404 },
	{ "U27 xchunked", B(OK "Transfer-Encoding: xchunked\r\n\r\n"),
	    VERDICT_BAD_FRAMING,
	    "unsupported transfer encoding: \"xchunked\"", "", false, 0 },
	{ "U27 list", B(OK "Transfer-Encoding: chunked, gzip\r\n\r\n"),
	    VERDICT_BAD_FRAMING,
	    "unsupported transfer encoding: \"chunked, gzip\"", "", false, 0 },
	{ "U27 gzip", B(OK "Transfer-Encoding: gzip\r\n\r\n"),
	    VERDICT_BAD_FRAMING, "unsupported transfer encoding: \"gzip\"", "",
	    false, 0 },
	{ "U27 identity", B(OK "Transfer-Encoding: identity\r\n\r\nx\n"),
	    VERDICT_BAD_FRAMING, NULL, "", false, 0 },
	{ "U27 empty", B(OK "Transfer-Encoding:\r\n\r\nx\n"),
	    VERDICT_BAD_FRAMING, "unsupported transfer encoding: \"\"", "",
	    false, 0 },
	{ "U27 twice", B(OK "Transfer-Encoding: chunked\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
	    VERDICT_BAD_FRAMING,
	    "too many transfer encodings: [\"chunked\" \"chunked\"]", "",
	    false, 0 },
	{ "U27 on 1.0", B("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n"
	    "\r\n0\r\n\r\n"), VERDICT_BAD_FRAMING,
	    "Transfer-Encoding in an HTTP/1.0 answer: \"chunked\"", "", false,
	    0 },

	/* U29: more than promised. */
	{ "U29", B(OK "Content-Length: 5\r\n\r\nhelloEXTRA"),
	    VERDICT_WHOLE, "", "hello", false, 0 },
	{ "U29 chunked", B(CHUNKED "5\r\nhello\r\n0\r\n\r\nEXTRA"),
	    VERDICT_WHOLE, "", "hello", false, 0 },
	{ "U29 second answer", B(OK "Content-Length: 0\r\n\r\n" OK),
	    VERDICT_WHOLE, "", "", false, 0 },

	/* U30: until the connection closes. */
	{ "U30", B(OK "\r\na 1\n"), VERDICT_WHOLE, "", "a 1\n", false, 0 },
	{ "U30 empty", B(OK "\r\n"), VERDICT_WHOLE, "", "", false, 0 },
	{ "U30 cut", B(OK "\r\na 1\nb "), VERDICT_BODY_TRUNCATED, NULL,
	    "a 1\nb ", false, 0 },
	{ "U30 EOF", B(OPENMETRICS "a 1\n# EOF\n"),
	    VERDICT_WHOLE, "", "a 1\n# EOF\n", false, 0 },
	{ "U30 EOF bare", B(OPENMETRICS "a 1\n# EOF"),
	    VERDICT_WHOLE, "", "a 1\n# EOF", false, 0 },
	{ "U30 EOF only", B(OPENMETRICS "# EOF"),
	    VERDICT_WHOLE, "", "# EOF", false, 0 },
	{ "U30 no EOF", B(OPENMETRICS "a 1\n"),
	    VERDICT_BODY_TRUNCATED, NULL, "a 1\n", false, 0 },
	{ "U30 EOF in a line", B(OPENMETRICS "a 1# EOF\n"),
	    VERDICT_BODY_TRUNCATED, NULL, NULL, false, 0 },
	{ "U30 protobuf", B(OK "Content-Type: application/vnd.google.protobuf;"
	    " proto=x\r\n\r\n\x05" "abc"), VERDICT_WHOLE, "", "\x05" "abc",
	    false, 0 },
	{ "U30 of a 404", B("HTTP/1.0 404 No\r\n\r\nno such page"),
	    VERDICT_WHOLE, "", "no such page", false, 404 },
	{ "U30 gzip", B(GZIP "\r\n" GZIPPED),
	    VERDICT_WHOLE, "", "a 1\n", false, 0 },
	{ "U30 gzip cut", B(GZIP "\r\n" GZIP_HEAD GZIP_DATA),
	    VERDICT_GZIP_TRUNCATED, NULL, "a 1\n", false, 0 },

	/* U33, U35, U36: chunks. */
	{ "chunks", B(CHUNKED "5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n"),
	    VERDICT_WHOLE, "", "hello!", KEPT, 0 },
	{ "chunked in capitals", B(OK "Transfer-Encoding: Chunked\r\n\r\n"
	    "A\r\n0123456789\r\n00\r\n\r\n"),
	    VERDICT_WHOLE, "", "0123456789", KEPT, 0 },
	{ "no chunks", B(CHUNKED "0\r\n\r\n"), VERDICT_WHOLE, "", "", KEPT, 0 },
	{ "extension", B(CHUNKED "1;a=\"b\"\r\nx\r\n0;c\r\n\r\n"),
	    VERDICT_WHOLE, "", "x", KEPT, 0 },
	{ "padded size", B(CHUNKED "1  \r\nx\r\n0 \r\n\r\n"),
	    VERDICT_WHOLE, "", "x", KEPT, 0 },
	{ "trailers", B(CHUNKED "1\r\nx\r\n0\r\nX-T: v\r\n more\r\nY: z\r\n"
	    "\r\n"), VERDICT_WHOLE, "", "x", KEPT, 0 },
	{ "U36 length in a trailer", B(CHUNKED "1\r\nx\r\n0\r\n"
	    "Content-Length: abc\r\n\r\n"), VERDICT_WHOLE, "", "x", KEPT, 0 },
	{ "U33 bad hex", B(CHUNKED "zz\r\nx\r\n0\r\n\r\n"),
	    VERDICT_CHUNK_MALFORMED, "invalid byte in chunk length", "",
	    false, 0 },
	{ "U33 0x", B(CHUNKED "0x1\r\nx\r\n0\r\n\r\n"),
	    VERDICT_CHUNK_MALFORMED, "invalid byte in chunk length", "",
	    false, 0 },
	{ "U33 +", B(CHUNKED "+1\r\nx\r\n0\r\n\r\n"),
	    VERDICT_CHUNK_MALFORMED, "invalid byte in chunk length", "",
	    false, 0 },
	{ "U33 _", B(CHUNKED "1_0\r\nx\r\n0\r\n\r\n"),
	    VERDICT_CHUNK_MALFORMED, "invalid byte in chunk length", "",
	    false, 0 },
	{ "U33 space before", B(CHUNKED " 1\r\nx\r\n0\r\n\r\n"),
	    VERDICT_CHUNK_MALFORMED, "invalid byte in chunk length", "",
	    false, 0 },
	{ "U33 space within", B(CHUNKED "1 1\r\nx\r\n0\r\n\r\n"),
	    VERDICT_CHUNK_MALFORMED, "invalid byte in chunk length", "",
	    false, 0 },
	{ "U33 no size", B(CHUNKED "\r\nx\r\n0\r\n\r\n"),
	    VERDICT_CHUNK_MALFORMED, "empty hex number for chunk length", "",
	    false, 0 },
	{ "U33 bare LF", B(CHUNKED "1\nx\n0\n\n"),
	    VERDICT_CHUNK_MALFORMED, "chunked line ends with bare LF", "",
	    false, 0 },
	{ "U33 bare LF behind data", B(CHUNKED "1\r\nx\n0\r\n\r\n"),
	    VERDICT_CHUNK_MALFORMED, "malformed chunked encoding", "x",
	    false, 0 },
	{ "U33 bare CR", B(CHUNKED "1\rx\r\n0\r\n\r\n"),
	    VERDICT_CHUNK_MALFORMED, "invalid CR in chunked line", "", false,
	    0 },
	{ "U33 17 digits", B(CHUNKED "00000000000000001\r\nx\r\n0\r\n\r\n"),
	    VERDICT_CHUNK_MALFORMED, "http chunk length too large", "", false,
	    0 },
	{ "U33 16 digits", B(CHUNKED "0000000000000001\r\nx\r\n0\r\n\r\n"),
	    VERDICT_WHOLE, "", "x", KEPT, 0 },
	{ "U33 too large", B(CHUNKED "ffffffffffffffff\r\nx"),
	    VERDICT_CHUNK_MALFORMED, NULL, "", false, 0 },
	{ "U33 data too long", B(CHUNKED "5\r\nhelloXX0\r\n\r\n"),
	    VERDICT_CHUNK_MALFORMED, "malformed chunked encoding", "hello",
	    false, 0 },
	{ "U36 no colon", B(CHUNKED "1\r\nx\r\n0\r\nfoo\r\n\r\n"),
	    VERDICT_CHUNK_MALFORMED,
	    "malformed MIME header: missing colon: \"foo\"", "x", false, 0 },
	{ "U36 fold first", B(CHUNKED "1\r\nx\r\n0\r\n foo: a\r\n\r\n"),
	    VERDICT_CHUNK_MALFORMED,
	    "malformed MIME header initial line: \" foo: a\"", "x", false, 0 },
	{ "U36 cut", B(CHUNKED "1\r\nx\r\n0\r\n"), VERDICT_CHUNK_MALFORMED,
	    "http: unexpected EOF reading trailer", "x", false, 0 },
	{ "U36 cut in a trailer", B(CHUNKED "1\r\nx\r\n0\r\nX: y"),
	    VERDICT_CHUNK_MALFORMED, "http: unexpected EOF reading trailer",
	    "x", false, 0 },

	/* U41: codings. */
	{ "U41 br", B(OK "Content-Encoding: br\r\nContent-Length: 1\r\n\r\nx"),
	    VERDICT_ENCODING_UNSUPPORTED, "Content-Encoding: \"br\"", "",
	    false, 200 },
	{ "U41 GZIP", B(OK "Content-Encoding: GZIP\r\nContent-Length: 1\r\n\r\n"
	    "x"), VERDICT_ENCODING_UNSUPPORTED, NULL, "", false, 0 },
	{ "U41 x-gzip", B(OK "Content-Encoding: x-gzip\r\n\r\nx"),
	    VERDICT_ENCODING_UNSUPPORTED, NULL, "", false, 0 },
	{ "U41 list", B(OK "Content-Encoding: gzip, br\r\n\r\nx"),
	    VERDICT_ENCODING_UNSUPPORTED, NULL, "", false, 0 },
	{ "U41 br of a 500", B("HTTP/1.1 500 No\r\nContent-Encoding: br\r\n"
	    "Content-Length: 3\r\n\r\nabc"), VERDICT_WHOLE, "", "", KEPT, 500 },
	{ "U41 Zstd", B(OK "Content-Encoding: Zstd\r\n\r\nx"),
	    VERDICT_ENCODING_UNSUPPORTED, NULL, "", false, 0 },
	{ "U41 aes128gcm", B(OK "Content-Encoding: aes128gcm\r\n\r\nx"),
	    VERDICT_ENCODING_UNSUPPORTED, NULL, "", false, 0 },
	{ "U41 list of nothing", B(OK "Content-Encoding: utf-8, x\r\n\r\nx"),
	    VERDICT_ENCODING_UNSUPPORTED, NULL, "", false, 0 },
	{ "no coding, but utf-8", B(OK "Content-Encoding: utf-8\r\n"
	    "Content-Length: 1\r\n\r\nx"), VERDICT_WHOLE, "", "x", KEPT, 0 },
	{ "no coding, but none", B(OK "Content-Encoding: none\r\n"
	    "Content-Length: 1\r\n\r\nx"), VERDICT_WHOLE, "", "x", KEPT, 0 },
	{ "no coding, but binary", B(OK "Content-Encoding: binary\r\n"
	    "Content-Length: 1\r\n\r\nx"), VERDICT_WHOLE, "", "x", KEPT, 0 },
	{ "identity", B(OK "Content-Encoding: identity\r\nContent-Length: 1\r\n"
	    "\r\nx"), VERDICT_WHOLE, "", "x", KEPT, 0 },
	{ "no coding", B(OK "Content-Encoding:\r\nContent-Length: 1\r\n\r\nx"),
	    VERDICT_WHOLE, "", "x", KEPT, 0 },
	{ "first coding wins", B(OK "Content-Encoding: identity\r\n"
	    "Content-Encoding: br\r\nContent-Length: 1\r\n\r\nx"),
	    VERDICT_WHOLE, "", "x", KEPT, 0 },
	{ "gzip", B(GZIP "Content-Length: 24\r\n\r\n" GZIPPED),
	    VERDICT_WHOLE, "", "a 1\n", KEPT, 0 },
	{ "gzip in chunks", B(GZIP "Transfer-Encoding: chunked\r\n\r\na\r\n"
	    GZIP_HEAD "\r\ne\r\n" GZIP_DATA GZIP_SUMS "\r\n0\r\n\r\n"),
	    VERDICT_WHOLE, "", "a 1\n", KEPT, 0 },
	{ "gzip twice", B(GZIP "Content-Length: 48\r\n\r\n" GZIPPED GZIPPED),
	    VERDICT_WHOLE, "", "a 1\na 1\n", KEPT, 0 },
	{ "gzip empty", B(GZIP "Content-Length: 0\r\n\r\n"),
	    VERDICT_GZIP_EMPTY, "EOF", "", false, 0 },
	{ "gzip of plain text", B(GZIP "Content-Length: 4\r\n\r\na 1\n"),
	    VERDICT_GZIP_HEADER, "gzip: invalid header", "", false, 0 },
	{ "gzip with junk", B(GZIP "Content-Length: 27\r\n\r\n" GZIPPED "abc"),
	    VERDICT_GZIP_HEADER, "gzip: invalid header", "a 1\n", false, 0 },
	{ "gzip with a wrong sum", B(GZIP "Content-Length: 24\r\n\r\n"
	    GZIP_HEAD GZIP_DATA "\x37\xe7\x1b\xbc\x04\0\0\0"),
	    VERDICT_GZIP_CHECKSUM, "gzip: invalid checksum", "a 1\n", false,
	    0 },
	{ "gzip with a wrong length", B(GZIP "Content-Length: 24\r\n\r\n"
	    GZIP_HEAD GZIP_DATA "\x36\xe7\x1b\xbc\x05\0\0\0"),
	    VERDICT_GZIP_CHECKSUM, "gzip: invalid checksum", "a 1\n", false,
	    0 },
	{ "gzip corrupt", B(GZIP "Content-Length: 16\r\n\r\n"
	    GZIP_HEAD "\xff\xff\xff\xff\xff\xff"),
	    VERDICT_GZIP_CORRUPT, "1", "", false, 0 },
	{ "U42 no stream end", B(GZIP "Content-Length: 16\r\n\r\n"
	    GZIP_HEAD GZIP_DATA), VERDICT_GZIP_TRUNCATED, NULL, "a 1\n",
	    false, 0 },
	{ "gzip cut by the connection", B(GZIP "Content-Length: 24\r\n\r\n"
	    GZIP_HEAD GZIP_DATA), VERDICT_BODY_TRUNCATED,
	    "got 16 of 24 bytes", "a 1\n", false, 0 },
};
/* clang-format on */

static void
check_row(const struct row *row, const struct feed *feed)
{
	const struct judge_result *result = &feed->result;
	int status = row->status;

	if (result->verdict != row->verdict)
		fail_msg("%s: verdict %d, not %d (%s)", row->name,
		    (int)result->verdict, (int)row->verdict, result->detail);
	if (row->detail != NULL && strcmp(row->detail, result->detail) != 0)
		fail_msg("%s: says %s", row->name, result->detail);
	if (row->text != NULL && strcmp(row->text, feed->text.begin) != 0)
		fail_msg("%s: text %s", row->name, feed->text.begin);
	if (result->is_keep_alive != row->is_keep_alive)
		fail_msg("%s: keep alive %d", row->name, result->is_keep_alive);
	if (status == 0 && row->verdict == VERDICT_WHOLE)
		status = 200;
	if (status != 0 && result->status != status)
		fail_msg("%s: status %d", row->name, result->status);
}

static void
rows_are_judged_in_any_pieces(void **state)
{
	struct feed whole, pieces;
	uint32_t split;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		feed_run(
		    &whole, rows[i].bytes, rows[i].len, FEED_WHOLE, true, 0);
		check_row(&rows[i], &whole);
		for (split = FEED_BYTES; split < 20; split++) {
			feed_run(&pieces, rows[i].bytes, rows[i].len, split,
			    true, 0);
			if (!feed_is_same(&whole, &pieces))
				fail_msg("%s: other pieces, other verdict "
					 "(%s)",
				    rows[i].name, pieces.result.detail);
		}
	}
}

/* Of these, and of no other, Prometheus would say nothing. */
static void
own_rules_are_told_from_go_s(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		bool is_stricter;
	} cases[] = {
		{ B(OK "X: a\x01\r\n\r\n"), false },
		{ B(OK "X: a\r\n b\x7f\r\n\r\n"), false },
		{ B(OK "Content-Length : 3\r\n\r\nabc"), true },
		{ B(OK "foo\r\n\r\n"), false },
		{ B(OK "a/b: c\x01\r\n\r\n"), false },
		{ B(OK "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"
		       "\r\n0\r\n\r\n"),
		    true },
		{ B("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		    "0\r\n\r\n"),
		    true },
		{ B(OK "Transfer-Encoding: xchunked\r\n\r\n"), false },
		{ B(OK "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc"),
		    true },
		{ B(OK "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc"),
		    false },
		{ B(OK "Content-Length: x\r\n\r\n"), false },
		{ B(OK "\r\nup 1"), true },
		{ B(OK "\r\nup 1\n"), false },
		{ B(OK "Content-Length: 9\r\n\r\nup 1"), false },
		{ B(CHUNKED "4\r\nup 1\r\n"), false },
	};
	struct feed feed;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		feed_run(
		    &feed, cases[i].bytes, cases[i].len, FEED_WHOLE, true, 0);
		if (feed.result.is_stricter != cases[i].is_stricter)
			fail_msg("case %zu: %s", i, feed.result.detail);
	}
}

/* Every answer, cut anywhere, is never whole unless it may be. */
static void
a_cut_answer_is_never_whole(void **state)
{
	struct feed feed;
	size_t i, len, checked = 0;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		feed_run(
		    &feed, rows[i].bytes, rows[i].len, FEED_WHOLE, true, 0);
		if (feed.result.verdict != VERDICT_WHOLE ||
		    !feed.result.is_keep_alive || feed.result.status != 200)
			continue;
		for (len = 0; len < rows[i].len; len++) {
			feed_run(
			    &feed, rows[i].bytes, len, FEED_WHOLE, true, 0);
			if (feed.result.verdict == VERDICT_WHOLE)
				fail_msg("%s: whole after %zu bytes",
				    rows[i].name, len);
			checked++;
		}
	}
	assert_true(checked > 1000);
}

static void
until_close_needs_the_close(void **state)
{
	struct feed feed;

	(void)state;
	feed_run(&feed, B(OK "\r\na 1\n"), FEED_WHOLE, false, 0);
	assert_int_equal(feed.result.verdict, VERDICT_BODY_TRUNCATED);
	assert_string_equal(feed.result.detail, "broken off after 4 bytes");
}

static void
headers_are_reported(void **state)
{
	static const char answer[] =
	    "HTTP/1.1 401 Go \"away\"\r\n"
	    "Content-Type: text/html\r\ncontent-type: text/plain\r\n"
	    "Content-Encoding: gzip\r\nLocation: http://a/\"\xe4\r\n"
	    "WWW-Authenticate: Basic realm=\"a, Bogus b\", Digest r = x,"
	    " q=\"\\\"\"\r\nWWW-Authenticate: Negotiate\r\n"
	    "Content-Length: 7\r\n\r\n";
	struct feed feed;
	const struct judge_result *result = &feed.result;

	(void)state;
	feed_run(&feed, B(answer), FEED_WHOLE, true, 0);
	assert_int_equal(result->status, 401);
	assert_string_equal(result->reason, "Go \\\"away\\\"");
	assert_true(result->has_content_type);
	assert_string_equal(result->content_type, "text/html");
	assert_string_equal(result->content_encoding, "gzip");
	assert_string_equal(result->location, "http://a/\\\"\\xe4");
	assert_string_equal(
	    result->www_authenticate, "Basic, Digest, Negotiate");
	assert_true(result->has_length && result->content_length == 7);
	assert_true(result->is_head_complete && result->has_any_byte);
	assert_string_equal(
	    result->first_bytes, "HTTP/1.1 401 Go \\\"away\\\"");
}

static void
an_interim_head_leaves_no_trace(void **state)
{
	struct feed feed;

	(void)state;
	feed_run(&feed,
	    B("HTTP/1.1 103 E\r\nContent-Type: text/html\r\n"
	      "Retry-After: 9\r\nContent-Length: 9\r\n\r\n" OK "\r\na\n"),
	    FEED_WHOLE, true, 0);
	assert_int_equal(feed.result.verdict, VERDICT_WHOLE);
	assert_int_equal(feed.result.interim_count, 1);
	assert_false(feed.result.has_content_type);
	assert_false(feed.result.has_length);
	assert_int_equal(feed.result.retry_after_s, 0);
}

/* `head`, then `count` times `unit`, then `end`. */
static enum verdict
judge_repeated(
    const char *head, const char *unit, size_t count, const char *end)
{
	struct feed feed;
	size_t size = strlen(head) + strlen(unit) * count + strlen(end) + 1;
	char *bytes = malloc(size), *p;

	assert_non_null(bytes);
	p = stpcpy(bytes, head);
	while (count-- > 0)
		p = stpcpy(p, unit);
	stpcpy(p, end);
	feed_run(&feed, bytes, size - 1, FEED_WHOLE, true, 0);
	free(bytes);
	return feed.result.verdict;
}

static void
limits_hold(void **state)
{
	static const struct {
		const char *name, *head, *unit;
		size_t count; /* the most that passes */
		const char *end;
		enum verdict beyond;
	} limits[] = {
		{ "U14", OK "X: ", "a", 65536 - 17 - 3 - 2 - 19 - 2,
		    "\r\nContent-Length: 0\r\n\r\n", VERDICT_HEADER_TOO_LARGE },
		{ "U15", OK, "X: y\r\n", 999, "Content-Length: 0\r\n\r\n",
		    VERDICT_HEADER_TOO_LARGE },
		{ "U20", "", "HTTP/1.1 100 Continue\r\n\r\n", 8,
		    OK "Content-Length: 0\r\n\r\n", VERDICT_HEADER_TOO_LARGE },
		{ "U35", CHUNKED "0;", "a", 256, "\r\n\r\n",
		    VERDICT_CHUNK_MALFORMED },
		{ "U35 padding", CHUNKED "0 ", " ", 256, "\r\n\r\n",
		    VERDICT_CHUNK_MALFORMED },
		{ "U36", CHUNKED "0\r\nX: ", "a", 4096 - 3 - 2 - 2, "\r\n\r\n",
		    VERDICT_CHUNK_MALFORMED },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		if (judge_repeated(limits[i].head, limits[i].unit,
			limits[i].count, limits[i].end) != VERDICT_WHOLE)
			fail_msg("%s: too small", limits[i].name);
		if (judge_repeated(limits[i].head, limits[i].unit,
			limits[i].count + 1, limits[i].end) != limits[i].beyond)
			fail_msg("%s: too large", limits[i].name);
	}
}

static void
u40_small_chunks_pass(void **state)
{
	(void)state;
	assert_int_equal(
	    judge_repeated(CHUNKED, "1\r\nx\r\n", 100000, "0\r\n\r\n"),
	    VERDICT_WHOLE);
}

static void
the_sink_may_refuse(void **state)
{
	struct feed feed;

	(void)state;
	feed_run(
	    &feed, B(OK "Content-Length: 5\r\n\r\nhello"), FEED_WHOLE, true, 4);
	assert_int_equal(feed.result.verdict, VERDICT_SINK_REFUSED);
	feed_run(
	    &feed, B(CHUNKED "5\r\nhello\r\n0\r\n\r\n"), FEED_BYTES, true, 4);
	assert_int_equal(feed.result.verdict, VERDICT_SINK_REFUSED);
	feed_run(&feed, B(GZIP "Content-Length: 24\r\n\r\n" GZIPPED),
	    FEED_WHOLE, true, 3);
	assert_int_equal(feed.result.verdict, VERDICT_SINK_REFUSED);
	assert_false(feed.result.is_keep_alive);
}

static void
a_reset_judge_forgets(void **state)
{
	struct feed first = { 0 }, again = { 0 };
	struct judge_sink sink = { feed_raw, feed_text, &first };
	struct judge *judge = judge_new(&judge_default_limits, &sink);

	(void)state;
	feed_judge(judge, &first, B(GZIP "Connection: close\r\n\r\nnot gzip"),
	    FEED_WHOLE, true);
	assert_int_equal(first.result.verdict, VERDICT_GZIP_HEADER);
	assert_int_equal(judge_head_line(judge, B("\r\n")), -1);
	judge_reset(judge);
	assert_false(judge_result(judge)->has_any_byte);
	feed_judge(judge, &again, B(OK "Content-Length: 1\r\n\r\nx"),
	    FEED_WHOLE, true);
	assert_int_equal(again.result.verdict, VERDICT_WHOLE);
	assert_true(again.result.is_keep_alive);
	judge_free(judge);
}

/* Who reads it can tell, so the end of the connection is one. */
static void
a_text_may_break_off(void **state)
{
	struct feed feed = { 0 };
	struct judge_limits limits = judge_default_limits;
	struct judge_sink sink = { feed_raw, feed_text, &feed };
	struct judge *judge;

	(void)state;
	limits.may_break_off = true;
	judge = judge_new(&limits, &sink);
	feed_judge(judge, &feed, B(OK "\r\n{}"), FEED_WHOLE, true);
	assert_int_equal(feed.result.verdict, VERDICT_WHOLE);
	judge_reset(judge);
	feed_judge(judge, &feed, B(OK "\r\n{}"), FEED_WHOLE, false);
	assert_int_equal(feed.result.verdict, VERDICT_BODY_TRUNCATED);
	judge_reset(judge);
	feed_judge(judge, &feed, B(OK "Content-Length: 3\r\n\r\n{}"),
	    FEED_WHOLE, true);
	assert_int_equal(feed.result.verdict, VERDICT_BODY_TRUNCATED);
	judge_free(judge);
}

static void
a_time_to_retry_is_read(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		unsigned seconds;
	} cases[] = {
		{ B(OK "Retry-After: 120\r\n\r\n"), 120 },
		{ B(OK "retry-after:0\r\n\r\n"), 0 },
		{ B(OK "Retry-After: 3601\r\n\r\n"), 3600 },
		{ B(OK "Retry-After: 4294967297\r\n\r\n"), 3600 },
		{ B(OK "Retry-After: 5\r\nRetry-After: 6\r\n\r\n"), 5 },
		{ B(OK "Retry-After:\r\n\r\n"), 0 },
		{ B(OK "Retry-After: 5s\r\n\r\n"), 0 },
		{ B(OK "Retry-After: +5\r\n\r\n"), 0 },
		{ B(OK "Retry-After: 1.5\r\n\r\n"), 0 },
		{ B(OK "Retry-After: Wed, 21 Oct 2026 07:28:00 GMT\r\n\r\n"),
		    0 },
	};
	struct feed feed;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		feed_run(
		    &feed, cases[i].bytes, cases[i].len, FEED_WHOLE, true, 0);
		assert_int_equal(feed.result.verdict, VERDICT_WHOLE);
		assert_int_equal(feed.result.retry_after_s, cases[i].seconds);
	}
}

static void
bytes_out_of_turn_are_refused(void **state)
{
	struct feed feed = { 0 };
	struct judge_sink sink = { feed_raw, feed_text, &feed };
	struct judge *judge = judge_new(&judge_default_limits, &sink);

	(void)state;
	assert_int_equal(judge_body(judge, B("hello")), -1);
	assert_int_equal(judge_result(judge)->verdict, VERDICT_NOT_HTTP);
	judge_reset(judge);
	assert_int_equal(judge_head_line(judge, B("HTTP/1.1 200 O")), 0);
	judge_end(judge, true);
	assert_int_equal(
	    judge_result(judge)->verdict, VERDICT_CLOSED_IN_HEADERS);
	judge_reset(judge);
	judge_head_line(judge, B("HTTP/1.1 200 O"));
	assert_int_equal(judge_head_line(judge, B("K\r\n")), -1);
	judge_free(judge);
}

static void
escaping_reads_like_go(void **state)
{
	char out[16];

	(void)state;
	assert_int_equal(escape_quoted(out, sizeof(out), B("a\"\\\n\0")), 11);
	assert_string_equal(out, "a\\\"\\\\\\n\\x00");
	assert_int_equal(
	    escape_quoted(out, sizeof(out), B("\a\b\f\t\v\r~")), 13);
	assert_string_equal(out, "\\a\\b\\f\\t\\v\\r~");
	/* Cut before the escape that does not fit. */
	assert_int_equal(escape_quoted(out, 4, B("\x7f")), 0);
	assert_string_equal(out, "");
	assert_int_equal(escape_quoted(out, 5, B("\xe4z")), 4);
	assert_string_equal(out, "\\xe4");
	assert_int_equal(escape_quoted(out, 1, B("abc")), 0);
	assert_int_equal(escape_words(out, sizeof(out), B("a\"b\\\n")), 7);
	assert_string_equal(out, "a\"b\\\\\\n");
	assert_int_equal(escape_words(out, 3, B("a\"b")), 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_judged_in_any_pieces),
		cmocka_unit_test(own_rules_are_told_from_go_s),
		cmocka_unit_test(a_cut_answer_is_never_whole),
		cmocka_unit_test(until_close_needs_the_close),
		cmocka_unit_test(headers_are_reported),
		cmocka_unit_test(an_interim_head_leaves_no_trace),
		cmocka_unit_test(limits_hold),
		cmocka_unit_test(u40_small_chunks_pass),
		cmocka_unit_test(the_sink_may_refuse),
		cmocka_unit_test(a_reset_judge_forgets),
		cmocka_unit_test(a_text_may_break_off),
		cmocka_unit_test(a_time_to_retry_is_read),
		cmocka_unit_test(bytes_out_of_turn_are_refused),
		cmocka_unit_test(escaping_reads_like_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
