/*
 * musubid. What an operator starts is the keeper, which starts the same program again as engine and as path.
 */
#include <string.h>

#include "daemon/engine/process.h"
#include "daemon/ipc/spawn.h"
#include "daemon/keeper/arguments.h"
#include "daemon/keeper/keeper.h"
#include "daemon/path/process.h"

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], SPAWN_ENGINE_ARGUMENT) == 0)
        return engine_process_run();
    if (argc == 2 && strcmp(argv[1], SPAWN_PATH_ARGUMENT) == 0)
        return path_process_run();
    struct arguments arguments;
    enum exit_status status;
    if (arguments_read(argc, argv, &arguments, &status))
        status = keeper_run(&arguments);
    arguments_free(&arguments);
    return (int)status;
}
