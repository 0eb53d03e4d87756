#ifndef ENGINE_BASE_CLOCK_H
#define ENGINE_BASE_CLOCK_H

/* Milliseconds of the monotonic clock, less those between clock_pause and clock_resume. */
double clock_ms(void);

/* Around a stop of the process (Ctrl-Z), so that nobody counts it as work: between the two the
 * clock stands, for all threads. May be called in a signal handler; by one thread at a time. */
void clock_pause(void);
void clock_resume(void);

/* For the handler of SIGCONT: a stop that nobody is told of before (SIGSTOP) is left out as well.
 * It is taken to have begun when the clock was last read; does nothing while the clock stands. */
void clock_continued(void);

#endif
