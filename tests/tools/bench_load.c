/*
 * The load of the benchmark: kept TLS connections, one request outstanding on each, all of them served by one thread, for
 * it shares the processors with the daemon that it measures.
 *
 *	bench_load push ADDRESS CA LANES WINDOW VENUE=FEED…
 *		Every push of every feed, each feed in its order, LANES connections a feed. A push is sent when the one
 *		before it has been written, so with two lanes the daemon always has the next one waiting.
 *	bench_load get ADDRESS CA TOKEN CONNECTIONS COUNT PATHS
 *		COUNT reads of the paths in the file, one a line, in turn; 0: until standard input ends.
 *
 * Prints one line of JSON: what was done, in which time, and the latencies; of pushes also the records a second of the
 * first and of the last WINDOW records, and how often one had to be sent again.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#define LANES_MAX 256u
#define ANSWER_SIZE_MAX (4u << 20)
#define AGAIN_MAX 5000u /* times one push may be told to come again */
#define AGAIN_PAUSE_US 2000
#define HEAD_SIZE_MAX 1024

static void die(const char *what, const char *text)
{
	fprintf(stderr, "bench_load: %s%s%s\n", what, text == NULL ? "" : ": ", text == NULL ? "" : text);
	exit(1);
}

static uint64_t now_us(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000u + (uint64_t)time.tv_nsec / 1000u;
}

/* ---- connections */

struct target {
	SSL_CTX *context;
	char host[256];
	const char *port;
};

struct connection {
	SSL *ssl;
	int fd;
	char *answer; /* head and body of the newest answer, with a zero behind it */
	size_t size;  /* received of it */
	size_t whole; /* its whole size; 0: not known yet */
};

static void target_open(struct target *target, const char *address, const char *ca)
{
	const char *colon = strrchr(address, ':');

	if (colon == NULL || (size_t)(colon - address) >= sizeof(target->host))
		die("not HOST:PORT", address);
	memcpy(target->host, address, (size_t)(colon - address));
	target->host[colon - address] = '\0';
	target->port = colon + 1;
	target->context = SSL_CTX_new(TLS_client_method());
	if (target->context == NULL || SSL_CTX_load_verify_locations(target->context, ca, NULL) != 1)
		die("can't read the certificates", ca);
	SSL_CTX_set_verify(target->context, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_mode(target->context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_read_ahead(target->context, 1); /* a record costs one read, not two */
}

static void connection_open(struct connection *connection, const struct target *target)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *found;
	const int on = 1;

	if (getaddrinfo(target->host, target->port, &hints, &found) != 0)
		die("unknown address", target->host);
	connection->fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connection->fd < 0 || connect(connection->fd, found->ai_addr, found->ai_addrlen) != 0)
		die("can't connect", strerror(errno));
	freeaddrinfo(found);
	setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	connection->ssl = SSL_new(target->context);
	connection->answer = malloc(ANSWER_SIZE_MAX + 1);
	if (connection->ssl == NULL || connection->answer == NULL || SSL_set1_host(connection->ssl, target->host) != 1)
		die("no memory", NULL);
	SSL_set_fd(connection->ssl, connection->fd);
	if (SSL_connect(connection->ssl) != 1)
		die("no TLS", ERR_reason_error_string(ERR_peek_last_error()));
	if (fcntl(connection->fd, F_SETFL, O_NONBLOCK) != 0)
		die("can't set the socket", strerror(errno));
}

static void connection_close(struct connection *connection)
{
	SSL_free(connection->ssl);
	close(connection->fd);
	free(connection->answer);
}

static const char *broke(int is_writing)
{
	return is_writing ? "the connection broke while writing" : "the connection broke while reading";
}

/* As much as goes now; how much that was. Readable before writable: a record of the peer's may have to come first. */
static size_t send_some(struct connection *connection, const void *data, size_t size)
{
	size_t all = 0, written;

	while (all < size && SSL_write_ex(connection->ssl, (const char *)data + all, size - all, &written) == 1)
		all += written;
	if (all < size && SSL_get_error(connection->ssl, 0) != SSL_ERROR_WANT_WRITE)
		die(broke(1), NULL);
	return all;
}

