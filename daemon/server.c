#include "daemon/server.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "daemon/api.h"
#include "daemon/clock.h"
#include "daemon/control.h"
#include "daemon/inherit.h"
#include "daemon/keyfile.h"
#include "daemon/notify.h"
#include "daemon/publisher.h"
#include "daemon/tls.h"
#include "proto/date.h"

#define TICK_S 1
#define READERS_TICKS 60        /* between two looks for readers that died */
#define WRITER_SILENCE_MAX_S 30 /* a writer that gives nothing back for so long is stuck */
#define STOP_LOOK_US 20000
#define STOP_FLUSH_US 1000000 /* for answers to leave, once all are given */
#define STATUS_TICKS 5        /* between two lines for the service manager */
#define SIGNAL_COUNT 4

#define LISTENER_COUNT 3

/* By enum http_tag: sections of the configuration, and names of passed sockets. */
static const char *const listener_names[LISTENER_COUNT] = {
    [HTTP_FEED] = "feed", [HTTP_PUBLIC] = "public", [HTTP_METRICS] = "metrics"};

struct server {
	const struct config *config;

	/* the ledger */
	struct log_signers signers;
	struct store *store;
	struct guard *guard;
	struct head_box *head;

	/* the loop and what runs beside it */
	struct event_base *base;
	struct pool *pool;
	struct mailbox *finished; /* commands on their way back from the writer */
	struct event *finished_event;
	struct writer *writer;
	bool is_writing;             /* the writer's thread runs */
	struct publisher *publisher; /* NULL: no witnesses */
	struct event *signals[SIGNAL_COUNT];
	struct event *tick;
	uint64_t tick_count;
	char status[96]; /* as it was told last */

	/* the network */
	struct inherited inherited[LISTENER_COUNT]; /* by enum http_tag; fd -1 once it is a listener's */
	struct tls *feed_tls, *public_tls;
	struct http *http;
	struct api api;
	struct control *control; /* for commands on this machine */

	/* the end */
	struct event *stop_timer;
	bool is_stopping, is_hurried;
	enum err stop_cause;
	uint64_t stop_us;     /* monotonic: when it began */
	uint64_t answered_us; /* monotonic: when nothing was in work any more; 0 before */
};

/* ---- the end */

static bool may_end(struct server *server)
{
	uint64_t now_us = clock_monotonic_us();

	if (server->is_hurried || now_us - server->stop_us > SERVER_STOP_MAX_S * 1000000ULL)
		return true;
	if (http_in_work(server->http) > 0) {
		server->answered_us = 0;
		return false;
	}
	if (server->answered_us == 0)
		server->answered_us = now_us;
	return http_counters(server->http)->connections_open == 0 || now_us - server->answered_us > STOP_FLUSH_US;
}

static void on_stop_timer(evutil_socket_t fd, short what, void *cookie)
{
	struct server *server = cookie;

	(void)fd, (void)what;
	if (may_end(server))
		event_base_loopbreak(server->base);
}

static void stop(void *cookie, enum err cause)
{
	static const struct timeval interval = {.tv_usec = STOP_LOOK_US};
	struct server *server = cookie;

	if (cause != OK)
		server->stop_cause = cause;
	if (server->is_stopping)
		return;
	server->is_stopping = server->api.is_stopping = true;
	server->stop_us = clock_monotonic_us();
	notify_stopping();
	http_stop_accepting(server->http);
	if (event_add(server->stop_timer, &interval) != 0)
		event_base_loopbreak(server->base);
}

/* ---- events */

static void on_stop_signal(evutil_socket_t signal, short what, void *cookie)
{
	struct server *server = cookie;

	(void)what;
	log_notice("signal %d: stopping; %zu requests in work", (int)signal, http_in_work(server->http));
	if (server->is_stopping)
		server->is_hurried = true;
	stop(server, OK);
}

static void reload(struct tls *tls, const char *name)
{
	struct why why = {.text = ""};

	if (tls_reload(tls, &why) == OK)
		log_notice("%s: certificates read again", name);
	else
		log_error("%s: the certificates in use are kept: %s", name, why.text);
}

static void on_hangup(evutil_socket_t signal, short what, void *cookie)
{
	struct server *server = cookie;

	(void)signal, (void)what;
	reload(server->feed_tls, "feed");
	reload(server->public_tls, "public");
	if (server->publisher != NULL)
		publisher_reload(server->publisher);
}

