#include "base/map.h"
#include "config/survey.h"

/* Warns about a reference to an interface that is not defined, and says what comes of it. */
static void check_reference(const struct survey *survey, const struct setting *s, const char *effect)
{
    const char *name = s == NULL ? NULL : line_argument(&s->line, "interface");
    if (name != NULL && !survey_interface_known(survey, name))
        (void)survey_warn(survey, s, "%s is not defined: %s", name, effect);
}

static void check_next_hop(const struct survey *survey, const struct setting *s)
{
    struct ip_address next_hop;
    char interface[INTERFACE_NAME_SIZE], text[IP_TEXT_SIZE];
    if (!line_next_hop(&s->line, &next_hop, interface))
        return;
    if (interface[0] != '\0' && !survey_interface_known(survey, interface))
        (void)survey_warn(survey, s, "%s is not defined: the route has no effect", interface);
    if (interface[0] == '\0' && ip_address_is_link_local(&next_hop))
        (void)survey_warn(survey, s,
                          "%s is a link-local address: without its interface, as in %s%%GigaEthernet0.0, the "
                          "route has no effect",
                          ip_address_format(&next_hop, text), text);
}

static void check_routes(const struct survey *survey, enum command_id id)
{
    const struct setting *s = section_setting(config_global(survey->config), id);
    for (; s != NULL; s = setting_next_of_row(s)) {
        check_reference(survey, s, "the route has no effect");
        check_next_hop(survey, s);
    }
}

/* A set of the hashes of the names of one family's access lists; the values of the map mean nothing. If two
 * names have the same hash, a warning may be missing. */
static struct map access_lists(const struct survey *survey, enum command_id id)
{
    struct map names = map_with_seed(0);
    const struct setting *s = section_setting(config_global(survey->config), id);
    for (; s != NULL; s = setting_next_of_row(s))
        (void)map_put(&names, hash_text(HASH_START, line_argument(&s->line, "name")), survey->diagnostics);
    return names;
}

static void check_filters(const struct survey *survey, const struct setting *s, const struct map *lists)
{
    for (; s != NULL; s = setting_next_of_row(s)) {
        const char *name = line_argument(&s->line, "name");
        if (map_find(lists, hash_text(HASH_START, name)) == NULL)
            (void)survey_warn(survey, s, "access list `%s` is not defined: this filter permits nothing",
                              name);
    }
}

static void check_interface(const struct survey *survey, const struct section *interface,
                            const struct map *lists, const struct map *lists6)
{
    const struct setting *s = section_setting(interface, COMMAND_IP_NAPT_STATIC);
    for (; s != NULL; s = setting_next_of_row(s))
        check_reference(survey, s, "the line has no effect");
    check_filters(survey, section_setting(interface, COMMAND_IP_FILTER), lists);
    check_filters(survey, section_setting(interface, COMMAND_IPV6_FILTER), lists6);
    /* survey_tunnel checks the next two for Tunnels. */
    if (interface->mode == MODE_TUNNEL)
        return;
    check_reference(survey, section_setting(interface, COMMAND_IP_UNNUMBERED), "there is no address to use");
    check_reference(survey, section_setting(interface, COMMAND_IPV6_UNNUMBERED),
                    "there is no address to use");
}

void survey_host(const struct survey *survey)
{
    check_routes(survey, COMMAND_IP_ROUTE);
    check_routes(survey, COMMAND_IPV6_ROUTE);
    struct map lists = access_lists(survey, COMMAND_IP_ACCESS_LIST);
    struct map lists6 = access_lists(survey, COMMAND_IPV6_ACCESS_LIST);
    const struct setting *s = section_setting(config_global(survey->config), COMMAND_INTERFACE);
    for (; s != NULL; s = setting_next_of_row(s))
        check_interface(survey, s->under, &lists, &lists6);
    map_free(&lists);
    map_free(&lists6);
}
