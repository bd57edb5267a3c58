/* The run-dir and its lock (daemon/keeper/run_directory.h). Pauses are counted instead of slept. */
#include "daemon/keeper/run_directory.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { AT_ONCE = 20, FIRST_ENDS_AFTER = 100 /* pauses */ };

static struct {
    unsigned pauses;
    struct run_directory *first; /* which ends after some pauses, if it is set */
} waiting;

int __wrap_nanosleep(const struct timespec *pause, struct timespec *rest);
int __wrap_nanosleep(const struct timespec *pause, struct timespec *rest)
{
    (void)pause;
    (void)rest;
    if (++waiting.pauses == FIRST_ENDS_AFTER && waiting.first != NULL)
        run_directory_leave(waiting.first);
    return 0;
}

struct place {
    char parent[32];
    char path[64];
    struct run_directory first;
};

/* A run-dir that is taken. */
static struct place take_first(void)
{
    struct place p = {.parent = "/tmp/musubi-run-XXXXXX"};
    assert_non_null(mkdtemp(p.parent));
    (void)snprintf(p.path, sizeof(p.path), "%s/run", p.parent);
    assert_true(run_directory_take(&p.first, p.path));
    waiting.pauses = 0;
    waiting.first = NULL;
    return p;
}

static void remove_place(const struct place *p)
{
    assert_int_equal(access(p->path, F_OK), -1);
    assert_int_equal(rmdir(p->parent), 0);
}

static void a_run_directory_belongs_to_one_and_goes_with_it(void **state)
{
    (void)state;
    struct place p = take_first();
    struct run_directory second;
    assert_int_equal(access(p.path, F_OK), 0);
    assert_false(run_directory_take(&second, p.path));
    run_directory_leave(&p.first);
    assert_int_equal(access(p.path, F_OK), -1);

    assert_int_equal(mkdir(p.path, 0700), 0);
    assert_true(run_directory_take(&p.first, p.path));
    run_directory_leave(&p.first);
    assert_int_equal(rmdir(p.path), 0); /* was there before, and is empty again */
    remove_place(&p);
}

static void a_second_one_beside_one_that_runs_is_refused_at_once(void **state)
{
    (void)state;
    struct place p = take_first();
    struct run_directory second;

    assert_false(run_directory_take(&second, p.path));

    assert_true(waiting.pauses <= AT_ONCE);
    run_directory_leave(&p.first);
    remove_place(&p);
}

static void one_that_is_ending_is_waited_for(void **state)
{
    (void)state;
    struct place p = take_first();
    struct run_directory second;
    waiting.first = &p.first;
    run_directory_end(&p.first);

    assert_true(run_directory_take(&second, p.path));

    assert_int_equal(waiting.pauses, FIRST_ENDS_AFTER);
    run_directory_leave(&second);
    (void)rmdir(p.path);
    remove_place(&p);
}

/* Writes into the lock that a process has it: this one, or an earlier one of the same number. */
static void sign(const struct place *p, pid_t pid, bool this_one)
{
    char path[64];
    char text[1024];
    unsigned long long start = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    FILE *stat = fopen(path, "re");
    assert_non_null(stat);
    assert_non_null(fgets(text, sizeof(text), stat));
    (void)fclose(stat);
    char *word = strrchr(text, ')');
    for (int i = 0; i < 20; i++) /* starttime is the 20th behind the name */
        word = strchr(word + 1, ' ');
    start = strtoull(word, NULL, 10);
    int length = snprintf(text, sizeof(text), "%d %llu\n", (int)pid, this_one ? start : start + 1);
    assert_int_equal(ftruncate(p->first.lock, 0), 0);
    assert_int_equal(pwrite(p->first.lock, text, (size_t)length, 0), length);
}

/* Its other processes still have the lock. Nobody has waited for it yet, as it may be. */
static void the_processes_of_one_that_was_killed_are_waited_for(void **state)
{
    (void)state;
    struct place p = take_first();
    struct run_directory second;
    pid_t killed = fork();
    if (killed == 0)
        for (;;)
            (void)pause();
    assert_int_equal(kill(killed, SIGKILL), 0);
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)killed, &info, WEXITED | WNOWAIT), 0);
    sign(&p, killed, true);
    waiting.first = &p.first;

    assert_true(run_directory_take(&second, p.path));

    assert_int_equal(waiting.pauses, FIRST_ENDS_AFTER);
    assert_int_equal(waitpid(killed, NULL, 0), killed);
    run_directory_leave(&second);
    (void)rmdir(p.path);
    remove_place(&p);
}

static void another_process_with_the_number_of_one_that_was_killed_is_none(void **state)
{
    (void)state;
    struct place p = take_first();
    struct run_directory second;
    sign(&p, getpid(), false);
    waiting.first = &p.first;

    assert_true(run_directory_take(&second, p.path));

    assert_int_equal(waiting.pauses, FIRST_ENDS_AFTER);
    run_directory_leave(&second);
    (void)rmdir(p.path);
    remove_place(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_directory_belongs_to_one_and_goes_with_it),
        cmocka_unit_test(a_second_one_beside_one_that_runs_is_refused_at_once),
        cmocka_unit_test(one_that_is_ending_is_waited_for),
        cmocka_unit_test(the_processes_of_one_that_was_killed_are_waited_for),
        cmocka_unit_test(another_process_with_the_number_of_one_that_was_killed_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
