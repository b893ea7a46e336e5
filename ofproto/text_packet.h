/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A packet's fields in words, as packet-ins and packet-outs show them.  Reads what it is given and
 * no more; headers that are cut off show as zeroes.  No state; any thread.
 */
#ifndef WEFT_OFPROTO_TEXT_PACKET_H
#define WEFT_OFPROTO_TEXT_PACKET_H

#include "ofproto/text.h"

/* "tcp,vlan_tci=0x0000,dl_src=... tcp_csum:1234", newline included. */
void text_put_packet(FILE *f, const uint8_t *p, size_t n);

#endif
