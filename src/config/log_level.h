/*
 * Levels of the event log (R102), which config, engine and keeper share; most important first.
 */
#ifndef MUSUBI_CONFIG_LOG_LEVEL_H
#define MUSUBI_CONFIG_LOG_LEVEL_H

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_NOTICE, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

#endif
