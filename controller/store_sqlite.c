/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store in one SQLite file, for one controller.
 *
 * WAL with synchronous=FULL: a commit is on the disk when it returns.  A thread of its own
 * writes, so that a slow disk does not hold up OpenFlow sessions; while it writes, batches gather,
 * and the next transaction takes all of them.  The file is locked, so that two controllers cannot
 * share it.
 *
 * What an answer waits for is one write to the WAL and its fdatasync().  So the WAL has its size
 * from the start: where a file grows, fdatasync() waits for the file system's journal too, and with
 * it for what others write (ext4, others busy: p99 11.4 ms, where it does not grow 7.1).  And
 * what is in the WAL goes to its place (a checkpoint) when nobody waits.
 *
 * The connection belongs to the writer thread from the first commit on; the lists are shared under
 * 'lock'.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "controller/mem.h"
#include "controller/store.h"

#define MOD "store"

enum {
	APPLICATION_ID = 0x57656674, /* "Weft", in the file's header */
	SCHEMA_VERSION = 2,	     /* 1 numbered kinds 0, 1, 2; see file_renumber() */
	WAL_PAGES = 1000,	     /* of 4 kB: a checkpoint when nobody waits, */
	WAL_PAGES_MAX = 4000,	     /* ... and even so; SQLite's own way is 1,000 in any case */
	WAL_SIZE = (WAL_PAGES + 200) * 4120,
};

struct batch_list {
	struct store_batch *first, **end;
};

struct sqlite_store {
	struct store base;
	struct ev_loop *loop;
	struct ev_async wake; /* loop: something is finished */
	sqlite3 *db;
	sqlite3_stmt *put, *del;
	pthread_t writer;
	bool running;
	int wal_pages; /* the writer's: in the WAL, not yet in their place */

	pthread_mutex_t lock;
	pthread_cond_t work;
	bool stop;
	bool broken;		    /* a write failed, and the loop has not heard of it yet */
	struct batch_list waiting;  /* for the writer */
	struct batch_list finished; /* for the loop */
	struct store_state state;
};

static void list_init(struct batch_list *l)
{
	l->first = NULL;
	l->end = &l->first;
}

/* Appends a chain. */
static void list_add(struct batch_list *l, struct store_batch *b)
{
	*l->end = b;
	while (*l->end)
		l->end = &(*l->end)->next;
}

static struct store_batch *list_take(struct batch_list *l)
{
	struct store_batch *b = l->first;

	list_init(l);
	return b;
}

/* ---- the writer thread ---- */

static int item_write(struct sqlite_store *s, const struct store_item *i)
{
	sqlite3_stmt *st = i->p ? s->put : s->del;
	int rc;

	sqlite3_bind_int(st, 1, (int)i->kind);
	sqlite3_bind_text(st, 2, i->id, -1, SQLITE_STATIC);
	if (i->p)
		sqlite3_bind_blob(st, 3, i->p, (int)i->n, SQLITE_STATIC);
	rc = sqlite3_step(st);
	sqlite3_reset(st);
	return rc == SQLITE_DONE ? 0 : -EIO;
}

static int batches_write(struct sqlite_store *s, const struct store_batch *first)
{
	int rc = sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) ? -EIO : 0;

	for (const struct store_batch *b = first; b && !rc; b = b->next)
		for (const struct store_item *i = b->items; i && !rc; i = i->next)
			rc = item_write(s, i);
	if (!rc && sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL))
		rc = -EIO;
	return rc;
}

static int on_wal(void *arg, sqlite3 *db, const char *name, int pages)
{
	struct sqlite_store *s = arg;

	s->wal_pages = pages;
	return SQLITE_OK;
}

/*
 * With 'lock' held, which it gives up meanwhile.  What cannot be done now is tried again after the
 * next write; all is in the WAL, so nothing is lost.
 */
static void checkpoint(struct sqlite_store *s)
{
	if (s->wal_pages < (s->waiting.first ? WAL_PAGES_MAX : WAL_PAGES))
		return;
	pthread_mutex_unlock(&s->lock);
	if (!sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL))
		s->wal_pages = 0;
	pthread_mutex_lock(&s->lock);
}

