/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IP fragments on af_packet ports stay fragments.
 *
 * DPDK 22.11's net_af_packet joins its sockets into a fan-out group with PACKET_FANOUT_FLAG_DEFRAG,
 * always: the kernel then puts IPv4 fragments together before the switch sees them, and the whole,
 * larger than the ring's frames and the next link's MTU, is lost.  No device argument turns it off.
 * So this program's setsockopt() stands before libc's and takes the flag out of that one call; the
 * dynamic linker lets an executable's symbol win (the Makefile exports it). Any thread.
 */
#include <linux/if_packet.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int setsockopt(int fd, int level, int name, const void *value, socklen_t n)
{
	const uint32_t defrag = (uint32_t)PACKET_FANOUT_FLAG_DEFRAG << 16; /* flags: upper half */
	uint32_t fanout;

	if (level == SOL_PACKET && name == PACKET_FANOUT && n == sizeof(fanout)) {
		memcpy(&fanout, value, sizeof(fanout));
		fanout &= ~defrag;
		value = &fanout;
	}
	return (int)syscall(SYS_setsockopt, fd, level, name, value, n);
}
