/*
 * Runs what `mcconfig -p lin` builds without a window: `host mc.so [NAME=VALUE …]`, variables for its environment. The SDK's simulator does the same for a person; the
 * part of its structure that is used is that of the SDK's build/simulators/modules/screen.h. Ends when the program posts a
 * message.
 */
#include <glib.h>

#include "screen.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

enum { WIDTH = 16, HEIGHT = 16 };

static guint timer;

static gboolean idle(gpointer data)
{
	txScreen *screen = data;
	(*screen->idle)(screen);
	return G_SOURCE_CONTINUE;
}

static void start(txScreen *screen, double interval)
{
	if (timer == 0)
		timer = g_timeout_add((guint)interval, idle, screen);
}

static void stop(txScreen *screen)
{
	(void)screen;
	if (timer != 0)
		g_source_remove(timer);
	timer = 0;
}

static void nothing(txScreen *screen)
{
	(void)screen;
}

static void end(txScreen *screen, char *message, int size)
{
	(void)screen;
	(void)message;
	(void)size;
	fflush(stdout);
	exit(0);
}

static void give_up(txScreen *screen, int status)
{
	(void)screen;
	fflush(stdout);
	exit(status == 0 ? 1 : status);
}

int main(int count, char **arguments)
{
	for (int i = 2; i < count; i++)
		putenv(arguments[i]);
	void *library = count > 1 ? dlopen(arguments[1], RTLD_NOW) : NULL;
	txScreenLaunchProc launch = library ? (txScreenLaunchProc)dlsym(library, "fxScreenLaunch") : NULL;
	txScreen *screen = calloc(1, sizeof *screen + WIDTH * HEIGHT * screenBytesPerPixel);
	if (!launch || !screen) {
		fprintf(stderr, "%s\n", library || count == 1 ? "no program" : dlerror());
		return 1;
	}
	screen->width = WIDTH;
	screen->height = HEIGHT;
	screen->abort = give_up;
	screen->bufferChanged = nothing;
	screen->formatChanged = nothing;
	screen->post = end;
	screen->start = start;
	screen->stop = stop;
	g_mutex_init(&screen->workersMutex);
	(*launch)(screen);
	g_main_loop_run(g_main_loop_new(NULL, FALSE));
	return 0;
}
