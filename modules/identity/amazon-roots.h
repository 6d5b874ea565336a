/* Amazon Root CA 1 (RSA) and 3 (EC), the roots of AWS IoT Core's two chains, in DER one after another. */
#ifndef FIELDNODE_AMAZON_ROOTS_H
#define FIELDNODE_AMAZON_ROOTS_H

#include <stddef.h>

extern const unsigned char amazon_roots[];
extern const size_t amazon_roots_length;

#endif