static void on_trust_clock(evutil_socket_t signal, short what, void *cookie)
{
	struct server *server = cookie;

	(void)signal, (void)what;
	writer_trust_clock(server->writer);
}

static void hand_out_finished(struct server *server)
{
	struct mail *mail = mailbox_take(server->finished);

	while (mail != NULL) {
		struct command *command = mail_of(mail, struct command, mail);

		mail = mail->next; /* `done` may free the command */
		command->done(command);
	}
	api_answer_pushes(&server->api);
}

static void on_finished(evutil_socket_t fd, short what, void *cookie)
{
	(void)fd, (void)what;
	hand_out_finished(cookie);
}

/* For systemctl status; only where it has changed. */
static void tell_status(struct server *server)
{
	char text[sizeof(server->status)], time_text[TIME_TEXT_SIZE];
	struct head head;

	head_get(server->head, &head);
	if (server->api.last_push_us == 0) {
		snprintf(text, sizeof(text), "%llu entries; no push since the start", (unsigned long long)head.size);
	} else {
		time_format(server->api.last_push_us, time_text);
		snprintf(text, sizeof(text), "%llu entries; last push %s", (unsigned long long)head.size, time_text);
	}
	if (strcmp(text, server->status) == 0)
		return;
	memcpy(server->status, text, sizeof(text));
	notify_status("%s", text);
}

static void on_tick(evutil_socket_t fd, short what, void *cookie)
{
	struct server *server = cookie;

	(void)fd, (void)what;
	if (server->tick_count % READERS_TICKS == 0)
		store_check_readers(server->store);
	if (server->tick_count % STATUS_TICKS == 0)
		tell_status(server);
	server->tick_count++;
	if (api_is_alive(&server->api, WRITER_SILENCE_MAX_S * 1000000ULL))
		notify_watchdog();
}

/* ---- opening */

static enum err open_ledger(struct server *server, struct why *why)
{
	const struct config *config = server->config;
	struct store_txn *txn;
	enum err err = config_load_signers(config, &server->signers, why);

	if (err == OK)
		err = store_open(config->data, config->map_size, STORE_OPEN, &server->store, why);
	if (err == OK)
		err = guard_open(config->guard, &server->guard, why);
	if (err != OK)
		return err;
	server->head = head_box_new();
	if (server->head == NULL)
		return ERR_MEMORY;
	err = writer_open_head(server->store, server->guard, &server->signers, server->head, why);
	if (err == OK)
		err = store_read(server->store, &txn);
	if (err != OK)
		return err;
	err = api_identify(&server->api, txn, why);
	server->api.signers = &server->signers;
	store_abort(txn);
	return err;
}

/* The writer takes no signals: those belong to the loop. */
static enum err start_writer(struct server *server)
{
	const struct writer_settings settings = {
	    .store = server->store,
	    .guard = server->guard,
	    .signers = &server->signers,
	    .head = server->head,
	    .finished = server->finished,
	};
	sigset_t all, before;
	enum err err;

	sigfillset(&all);
	sigdelset(&all, SIGBUS); /* of the map; it must not be blocked where it is raised */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = writer_start(&settings, &server->writer);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	server->is_writing = err == OK;
	return err;
}

static enum err add_event(struct event **ret_event, struct event *event, const struct timeval *interval)
{
	*ret_event = event;
	return event != NULL && event_add(event, interval) == 0 ? OK : ERR_MEMORY;
}

/* What is watched on a connection changes several times a request: the kernel is told once a turn of the loop. */
static struct event_base *base_new(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	if (config != NULL && event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST) == 0)
		base = event_base_new_with_config(config);
	if (config != NULL)
		event_config_free(config);
	return base;
}

static enum err open_loop(struct server *server)
{
	static const struct timeval tick = {.tv_sec = TICK_S};
	struct event_base *base = base_new();
	enum err err;

