#ifndef PROTO_VERSION_H
#define PROTO_VERSION_H

/* Of both programs. */
#define SUBSIDY_VERSION "0.1"

#endif
