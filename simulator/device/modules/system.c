#include <errno.h>
#include <string.h>

#include "life.h"
#include "xs-port.h"

void xs_system_restart(xsMachine* the)
{
	life_renew("software", 0);
	xsUnknownError("System: the program cannot be started anew: %s", strerror(errno));
}
