/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a connected controller may send to the agent of a whole switch: tables, groups, meters,
 * ports, bundles, management messages, packets.
 *
 * Input: messages one after the other; lengths are mended so that the stream stays in step, and
 * versions and xids are made good, so that what is tried is the agent and not the framing
 * (fuzz_session tries that).  A message type of 128 and more is one of the first 32 sent by a
 * second connection.  Between messages the one packet thread, which is this one too, does a round.
 * Nothing may crash or leak, and when both connections are gone and everything is deleted, nothing
 * may be left.
 */
#include "tests/fuzz/agent_rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	role_assume_control();
	agent_rig_start("fuzz_agent");
	return 0;
}

static void turn(int fd) CONTROL
{
	uint8_t sink[65536];

	agent_rig_turn();
	while (recv(fd, sink, sizeof(sink), MSG_DONTWAIT) > 0)
		;
}

static void give(int fd, const uint8_t *p, size_t n) CONTROL
{
	while (n) {
		ssize_t sent = send(fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);

		turn(fd);
		if (sent < 0)
			return; /* closed: the rest is not heard */
		p += sent;
		n -= (size_t)sent;
	}
	turn(fd);
}

static int call(void) CONTROL
{
	static const uint8_t hello[] = { 4, 0, 0, 16, 0, 0, 0, 1, 0, 1, 0, 8, 0, 0, 0, 0x10 };
	/* miss_send_len: events are wanted. */
	static const uint8_t config[] = { 4, OFPT_SET_CONFIG, 0, 12, 0, 0, 0, 2, 0, 0, 0, 64 };
	int fd = agent_rig_connect();

	give(fd, hello, sizeof(hello));
	give(fd, config, sizeof(config));
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static uint8_t m[OF_MSG_MAX];
	int fds[2];

	role_assume_control();
	fds[0] = call();
	fds[1] = call();
	for (uint32_t xid = 100; n >= OF_HEADER_LEN; xid++) {
		size_t len = get_be16(data + 2);

		if (len < OF_HEADER_LEN || len > n)
			len = n < OF_MSG_MAX ? n : OF_MSG_MAX;
		memcpy(m, data, len);
		m[0] = OF_VERSION_13;
		m[1] &= 31;
		put_be16(m + 2, (uint16_t)len);
		put_be32(m + 4, xid);
		/* An envelope's message has its xid. */
		if (m[1] == OFPT_EXPERIMENTER && len >= 32 && get_be32(m + 12) == 2301)
			put_be32(m + 28, xid);
		give(fds[data[1] >> 7], m, len);
		data += len;
		n -= len;
	}
	close(fds[0]);
	close(fds[1]);
	for (int i = 0; i < 4; i++)
		agent_rig_turn();
	agent_rig_clear();
	return 0;
}
