/*
 * Kubernetes' quantities, as far as limits have them: "100m", "0.5", "2",
 * "128Mi", "1e9".  Pure.
 */
#ifndef PROXY_KERNEL_QUANTITY_H
#define PROXY_KERNEL_QUANTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In thousandths, rounded up; false if it is none, negative or too large. */
bool quantity_parse(const char *text, uint64_t *thousandths);

#define QUANTITY_SIZE 24

/* As people write limits: 100 is "100m", 2000 is "2". */
const char *quantity_cpu(char out[QUANTITY_SIZE], uint64_t millis);

/* "128Mi" where it is that exactly, else with one digit: "122.1Mi". */
const char *quantity_bytes(char out[QUANTITY_SIZE], uint64_t bytes);

#endif