/* With 'lock' held, which it gives up while it writes. */
static void write_round(struct sqlite_store *s)
{
	struct store_batch *todo = list_take(&s->waiting);
	char why[sizeof(s->state.last_error)] = "";
	int rc = -EIO;

	if (!s->broken) {
		pthread_mutex_unlock(&s->lock);
		rc = batches_write(s, todo);
		if (rc) {
			snprintf(why, sizeof(why), "%s", sqlite3_errmsg(s->db));
			if (!sqlite3_get_autocommit(s->db))
				sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
		}
		pthread_mutex_lock(&s->lock);
		s->state.writes++;
		memcpy(s->state.last_error, why, sizeof(why));
		s->broken = rc != 0;
	}
	for (struct store_batch *b = todo; b; b = b->next)
		b->rc = rc;
	list_add(&s->finished, todo);
	ev_async_send(s->loop, &s->wake);
}

static void *writer_main(void *arg)
{
	struct sqlite_store *s = arg;

	pthread_mutex_lock(&s->lock);
	for (;;) {
		while (!s->waiting.first && !s->stop)
			pthread_cond_wait(&s->work, &s->lock);
		if (!s->waiting.first)
			break;
		write_round(s);
		checkpoint(s);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* ---- the loop's thread ---- */

/* Calls the 'done's of what is finished; after a failure, of what waits as well. */
static void finish(struct sqlite_store *s)
{
	struct store_batch *b, *next;
	char why[sizeof(s->state.last_error)];

	pthread_mutex_lock(&s->lock);
	if (s->broken) {
		for (b = s->waiting.first; b; b = b->next)
			b->rc = -EIO;
		list_add(&s->finished, list_take(&s->waiting));
		s->broken = false;
	}
	b = list_take(&s->finished);
	memcpy(why, s->state.last_error, sizeof(why));
	for (struct store_batch *i = b; i; i = i->next) {
		s->state.batches++;
		s->state.failed += i->rc != 0;
	}
	pthread_mutex_unlock(&s->lock);
	if (why[0] && b)
		log_err(MOD, "%s: write failed: %s", s->base.url, why);
	for (; b; b = next) {
		next = b->next;
		b->done(b->rc, b->rc ? why : NULL, b->arg);
		store_batch_free(b);
	}
}

static void on_wake(struct ev_loop *loop, struct ev_async *w, int events)
{
	finish(w->data);
}

static void sqlite_commit(struct store *base, struct store_batch *b)
{
	struct sqlite_store *s = (struct sqlite_store *)base;

	pthread_mutex_lock(&s->lock);
	list_add(&s->waiting, b);
	pthread_cond_signal(&s->work);
	pthread_mutex_unlock(&s->lock);
}

static void sqlite_state(struct store *base, struct store_state *out)
{
	struct sqlite_store *s = (struct sqlite_store *)base;

	pthread_mutex_lock(&s->lock);
	*out = s->state;
	pthread_mutex_unlock(&s->lock);
}

static int sqlite_load(struct store *base,
		       int (*each)(void *arg, uint32_t kind, const char *id, const uint8_t *p,
				   size_t n, struct err *e),
		       void *arg, struct err *e)
{
	struct sqlite_store *s = (struct sqlite_store *)base;
	sqlite3_stmt *st;
	int rc, result = 0;

	if (sqlite3_prepare_v2(s->db, "SELECT kind, id, body FROM object ORDER BY kind, rowid", -1,
			       &st, NULL))
		return err_set(e, -EIO, "%s", sqlite3_errmsg(s->db));
	while (!result && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		const char *id = (const char *)sqlite3_column_text(st, 1);

		result = each(arg, (uint32_t)sqlite3_column_int(st, 0), id,
			      sqlite3_column_blob(st, 2), (size_t)sqlite3_column_bytes(st, 2), e);
		if (result)
			err_wrap(e, result, "record %s", id);
	}
	if (!result && rc != SQLITE_DONE)
		result = err_set(e, -EIO, "%s", sqlite3_errmsg(s->db));
	sqlite3_finalize(st);
	sqlite3_db_release_memory(s->db); /* pages that are not read again */
	return result;
}

/* ---- opening and closing ---- */

static void sqlite_close(struct store *base)
{
	struct sqlite_store *s = (struct sqlite_store *)base;

	if (s->running) {
		pthread_mutex_lock(&s->lock);
		s->stop = true;
		pthread_cond_signal(&s->work);
		pthread_mutex_unlock(&s->lock);
		pthread_join(s->writer, NULL);
		finish(s);
		ev_async_stop(s->loop, &s->wake);
	}
	sqlite3_finalize(s->put);
	sqlite3_finalize(s->del);
	sqlite3_close(s->db);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->work);
	free(s);
}

static const struct store_ops sqlite_ops = {
	.load = sqlite_load,
	.commit = sqlite_commit,
	.state = sqlite_state,
	.close = sqlite_close,
};

/* mkdir -p of all but the last part. */
static int folders_make(const char *path, struct err *e)
{
	char *copy = mem_str(path);
	int rc = 0;

	for (char *c = strchr(copy + 1, '/'); c && !rc; c = strchr(c + 1, '/')) {
		*c = '\0';
		if (mkdir(copy, 0750) && errno != EEXIST)
			rc = err_set(e, -errno, "cannot create the folder %s: %s", copy,
				     strerror(errno));
		*c = '/';
	}
	free(copy);
	return rc;
}

/* The one number that a query gives; -1 when it gives none. */
static int number_query(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *st;
	int v = -1;

	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL))
		return -1;
	if (sqlite3_step(st) == SQLITE_ROW)
		v = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	return v;
}

