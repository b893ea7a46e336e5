/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Management messages over a Unix socket:
 *
 *     asker (controller side)  ---- unix ----  switch side, answers
 */
#include "session_harness.h"

#include "ofproto/mgmt.h"

static struct seen sw, ctl;
static struct of_listener *listener;
static char dir[64], target[128];

static struct mgmt_join join;
static struct arena arena;
static Weft__Request *request;
static uint32_t request_xid;
static Weft__Reply *reply;
static struct of_err refused;
static struct err words;
static int parts, joined;

static void on_request(struct of_session *s, const struct of_msg *m, void *arg)
{
	sw.answer_features = true;
	if (!mgmt_is_request(m)) {
		on_msg(s, m, arg);
		return;
	}
	sw.msgs++;
	request_xid = m->xid;
	request = NULL;
	arena_reset(&arena);
	if (mgmt_request_unpack(m, &arena, &request, &refused))
		of_session_send_error(s, m, refused.type, refused.code);
}

static void on_reply(struct of_session *s, const struct of_msg *m, void *arg)
{
	if (!mgmt_is_reply(m)) {
		on_msg(s, m, arg);
		return;
	}
	parts++;
	joined = mgmt_join_add(&join, m, &reply, &words);
}

static void on_new_switch(struct of_session *s, void *arg)
{
	static const struct of_session_ops ops = { .up = on_up, .msg = on_request };

	sw.s = s;
	of_session_set_ops(s, &ops, &sw);
}

static int begin(void **state)
{
	static const struct of_session_ops ops = { .up = on_up, .msg = on_reply };
	struct of_session_opts o = { .side = OF_SWITCH };

	harness_setup(state);
	sw = ctl = (struct seen){ 0 };
	reply = NULL;
	request = NULL;
	parts = joined = 0;
	mgmt_join_init(&join, 0);
	arena_init(&arena, 1 << 20);
	make_dir(dir, sizeof(dir), "mgmt");
	snprintf(target, sizeof(target), "punix:%s/br0.sock", dir);
	listener = of_listener_new(loop, target, &o, on_new_switch, NULL, NULL);
	assert_non_null(listener);
	o = (struct of_session_opts){ .side = OF_CONTROLLER, .ops = &ops, .arg = &ctl };
	ctl.s = of_session_new(loop, target + 1, &o, NULL);
	assert_non_null(ctl.s);
	assert_true(RUN_UNTIL(ctl.ups == 1, 20));
	return 0;
}

static int end(void **state)
{
	seen_free(&sw);
	seen_free(&ctl);
	of_listener_free(listener);
	mgmt_join_fini(&join);
	arena_fini(&arena);
	assert_int_equal(rmdir(dir), 0);
	return harness_teardown(state);
}

static void request_and_reply(void **state)
{
	Weft__Request r = WEFT__REQUEST__INIT;
	Weft__PortAdd add = WEFT__PORT_ADD__INIT;
	Weft__Reply a = WEFT__REPLY__INIT;
	Weft__Port port = WEFT__PORT__INIT;
	uint32_t trunks[] = { 1, 4094 };
	uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };

	add.name = (char *)"vm1";
	add.spec = (char *)"af_packet:vm1;iface-id=4711,vlan-mode=access,tag=5";
	r.op_case = WEFT__REQUEST__OP_PORT_ADD;
	r.port_add = &add;
	assert_int_equal(mgmt_request_send(ctl.s, 99, &r), 0);
	assert_true(RUN_UNTIL(request, 20));
	assert_int_equal(request_xid, 99);
	assert_int_equal(request->op_case, WEFT__REQUEST__OP_PORT_ADD);
	assert_string_equal(request->port_add->name, "vm1");
	assert_string_equal(request->port_add->spec, add.spec);
	assert_int_equal(request->port_add->ofport, 0);

	port.name = add.name;
	port.ofport = 7;
	port.n_trunks = 2;
	port.trunks = trunks;
	port.mac = (ProtobufCBinaryData){ 6, mac };
	a.body_case = WEFT__REPLY__BODY_PORT;
	a.port = &port;
	assert_int_equal(mgmt_reply_send(sw.s, request_xid, &a), 0);
	assert_true(RUN_UNTIL(joined == 1, 20));
	assert_int_equal(reply->status, WEFT__STATUS__OK);
	assert_int_equal(reply->body_case, WEFT__REPLY__BODY_PORT);
	assert_int_equal(reply->port->ofport, 7);
	assert_int_equal(reply->port->n_trunks, 2);
	assert_int_equal(reply->port->trunks[1], 4094);
	assert_memory_equal(reply->port->mac.data, mac, 6);
}

