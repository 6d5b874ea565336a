/*
 * Calls of natives that allocate nothing, on an XS whose parser does not know the Native API.
 *
 * A function whose whole body is `return native("xs_tcp_read").call(this, count);`, with the function's own parameters,
 * is replaced in the syntax tree by the C function itself, as the parser of XS 17 does and as the SDK's compiler does for
 * a board. Without that each call would copy the name into the heap.
 */
#ifndef FIELDNODE_NATIVE_PASS_H
#define FIELDNODE_NATIVE_PASS_H

#include "xsScript.h"

/*
 * Run between fxParserTree and fxParserHoist. Reports a class whose fields the SDK's compiler would lose as an error of
 * the parser. Does nothing on XS 17.
 */
void native_pass(txParser* parser);

#endif
