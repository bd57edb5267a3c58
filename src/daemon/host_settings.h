/*
 * config/host_settings.h beside ike/ike.h: both define the levels of the event log, in the same order.
 */
#ifndef MUSUBI_DAEMON_HOST_SETTINGS_H
#define MUSUBI_DAEMON_HOST_SETTINGS_H

#include "ike/ike.h"

#define log_level        config_log_level
#define LOG_LEVEL_ERROR  CONFIG_LOG_LEVEL_ERROR
#define LOG_LEVEL_WARN   CONFIG_LOG_LEVEL_WARN
#define LOG_LEVEL_NOTICE CONFIG_LOG_LEVEL_NOTICE
#define LOG_LEVEL_INFO   CONFIG_LOG_LEVEL_INFO
#define LOG_LEVEL_DEBUG  CONFIG_LOG_LEVEL_DEBUG
#include "config/host_settings.h"
#undef log_level
#undef LOG_LEVEL_ERROR
#undef LOG_LEVEL_WARN
#undef LOG_LEVEL_NOTICE
#undef LOG_LEVEL_INFO
#undef LOG_LEVEL_DEBUG

#endif
