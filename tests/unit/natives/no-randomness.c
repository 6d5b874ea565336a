/*
 * A machine that has no random numbers: with FIELDNODE_NO_RANDOMNESS set the kernel gives none. mbedTLS asks it by the
 * number of the call, which goes through this function.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/syscall.h>

long syscall(long number, ...)
{
	static long (*next)(long, ...);
	long words[6];
	va_list arguments;
	if (number == SYS_getrandom && getenv("FIELDNODE_NO_RANDOMNESS")) {
		errno = EIO;
		return -1;
	}
	va_start(arguments, number);
	for (int i = 0; i < 6; i++)
		words[i] = va_arg(arguments, long);
	va_end(arguments);
	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "syscall");
	return next(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}
