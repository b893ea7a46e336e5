/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store and transactions: what is committed is read back, what fails is taken back.
 *
 * The failing store is one that answers when the test says so, and how it says so.
 */
#include <ev.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "controller/mem.h"
#include "controller/record.h"
#include "controller/txn.h"
#include "vxlan/vni.h"

static char folder[64];
static char url[128];

static int folder_make(void **state)
{
	snprintf(folder, sizeof(folder), "/tmp/weft-store-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(url, sizeof(url), "sqlite:%s/weft.db", folder);
	return 0;
}

static int folder_remove(void **state)
{
	static const char *const files[] = { "weft.db", "weft.db-wal", "weft.db-shm" };

	for (int i = 0; i < 3; i++) {
		char path[128];

		snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
		unlink(path);
	}
	rmdir(folder);
	return 0;
}

/* ---- SQLite ---- */

static int n_done, rc_done;

static void on_done(int rc, const char *why, void *arg)
{
	n_done++;
	rc_done = rc;
	if (arg)
		assert_int_equal(n_done, (intptr_t)arg); /* in order */
}

static void loop_until(struct ev_loop *loop, int n)
{
	for (int i = 0; n_done < n && i < 10000; i++) {
		ev_run(loop, EVRUN_NOWAIT);
		usleep(200);
	}
	assert_int_equal(n_done, n);
}

static void put_text(struct store *s, const char *id, const char *text, intptr_t turn)
{
	struct store_batch *b = store_batch_new();

	store_put(b, 0, id, mem_dup(text, strlen(text)), strlen(text));
	store_commit(s, b, on_done, (void *)turn);
}

static int to_text(void *arg, uint32_t kind, const char *id, const uint8_t *p, size_t n,
		   struct err *e)
{
	char *out = arg;

	sprintf(out + strlen(out), "%u %s %.*s;", kind, id, (int)n, (const char *)p);
	return 0;
}

static void batches_share_a_write_and_keep_their_order(void **state)
{
	struct ev_loop *loop = ev_loop_new(0);
	struct store_state st;
	struct store_batch *b;
	char text[4096] = "", id[16];
	struct err e = { "" };
	struct store *s = store_open(loop, url, &e);

	if (!s)
		fail_msg("%s", e.text);
	n_done = 0;
	for (int i = 1; i <= 100; i++) {
		snprintf(id, sizeof(id), "%03d", i % 10);
		put_text(s, id, i <= 90 ? "early" : "late", i);
	}
	loop_until(loop, 100);
	store_state(s, &st);
	assert_int_equal(st.batches, 100);
	assert_true(st.writes < 100); /* the first write lasts until most others have come */
	b = store_batch_new();
	store_del(b, 0, "003");
	store_put(b, 0, "001", mem_dup("x", 1), 1);
	store_commit(s, b, on_done, NULL);
	store_close(s); /* writes what waits */
	assert_int_equal(n_done, 101);
	s = store_open(loop, url, &e);
	assert_non_null(s);
	assert_int_equal(store_load(s, to_text, text, &e), 0);
	assert_string_equal(text, "0 001 x;0 002 late;0 004 late;0 005 late;0 006 late;0 007 late;"
				  "0 008 late;0 009 late;0 000 late;");
	store_close(s);
	ev_loop_destroy(loop);
}

/* The child is killed right after it was told that a write is durable. */
static void a_kill_after_the_answer_loses_nothing(void **state)
{
	for (int i = 0; i < 5; i++) {
		struct ev_loop *loop;
		char text[4096] = "", id[16], entry[32];
		struct err e = { "" };
		struct store *s;
		int status;
		pid_t child;

		snprintf(id, sizeof(id), "k%d", i);
		child = fork();
		if (!child) {
			loop = ev_loop_new(0);
			s = store_open(loop, url, NULL);
			n_done = 0;
			if (!s)
				_exit(1);
			put_text(s, id, "kept", 1);
			while (!n_done)
				ev_run(loop, EVRUN_ONCE);
			if (!rc_done)
				kill(getpid(), SIGKILL);
			_exit(2);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
		loop = ev_loop_new(0);
		s = store_open(loop, url, &e);
		assert_non_null(s);
		assert_int_equal(store_load(s, to_text, text, &e), 0);
		snprintf(entry, sizeof(entry), "0 %s kept;", id);
		assert_non_null(strstr(text, entry));
		store_close(s);
		ev_loop_destroy(loop);
	}
}

/* A file of schema 1 numbered kinds 0, 1, 2: its records are what they were. */
static void an_older_schema_is_renumbered(void **state)
{
	struct ev_loop *loop = ev_loop_new(0);
	char text[4096] = "";
	struct err e = { "" };
	struct store *s = store_open(loop, url, &e);
	sqlite3 *db;

	assert_non_null(s);
	store_close(s);
	assert_int_equal(sqlite3_open(url + strlen("sqlite:"), &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db,
				      "INSERT INTO object VALUES (2, 'p', 'port'),"
				      " (0, 'n', 'net'), (1, 's', 'subnet');"
				      "PRAGMA user_version = 1",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	sqlite3_close(db);
	s = store_open(loop, url, &e);
	assert_non_null(s);
	assert_int_equal(store_load(s, to_text, text, &e), 0);
	assert_string_equal(text, "30 n net;40 s subnet;50 p port;");
	store_close(s);
	ev_loop_destroy(loop);
}

/* ---- a store that fails ---- */

struct fake {
	struct store base;
	struct store_batch *waiting; /* in order */
};

static void fake_commit(struct store *s, struct store_batch *b)
{
	struct store_batch **at = &((struct fake *)s)->waiting;

	while (*at)
		at = &(*at)->next;
	*at = b;
}

static const struct store_ops fake_ops = { .commit = fake_commit };

static void fake_answer(struct fake *f, int n, int rc)
{
	while (f->waiting && n--) {
		struct store_batch *b = f->waiting;

		f->waiting = b->next;
		b->done(rc, rc ? "because" : NULL, b->arg);
		store_batch_free(b);
	}
}

struct bench {
	struct fake fake;
	struct world *w;
	struct txn_log *log;
	uint32_t index;
};

static int bench_make(void **state)
{
	struct bench *b = mem_get(sizeof(*b));

	b->fake.base.ops = &fake_ops;
	b->w = world_new(NULL, NULL);
	b->log = txn_log_new(b->w, &b->fake.base);
	*state = b;
	n_done = 0;
	return 0;
}

static int bench_free(void **state)
{
	struct bench *b = *state;

	txn_log_free(b->log);
	world_free(b->w);
	free(b);
	return 0;
}

static struct world_obj *add_net(struct bench *b, struct txn *t, const char *name)
{
	struct net_attrs a;

	attrs_init(&resources[WORLD_NET].shape, &a);
	snprintf(a.id, sizeof(a.id), "%08x-0000-4000-8000-000000000000", ++b->index);
	free(a.name);
	a.name = mem_str(name);
	a.index = b->index;
	a.segment = b->index;
	return txn_add(t, WORLD_NET, &a);
}

static struct world_obj *add_port(struct bench *b, struct txn *t, const struct net *n)
{
	struct port_attrs a;

	attrs_init(&resources[WORLD_PORT].shape, &a);
	snprintf(a.id, sizeof(a.id), "%08x-0000-4000-8000-000000000001", ++b->index);
	strcpy(a.network_id, n->a.id);
	a.index = b->index;
	a.mac_address[5] = (uint8_t)b->index;
	return txn_add(t, WORLD_PORT, &a);
}

static void rename_net(struct txn *t, struct world_obj *o, const char *name)
{
	const struct shape *s = &resources[WORLD_NET].shape;
	struct net_attrs a;

	attrs_copy(s, &a, world_obj_attrs(o));
	free(a.name);
	a.name = mem_str(name);
	txn_set(t, o, &a);
}

static void an_abort_takes_all_back(void **state)
{
	struct bench *b = *state;
	struct txn *t = txn_begin(b->log);
	struct net *n = (struct net *)add_net(b, t, "a");
	struct world_obj *p = add_port(b, t, n);

	rename_net(t, &n->obj, "b");
	txn_del(t, p);
	txn_abort(t);
	assert_int_equal(world_count(b->w, WORLD_NET), 0);
	assert_int_equal(world_count(b->w, WORLD_PORT), 0);
	assert_int_equal(vni_n_taken(b->w->vnis), 0);
	assert_null(b->fake.waiting);
}

static void a_failed_write_takes_back_what_builds_on_it(void **state)
{
	struct bench *b = *state;
	struct txn *t = txn_begin(b->log);
	struct net *kept = (struct net *)add_net(b, t, "kept"), *n;
	struct world_obj *port;

	port = add_port(b, t, kept);
	txn_commit(t, on_done, NULL);
	t = txn_begin(b->log);
	n = (struct net *)add_net(b, t, "lost");
	txn_commit(t, on_done, NULL);
	t = txn_begin(b->log);
	rename_net(t, &kept->obj, "renamed");
	add_port(b, t, n);
	txn_del(t, port);
	txn_commit(t, on_done, NULL);

	fake_answer(&b->fake, 1, 0);
	assert_int_equal(n_done, 1);
	assert_string_equal(kept->a.name, "renamed");
	assert_int_equal(world_count(b->w, WORLD_PORT), 1); /* n's */

	fake_answer(&b->fake, 2, -5);
	assert_int_equal(n_done, 3);
	assert_int_equal(rc_done, -5);
	assert_string_equal(kept->a.name, "kept");
	assert_int_equal(world_count(b->w, WORLD_NET), 1);
	assert_int_equal(world_count(b->w, WORLD_PORT), 1); /* kept's is there again */
	assert_ptr_equal(world_obj_find(b->w, WORLD_PORT, world_obj_attrs(port)), port);
	assert_int_equal(kept->n_ports, 1);

	t = txn_begin(b->log);
	rename_net(t, &kept->obj, "after");
	txn_commit(t, on_done, NULL);
	fake_answer(&b->fake, 1, 0);
	assert_string_equal(kept->a.name, "after");
	assert_int_equal(rc_done, 0);
}

static int n_told;

static void on_changed(struct world *w, const struct world_obj *o, uint32_t what, void *arg)
{
	n_told++;
}

static void listeners_wait_for_the_store(void **state)
{
	struct bench *b = *state;
	struct world_listener l = { .changed = on_changed };
	struct txn *t = txn_begin(b->log);

	n_told = 0;
	world_listen(b->w, &l);
	add_net(b, t, "a");
	txn_commit(t, on_done, NULL);
	world_tell(b->w);
	assert_int_equal(n_told, 0);
	fake_answer(&b->fake, 1, 0);
	assert_int_equal(n_told, 1);
	world_unlisten(b->w, &l);
}

/* Added, changed and deleted before the first of it is durable. */
static void a_short_life(void **state)
{
	struct bench *b = *state;
	struct world_obj *o;
	struct txn *t = txn_begin(b->log);

	o = add_net(b, t, "a");
	txn_commit(t, on_done, NULL);
	t = txn_begin(b->log);
	rename_net(t, o, "b");
	txn_commit(t, on_done, NULL);
	t = txn_begin(b->log);
	txn_del(t, o);
	txn_commit(t, on_done, NULL);
	fake_answer(&b->fake, 3, 0);
	assert_int_equal(n_done, 3);
	assert_int_equal(world_count(b->w, WORLD_NET), 0);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, bench_make, bench_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(batches_share_a_write_and_keep_their_order,
						folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(an_older_schema_is_renumbered, folder_make,
						folder_remove),
		cmocka_unit_test_setup_teardown(a_kill_after_the_answer_loses_nothing, folder_make,
						folder_remove),
		T(an_abort_takes_all_back),
		T(a_failed_write_takes_back_what_builds_on_it),
		T(listeners_wait_for_the_store),
		T(a_short_life),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
