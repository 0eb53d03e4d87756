/* Limits on the address space (ulimit -v). OpenBLAS takes work areas of 128 MiB of it: one for each
 * core when it is loaded, before main, and one for each of our threads in its first product; and
 * where it gets none it asks for ever. So under a limit there is room for all of them, or an error
 * before the libraries begin; and those of our threads, fewer if need be, are taken before
 * anything else can take their place. */
#ifndef APP_ADDRESS_SPACE_H
#define APP_ADDRESS_SPACE_H

/* Under a limit: as many threads from now on as it has room for, with their areas. Once, before
 * anything is multiplied. */
void address_space_fit_threads(void);

#endif