static int is_whole(sqlite3 *db)
{
	sqlite3_stmt *st;
	bool ok = false;

	if (sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &st, NULL))
		return false;
	if (sqlite3_step(st) == SQLITE_ROW)
		ok = !strcmp((const char *)sqlite3_column_text(st, 0), "ok");
	sqlite3_finalize(st);
	return ok;
}

/* Only reads; a file without any table is a new one. */
static int file_check(struct sqlite_store *s, bool *fresh, struct err *e)
{
	int n = number_query(s->db, "SELECT count(*) FROM sqlite_master");
	int app, version;

	if (n < 0) {
		int code = sqlite3_errcode(s->db);

		if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
			return err_set(e, -EBUSY, "is in use by another process");
		return err_set(e, -EBADMSG, "cannot be read as a database (%s)",
			       sqlite3_errmsg(s->db));
	}
	app = number_query(s->db, "PRAGMA application_id");
	version = number_query(s->db, "PRAGMA user_version");
	*fresh = n == 0 && app == 0 && version == 0;
	if (*fresh)
		return 0;
	if (app != APPLICATION_ID)
		return err_set(e, -EBADMSG, "is another program's database, not a Weft store");
	if (version < 1 || version > SCHEMA_VERSION)
		return err_set(e, -EBADMSG,
			       "has schema version %d, and this program knows %d; use the release "
			       "that wrote it, or a newer one",
			       version, SCHEMA_VERSION);
	if (!is_whole(s->db))
		return err_set(e, -EBADMSG, "is damaged (quick_check failed); restore a backup");
	return 0;
}

static int run(struct sqlite_store *s, const char *sql, struct err *e)
{
	int rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);

	if (rc == SQLITE_BUSY || rc == SQLITE_LOCKED)
		return err_set(e, -EBUSY, "is in use by another process");
	return rc ? err_set(e, -EIO, "%s", sqlite3_errmsg(s->db)) : 0;
}

static int file_init(struct sqlite_store *s, struct err *e)
{
	char sql[512];

	snprintf(sql, sizeof(sql),
		 "BEGIN IMMEDIATE;"
		 "CREATE TABLE object (kind INTEGER NOT NULL, id TEXT NOT NULL,"
		 " body BLOB NOT NULL, PRIMARY KEY (kind, id));"
		 "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
		 APPLICATION_ID, SCHEMA_VERSION);
	return run(s, sql, e);
}