	server->base = base;
	if (base == NULL)
		return ERR_MEMORY;
	err = pool_new(base, server->config->worker_count, &server->pool);
	if (err == OK)
		err = mailbox_new(COMMANDS_WAITING_MAX, &server->finished);
	if (err == OK)
		err = add_event(&server->finished_event,
		    event_new(base, mailbox_fd(server->finished), EV_READ | EV_PERSIST, on_finished, server), NULL);
	if (err == OK)
		err = start_writer(server);
	if (err == OK)
		err = add_event(&server->signals[0], evsignal_new(base, SIGTERM, on_stop_signal, server), NULL);
	if (err == OK)
		err = add_event(&server->signals[1], evsignal_new(base, SIGINT, on_stop_signal, server), NULL);
	if (err == OK)
		err = add_event(&server->signals[2], evsignal_new(base, SIGHUP, on_hangup, server), NULL);
	if (err == OK)
		err = add_event(&server->signals[3], evsignal_new(base, SIGUSR1, on_trust_clock, server), NULL);
	if (err == OK)
		err = add_event(&server->tick, event_new(base, -1, EV_PERSIST, on_tick, server), &tick);
	if (err != OK)
		return err;
	server->stop_timer = event_new(base, -1, EV_PERSIST, on_stop_timer, server);
	return server->stop_timer == NULL ? ERR_MEMORY : OK;
}

static enum err open_publisher(struct server *server, struct why *why)
{
	const struct config *config = server->config;
	struct key keys[LOG_KEYS_MAX];
	size_t key_count = log_signers_checkpoint_keys(&server->signers, keys);
	const struct publisher_settings settings = {
	    .policy = config->witness_policy,
	    .interval_s = config->witness_interval_s,
	    .timeout_s = config->witness_timeout_s,
	    .latest = server->head,
	    .ledger_keys = keys,
	    .ledger_key_count = key_count,
	};

	if (config->witness_policy == NULL)
		return OK;
	return publisher_new(server->base, &settings, &server->publisher, why);
}

static enum err open_tls(struct server *server, struct why *why)
{
	const struct config *config = server->config;
	const struct tls_files feed = {
	    .certificate = config->feed_certificate, .key = config->feed_key, .client_ca = config->feed_client_ca};
	const struct tls_files public = {.certificate = config->public_certificate, .key = config->public_key};
	enum err err = tls_new(&feed, &server->feed_tls, why);

	return err != OK ? err : tls_new(&public, &server->public_tls, why);
}

/* On the socket that was passed on, where there is one; it has then left `server->inherited`. */
static enum err listen_on(
    struct server *server, const struct http_listener_options *options, const char **ret_address, struct why *why)
{
	struct inherited *inherited = &server->inherited[options->tag];
	struct http_listener_options complete = *options;
	struct http_listener *listener;
	enum err err;

	if (inherited->fd >= 0) {
		complete.address = NULL;
		complete.fd = inherited->fd;
	} else if (options->address == NULL) {
		return why_set(why, ERR_CONFIG,
		    "[%s] listen is missing, and no socket named %s was passed: expected one of them",
		    listener_names[options->tag], listener_names[options->tag]);
	}
	complete.handle = api_handle;
	complete.cookie = &server->api;
	err = http_listen(server->http, &complete, &listener, why);
	if (err != OK)
		return err;
	inherited->fd = -1;
	*ret_address = http_listener_address(listener);
	return OK;
}

/* The rules that config_load keeps for `listen` hold for a passed socket too. */
static enum err take_inherited(struct server *server, struct why *why)
{
	struct inherited *inherited = server->inherited;
	enum err err = inherit_take(listener_names, LISTENER_COUNT, inherited, why);

	if (err == OK && inherited[HTTP_FEED].fd >= 0)
		err = config_check_feed(server->config, &inherited[HTTP_FEED].address, why);
	if (err == OK && inherited[HTTP_METRICS].fd >= 0)
		err = config_check_metrics(&inherited[HTTP_METRICS].address, why);
	return err;
}

static enum err open_listeners(struct server *server, struct why *why)
{
	const struct config *config = server->config;
	const char *feed = NULL, *public = NULL, *metrics = NULL;
	bool is_for_anyone = config->feed_client_ca == NULL && config->feed_is_open;
	const struct http_listener_options options[] = {
	    {.tag = HTTP_FEED,
		.address = config->feed_listen,
		.tls = server->feed_tls,
		.body_max = is_for_anyone ? HTTP_FEED_OPEN_BODY_MAX : HTTP_FEED_BODY_MAX},
	    {.tag = HTTP_PUBLIC,
		.address = config->public_listen,
		.tls = server->public_tls,
		.body_max = HTTP_PUBLIC_BODY_MAX},
	    {.tag = HTTP_METRICS, .address = config->metrics_listen, .body_max = HTTP_PUBLIC_BODY_MAX},
	};
	enum err err = listen_on(server, &options[0], &feed, why);

