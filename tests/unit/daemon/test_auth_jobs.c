/*
 * daemon/keeper/auth_jobs.h: signatures wait for a thread while the keeper's loop goes on. The one thread of
 * the pool is held by a job of the test, or in the middle of a signature.
 */
#include "daemon/keeper/auth_jobs.h"

#include <fcntl.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/identity.h"
#include "daemon/ipc/control_protocol.h"
#include "daemon/keeper/control.h"
#include "ike/wire/numbers.h"
#include "pki/material.h"

enum { ANSWERS_MAX = 256 };

struct answer {
    struct message_job_done done;
    size_t certificates; /* octets */
};

struct fixture {
    uv_loop_t loop;
    char directory[64];
    struct pki_store *store;
    struct own_keys keys;
    struct tunnel_policy policy;
    struct ike_auth_job job;
    struct used_keys used;
    struct auth_jobs jobs;
    uv_work_t holder;
    struct answer answers[ANSWERS_MAX];
    size_t answer_count;
};

static const struct octets own_octets = {(const uint8_t *)"our octets", 10};

/* ---- Holding ----------------------------------------------------------------------------------------- */

static sem_t released; /* the thread of the pool may go on */
static sem_t signing;  /* a signature is being made */
static bool holds_signature;

void __real_keys_sign(const struct own_credential *credential, const struct ike_auth_job *job,
                      struct ike_auth_result *out, struct writer *certificates);
void __wrap_keys_sign(const struct own_credential *credential, const struct ike_auth_job *job,
                      struct ike_auth_result *out, struct writer *certificates);

void __wrap_keys_sign(const struct own_credential *credential, const struct ike_auth_job *job,
                      struct ike_auth_result *out, struct writer *certificates)
{
    if (holds_signature) {
        (void)sem_post(&signing);
        (void)sem_wait(&released);
    }
    __real_keys_sign(credential, job, out, certificates);
}

static void wait_for_release(uv_work_t *work)
{
    (void)work;
    (void)sem_wait(&released);
}

static void holder_done(uv_work_t *work, int status)
{
    (void)work;
    (void)status;
}

static void hold_the_pool(struct fixture *f)
{
    assert_int_equal(uv_queue_work(&f->loop, &f->holder, wait_for_release, holder_done), 0);
}

static void release(void)
{
    (void)sem_post(&released);
}

/* ---- Fixture ----------------------------------------------------------------------------------------- */

static void take_answer(void *context, const struct message_job_done *done, struct octets certificates)
{
    struct fixture *f = context;
    assert_true(f->answer_count < ANSWERS_MAX);
    f->answers[f->answer_count++] = (struct answer){*done, certificates.length};
}

