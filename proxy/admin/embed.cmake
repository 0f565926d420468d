# A text file as a string in C: cmake -DIN=... -DOUT=... -DNAME=... -P this.
# Blanks that only indent are left out; of JSON nothing else changes.
file(READ "${IN}" text)
string(REGEX REPLACE "\n *" "" text "${text}")
string(REPLACE "\\" "\\\\" text "${text}")
string(REPLACE "\"" "\\\"" text "${text}")
file(WRITE "${OUT}.new" "/* Made of ${NAME}. */\n"
	"#include \"proxy/admin/openapi.h\"\n\n"
	"const char openapi_text[] = \"${text}\";\n")
file(RENAME "${OUT}.new" "${OUT}")
