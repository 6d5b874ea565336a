/*
 * What the host sees of a life of the node, beside what the firmware counts itself: option --lives tells it when the life
 * ends. What one cannot see there is not counted here either: the model's Wi-Fi has no packets of its own, DHCP's neither.
 */
#ifndef FIELDNODE_ACCOUNT_H
#define FIELDNODE_ACCOUNT_H

#include <stddef.h>

/* The node joins a network: from now on its radio is on. */
void account_radio(void);

/* TCP has connected: a packet went out, and its answer came back. */
void account_connected(void);

/* Bytes of TCP went out, or came in. What comes in after something went out ends a round trip. */
void account_sent(size_t bytes);
void account_received(size_t bytes);

/* A datagram came in: an answer, for nobody calls a node. Such round trips may go on beside others. */
void account_answer(void);

/* Tells all that on standard output, if the option says so. */
void account_report(void);

#endif
