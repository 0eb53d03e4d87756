#include "app/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"

enum { RESET_MAX = 512, STACK_SIZE = 64 << 10, WRITER_WAIT_MS = 100 };

/* Every signal that would end the program, or that the loop wants to know. Orderly ones
 * become bytes in the pipe, fatal ones kill once the terminal is back; the real-time ones,
 * whose numbers the library chooses, are orderly as well. Not in the table: what nobody
 * can catch, what is ignored or stops the program unasked, and what is ignored here. */
enum fate { LEFT_ALONE, ORDERLY, FATAL };
static const struct {
    enum fate fate;
    const char *text; /* of the fatal ones, on stderr */
} signals[NSIG] = {
    [SIGWINCH] = {ORDERLY, NULL}, [SIGTSTP] = {ORDERLY, NULL}, [SIGCONT] = {ORDERLY, NULL},
    [SIGINT] = {ORDERLY, NULL}, [SIGTERM] = {ORDERLY, NULL}, [SIGHUP] = {ORDERLY, NULL},
    [SIGUSR1] = {ORDERLY, NULL}, [SIGUSR2] = {ORDERLY, NULL}, [SIGALRM] = {ORDERLY, NULL},
    [SIGVTALRM] = {ORDERLY, NULL}, [SIGPROF] = {ORDERLY, NULL}, [SIGXCPU] = {ORDERLY, NULL},
    [SIGPOLL] = {ORDERLY, NULL}, [SIGPWR] = {ORDERLY, NULL}, [SIGSTKFLT] = {ORDERLY, NULL},
    [SIGSEGV] = {FATAL, "comprexit: memory fault (SIGSEGV); please report it\n"},
    [SIGABRT] = {FATAL, "comprexit: internal check failed (SIGABRT)\n"},
    [SIGBUS] = {FATAL, "comprexit: bus error\n"},
    [SIGFPE] = {FATAL, "comprexit: arithmetic fault (SIGFPE); please report it\n"},
    [SIGILL] = {FATAL, "comprexit: illegal instruction (SIGILL); please report it\n"},
    [SIGSYS] = {FATAL, "comprexit: forbidden system call (SIGSYS)\n"},
    [SIGTRAP] = {FATAL, "comprexit: trap (SIGTRAP)\n"},
    [SIGQUIT] = {FATAL, "comprexit: quit\n"},
};

static enum fate fate_of(int number)
{
    return number >= SIGRTMIN && number <= SIGRTMAX ? ORDERLY : signals[number].fate;
}

/* A handler has no argument of its own: this is the state that it needs. */
static int pipe_read = -1, pipe_write = -1;
static struct sigaction before[NSIG]; /* what was done about those of the table */
static struct {
    atomic_bool armed;
    int fd;
    char reset[RESET_MAX];
    size_t length;
    struct termios modes;
} terminal;
static atomic_bool crashed, writing;
static _Thread_local bool is_writer; /* the thread that crashes may be writing itself */
static _Thread_local void *stack;

static void take_over(enum fate fate, const struct sigaction *action)
{
    for (int number = 1; number < NSIG; number++)
        if (fate_of(number) == fate)
            sigaction(number, action, &before[number]);
}

/* ---- orderly ---------------------------------------------------------------- */

static void remember(int number)
{
    int saved = errno;
    unsigned char byte = (unsigned char)number;
    if (number == SIGCONT)
        clock_continued();
    /* A full pipe holds enough of them. */
    if (write(pipe_write, &byte, 1) < 0)
        errno = saved;
    errno = saved;
}

bool signals_open(struct err *err)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0)
        return err_set(err, ERR_OTHER, "cannot make a pipe: %s", strerror(errno));
    pipe_read = fds[0];
    pipe_write = fds[1];
    struct sigaction action = {.sa_handler = remember, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    take_over(ORDERLY, &action);
    signal(SIGPIPE, SIG_IGN);
    return true;
}

void signals_close(void)
{
    if (pipe_read < 0)
        return;
    for (int number = 1; number < NSIG; number++)
        if (fate_of(number) == ORDERLY)
            sigaction(number, &before[number], NULL);
    close(pipe_read);
    close(pipe_write);
    pipe_read = pipe_write = -1;
}

int signals_fd(void)
{
    return pipe_read;
}

int signals_take(void)
{
    unsigned char byte;
    return pipe_read >= 0 && read(pipe_read, &byte, 1) == 1 ? byte : 0;
}

void signals_stop_self(void)
{
    struct sigaction stop = {.sa_handler = SIG_DFL}, own;
    sigemptyset(&stop.sa_mask);
    sigaction(SIGTSTP, &stop, &own);
    clock_pause();
    kill(0, SIGTSTP);
    clock_resume();
    sigaction(SIGTSTP, &own, NULL);
}