/* The whole size of an answer whose head ends in the bytes so far; 0: not yet. */
static size_t answer_size(const char *answer)
{
	static const char name[] = "\r\nContent-Length: ";
	const char *end = strstr(answer, "\r\n\r\n"), *length;

	if (end == NULL)
		return 0;
	length = strcasestr(answer, name);
	if (length == NULL || length > end)
		die("an answer without Content-Length", answer);
	return (size_t)(end + 4 - answer) + strtoul(length + sizeof(name) - 1, NULL, 10);
}

/* Receives what is there of one answer; its status once it is whole, else 0. */
static unsigned receive(struct connection *connection)
{
	do {
		size_t got;

		if (connection->size == ANSWER_SIZE_MAX)
			die("an answer is too large", NULL);
		if (SSL_read_ex(connection->ssl, connection->answer + connection->size,
			ANSWER_SIZE_MAX - connection->size, &got) != 1) {
			if (SSL_get_error(connection->ssl, 0) != SSL_ERROR_WANT_READ)
				die(broke(0), NULL);
			return 0;
		}
		connection->size += got;
		connection->answer[connection->size] = '\0';
		if (connection->whole == 0)
			connection->whole = answer_size(connection->answer);
	} while (connection->whole == 0 || connection->size < connection->whole);
	if (strncmp(connection->answer, "HTTP/1.1 ", 9) != 0)
		die("not HTTP", connection->answer);
	connection->size = connection->whole = 0;
	return (unsigned)strtoul(connection->answer + 9, NULL, 10);
}

/* ---- what was measured */

struct sample {
	uint64_t end_us;
	uint32_t took_us;
	uint32_t records;
};

struct samples {
	struct sample *items;
	size_t count, capacity;
};

static void samples_add(struct samples *samples, uint64_t start_us, uint32_t records)
{
	uint64_t end_us = now_us();

	if (samples->count == samples->capacity) {
		samples->capacity = samples->capacity == 0 ? 1024 : 2 * samples->capacity;
		samples->items = reallocarray(samples->items, samples->capacity, sizeof(*samples->items));
		if (samples->items == NULL)
			die("no memory", NULL);
	}
	samples->items[samples->count++] = (struct sample){end_us, (uint32_t)(end_us - start_us), records};
}

static int compare_ends(const void *a, const void *b)
{
	const struct sample *left = a, *right = b;

	return (left->end_us > right->end_us) - (left->end_us < right->end_us);
}

static int compare_latencies(const void *a, const void *b)
{
	const struct sample *left = a, *right = b;

	return (left->took_us > right->took_us) - (left->took_us < right->took_us);
}

static double per_second(uint64_t count, uint64_t us)
{
	return us == 0 ? 0 : (double)count * 1e6 / (double)us;
}

/* Records a second of the first (or the last) `window` records, by when their pushes were answered. */
static double rate_of_window(const struct samples *samples, uint64_t start_us, uint64_t window, bool is_first)
{
	uint64_t records = 0, from_us;
	size_t i;

	if (is_first) {
		for (i = 0; i < samples->count && records < window; i++)
			records += samples->items[i].records;
		return i == 0 ? 0 : per_second(records, samples->items[i - 1].end_us - start_us);
	}
	for (i = samples->count; i > 0 && records < window; i--)
		records += samples->items[i - 1].records;
	if (samples->count == 0)
		return 0;
	from_us = i == 0 ? start_us : samples->items[i - 1].end_us;
	return per_second(records, samples->items[samples->count - 1].end_us - from_us);
}

static double latency_ms(const struct samples *samples, double share)
{
	size_t place = (size_t)((double)samples->count * share);

	if (samples->count == 0)
		return 0;
	return samples->items[place < samples->count ? place : samples->count - 1].took_us / 1e3;
}

