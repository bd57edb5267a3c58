#include "path/path_mtu.h"

#include "path/counters.h"
#include "path/tunnel.h"

static bool is_to_same_peer(const struct outbound_sa *a, const struct outbound_sa *b)
{
    return ip_address_equal(&a->destination.remote.address, &b->destination.remote.address);
}

static struct size_form form_of(const struct outbound_sa *sa)
{
    return (struct size_form){
        .esp = esp_sa_framing(sa->sa),
        .outer = sa->destination.remote.address.family,
        .encapsulated = wire_is_udp(sa->destination.kind),
    };
}

/* The outer MTU that counts now. */
static uint32_t mtu_of(const struct outbound_sa *sa)
{
    const struct path_mtu *mtu = &sa->mtu;
    return mtu->learnt != 0 && mtu->learnt < mtu->link ? mtu->learnt : mtu->link;
}

static uint16_t mss_of(const struct path_mss *wanted, enum ip_family family, uint32_t inner)
{
    return wanted->automatic ? size_mss(family, inner) : wanted->octets;
}

/* The sizes of packets that leave by an SA; NULL: there is none. */
static void show_sizes(const struct tunnel *tunnel, const struct outbound_sa *sa)
{
    uint64_t sizes[PATH_SIZE_COUNT] = {
        [PATH_SIZE_MSS_V4] = atomic_load_explicit(&tunnel->mss.v4, memory_order_relaxed),
        [PATH_SIZE_MSS_V6] = atomic_load_explicit(&tunnel->mss.v6, memory_order_relaxed),
    };
    if (sa != NULL) {
        sizes[PATH_SIZE_LINK] = sa->mtu.link;
        sizes[PATH_SIZE_LEARNT] = sa->mtu.learnt;
        sizes[PATH_SIZE_LEARNT_AT] = sa->mtu.learnt != 0 ? sa->mtu.age.deadline.due - PATH_MTU_AGE : 0;
        sizes[PATH_SIZE_INNER] = sa->mtu.fits;
    }
    for (size_t i = 0; i < PATH_SIZE_COUNT; i++)
        counter_write(&tunnel->sizes->octets[i], sizes[i]);
}

void path_mtu_follow(struct tunnel *tunnel)
{
    const struct path_tunnel *settings = &tunnel->settings;
    const struct outbound_sa *newest = NULL;
    uint32_t inner = settings->mtu;
    const struct outbound_sa *sa;
    TAILQ_FOREACH(sa, &tunnel->sas, link)
    {
        if (!sa->stopped && sa->mtu.fits < inner)
            inner = sa->mtu.fits;
        if (newest == NULL && sa->active)
            newest = sa;
    }
    atomic_store_explicit(&tunnel->mss.v4, mss_of(&settings->mss_v4, IP_V4, inner), memory_order_relaxed);
    atomic_store_explicit(&tunnel->mss.v6, mss_of(&settings->mss_v6, IP_V6, inner), memory_order_relaxed);
    if (tunnel->sizes != NULL)
        show_sizes(tunnel, newest);
}

static void set_limits(struct outbound_sa *sa)
{
    const struct size_form form = form_of(sa);
    sa->mtu.outer = mtu_of(sa);
    sa->mtu.fits = (uint32_t)size_largest_inner(&form, sa->mtu.outer);
    sa->mtu.sealable = (uint32_t)size_largest_sealable(&form);
    sa->singly = false; /* the kernel may take larger datagrams, or another device */
    path_mtu_follow(sa->tunnel);
}

static void grow_old(struct worker *worker, struct timer *timer)
{
    struct outbound_sa *sa =
        (struct outbound_sa *)((char *)timer - __builtin_offsetof(struct outbound_sa, mtu.age));
    (void)worker;
    sa->mtu.learnt = 0;
    set_limits(sa);
}

static void set_learnt(struct worker *worker, struct outbound_sa *sa, uint32_t mtu, msec_t until)
{
    sa->mtu.learnt = mtu;
    sa->mtu.age.due = grow_old;
    worker_timer_set(worker, &sa->mtu.age, mtu != 0 ? until : MSEC_NEVER);
}

void path_mtu_set_link(struct worker *worker, struct outbound_sa *sa, uint32_t mtu)
{
    const struct outbound_sa *other;
    sa->mtu.link = mtu != 0 ? mtu : SIZE_MTU_DEFAULT;
    if (!ip_address_equal(&sa->mtu.peer, &sa->destination.remote.address)) {
        sa->mtu.peer = sa->destination.remote.address;
        set_learnt(worker, sa, 0, MSEC_NEVER);
        TAILQ_FOREACH(other, &sa->tunnel->sas, link)
        {
            if (other != sa && other->mtu.learnt != 0 && is_to_same_peer(sa, other))
                set_learnt(worker, sa, other->mtu.learnt, other->mtu.age.deadline.due);
        }
    }
    set_limits(sa);
}

void path_mtu_learn(struct worker *worker, struct outbound_sa *sa, uint32_t mtu)
{
    uint32_t least = sa->destination.remote.address.family == IP_V4 ? SIZE_MTU_LEAST_V4 : SIZE_MTU_LEAST_V6;
    struct outbound_sa *other;
    if (mtu < least)
        mtu = least;
    if (mtu >= mtu_of(sa))
        return;
    TAILQ_FOREACH(other, &sa->tunnel->sas, link)
    {
        if (!is_to_same_peer(sa, other))
            continue;
        set_learnt(worker, other, mtu, worker->now + PATH_MTU_AGE);
        set_limits(other);
    }
}

void path_mtu_stop(struct worker *worker, struct outbound_sa *sa)
{
    worker_timer_set(worker, &sa->mtu.age, MSEC_NEVER);
}
