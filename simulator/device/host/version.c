#include "version.h"

#include <stdio.h>

#include "xs-internal.h"

#include "mbedtls-port.h"

void version_print(void)
{
	printf("fieldnode: XS %d.%d.%d, mbedTLS %s, TLS 1.2%s\n", XS_MAJOR_VERSION, XS_MINOR_VERSION, XS_PATCH_VERSION,
		MBEDTLS_VERSION_STRING, MP_HAS_TLS_1_3 ? ", TLS 1.3" : "");
}
