/* SPDX-License-Identifier: Apache-2.0 */
/* FTP's lines and TFTP's requests: what announces a connection, and what does not. */
#include "tests/unit/datapath_ct_nat.h"

#include "datapath/ct_alg_priv.h"

/* ---- Lines ---- */

static void lines(void **state)
{
	static const struct {
		const char *line;
		enum ct_dir dir;
		const char *addr; /* NULL: no announcement; "": none in it */
		uint16_t port;
		uint32_t at, n;
	} t[] = {
		{ "PORT 10,0,0,1,4,1\r\n", CT_ORIG, "10.0.0.1", 1025, 5, 12 },
		{ "port 10,0,0,1,4,1\n", CT_ORIG, "10.0.0.1", 1025, 5, 12 },
		{ "PORT  010,0,0,1,255,255 \r\n", CT_ORIG, "10.0.0.1", 65535, 6, 17 },
		{ "PORT 10,0,0,1,4,1\r\n", CT_REPLY, NULL },
		{ "PORT 10,0,0,1,4,1", CT_ORIG, NULL },
		{ "PORT 10,0,0,1,4\r\n", CT_ORIG, NULL },
		{ "PORT 10,0,0,1,4,1,1\r\n", CT_ORIG, NULL },
		{ "PORT 10,0,0,1,4,256\r\n", CT_ORIG, NULL },
		{ "PORT 10,0,0,1,4,-1\r\n", CT_ORIG, NULL },
		{ "PORT 10,0,0,1,4,\r\n", CT_ORIG, NULL },
		{ "PORT10,0,0,1,4,1\r\n", CT_ORIG, NULL },
		{ " PORT 10,0,0,1,4,1\r\n", CT_ORIG, NULL },
		{ "STOR PORT 10,0,0,1,4,1\r\n", CT_ORIG, NULL },
		{ "PORT 99999999999999,0,0,1,4,1\r\n", CT_ORIG, NULL },
		{ "EPRT |1|132.235.1.2|6275|\r\n", CT_ORIG, "132.235.1.2", 6275, 5, 20 },
		{ "EPRT |2|1080::8:800:200C:417A|5282|\r\n", CT_ORIG, "1080::8:800:200c:417a", 5282,
		  5, 30 },
		{ "EPRT !1!10.0.0.1!2000!\r\n", CT_ORIG, "10.0.0.1", 2000, 5, 17 },
		{ "EPRT |3|10.0.0.1|2000|\r\n", CT_ORIG, NULL },
		{ "EPRT |0|10.0.0.1|2000|\r\n", CT_ORIG, NULL },
		{ "EPRT |1|::1|2000|\r\n", CT_ORIG, NULL },
		{ "EPRT |1|10.0.0.1|70000|\r\n", CT_ORIG, NULL },
		{ "EPRT |1|10.0.0.1|2000\r\n", CT_ORIG, NULL },
		{ "EPRT |1||2000|\r\n", CT_ORIG, NULL },
		{ "EPRT 11101010\r\n", CT_ORIG, NULL },
		{ "EPRT |2|1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb|1|\r\n", CT_ORIG,
		  NULL },
		{ "227 Entering Passive Mode (10,0,0,1,4,1)\r\n", CT_REPLY, "10.0.0.1", 1025, 27,
		  12 },
		{ "227 =10,0,0,1,4,1\r\n", CT_REPLY, "10.0.0.1", 1025, 5, 12 },
		{ "227 in 30 s: 10,0,0,1,4,1.\r\n", CT_REPLY, "10.0.0.1", 1025, 13, 12 },
		{ "227 10,0,0,1,4,1\r\n", CT_ORIG, NULL },
		{ "227-10,0,0,1,4,1\r\n", CT_REPLY, NULL },
		{ "227 10,0,0,1\r\n", CT_REPLY, NULL },
		{ "229 Extended (|||6446|)\r\n", CT_REPLY, "", 6446, 14, 8 },
		{ "229 Extended (|||6446)\r\n", CT_REPLY, NULL },
		{ "229 Extended (||6446|)\r\n", CT_REPLY, NULL },
		{ "229 Extended |||6446|\r\n", CT_REPLY, NULL },
		{ "229 (|1|10.0.0.1|6446|)\r\n", CT_REPLY, NULL },
		{ "229 (\r\n", CT_REPLY, NULL },
		{ "\r\n", CT_ORIG, NULL },
		{ "\n", CT_REPLY, NULL },
	};

	for (unsigned int i = 0; i < RTE_DIM(t); i++) {
		const uint32_t n = (uint32_t)strlen(t[i].line);
		/* Nothing behind the line is read (ASan). */
		uint8_t *line = malloc(n);
		struct ftp_line l;
		bool is;

		memcpy(line, t[i].line, n);
		is = ftp_read(line, n, t[i].dir, &l);
		if (is != (t[i].addr != NULL))
			fail_msg("%s is %san announcement", t[i].line, is ? "" : "not ");
		if (is) {
			uint8_t addr[16] = { 0 };

			if (*t[i].addr)
				addr_is(addr, l.l3, t[i].addr);
			assert_memory_equal(l.addr, addr, 16);
			assert_int_equal(l.port, t[i].port);
			assert_int_equal(l.at, t[i].at);
			assert_int_equal(l.n, t[i].n);
		}
		free(line);
	}
}

static void no_prefix_of_a_line_is_one(void **state)
{
	static const char *const whole[] = { "PORT 10,0,0,1,4,1\r\n", "EPRT |1|10.0.0.1|2000|\r\n",
					     "227 (10,0,0,1,4,1)\r\n", "229 (|||2000|)\r\n" };

	for (unsigned int i = 0; i < RTE_DIM(whole); i++)
		for (uint32_t n = 0; n <= strlen(whole[i]); n++) {
			uint8_t *line = malloc(n + 1);
			struct ftp_line l;

			memcpy(line, whole[i], n);
			assert_int_equal(ftp_read(line, n, i < 2 ? CT_ORIG : CT_REPLY, &l),
					 n == strlen(whole[i]));
			free(line);
		}
}

static void tftp_requests(void **state)
{
	static const struct {
		const char *data;
		uint32_t n;
		bool is;
	} t[] = {
		{ "\0\1a\0octet\0", 10, true },
		{ "\0\2boot/image.bin\0NetASCII\0blksize\0001400\0", 39, true },
		{ "\0\3a\0octet\0", 10, false },
		{ "\0\1\0octet\0", 9, false },
		{ "\0\1a\0octet", 9, false },
		{ "\0\1a\0other\0", 10, false },
		{ "\0\1aaaa", 6, false },
		{ "\0\1a", 3, false },
	};

	for (unsigned int i = 0; i < RTE_DIM(t); i++) {
		uint8_t *d = malloc(t[i].n);

		memcpy(d, t[i].data, t[i].n);
		assert_int_equal(tftp_is_request(d, t[i].n), t[i].is);
		free(d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),
		cmocka_unit_test(no_prefix_of_a_line_is_one),
		cmocka_unit_test(tftp_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
