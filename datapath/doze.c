/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/doze.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* An event that stays though there is nothing must not keep the thread awake for ever. */
enum { IN_VAIN_MAX = 8, AGAIN_NS = 20000, DEAF = 4096 };

int doze_init(struct doze *z)
{
	*z = (struct doze){ .bell = -1 };
	z->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (z->epoll < 0)
		return -errno;
	z->bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return z->bell < 0 ? -errno : doze_watch(z, z->bell);
}

void doze_fini(struct doze *z)
{
	if (z->bell >= 0)
		close(z->bell);
	if (z->epoll >= 0)
		close(z->epoll);
}

int doze_watch(struct doze *z, int fd)
{
	struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(z->epoll, EPOLL_CTL_ADD, fd, &e) && errno != EEXIST ? -errno : 0;
}

void doze_unwatch(struct doze *z, int fd)
{
	(void)epoll_ctl(z->epoll, EPOLL_CTL_DEL, fd, NULL);
}

void doze_ring(struct doze *z)
{
	const uint64_t one = 1;

	/* Pairs with the fence in doze_begin(): either we see the sleeper, or it sees what we
	 * stored. */
	atomic_thread_fence(memory_order_seq_cst);
	if (!atomic_load_explicit(&z->asleep, memory_order_relaxed) ||
	    !atomic_exchange(&z->asleep, false))
		return;
	if (write(z->bell, &one, sizeof(one)) < 0)
		return; /* EAGAIN: it rings already */
}

void doze_begin(struct doze *z)
{
	atomic_store_explicit(&z->asleep, true, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
}

/* So that it is not readable for ever: the bell, or an error such as that the link went down. */
static void hear(const struct doze *z, const struct epoll_event *e)
{
	uint64_t times;
	socklen_t n = sizeof(int);
	int error;

	if (e->data.fd == z->bell)
		(void)!read(z->bell, &times, sizeof(times));
	else if (e->events & EPOLLERR)
		(void)getsockopt(e->data.fd, SOL_SOCKET, SO_ERROR, &error, &n);
}

void doze_wait(struct doze *z, uint32_t us)
{
	const struct timespec t = { .tv_nsec = (long)us * 1000 };
	struct epoll_event e[16];
	int n;

	if (z->deaf) {
		z->deaf--;
		nanosleep(&t, NULL);
		return;
	}
	/* A driver may hear of what woke us a little later than we (tap: by a signal). */
	if (z->in_vain)
		nanosleep(&(struct timespec){ .tv_nsec = (long)AGAIN_NS << z->in_vain }, NULL);
	n = epoll_pwait2(z->epoll, e, sizeof(e) / sizeof(e[0]), &t, NULL);
	while (n-- > 0) {
		z->woken |= e[n].data.fd != z->bell;
		hear(z, &e[n]);
	}
}

void doze_end(struct doze *z)
{
	atomic_store_explicit(&z->asleep, false, memory_order_relaxed);
}

void doze_found(struct doze *z, bool something)
{
	if (!z->woken)
		return;
	z->woken = false;
	z->in_vain = something ? 0 : z->in_vain + 1;
	if (z->in_vain < IN_VAIN_MAX)
		return;
	z->in_vain = 0;
	z->deaf = DEAF;
}

uint32_t doze_limit(const struct doze *z)
{
	const bool tell = atomic_load_explicit(&z->all_tell, memory_order_relaxed);

	return tell && !z->deaf ? DOZE_LONG_US : DOZE_BRIEFLY_US;
}