static void refusal_in_words(void **state)
{
	assert_int_equal(mgmt_refuse(sw.s, 5, WEFT__STATUS__EXISTS, "port \"%s\" exists", "vm1"),
			 0);
	assert_true(RUN_UNTIL(joined == 1, 20));
	assert_int_equal(reply->status, WEFT__STATUS__EXISTS);
	assert_string_equal(reply->error, "port \"vm1\" exists");
	assert_int_equal(reply->body_case, WEFT__REPLY__BODY__NOT_SET);
}

enum { MANY = 1500 };

/* 1500 ports of some 200 bytes each: five OpenFlow messages, one reply. */
static void long_list_is_split_and_joined(void **state)
{
	static Weft__Port ports[MANY], *list[MANY];
	static char names[MANY][16], spec[160];
	Weft__PortList all = WEFT__PORT_LIST__INIT;
	Weft__Reply a = WEFT__REPLY__INIT;

	memset(spec, 's', sizeof(spec) - 1);
	for (uint32_t i = 0; i < MANY; i++) {
		weft__port__init(&ports[i]);
		snprintf(names[i], sizeof(names[i]), "port%u", i);
		ports[i].name = names[i];
		ports[i].ofport = i + 1;
		ports[i].spec = spec;
		list[i] = &ports[i];
	}
	all.n_ports = MANY;
	all.ports = list;
	a.body_case = WEFT__REPLY__BODY_PORT_LIST;
	a.port_list = &all;
	for (int round = 1; round <= 2; round++) {
		parts = joined = 0;
		assert_int_equal(mgmt_reply_send(sw.s, 1, &a), 0);
		assert_true(RUN_UNTIL(joined, 20));
		assert_int_equal(joined, 1);
		assert_in_range(parts, 4, 6);
		assert_false(reply->more);
		assert_int_equal(reply->port_list->n_ports, MANY);
		for (uint32_t i = 0; i < MANY; i++) {
			assert_int_equal(reply->port_list->ports[i]->ofport, i + 1);
			assert_string_equal(reply->port_list->ports[i]->name, names[i]);
		}
	}
	/* The sender's message is as it was. */
	assert_int_equal(all.n_ports, MANY);
	assert_false(a.more);
}

/* Several repeated members in one body: every element once, scalars kept. */
static void split_over_several_members(void **state)
{
	static Weft__Drop drops[400], *dlist[400];
	static Weft__Table tables[254], *tlist[254];
	static char text[300];
	Weft__Stats stats = WEFT__STATS__INIT;
	Weft__Conservation packets = WEFT__CONSERVATION__INIT;
	Weft__Reply a = WEFT__REPLY__INIT;

	memset(text, 't', sizeof(text) - 1);
	for (uint32_t i = 0; i < 400; i++) {
		weft__drop__init(&drops[i]);
		drops[i].name = drops[i].text = text;
		drops[i].count = i;
		dlist[i] = &drops[i];
	}
	for (uint32_t i = 0; i < 254; i++) {
		weft__table__init(&tables[i]);
		tables[i].table = i;
		tables[i].template_ = text;
		tlist[i] = &tables[i];
	}
	packets.rx = 12345;
	stats.packets = &packets;
	stats.n_drops = 400;
	stats.drops = dlist;
	stats.n_tables = 254;
	stats.tables = tlist;
	a.body_case = WEFT__REPLY__BODY_STATS;
	a.stats = &stats;
	assert_int_equal(mgmt_reply_send(sw.s, 1, &a), 0);
	assert_true(RUN_UNTIL(joined, 20));
	assert_true(parts > 1);
	assert_int_equal(reply->stats->packets->rx, 12345);
	assert_int_equal(reply->stats->n_drops, 400);
	assert_int_equal(reply->stats->n_tables, 254);
	for (uint32_t i = 0; i < 400; i++)
		assert_int_equal(reply->stats->drops[i]->count, i);
	for (uint32_t i = 0; i < 254; i++)
		assert_int_equal(reply->stats->tables[i]->table, i);
}

static void one_element_too_long(void **state)
{
	Weft__Reply a = WEFT__REPLY__INIT;
	Weft__PortList all = WEFT__PORT_LIST__INIT;
	Weft__Port port = WEFT__PORT__INIT, *list[] = { &port };
	Weft__Request r = WEFT__REQUEST__INIT;
	Weft__PortAdd add = WEFT__PORT_ADD__INIT;
	static char spec[70000];

	memset(spec, 's', sizeof(spec) - 1);
	port.spec = add.spec = spec;
	all.n_ports = 1;
	all.ports = list;
	a.body_case = WEFT__REPLY__BODY_PORT_LIST;
	a.port_list = &all;
	assert_int_equal(mgmt_reply_send(sw.s, 1, &a), -EMSGSIZE);
	r.op_case = WEFT__REQUEST__OP_PORT_ADD;
	r.port_add = &add;
	assert_int_equal(mgmt_request_send(ctl.s, 1, &r), -EMSGSIZE);
}

