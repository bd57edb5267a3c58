/*
 * What the tests of daemon/engine/actions.c and agreement.c stand on: an engine process without engine, loop
 * and sockets, the other ends of its channels, and a clock that the test moves.
 */
#ifndef MUSUBI_TESTS_UNIT_DAEMON_ENGINE_FIXTURE_H
#define MUSUBI_TESTS_UNIT_DAEMON_ENGINE_FIXTURE_H

#include "daemon/engine/process.h"

enum { TUNNEL = 5, OTHER_TUNNEL = 6 };

struct fixture {
    struct engine_process process;
    struct channel keeper, path; /* the other ends */
    char sent[64 << 10];         /* the first octet of each datagram that left */
    size_t sent_count;
    char events[256]; /* that the engine got: "clear 5 " and "path-new " */
    char log[2048];   /* the last line that the process itself wrote */
    size_t log_count;
};

/* For cmocka. */
int fixture_set_up(void **state);
int fixture_tear_down(void **state);

#define ENGINE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

/* Actions. `text`, `install` and `command` are pointed to; a datagram is one octet of `text`. */
struct ike_action log_action(const char *text);
struct ike_action datagram_action(uint32_t tunnel, const char *text);
struct ike_action install_action(struct child_command *install, uint32_t spi);
struct ike_action remove_action(struct child_command *command, uint32_t spi);
struct ike_action up_action(uint32_t tunnel);

/* Performs them, or one of them. */
void perform(struct fixture *f, const struct ike_action *actions, size_t count);
void perform_one(struct fixture *f, struct ike_action action);

/* The log texts that came to the keeper, one behind the other; "J" for a job, "U" for a tunnel that is up. */
const char *keeper_got(struct fixture *f);

/* The request of the tunnel that the keeper was told of last. */
uint64_t keeper_request(const struct fixture *f);

/* The next change of a Child SA, of that kind and with that SPI, comes to the path. Returns its request. */
uint64_t path_gets(struct fixture *f, enum child_change change, uint32_t spi);

/* The one that came last. */
const struct child_command *path_got(const struct fixture *f);

/* The path answers a request. */
void path_says_done(struct fixture *f, uint64_t request, enum path_result result);

/* The clock goes on, and what is due then happens. */
void pass(struct fixture *f, msec_t time);

#endif
