#include "version.h"

#include <stdio.h>

#include "xs-internal.h"

#include "mbedtls-port.h"

#if defined(MBEDTLS_SSL_VARIABLE_BUFFER_LENGTH)
#define BUFFERS ", variable buffers"
#else
#define BUFFERS ""
#endif

void version_print(void)
{
	printf("fieldnode: XS %d.%d.%d, mbedTLS %s, TLS 1.2%s%s\n", XS_MAJOR_VERSION, XS_MINOR_VERSION, XS_PATCH_VERSION,
		MBEDTLS_VERSION_STRING, MP_HAS_TLS_1_3 ? ", TLS 1.3" : "", BUFFERS);
}