static int statements_prepare(struct sqlite_store *s, struct err *e)
{
	if (sqlite3_prepare_v2(s->db,
			       "INSERT INTO object (kind, id, body) VALUES (?1, ?2, ?3)"
			       " ON CONFLICT (kind, id) DO UPDATE SET body = ?3",
			       -1, &s->put, NULL) ||
	    sqlite3_prepare_v2(s->db, "DELETE FROM object WHERE kind = ?1 AND id = ?2", -1, &s->del,
			       NULL))
		return err_set(e, -EIO, "%s", sqlite3_errmsg(s->db));
	return 0;
}

/* From schema 1: networks, subnets and ports are 30, 40 and 50 (resource.def), with room around. */
static int file_renumber(struct sqlite_store *s, struct err *e)
{
	char sql[160];

	if (number_query(s->db, "PRAGMA user_version") != 1)
		return 0;
	snprintf(sql, sizeof(sql),
		 "BEGIN IMMEDIATE; UPDATE object SET kind = 30 + 10 * kind;"
		 "PRAGMA user_version = %d; COMMIT",
		 SCHEMA_VERSION);
	return run(s, sql, e);
}

/*
 * Behind what it has, zeros: no frame of these has the WAL's salt, so a reader ends there.  For
 * speed alone: what fails here is nobody's loss.
 */
static void wal_extend(const char *path)
{
	char *name = mem_printf("%s-wal", path), *zeros = mem_get(WAL_SIZE);
	int fd = open(name, O_WRONLY | O_CLOEXEC);
	off_t has = fd < 0 ? WAL_SIZE : lseek(fd, 0, SEEK_END);

	if (has >= 0 && has < WAL_SIZE && write(fd, zeros, (size_t)(WAL_SIZE - has)) > 0)
		fsync(fd);
	if (fd >= 0)
		close(fd);
	free(zeros);
	free(name);
}

static int file_open(struct sqlite_store *s, const char *path, struct err *e)
{
	bool fresh = false;
	int rc;

	if (sqlite3_open_v2(path, &s->db,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL))
		return err_set(e, -EIO, "cannot be opened (%s)", sqlite3_errmsg(s->db));
	rc = run(s, "PRAGMA locking_mode = EXCLUSIVE", e);
	if (!rc)
		rc = file_check(s, &fresh, e);
	if (!rc)
		rc = run(s, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL", e);
	if (!rc && fresh)
		rc = file_init(s, e);
	if (!rc)
		rc = file_renumber(s, e);
	/* Takes the lock that EXCLUSIVE then keeps. */
	if (!rc)
		rc = run(s, "BEGIN IMMEDIATE; COMMIT", e);
	if (rc)
		return rc;
	wal_extend(path);
	sqlite3_wal_hook(s->db, on_wal, s); /* in place of SQLite's own checkpoints */
	return statements_prepare(s, e);
}

struct store *store_sqlite_open(struct ev_loop *loop, const char *path, struct err *e)
{
	struct sqlite_store *s;

	if (folders_make(path, e))
		return NULL;
	s = mem_get(sizeof(*s));
	s->base.ops = &sqlite_ops;
	s->loop = loop;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->work, NULL);
	list_init(&s->waiting);
	list_init(&s->finished);
	if (file_open(s, path, e)) {
		err_wrap(e, 0, "store %s", path);
		sqlite_close(&s->base);
		return NULL;
	}
	ev_async_init(&s->wake, on_wake);
	s->wake.data = s;
	ev_async_start(loop, &s->wake);
	if (pthread_create(&s->writer, NULL, writer_main, s)) {
		err_set(e, -EAGAIN, "store %s: cannot start the writer thread", path);
		ev_async_stop(loop, &s->wake);
		sqlite_close(&s->base);
		return NULL;
	}
	s->running = true;
	return &s->base;
}
