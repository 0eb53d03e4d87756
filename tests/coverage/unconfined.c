/* For the build that counts what is executed: all that the sandbox does is done, but for the
 * last call. A confined process could not write its counts when it ends. */
#include <stdarg.h>
#include <sys/syscall.h>

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

long __wrap_syscall(long number, ...)
{
    enum { ARGUMENTS = 6 };
    long a[ARGUMENTS];
    va_list list;
    va_start(list, number);
    for (int i = 0; i < ARGUMENTS; i++)
        a[i] = va_arg(list, long);
    va_end(list);
    if (number == SYS_landlock_restrict_self)
        return 0;
    return __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
