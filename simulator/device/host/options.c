#include "options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access-points.h"
#include "clock.h"
#include "errors.h"
#include "network.h"
#include "version.h"
#include "watchdog.h"

struct options options;

static const char usage[] =
	"Usage: fieldnode [options] MODULE\n"
	"Runs a module of the firmware, given by its path from the project's folder without ending (main).\n"
	"  --js DIR        compiled JavaScript (default: ../js beside the program's folder)\n"
	"  --config FILE   JSON that becomes the module mc/config\n"
	"  --flash DIR     the node's flash (default: $FIELDNODE_FLASH); created when missing\n"
	"  --heap BYTES    limit of the JavaScript heap; 0, the default, for none\n"
	"  --clock TIME    the wall clock at power-on: unset (1970, the default), desktop, or ms since 1970\n"
	"  --time-scale N  so many of the node's seconds pass in one of the desktop's (default: 1)\n"
	"  --watchdog S    starts the node anew when a turn of its event loop takes longer than so many seconds\n"
	"  --wifi OPTIONS  an access point in range: ssid=NAME,password=WORD,delay=MS,rssi=DBM,channel=N,dhcp=silent,\n"
	"                  outage=FROM-TO, restart=EVERY/FOR, kick=AT (times in ms); may be repeated\n"
	"  --route udp|tcp:ADDRESS:PORT=ADDRESS:PORT\n"
	"                  where the access point sends what the node addresses to the first; may be repeated\n"
	"  --sizes         tells the bytes of byte code and of names of each module that is loaded\n"
	"  --lives         tells at the end of each life that another follows: ms since its start, ms of radio, bytes\n"
	"                  sent, bytes received and round trips by TCP, answers by UDP\n"
	"  --version       the versions of XS, of mbedTLS and of the TLS they speak\n";

static void __attribute__((format(printf, 1, 2), noreturn)) refuse(const char* format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	fputs("fieldnode: ", stderr);
	vfprintf(stderr, format, arguments);
	fputs(". fieldnode --help lists the options.\n", stderr);
	va_end(arguments);
	exit(exit_usage);
}

static bool is_folder(const char* path)
{
	struct stat status;
	return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* The JavaScript lies in ../js beside the folder of the program: build/device/js, build/device/release/fieldnode. */
static void find_js(void)
{
	char program[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
	if (length < 0)
		refuse("cannot find its own path (%s); give --js DIR", strerror(errno));
	program[length] = '\0';
	for (int parts = 0; parts < 2; parts++)
		*strrchr(program, '/') = '\0';
	if (snprintf(options.js, sizeof(options.js), "%s/js", program) >= (int)sizeof(options.js))
		refuse("the path of the program is too long; give --js DIR");
	options.own_js = true;
}

static void set_flash(const char* folder)
{
	if (mkdir(folder, 0700) != 0 && errno != EEXIST)
		refuse("cannot create the flash folder %s: %s", folder, strerror(errno));
	if (!is_folder(folder))
		refuse("the flash %s is not a folder", folder);
	setenv("FIELDNODE_FLASH", folder, 1);
}

static size_t bytes(const char* text)
{
	char* end;
	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	if (end == text || *end != '\0' || errno != 0 || *text == '-' || value > INT32_MAX)
		refuse("--heap must be a number of bytes, not \"%s\"", text);
	return (size_t)value;
}

static void read_option(const char* name, const char* value)
{
	if (strcmp(name, "--js") == 0) {
		if (snprintf(options.js, sizeof(options.js), "%s", value) >= (int)sizeof(options.js))
			refuse("--js: the path is too long");
	}
	else if (strcmp(name, "--config") == 0) {
		if (access(value, R_OK) != 0)
			refuse("cannot read --config %s: %s", value, strerror(errno));
		options.config = value;
	}
	else if (strcmp(name, "--flash") == 0)
		set_flash(value);
	else if (strcmp(name, "--heap") == 0)
		options.heap = bytes(value);
	else if (strcmp(name, "--clock") == 0) {
		if (!clock_start(value))
			refuse("--clock must be unset, desktop or milliseconds since 1970, not \"%s\"", value);
	}
	else if (strcmp(name, "--time-scale") == 0) {
		if (!clock_set_scale(value))
			refuse("--time-scale must be a whole number from 1 to 100000, not \"%s\"", value);
	}
	else if (strcmp(name, "--watchdog") == 0) {
		if (!watchdog_set(value))
			refuse("--watchdog must be a whole number of seconds from 1 to 60, not \"%s\"", value);
	}
	else if (strcmp(name, "--wifi") == 0) {
		if (!access_points_add(value))
			refuse("--wifi must be ssid=NAME[,password=WORD][,delay=MS][,rssi=DBM][,channel=N][,dhcp=silent][,outage=FROM-TO …]"
			       "[,restart=EVERY/FOR][,kick=AT …], at most %d times, not \"%s\"", access_point_limit, value);
	}
	else if (strcmp(name, "--route") == 0) {
		if (!network_add_route(value))
			refuse("--route must be udp:ADDRESS:PORT=ADDRESS:PORT or tcp:…, with IPv4 addresses, not \"%s\"", value);
	}
	else
		refuse("there is no option %s", name);
}

void options_read(int argc, char** argv)
{
	options.arguments = argv;
	clock_start("unset");
	int i = 1;
	for (; i < argc && argv[i][0] == '-'; i++) {
		if (strcmp(argv[i], "--help") == 0) {
			fputs(usage, stdout);
			exit(exit_done);
		}
		if (strcmp(argv[i], "--version") == 0) {
			version_print();
			exit(exit_done);
		}
		if (strcmp(argv[i], "--sizes") == 0) {
			options.sizes = true;
			continue;
		}
		if (strcmp(argv[i], "--lives") == 0) {
			options.lives = true;
			continue;
		}
		char* value = strchr(argv[i], '=');
		if (value && strncmp(argv[i], "--", 2) == 0) {
			char name[32];
			snprintf(name, sizeof(name), "%.*s", (int)(value - argv[i]), argv[i]);
			read_option(name, value + 1);
		}
		else if (i + 1 < argc) {
			read_option(argv[i], argv[i + 1]);
			i++;
		}
		else {
			read_option(argv[i], "");
			refuse("%s needs a value", argv[i]);
		}
	}
	if (i + 1 != argc)
		refuse(i < argc ? "only one MODULE can be run" : "name the MODULE to run");
	options.module = argv[i];
	if (options.js[0] == '\0')
		find_js();
	if (!is_folder(options.js))
		refuse("there is no folder %s with compiled JavaScript", options.js);
}
