/* The CRC-32 of crc32.ts, half a byte at a time: a table of 64 bytes instead of 1 KB. */
#include <stdint.h>

#include "xs-port.h"

static const uint32_t table[16] = {
	0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4, 0x4DB26158, 0x5005713C,
	0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C, 0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C,
};

/* (bytes, length) → CRC */
void xs_crc32_of(xsMachine* the)
{
	void* from;
	xsUnsignedValue size;
	xsmcGetBufferReadable(xsArg(0), &from, &size);
	xsIntegerValue length = xsmcToInteger(xsArg(1));
	if (length < 0 || (xsUnsignedValue)length > size)
		xsRangeError("CRC32: %d bytes of %u", (int)length, (unsigned)size);
	const uint8_t* bytes = from;
	uint32_t crc = 0xFFFFFFFF;
	for (xsIntegerValue i = 0; i < length; i++) {
		crc ^= bytes[i];
		crc = table[crc & 15] ^ (crc >> 4);
		crc = table[crc & 15] ^ (crc >> 4);
	}
	xsmcSetInteger(xsResult, (xsIntegerValue)(int32_t)~crc);
}