/* 'kind' with these bytes for a body. */
static void send_bytes(struct of_session *s, enum of_kind kind, const void *p, uint32_t n)
{
	struct of_weft_request w = { .kind = kind, .data = { n, p } };
	struct of_experimenter_msg x = { .kind = OF_KIND_experimenter_msg,
					 .experimenter = OF_WEFT_ID,
					 .exp_type = kind == OF_KIND_weft_request ? 1 : 2,
					 .body = (struct of_any *)&w };

	assert_int_equal(of_session_send(s, 9, (struct of_any *)&x), 0);
}

static void malformed_requests(void **state)
{
	static const struct {
		const char *p;
		uint32_t n;
	} bad[] = {
		{ "", 0 },			   /* no operation */
		{ "\xff\xff\xff\xff\xff\xff", 6 }, /* no protobuf */
		{ "\x12\x7f\x0a", 3 },		   /* port_add longer than the message */
		{ "\x0a\x02\x08", 3 },
		{ "\xc2\x3e\x00", 3 }, /* an operation of the future (1000) */
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ctl.msgs = 0;
		send_bytes(ctl.s, OF_KIND_weft_request, bad[i].p, bad[i].n);
		assert_true(RUN_UNTIL(ctl.msgs == 1, 20));
		assert_int_equal(ctl.last_kind, OF_KIND_error_msg);
		assert_int_equal(ctl.last_xid, 9);
		assert_int_equal(refused.type, OFPET_BAD_REQUEST);
		assert_int_equal(refused.code, OFPBRC_BAD_EXP_TYPE);
		assert_true(refused.text[0]);
		assert_null(request);
	}
}

/* Many bytes of tiny elements would take far more memory than they came in. */
static void request_larger_than_the_arena(void **state)
{
	static uint8_t p[60000];

	arena_fini(&arena);
	arena_init(&arena, 4096);
	/* port_add { spec: 59990 bytes } */
	p[0] = 0x12;
	p[1] = 0xda, p[2] = 0xd4, p[3] = 0x03; /* 59994 */
	p[4] = 0x1a;
	p[5] = 0xd6, p[6] = 0xd4, p[7] = 0x03; /* 59990 */
	memset(p + 8, 'x', 59990);
	send_bytes(ctl.s, OF_KIND_weft_request, p, 59998);
	assert_true(RUN_UNTIL(ctl.msgs == 1, 20));
	assert_int_equal(ctl.last_kind, OF_KIND_error_msg);
	assert_null(request);
}

static void malformed_replies(void **state)
{
	/* more, port_list {} and then another kind of body. */
	send_bytes(sw.s, OF_KIND_weft_reply, "\x18\x01\x32\x00", 4);
	assert_true(RUN_UNTIL(parts == 1, 20));
	assert_int_equal(joined, 0);
	send_bytes(sw.s, OF_KIND_weft_reply, "\x22\x00", 2);
	assert_true(RUN_UNTIL(parts == 2, 20));
	assert_int_equal(joined, -EPROTO);
	assert_non_null(strstr(words.text, "belong together"));
	send_bytes(sw.s, OF_KIND_weft_reply, "\xff", 1);
	assert_true(RUN_UNTIL(parts == 3, 20));
	assert_int_equal(joined, -EPROTO);
	/* A good one after them is whole by itself. */
	send_bytes(sw.s, OF_KIND_weft_reply, "\x22\x00", 2);
	assert_true(RUN_UNTIL(parts == 4, 20));
	assert_int_equal(joined, 1);
	assert_int_equal(reply->body_case, WEFT__REPLY__BODY_INFO);
}

/* Parts without end: the join's limit is the end. */
static void endless_reply(void **state)
{
	static uint8_t p[20000] = { 0x18, 0x01, 0x32, 0x9a, 0x9c, 0x01 }; /* port_list: 19994 */

	mgmt_join_fini(&join);
	mgmt_join_init(&join, 1 << 20);
	for (size_t at = 6; at < sizeof(p); at += 2) /* empty ports */
		p[at] = 0x0a, p[at + 1] = 0;
	for (int i = 1; i < 100 && joined >= 0; i++) {
		send_bytes(sw.s, OF_KIND_weft_reply, p, sizeof(p));
		assert_true(RUN_UNTIL(parts == i, 20));
	}
	assert_int_equal(joined, -ENOMEM);
	assert_true(words.text[0]);
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(request_and_reply),
		T(refusal_in_words),
		T(long_list_is_split_and_joined),
		T(split_over_several_members),
		T(one_element_too_long),
		T(malformed_requests),
		T(request_larger_than_the_arena),
		T(malformed_replies),
		T(endless_reply),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