static const int typed[] = {SIGINT, SIGQUIT};
enum { TYPED = sizeof typed / sizeof *typed };
static struct sigaction before_lending[TYPED];

void signals_lend(void)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigemptyset(&ignore.sa_mask);
    for (size_t i = 0; i < TYPED; i++)
        sigaction(typed[i], &ignore, &before_lending[i]);
}

void signals_take_back(void)
{
    for (size_t i = 0; i < TYPED; i++)
        sigaction(typed[i], &before_lending[i], NULL);
}

void signals_reset_child(void)
{
    static const int ignored[] = {SIGINT, SIGQUIT, SIGPIPE, SIGXFSZ};
    sigset_t none;
    sigemptyset(&none);
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
        signal(ignored[i], SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* ---- fatal ------------------------------------------------------------------ */

void signals_arm_terminal(int fd, const char *reset, size_t length, const struct termios *modes)
{
    atomic_store(&terminal.armed, false);
    if (!reset)
        return;
    terminal.fd = fd;
    terminal.length = length < RESET_MAX ? length : RESET_MAX;
    memcpy(terminal.reset, reset, terminal.length);
    terminal.modes = *modes;
    atomic_store(&terminal.armed, true);
}

void signals_restore_terminal(void)
{
    if (!atomic_exchange(&terminal.armed, false))
        return;
    file_write_all(terminal.fd, terminal.reset, terminal.length);
    /* A program in the background would be stopped here for writing modes. */
    sigset_t block, old;
    sigemptyset(&block);
    sigaddset(&block, SIGTTOU);
    sigprocmask(SIG_BLOCK, &block, &old);
    tcsetattr(terminal.fd, TCSANOW, &terminal.modes);
    sigprocmask(SIG_SETMASK, &old, NULL);
}

static const char *describe(int number, int code)
{
    return number == SIGBUS && code == BUS_ADRERR ? "comprexit: model file changed while in use\n"
                                                  : signals[number].text;
}

bool signals_begin_output(void)
{
    is_writer = true;
    atomic_store(&writing, true);
    if (!atomic_load(&crashed))
        return true;
    signals_end_output();
    return false;
}

void signals_end_output(void)
{
    atomic_store(&writing, false);
    is_writer = false;
}

static void wait_for_writer(void)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    atomic_store(&crashed, true);
    for (int i = 0; i < WRITER_WAIT_MS && !is_writer && atomic_load(&writing); i++)
        nanosleep(&moment, NULL);
}

static void crash(int number, siginfo_t *info, void *context)
{
    wait_for_writer();
    signals_restore_terminal();
    const char *text = describe(number, info ? info->si_code : 0);
    file_write_all(STDERR_FILENO, text, strlen(text));
    const struct sigaction *other = &before[number];
    if (other->sa_flags & SA_SIGINFO && other->sa_sigaction)
        other->sa_sigaction(number, info, context);
    struct sigaction plain = {.sa_handler = SIG_DFL};
    sigemptyset(&plain.sa_mask);
    sigaction(number, &plain, NULL);
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, number);
    sigprocmask(SIG_UNBLOCK, &one, NULL);
    raise(number);
    _exit(128 + number);
}

void signals_catch_crashes(void)
{
    signals_guard_thread();
    struct sigaction action = {.sa_sigaction = crash, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigfillset(&action.sa_mask);
    take_over(FATAL, &action);
}

void signals_fatal(sigset_t *set)
{
    sigemptyset(set);
    for (int number = 1; number < NSIG; number++)
        if (fate_of(number) == FATAL)
            sigaddset(set, number);
}

void signals_guard_thread(void)
{
    stack_t now;
    if (stack || (sigaltstack(NULL, &now) == 0 && !(now.ss_flags & SS_DISABLE)))
        return; /* a sanitizer has one already */
    stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stack == MAP_FAILED) {
        stack = NULL;
        return;
    }
    stack_t own = {.ss_sp = stack, .ss_size = STACK_SIZE};
    sigaltstack(&own, NULL);
}

void signals_unguard_thread(void)
{
    if (!stack)
        return;
    stack_t off = {.ss_flags = SS_DISABLE};
    sigaltstack(&off, NULL);
    munmap(stack, STACK_SIZE);
    stack = NULL;
}

/* The program's answer to "out of memory": base/mem.c calls this. */
_Noreturn void mem_exhausted(size_t bytes)
{
    signals_restore_terminal();
    fprintf(stderr, "comprexit: out of memory (%zu bytes were asked for): a smaller model or a "
                    "shorter text needs less\n", bytes);
    _exit(ERR_MEMORY);
}
