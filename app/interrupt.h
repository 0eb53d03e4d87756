/* Ctrl-C and termination during long work: the first signal is remembered, so
 * that the work stops at its next progress call and cleans up; a second one ends
 * the program at once, unless it comes so soon that it is the same wish twice (timeout(1)
 * sends its signal to the process and to its group). */
#ifndef APP_INTERRUPT_H
#define APP_INTERRUPT_H

/* From now on SIGINT, SIGTERM and SIGHUP are remembered, and a stop by Ctrl-Z is no time of the
 * work. */
void interrupt_catch(void);

/* The signal that came, or 0. */
int interrupt_signal(void);

#endif
