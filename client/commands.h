/*
 * All commands, in the order in which `subsidy --help` lists them. A command's struct is COMMAND_<name>'s file,
 * cmd_<name>.c: add a line here and nothing else.
 */
#ifndef CLIENT_COMMANDS_H
#define CLIENT_COMMANDS_H

#include "client/client.h"

/* clang-format off */
#define COMMAND_LIST(X) \
	X(cmd_key) \
	X(cmd_push) \
	X(cmd_receipt) \
	X(cmd_order) \
	X(cmd_list) \
	X(cmd_show) \
	X(cmd_trades) \
	X(cmd_explain) \
	X(cmd_statement) \
	X(cmd_feed) \
	X(cmd_overview) \
	X(cmd_policies) \
	X(cmd_grants) \
	X(cmd_export) \
	X(cmd_monitor) \
	X(cmd_verify)
/* clang-format on */

#define COMMAND_DECLARE(name) extern const struct command name;
COMMAND_LIST(COMMAND_DECLARE)
#undef COMMAND_DECLARE

#endif
