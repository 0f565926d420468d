#include "proxy/fetch/phases.h"

const char *
phase_name(enum phase phase)
{
	static const char *const names[PHASE_COUNT] = {
		[PHASE_QUEUE] = "queue",
		[PHASE_RESOLVE] = "resolve",
		[PHASE_CONNECT] = "connect",
		[PHASE_TLS] = "tls",
		[PHASE_PROCESSING] = "processing",
		[PHASE_TRANSFER] = "transfer",
		[PHASE_PARSE] = "parse",
	};

	return names[phase];
}