static void print_result(struct samples *samples, uint64_t start_us, uint64_t window, uint64_t again)
{
	uint64_t records = 0, took_us;
	double first, last;

	qsort(samples->items, samples->count, sizeof(*samples->items), compare_ends);
	took_us = samples->count == 0 ? 0 : samples->items[samples->count - 1].end_us - start_us;
	for (size_t i = 0; i < samples->count; i++)
		records += samples->items[i].records;
	first = rate_of_window(samples, start_us, window, true);
	last = rate_of_window(samples, start_us, window, false);
	qsort(samples->items, samples->count, sizeof(*samples->items), compare_latencies);
	printf("{\"seconds\":%.6f,\"requests\":%zu,\"records\":%llu,\"again\":%llu,\"request_rps\":%.3f,"
	       "\"record_rps\":%.3f,\"first_rps\":%.3f,\"last_rps\":%.3f,\"p50_ms\":%.3f,\"p99_ms\":%.3f}\n",
	    (double)took_us / 1e6, samples->count, (unsigned long long)records, (unsigned long long)again,
	    per_second(samples->count, took_us), per_second(records, took_us), first, last, latency_ms(samples, 0.5),
	    latency_ms(samples, 0.99));
}

/* ---- lanes: a connection each */

struct feed {
	char *venue;
	const uint8_t *bytes;
	size_t size, offset;
	struct lane *writing; /* so that pushes arrive in order: the next one is begun when this one's is written */
	unsigned lane_count;
};

struct lane {
	struct connection connection;
	struct samples samples;
	uint64_t again;
	struct feed *feed; /* NULL: it reads */
	/* The request. */
	char head[HEAD_SIZE_MAX]; /* of a small push with its body */
	const void *parts[2];
	size_t sizes[2];
	size_t sent; /* of both parts together */
	uint64_t start_us, due_us; /* when it began; when it is to be sent again, or 0 */
	uint32_t records;
	unsigned tries;
	bool is_busy; /* it has a request */
	bool is_writing;
};

static struct lane lanes[LANES_MAX];
static unsigned lane_count, busy_count, waiting_count;
static int epoll_fd;

static struct {
	char **requests;
	size_t request_count, next, count_max;
} reads;

static uint32_t read_u32(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void watch(struct lane *lane, bool is_writing)
{
	struct epoll_event event = {.events = EPOLLIN | (is_writing ? EPOLLOUT : 0), .data.ptr = lane};

	if (is_writing == lane->is_writing)
		return;
	lane->is_writing = is_writing;
	if (epoll_ctl(epoll_fd, EPOLL_CTL_MOD, lane->connection.fd, &event) != 0)
		die("epoll", strerror(errno));
}

static void begin_next(struct lane *lane);

/* Another lane of the feed may begin once this one's push is out. */
static void leave_turn(struct lane *lane)
{
	struct feed *feed = lane->feed;

	if (feed == NULL || feed->writing != lane)
		return;
	feed->writing = NULL;
	for (unsigned i = 0; feed->lane_count > 1 && i < lane_count; i++)
		if (lanes[i].feed == feed && !lanes[i].is_busy)
			begin_next(&lanes[i]);
}

static void send_rest(struct lane *lane)
{
	size_t whole = lane->sizes[0] + lane->sizes[1];

	while (lane->sent < whole) {
		unsigned part = lane->sent < lane->sizes[0] ? 0 : 1;
		size_t skip = lane->sent - (part == 0 ? 0 : lane->sizes[0]), rest = lane->sizes[part] - skip;
		size_t sent = send_some(&lane->connection, (const char *)lane->parts[part] + skip, rest);

		lane->sent += sent;
		if (sent < rest)
			break;
	}
	watch(lane, lane->sent < whole);
	if (lane->sent == whole)
		leave_turn(lane);
}

static void send_request(struct lane *lane)
{
	lane->sent = 0;
	send_rest(lane);
}

static void begin_push(struct lane *lane)
{
	struct feed *feed = lane->feed;
	const uint8_t *push = feed->bytes + feed->offset;
	size_t size = read_u32(push), length;

	lane->records = read_u32(push + 4);
	feed->offset += 8 + size;
	feed->writing = lane;
	length = (size_t)snprintf(lane->head, sizeof(lane->head),
	    "POST /v1/feeds/%s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/protobuf\r\n"
	    "Content-Length: %zu\r\n\r\n",
	    feed->venue, size);
	lane->parts[0] = lane->head;
	lane->parts[1] = push + 8;
	lane->sizes[0] = length;
	lane->sizes[1] = size;
	/* A small push goes out in one piece. */
	if (size <= sizeof(lane->head) - length) {
		memcpy(lane->head + length, push + 8, size);
		lane->sizes[0] += size;
		lane->sizes[1] = 0;
	}
}

/* The lane's next request, where there is one that may begin. */
static void begin_next(struct lane *lane)
{
	struct feed *feed = lane->feed;

	if (lane->is_busy || (feed != NULL && (feed->writing != NULL || feed->offset == feed->size)) ||
	    (feed == NULL && reads.next >= reads.count_max))
		return;
	lane->is_busy = true;
	lane->tries = 0;
	busy_count++;
	lane->start_us = now_us();
	if (feed != NULL) {
		begin_push(lane);
	} else {
		lane->parts[0] = reads.requests[reads.next++ % reads.request_count];
		lane->sizes[0] = strlen(lane->parts[0]);
		lane->sizes[1] = 0;
	}
	send_request(lane);
}

/* Busy or full, or come before the push that precedes it: those are told to come again. */
static bool must_come_again(const struct lane *lane, unsigned status)
{
	if (status == 200)
		return false;
	if (lane->feed == NULL)
		die("a read was refused", lane->connection.answer);
	if ((status != 429 && status != 503 && strstr(lane->connection.answer, "feed_gap") == NULL) ||
	    lane->tries == AGAIN_MAX)
		die("a push was refused", lane->connection.answer);
	return true;
}

static void on_answer(struct lane *lane, unsigned status)
{
	if (lane->sent < lane->sizes[0] + lane->sizes[1])
		die("an answer before the end of its request", lane->connection.answer);
	if (must_come_again(lane, status)) {
		lane->tries++;
		lane->again++;
		lane->due_us = now_us() + AGAIN_PAUSE_US;
		waiting_count++;
		return;
	}
	samples_add(&lane->samples, lane->start_us, lane->records);
	lane->is_busy = false;
	busy_count--;
	begin_next(lane);
}

static void add_lane(const struct target *target, struct feed *feed)
{
	struct lane *lane = &lanes[lane_count];
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = lane};

	if (lane_count == LANES_MAX)
		die("too many connections", NULL);
	lane->feed = feed;
	if (feed != NULL)
		feed->lane_count++;
	connection_open(&lane->connection, target);
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, lane->connection.fd, &event) != 0)
		die("epoll", strerror(errno));
	lane_count++;
}

