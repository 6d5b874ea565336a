/*
 * A desktop that stands in for an ESP32: XS, an event loop, and the SDK's modules that the firmware uses. One process is
 * one device; to start it is to switch the device on, to end it is to cut its power.
 */
#include <signal.h>
#include <unistd.h>

#include "allocation.h"
#include "errors.h"
#include "event-loop.h"
#include "life.h"
#include "loader.h"
#include "machine.h"
#include "options.h"
#include "watchdog.h"

/* Ends at once, whatever the node is doing: that is what a power cut does. trace() has written its lines already. */
static void cut_power(int signal_number)
{
	_exit(128 + signal_number);
}

static void set_signals(void)
{
	signal(SIGINT, cut_power);
	signal(SIGTERM, cut_power);
	/* A connection that the peer closed is an error of write(), not the end of the process. */
	signal(SIGPIPE, SIG_IGN);
}

static void run_jobs(void* machine)
{
	machine_run_jobs(machine);
}

int main(int argc, char** argv)
{
	setvbuf(stdout, NULL, _IOLBF, 4096);
	set_signals();
	life_begin();
	options_read(argc, argv);
	life_resume_clock();
	watchdog_begin_turn();
	xsMachine* machine = machine_create();
	allocation_watch();
	loader_run(machine, options.module);
	event_loop_run(run_jobs, machine);
	if (errors_exit_code() == exit_done && !loader_finished()) {
		fprintf(stderr, "fieldnode: %s waits at its top level for something that can no longer happen\n",
			options.module);
		machine_delete(machine);
		return exit_uncaught;
	}
	machine_delete(machine);
	allocation_report();
	return errors_exit_code();
}
