/*
 * Where settings come from: the configuration file, the environment, and global options, each over the one before.
 * Strict: a key nobody knows is an error that names file and line, for a setting silently ignored is a trap.
 */
#ifndef CLIENT_SETTINGS_H
#define CLIENT_SETTINGS_H

#include "client/client.h"

/* The global options, for the parser and the help. */
extern const struct option settings_options[];

void settings_init(struct settings *settings);
void settings_done(struct settings *settings);
/* Reads `path`, which need not exist. ERR_CONFIG with file and line. */
enum err settings_read_file(struct settings *settings, const char *path, struct why *why) must_check;
/* Takes over SUBSIDY_* from the environment. ERR_MEMORY. */
enum err settings_read_environment(struct settings *settings) must_check;
/* One global option, by its name in settings_options. ERR_MEMORY. */
enum err settings_set(struct settings *settings, const char *name, const char *value) must_check;
/* Fills in the state folder. ERR_CONFIG where there is no home to put it in. */
enum err settings_finish(struct settings *settings, struct why *why) must_check;
/* ~/.config/subsidy.conf (XDG_CONFIG_HOME is honoured). NULL where there is no home; freed by the caller. */
char *settings_path(void);

#endif
