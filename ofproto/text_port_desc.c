/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>

#include "ofproto/text_msg.h"

static const struct text_name config_bits[] = { { "PORT_DOWN", OFPPC_PORT_DOWN },
						{ "NO_RECV", OFPPC_NO_RECV },
						{ "NO_FWD", OFPPC_NO_FWD },
						{ "NO_PACKET_IN", OFPPC_NO_PACKET_IN },
						{ NULL, 0 } };

static const struct text_name state_bits[] = { { "LINK_DOWN", OFPPS_LINK_DOWN },
					       { "BLOCKED", OFPPS_BLOCKED },
					       { "LIVE", OFPPS_LIVE },
					       { NULL, 0 } };

static const struct text_name feature_bits[] = {
	{ "10MB-HD", OFPPF_10MB_HD },
	{ "10MB-FD", OFPPF_10MB_FD },
	{ "100MB-HD", OFPPF_100MB_HD },
	{ "100MB-FD", OFPPF_100MB_FD },
	{ "1GB-HD", OFPPF_1GB_HD },
	{ "1GB-FD", OFPPF_1GB_FD },
	{ "10GB-FD", OFPPF_10GB_FD },
	{ "40GB-FD", OFPPF_40GB_FD },
	{ "100GB-FD", OFPPF_100GB_FD },
	{ "1TB-FD", OFPPF_1TB_FD },
	{ "OTHER", OFPPF_OTHER },
	{ "COPPER", OFPPF_COPPER },
	{ "FIBER", OFPPF_FIBER },
	{ "AUTO_NEG", OFPPF_AUTONEG },
	{ "AUTO_PAUSE", OFPPF_PAUSE },
	{ "AUTO_PAUSE_ASYM", OFPPF_PAUSE_ASYM },
	{ NULL, 0 },
};

/* Bits that have no name are not shown. */
static void put_known(FILE *f, const struct text_name *t, uint32_t bits, const char *none)
{
	uint32_t known = 0;

	for (const struct text_name *b = t; b->name; b++)
		known |= b->value;
	text_put_bits(f, t, bits & known, ' ', none);
}

void text_put_port_config(FILE *f, uint32_t config)
{
	put_known(f, config_bits, config, "0");
}

void text_put_port_features(FILE *f, uint32_t features)
{
	put_known(f, feature_bits, features, "0");
}

void text_put_string(FILE *f, const uint8_t *s, size_t n)
{
	for (size_t i = 0; i < n && s[i]; i++) {
		/* UTF-8 passes; control characters could drive the reader's terminal. */
		if (s[i] < 0x20 || s[i] == 0x7f)
			fprintf(f, "\\%03o", s[i]);
		else
			fputc(s[i], f);
	}
}

static void put_features_line(FILE *f, const char *label, uint32_t features)
{
	if (!features)
		return;
	fprintf(f, "     %-12s", label);
	text_put_port_features(f, features);
	fputc('\n', f);
}

void text_put_port(FILE *f, const struct of_port *p, const struct of_text_opts *o)
{
	fputc(' ', f);
	of_format_port(f, p->port_no, NULL);
	fputc('(', f);
	text_put_string(f, p->name, sizeof(p->name) - 1);
	fputs("): addr:", f);
	text_put_mac(f, p->hw_addr);
	fputs("\n     config:     ", f);
	text_put_port_config(f, p->config);
	fputs("\n     state:      ", f);
	put_known(f, state_bits, p->state, "0");
	fputc('\n', f);
	put_features_line(f, "current:", p->curr);
	put_features_line(f, "advertised:", p->advertised);
	put_features_line(f, "supported:", p->supported);
	put_features_line(f, "peer:", p->peer);
	fprintf(f, "     speed: %u Mbps now, %u Mbps max\n", p->curr_speed / 1000,
		p->max_speed / 1000);
}