static void import(struct fixture *f, const char *name)
{
    char file[64];
    size_t left_out;
    struct pki_reason reason;
    (void)snprintf(file, sizeof(file), "%s.pem", name);
    struct octets certificate = material_read(file);
    (void)snprintf(file, sizeof(file), "%s.key", name);
    struct octets key = material_read(file);
    if (!pki_store_import_certificate(f->store, name, PKI_PEM, certificate, &left_out, &reason) ||
        !pki_store_import_key(f->store, name, NULL, key, &reason))
        fail_msg("%s: %s", name, reason.text);
    free((void *)certificate.at);
    free((void *)key.at);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    holds_signature = false;
    assert_int_equal(sem_init(&released, 0, 0), 0);
    assert_int_equal(sem_init(&signing, 0, 0), 0);
    assert_int_equal(uv_loop_init(&f->loop), 0);
    (void)snprintf(f->directory, sizeof(f->directory), "/tmp/musubi-auth-jobs-XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    f->store = pki_store_open(f->directory, NULL, NULL);
    import(f, "west");
    f->keys = (struct own_keys){NULL, f->store};
    f->policy = (struct tunnel_policy){.local_auth = AUTH_KIND_RSA, .mycert = "west"};
    f->policy.local_id = (struct identity){.type = ID_FQDN, .length = 16};
    memcpy(f->policy.local_id.value, "west.example.com", 16);
    f->job = (struct ike_auth_job){.prf = 5, .sign = true};
    f->job.own.identity = f->policy.local_id;
    f->job.own.signed_octets = own_octets;
    f->job.own.peer_hashes = UINT32_C(1) << SIGNATURE_HASH_SHA2_256;
    auth_jobs_init(&f->jobs, &f->loop, take_answer, f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    char command[128];
    assert_int_equal(uv_run(&f->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    assert_int_equal(f->jobs.octets, 0);
    pki_store_close(f->store);
    (void)snprintf(command, sizeof(command), "rm -r %s", f->directory);
    assert_int_equal(system(command), 0);
    free(f);
    return 0;
}

static void begin(struct fixture *f, uint32_t number)
{
    auth_jobs_do(&f->jobs, &f->keys, &f->policy, &f->used, number, &f->job);
}

static void assert_signed(const struct answer *answer)
{
    struct certificate *west = material_certificate("west");
    const struct ike_auth_result *auth = &answer->done.auth;
    const struct signature_scheme *scheme;
    struct pki_reason reason;
    assert_true(answer->done.ok);
    assert_int_equal(auth->fault, IKE_AUTH_OK);
    assert_int_equal(answer->certificates, 2 + certificate_der(west).length);
    assert_int_equal(signature_auth_verify(west, auth->method, own_octets,
                                           (struct octets){auth->value, auth->value_length}, &scheme,
                                           &reason),
                     SIGNATURE_OK);
    certificate_release(west);
}

static void assert_without_key(const struct answer *answer)
{
    assert_true(answer->done.ok);
    assert_int_equal(answer->done.auth.fault, IKE_AUTH_NO_OWN_KEY);
    assert_int_equal(answer->done.auth.value_length, 0);
}

/* ---- A control session in the same loop -------------------------------------------------------------- */

static void *session_open(void *context, const struct control_peer *peer)
{
    (void)peer;
    return context;
}

static void session_close(void *context, void *session)
{
    (void)context;
    (void)session;
}

static enum control_status session_run(void *context, void *session, const char *line,
                                       const struct octets *file, int *hand_over, struct text *out)
{
    (void)context;
    (void)session;
    (void)file;
    (void)hand_over;
    text_print(out, "%s is answered\n", line);
    return CONTROL_OK;
}

static void session_prompt(void *context, void *session, char out[CONTROL_PROMPT_SIZE])
{
    (void)context;
    (void)session;
    (void)snprintf(out, CONTROL_PROMPT_SIZE, "# ");
}

/* Sends a command, and runs the loop until its answer has come. */
static void command_is_answered(struct fixture *f)
{
    const struct control_handler handler = {session_open, session_close, session_run, session_prompt, f};
    static const char line[] = "show";
    uint8_t header[CONTROL_HEADER_SIZE];
    uint8_t answer[256];
    size_t length = 0;
    int directory = open(f->directory, O_RDONLY | O_DIRECTORY);
    struct control *control = control_open(&f->loop, directory, &handler);
    struct sockaddr_un address = control_address(directory);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    control_header_write(header, CONTROL_COMMAND, sizeof(line) - 1);
    assert_int_equal(send(fd, header, sizeof(header), MSG_NOSIGNAL), sizeof(header));
    assert_int_equal(send(fd, line, sizeof(line) - 1, MSG_NOSIGNAL), sizeof(line) - 1);
    while (memmem(answer, length, "show is answered", 16) == NULL) {
        (void)uv_run(&f->loop, UV_RUN_NOWAIT);
        ssize_t got = recv(fd, answer + length, sizeof(answer) - length, MSG_DONTWAIT);
        assert_int_not_equal(got, 0);
        length += got > 0 ? (size_t)got : 0;
    }
    close(fd);
    control_close(control);
    close(directory);
}

/* ---- Tests ------------------------------------------------------------------------------------------- */

static void a_command_is_answered_while_many_signatures_wait(void **state)
{
    enum { JOBS = 100 };
    struct fixture *f = *state;
    bool seen[JOBS] = {false};
    hold_the_pool(f);
    for (uint32_t i = 0; i < JOBS; i++)
        begin(f, i);

    command_is_answered(f);

    assert_int_equal(f->answer_count, 0);
    release();
    assert_int_equal(uv_run(&f->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(f->answer_count, JOBS);
    for (size_t i = 0; i < JOBS; i++) {
        assert_signed(&f->answers[i]);
        assert_true(f->answers[i].done.job < JOBS && !seen[f->answers[i].done.job]);
        seen[f->answers[i].done.job] = true;
    }
}

static void what_needs_no_signature_is_answered_at_once(void **state)
{
    struct fixture *f = *state;
    hold_the_pool(f);
    begin(f, 1);

    auth_jobs_do(&f->jobs, &f->keys, NULL, NULL, 2, &f->job);
    (void)snprintf(f->policy.mycert, sizeof(f->policy.mycert), "none");
    begin(f, 3);

    assert_int_equal(f->answer_count, 2);
    assert_int_equal(f->answers[0].done.job, 2);
    assert_false(f->answers[0].done.ok);
    assert_int_equal(f->answers[1].done.job, 3);
    assert_without_key(&f->answers[1]);
    release();
}

static void R91_a_key_that_is_erased_makes_no_signature_that_has_not_begun(void **state)
{
    struct fixture *f = *state;
    import(f, "east");
    hold_the_pool(f);
    begin(f, 1);
    begin(f, 2);
    (void)snprintf(f->policy.mycert, sizeof(f->policy.mycert), "east");
    begin(f, 3);

    assert_true(pki_store_erase(f->store, "west", NULL));
    auth_jobs_forget_keys(&f->jobs, f->store);
    import(f, "west"); /* the key again, but another entry */
    auth_jobs_forget_keys(&f->jobs, f->store);
    release();
    assert_int_equal(uv_run(&f->loop, UV_RUN_DEFAULT), 0);

    assert_int_equal(f->answer_count, 3);
    for (size_t i = 0; i < 3; i++) {
        if (f->answers[i].done.job == 3)
            assert_int_equal(f->answers[i].done.auth.fault, IKE_AUTH_OK);
        else
            assert_without_key(&f->answers[i]);
    }
}

static void R91_a_signature_under_way_ends_after_its_key_is_erased(void **state)
{
    struct fixture *f = *state;
    holds_signature = true;
    begin(f, 1);
    (void)sem_wait(&signing);

    assert_true(pki_store_erase(f->store, "west", NULL));
    auth_jobs_forget_keys(&f->jobs, f->store);
    assert_int_equal(f->answer_count, 0);
    release();
    assert_int_equal(uv_run(&f->loop, UV_RUN_DEFAULT), 0);

    assert_int_equal(f->answer_count, 1);
    assert_signed(&f->answers[0]);
}

static void signatures_that_wait_are_bounded(void **state)
{
    enum { LARGE = 1 << 20 };
    struct fixture *f = *state;
    uint8_t *large = calloc(1, LARGE);
    size_t begun = 0;
    f->job.own.signed_octets = (struct octets){large, LARGE};
    hold_the_pool(f);

    while (f->answer_count == 0) {
        begin(f, 1);
        begun++;
        assert_true(f->jobs.octets <= AUTH_JOBS_OCTETS_MAX);
    }

    assert_in_range(begun, 60, 65);
    assert_false(f->answers[0].done.ok);
    release();
    assert_int_equal(uv_run(&f->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(f->answer_count, begun);
    begin(f, 2); /* there is room again */
    assert_int_equal(uv_run(&f->loop, UV_RUN_DEFAULT), 0);
    assert_true(f->answers[begun].done.ok);
    free(large);
}

static void what_has_not_begun_when_the_keeper_ends_is_given_up(void **state)
{
    struct fixture *f = *state;
    hold_the_pool(f);
    for (uint32_t i = 0; i < 10; i++)
        begin(f, i);

    auth_jobs_stop(&f->jobs);
    (void)uv_run(&f->loop, UV_RUN_NOWAIT);

    assert_int_equal(f->answer_count, 10);
    for (size_t i = 0; i < 10; i++)
        assert_without_key(&f->answers[i]);
    release();
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(a_command_is_answered_while_many_signatures_wait),
        WITH_STORE(what_needs_no_signature_is_answered_at_once),
        WITH_STORE(R91_a_key_that_is_erased_makes_no_signature_that_has_not_begun),
        WITH_STORE(R91_a_signature_under_way_ends_after_its_key_is_erased),
        WITH_STORE(signatures_that_wait_are_bounded),
        WITH_STORE(what_has_not_begun_when_the_keeper_ends_is_given_up),
    };
    (void)setenv("UV_THREADPOOL_SIZE", "1", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
