#include "daemon/keeper/certificate_watch.h"

#include <time.h>

#include "daemon/show/certificates.h"
#include "pki/validate.h"

enum {
    DAY = 86400,
    LOOK_INTERVAL = 600000, /* milliseconds: the wall clock may be set in between */
};

static void warn(const struct certificate_watch *watch, const struct pki_entry *entry, const char *what,
                 const char *remark)
{
    struct text uses = {0};
    bool used = show_certificate_uses(watch->policies, entry->name, &uses);
    event_log_print(watch->log, EVENT_SYSTEM, LOG_LEVEL_WARN, NULL, "%s `%s` %s%s%s", what, entry->name,
                    remark, used ? "; it is used by " : "", used ? text_get(&uses) : "");
    text_free(&uses);
}

static void look_at_certificate(const struct certificate_watch *watch, const struct pki_entry *entry,
                                size_t index, int64_t now)
{
    const struct certificate_facts *facts = certificate_facts(entry->content.chain[index]);
    char remark[CERTIFICATE_REMARK_SIZE];
    char text[CERTIFICATE_REMARK_SIZE + DN_TEXT_SIZE + 8];
    if (!certificate_remark(facts->not_before, facts->not_after, now, true, remark))
        return;
    (void)snprintf(text, sizeof(text), "(%s) %s", facts->subject, remark);
    warn(watch, entry, index == 0 ? "the certificate" : "a CA certificate in the chain of", text);
}

static void look_at_crl(const struct certificate_watch *watch, const struct pki_entry *entry, int64_t now)
{
    const struct crl_facts *facts = crl_facts(entry->content.crl);
    char remark[CERTIFICATE_REMARK_SIZE];
    char text[CERTIFICATE_REMARK_SIZE + DN_TEXT_SIZE + 8];
    if (!certificate_remark(facts->this_update, facts->next_update, now, false, remark))
        return;
    (void)snprintf(text, sizeof(text), "of %s %s", facts->issuer, remark);
    warn(watch, entry, "the CRL", text);
}

void certificate_watch_look(struct certificate_watch *watch, int64_t now)
{
    int64_t day = 1 + now / DAY;
    if (day == watch->last_day)
        return;
    watch->last_day = day;
    bool any = pki_store_count(watch->store) > 0;
    if (any && validation_clock_is_wrong(now))
        event_log_print(watch->log, EVENT_SYSTEM, LOG_LEVEL_WARN, NULL,
                        "the clock of this machine is plainly wrong: certificates can't be validated");
    for (size_t i = 0; i < pki_store_count(watch->store); i++) {
        const struct pki_entry *entry = pki_store_at(watch->store, i);
        for (size_t j = 0; j < entry->content.chain_length; j++)
            look_at_certificate(watch, entry, j, now);
        if (entry->content.crl != NULL)
            look_at_crl(watch, entry, now);
    }
}

static void look(uv_timer_t *timer)
{
    certificate_watch_look(timer->data, time(NULL));
}

void certificate_watch_start(struct certificate_watch *watch, uv_loop_t *loop)
{
    (void)uv_timer_init(loop, &watch->timer);
    watch->timer.data = watch;
    certificate_watch_look(watch, time(NULL));
    (void)uv_timer_start(&watch->timer, look, LOOK_INTERVAL, LOOK_INTERVAL);
}

void certificate_watch_stop(struct certificate_watch *watch)
{
    if (watch->timer.data != NULL)
        uv_close((uv_handle_t *)&watch->timer, NULL);
    watch->timer.data = NULL;
}