static void send_due(void)
{
	uint64_t time_us = now_us();

	for (unsigned i = 0; waiting_count > 0 && i < lane_count; i++) {
		if (lanes[i].due_us == 0 || lanes[i].due_us > time_us)
			continue;
		lanes[i].due_us = 0;
		waiting_count--;
		send_request(&lanes[i]);
	}
}

/* The end of standard input: no further read is begun. */
static void on_input(void)
{
	char bytes[64];

	if (read(STDIN_FILENO, bytes, sizeof(bytes)) > 0)
		return;
	reads.count_max = 0;
	epoll_ctl(epoll_fd, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
}

/* Until every lane is done; when it began. Handshakes are not measured. */
static uint64_t run_lanes(void)
{
	struct epoll_event events[64];
	uint64_t start_us = now_us();

	for (unsigned i = 0; i < lane_count; i++)
		begin_next(&lanes[i]);
	while (busy_count > 0) {
		int count = epoll_wait(epoll_fd, events, 64, waiting_count > 0 ? 1 : -1);

		for (int i = 0; i < count; i++) {
			struct lane *lane = events[i].data.ptr;
			unsigned status;

			if (lane == NULL) {
				on_input();
				continue;
			}
			if (lane->is_writing)
				send_rest(lane);
			if (!lane->is_busy) /* it has nothing more to do, and the daemon closes it */
				epoll_ctl(epoll_fd, EPOLL_CTL_DEL, lane->connection.fd, NULL);
			status = lane->is_busy && lane->due_us == 0 ? receive(&lane->connection) : 0;
			if (status != 0)
				on_answer(lane, status);
		}
		if (waiting_count > 0)
			send_due();
	}
	return start_us;
}

static void finish_lanes(uint64_t start_us, uint64_t window)
{
	struct samples all = {0};
	uint64_t again = 0;

	for (unsigned i = 0; i < lane_count; i++) {
		struct samples *samples = &lanes[i].samples;

		all.items = reallocarray(all.items, all.count + samples->count + 1, sizeof(*all.items));
		if (all.items == NULL)
			die("no memory", NULL);
		if (samples->count > 0)
			memcpy(all.items + all.count, samples->items, samples->count * sizeof(*samples->items));
		all.count += samples->count;
		again += lanes[i].again;
		free(samples->items);
		connection_close(&lanes[i].connection);
	}
	print_result(&all, start_us, window, again);
	free(all.items);
}

/* ---- the two loads */

static void feed_open(struct feed *feed, char *argument)
{
	char *path = strchr(argument, '=');
	struct stat status;
	void *bytes;
	int fd;

	if (path == NULL)
		die("not VENUE=FEED", argument);
	*path++ = '\0';
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status) != 0 || status.st_size == 0)
		die("can't read the feed", path);
	bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		die("can't map the feed", path);
	close(fd);
	*feed = (struct feed){.venue = argument, .bytes = bytes, .size = (size_t)status.st_size};
}

