#ifndef DAEMON_VERSION_H
#define DAEMON_VERSION_H

#define SUBSIDYD_VERSION "0.1"

#endif
