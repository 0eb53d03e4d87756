#ifndef ENGINE_BASE_CLOCK_H
#define ENGINE_BASE_CLOCK_H

/* Milliseconds of the monotonic clock. */
double clock_ms(void);

#endif