	if (err == OK)
		err = listen_on(server, &options[1], &public, why);
	if (err == OK && (config->metrics_listen != NULL || server->inherited[HTTP_METRICS].fd >= 0))
		err = listen_on(server, &options[2], &metrics, why);
	if (err == OK)
		err = config_write_addresses(config, feed, public, metrics, why);
	if (err == OK)
		log_notice("ledger %s of %s; feed on %s, public on %s%s%s", server->api.identity.ledger_id,
		    server->api.identity.origin, feed, public, metrics != NULL ? ", metrics on " : "",
		    metrics != NULL ? metrics : "");
	return err;
}

static enum err open_network(struct server *server, struct why *why)
{
	enum err err = open_tls(server, why);

	if (err == OK)
		err = http_new(server->base, &server->http);
	if (err != OK)
		return err;
	server->api.store = server->store;
	server->api.head = server->head;
	server->api.publisher = server->publisher;
	server->api.published = server->publisher != NULL ? publisher_box(server->publisher) : server->head;
	server->api.pool = server->pool;
	server->api.writer = server->writer;
	server->api.http = server->http;
	server->api.stop = stop;
	server->api.cookie = server;
	return open_listeners(server, why);
}

static enum err open_control(struct server *server, struct why *why)
{
	const struct control_settings settings = {
	    .base = server->base,
	    .data = server->config->data,
	    .store = server->store,
	    .signers = &server->signers,
	    .head = server->head,
	    .copy_limit_ms = BACKUP_COPY_MAX_S * 1000ULL,
	    .idle_limit_ms = CONTROL_IDLE_MAX_S * 1000ULL,
	};

	return control_open(&settings, &server->control, why);
}

enum err server_open(const struct config *config, struct server **ret_server, struct why *why)
{
	struct server *server = calloc(1, sizeof(*server));
	enum err err;

	if (server == NULL)
		return ERR_MEMORY;
	server->config = config;
	err = api_init(&server->api);
	if (err == OK)
		err = take_inherited(server, why);
	if (err == OK)
		err = open_ledger(server, why);
	if (err == OK)
		err = open_loop(server);
	if (err == OK)
		err = open_control(server, why);
	if (err == OK)
		err = open_publisher(server, why);
	if (err == OK)
		err = open_network(server, why);
	if (err != OK) {
		server_close(server);
		return err;
	}
	notify_ready();
	*ret_server = server;
	return OK;
}

/* ---- running and closing */

/* Answers whatever is left: the workers' jobs first, for they may still give the writer something to do. */
static void finish(struct server *server)
{
	if (server->pool != NULL)
		pool_stop(server->pool);
	if (server->is_writing)
		writer_stop(server->writer);
	server->is_writing = false;
	if (server->finished != NULL)
		while (mailbox_count(server->finished) > 0)
			hand_out_finished(server);
}

enum err server_run(struct server *server)
{
	event_base_dispatch(server->base);
	finish(server);
	/* Where the wait was cut, the last answers still have to be written. */
	event_base_loop(server->base, EVLOOP_NONBLOCK);
	log_notice("stopped");
	return server->stop_cause;
}

static void free_event(struct event *event)
{
	if (event != NULL)
		event_free(event);
}

void server_close(struct server *server)
{
	if (server == NULL)
		return;
	control_close(server->control);
	server->control = NULL;
	finish(server);
	/* What looks at the network goes before it: the loop turns once more below. */
	for (size_t i = 0; i < SIGNAL_COUNT; i++)
		free_event(server->signals[i]);
	free_event(server->tick);
	free_event(server->stop_timer);
	http_free(server->http);
	/* A connection that was closed in the middle of a read lets go of its memory on the loop's next turn. */
	if (server->base != NULL)
		event_base_loop(server->base, EVLOOP_NONBLOCK);
	for (size_t i = 0; i < LISTENER_COUNT; i++)
		if (server->inherited[i].fd >= 0)
			close(server->inherited[i].fd);
	tls_free(server->feed_tls);
	tls_free(server->public_tls);
	writer_free(server->writer);
	free_event(server->finished_event);
	mailbox_free(server->finished);
	pool_free(server->pool);
	publisher_free(server->publisher);
	if (server->base != NULL)
		event_base_free(server->base);
	api_done(&server->api);
	head_box_free(server->head);
	guard_close(server->guard);
	store_close(server->store);
	log_signers_done(&server->signers);
	free(server);
}
