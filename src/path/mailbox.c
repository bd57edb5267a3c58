#include "path/mailbox.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

bool mailbox_open(struct mailbox *mailbox)
{
    mailbox->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    mailbox->finished = eventfd(0, EFD_CLOEXEC);
    return mailbox->wake >= 0 && mailbox->finished >= 0;
}

void mailbox_close(struct mailbox *mailbox)
{
    if (mailbox->wake >= 0)
        (void)close(mailbox->wake);
    if (mailbox->finished >= 0)
        (void)close(mailbox->finished);
    mailbox->wake = mailbox->finished = -1;
}

/* An eventfd fails only where its count would overflow, and is readable then all the same. */
static void mailbox_signal(int fd)
{
    const uint64_t one = 1;
    (void)!write(fd, &one, sizeof one);
}

bool mailbox_is_full(const struct mailbox *mailbox)
{
    uint32_t posted = atomic_load_explicit(&mailbox->posted, memory_order_relaxed);
    return posted - mailbox->reaped == MAILBOX_SIZE;
}

void mailbox_put(struct mailbox *mailbox, const struct task *task)
{
    uint32_t posted = atomic_load_explicit(&mailbox->posted, memory_order_relaxed);
    mailbox->slots[posted % MAILBOX_SIZE] = *task;
    atomic_store_explicit(&mailbox->posted, posted + 1, memory_order_release);
}

void mailbox_post(struct mailbox *mailbox, const struct task *task)
{
    mailbox_put(mailbox, task);
    mailbox_wake(mailbox);
}

/* What was written before is seen by the worker, which looks at it after it has taken back `is_woken`. */
void mailbox_wake(struct mailbox *mailbox)
{
    if (!atomic_exchange(&mailbox->is_woken, true))
        mailbox_signal(mailbox->wake);
}

bool mailbox_reap(struct mailbox *mailbox, struct task *task)
{
    if (mailbox->reaped == atomic_load_explicit(&mailbox->done, memory_order_acquire))
        return false;
    *task = mailbox->slots[mailbox->reaped % MAILBOX_SIZE];
    mailbox->reaped++;
    return true;
}

void mailbox_wait(struct mailbox *mailbox, bool all)
{
    uint32_t posted = atomic_load_explicit(&mailbox->posted, memory_order_relaxed);
    for (;;) {
        atomic_store(&mailbox->is_awaited, true);
        uint32_t done = atomic_load(&mailbox->done);
        if (done == posted || (!all && done != mailbox->reaped))
            break;
        /* Counts that were left by commands reaped long ago only cost a round. */
        uint64_t count;
        if (read(mailbox->finished, &count, sizeof count) < 0 && errno != EINTR)
            break;
    }
    atomic_store(&mailbox->is_awaited, false);
}

struct task *mailbox_next(struct mailbox *mailbox)
{
    uint32_t done = atomic_load_explicit(&mailbox->done, memory_order_relaxed);
    if (done == atomic_load_explicit(&mailbox->posted, memory_order_acquire))
        return NULL;
    return &mailbox->slots[done % MAILBOX_SIZE];
}

void mailbox_finish(struct mailbox *mailbox)
{
    uint32_t done = atomic_load_explicit(&mailbox->done, memory_order_relaxed);
    atomic_store(&mailbox->done, done + 1);
}

void mailbox_clear(struct mailbox *mailbox)
{
    uint64_t count;
    (void)!read(mailbox->wake, &count, sizeof count);
    (void)atomic_exchange(&mailbox->is_woken, false);
}

void mailbox_report(struct mailbox *mailbox)
{
    if (atomic_load(&mailbox->is_awaited))
        mailbox_signal(mailbox->finished);
}
