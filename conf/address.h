/*
 * Addresses to listen on: host:port, [ipv6]:port, :port, unix:/path.
 */
#ifndef CONF_ADDRESS_H
#define CONF_ADDRESS_H

struct conf_address;
struct err;

/*
 * Fills `address`, whose strings the caller frees with conf_address_fini();
 * text "" gives an address with host and unix_path NULL: off.  -1 with err
 * that says what to write, `address` zeroed.
 */
int conf_address_parse(
    const char *text, struct conf_address *address, struct err *err);
void conf_address_fini(struct conf_address *address);

#endif
