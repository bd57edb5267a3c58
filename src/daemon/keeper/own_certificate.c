#include "daemon/keeper/own_certificate.h"

#include "daemon/show/certificates.h"

enum { RSA_BITS_MIN = 2048 };

bool own_certificate_trouble(const struct pki_entry *entry, const struct identity *id, int64_t now,
                             struct pki_reason *trouble)
{
    if (entry->content.chain_length == 0)
        return false;
    const struct certificate *certificate = entry->content.chain[0];
    const struct certificate_facts *facts = certificate_facts(certificate);
    char remark[CERTIFICATE_REMARK_SIZE];
    struct pki_reason reason;
    if (certificate_remark(facts->not_before, facts->not_after, now, false, remark))
        (void)pki_refuse(trouble, "the certificate of %s, serial %s, %s: import another one", facts->subject,
                         facts->serial, remark);
    else if (!certificate_has_identity(certificate, id->type, (struct octets){id->value, id->length},
                                       &reason))
        (void)pki_refuse(trouble, "%s: import another one, or change the ID of `local-authentication`",
                         reason.text);
    else if (facts->key == KEY_RSA && facts->key_bits < RSA_BITS_MIN)
        (void)pki_refuse(trouble,
                         "the certificate of %s, serial %s, has a weak key, %s: import one with %d bits",
                         facts->subject, facts->serial, facts->key_text, RSA_BITS_MIN);
    else
        return false;
    return true;
}