static void load_push(const struct target *target, unsigned lanes_each, uint64_t window, char **arguments, int count)
{
	struct feed *feeds = calloc((size_t)count, sizeof(*feeds));
	uint64_t start_us;

	if (feeds == NULL)
		die("no memory", NULL);
	for (int i = 0; i < count; i++) {
		feed_open(&feeds[i], arguments[i]);
		for (unsigned lane = 0; lane < lanes_each; lane++)
			add_lane(target, &feeds[i]);
	}
	start_us = run_lanes();
	finish_lanes(start_us, window);
	for (int i = 0; i < count; i++)
		munmap((void *)(uintptr_t)feeds[i].bytes, feeds[i].size);
	free(feeds);
}

static void read_requests(const char *path, const char *token)
{
	FILE *file = fopen(path, "r");
	char line[HEAD_SIZE_MAX];

	if (file == NULL)
		die("can't read the paths", path);
	while (fgets(line, sizeof(line), file) != NULL) {
		char *request;

		line[strcspn(line, "\n")] = '\0';
		if (asprintf(&request, "GET %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n", line,
			token) < 0)
			die("no memory", NULL);
		reads.requests = reallocarray(reads.requests, reads.request_count + 1, sizeof(*reads.requests));
		if (reads.requests == NULL)
			die("no memory", NULL);
		reads.requests[reads.request_count++] = request;
	}
	fclose(file);
	if (reads.request_count == 0)
		die("no path to read", path);
}

static void load_get(const struct target *target, unsigned connections, size_t count)
{
	struct epoll_event input = {.events = EPOLLIN};

	reads.count_max = count == 0 ? SIZE_MAX : count;
	for (unsigned i = 0; i < connections; i++)
		add_lane(target, NULL);
	if (count == 0 && epoll_ctl(epoll_fd, EPOLL_CTL_ADD, STDIN_FILENO, &input) != 0)
		die("standard input can't be watched", strerror(errno));
	finish_lanes(run_lanes(), 0);
	for (size_t i = 0; i < reads.request_count; i++)
		free(reads.requests[i]);
	free(reads.requests);
}

int main(int argc, char **argv)
{
	struct target target;

	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd < 0)
		die("epoll", strerror(errno));
	if (argc >= 7 && strcmp(argv[1], "push") == 0) {
		target_open(&target, argv[2], argv[3]);
		load_push(
		    &target, (unsigned)strtoul(argv[4], NULL, 10), strtoull(argv[5], NULL, 10), argv + 6, argc - 6);
	} else if (argc == 8 && strcmp(argv[1], "get") == 0) {
		target_open(&target, argv[2], argv[3]);
		read_requests(argv[7], argv[4]);
		load_get(&target, (unsigned)strtoul(argv[5], NULL, 10), strtoul(argv[6], NULL, 10));
	} else {
		die("usage: bench_load push ADDRESS CA LANES WINDOW VENUE=FEED… | get ADDRESS CA TOKEN CONNECTIONS "
		    "COUNT "
		    "PATHS",
		    NULL);
	}
	SSL_CTX_free(target.context);
	return 0;
}
