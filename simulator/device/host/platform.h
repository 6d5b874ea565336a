/*
 * What XS needs to know about the machine it runs on. XS includes this file everywhere (macro XSPLATFORM), so it holds
 * only what XS asks for: types, the allocation hooks, and the three things of the desktop that a node must not see,
 * namely its time, its time zone and its unseeded rand().
 */
#ifndef FIELDNODE_PLATFORM_H
#define FIELDNODE_PLATFORM_H

#undef mxLinux
#define mxLinux 1

#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>

#define mxExport extern
#define mxImport extern
#define XS_FUNCTION_NORETURN __attribute__((noreturn))

#define mxUseGCCAtomics 1
#define mxUsePOSIXThreads 1

/* XS brings these itself; the rest of the platform (allocation, modules, promise jobs, abort) is in host/. */
#define mxUseDefaultBuildKeys 1
#define mxUseDefaultParseScript 1
#define mxUseDefaultSharedChunks 1
#define mxUseDefaultDebug 1

#define mxMachinePlatform \
	void* waiterCondition; \
	void* waiterData; \
	void* waiterLink; \
	int promiseJobs;

/* Date reads the node's clock (clock.c), in UTC as on an ESP32. */
typedef struct timeval c_timeval;
#define c_timezone timezone
extern int node_clock_gettimeofday(struct timeval* now, void* zone);
#define c_gettimeofday(NOW, ZONE) node_clock_gettimeofday(NOW, ZONE)
#define c_localtime gmtime
#define c_mktime timegm

/* Math.random() draws from the kernel, as an ESP32's draws from its hardware generator. */
extern uint32_t node_random(void);
#define c_rand node_random
#define C_RAND_MAX UINT32_MAX

#endif
