/*
 * The load of the benchmark: blocking TLS connections, a thread each, kept alive, one request outstanding on each.
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
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
	size_t size;
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
}

static void connection_close(struct connection *connection)
{
	SSL_free(connection->ssl);
	close(connection->fd);
	free(connection->answer);
}

static void send_all(struct connection *connection, const void *data, size_t size)
{
	size_t written;

	if (size > 0 && SSL_write_ex(connection->ssl, data, size, &written) != 1)
		die("the connection broke while writing", NULL);
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

/* Receives one answer; its status. */
static unsigned receive(struct connection *connection)
{
	size_t whole = 0;

	connection->size = 0;
	do {
		size_t got;

		if (connection->size == ANSWER_SIZE_MAX)
			die("an answer is too large", NULL);
		if (SSL_read_ex(connection->ssl, connection->answer + connection->size,
			ANSWER_SIZE_MAX - connection->size, &got) != 1)
			die("the connection broke while reading", NULL);
		connection->size += got;
		connection->answer[connection->size] = '\0';
		if (whole == 0)
			whole = answer_size(connection->answer);
	} while (whole == 0 || connection->size < whole);
	if (strncmp(connection->answer, "HTTP/1.1 ", 9) != 0)
		die("not HTTP", connection->answer);
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

/* ---- lanes: a thread and a connection each */

struct feed {
	char *venue;
	const uint8_t *bytes;
	size_t size, offset;
	pthread_mutex_t turn; /* held while a push is chosen and written, so that they arrive in order */
};

struct lane {
	pthread_t thread;
	struct connection connection;
	struct samples samples;
	uint64_t again;
	struct feed *feed; /* NULL: it reads */
};

static struct lane lanes[LANES_MAX];
static unsigned lane_count;
static pthread_barrier_t all_ready; /* handshakes are not measured */

static struct {
	char **requests;
	size_t request_count;
	atomic_size_t next, count_max;
} reads;

static uint32_t read_u32(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void send_push(struct lane *lane, const uint8_t *body, size_t size)
{
	char head[HEAD_SIZE_MAX];
	int length = snprintf(head, sizeof(head),
	    "POST /v1/feeds/%s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/protobuf\r\n"
	    "Content-Length: %zu\r\n\r\n",
	    lane->feed->venue, size);

	/* A small push goes out in one piece. */
	if (size <= sizeof(head) - (size_t)length) {
		memcpy(head + length, body, size);
		send_all(&lane->connection, head, (size_t)length + size);
		return;
	}
	send_all(&lane->connection, head, (size_t)length);
	send_all(&lane->connection, body, size);
}

/* Until it is taken: busy or full, or come before the push that precedes it, are told to come again. */
static void finish_push(struct lane *lane, const uint8_t *body, size_t size)
{
	for (unsigned i = 0;; i++) {
		unsigned status = receive(&lane->connection);

		if (status == 200)
			return;
		if ((status != 429 && status != 503 && strstr(lane->connection.answer, "feed_gap") == NULL) ||
		    i == AGAIN_MAX)
			die("a push was refused", lane->connection.answer);
		lane->again++;
		usleep(AGAIN_PAUSE_US);
		send_push(lane, body, size);
	}
}

static void *push(void *cookie)
{
	struct lane *lane = cookie;
	struct feed *feed = lane->feed;

	pthread_barrier_wait(&all_ready);
	for (;;) {
		const uint8_t *head, *body;
		uint64_t start_us;
		size_t size;

		pthread_mutex_lock(&feed->turn);
		if (feed->offset == feed->size) {
			pthread_mutex_unlock(&feed->turn);
			return NULL;
		}
		head = feed->bytes + feed->offset;
		size = read_u32(head);
		body = head + 8;
		feed->offset += 8 + size;
		start_us = now_us();
		send_push(lane, body, size);
		pthread_mutex_unlock(&feed->turn);
		finish_push(lane, body, size);
		samples_add(&lane->samples, start_us, read_u32(head + 4));
	}
}

static void *get(void *cookie)
{
	struct lane *lane = cookie;

	pthread_barrier_wait(&all_ready);
	for (;;) {
		size_t number = atomic_fetch_add(&reads.next, 1);
		const char *request = reads.requests[number % reads.request_count];
		uint64_t start_us = now_us();

		if (number >= atomic_load(&reads.count_max))
			return NULL;
		send_all(&lane->connection, request, strlen(request));
		if (receive(&lane->connection) != 200)
			die("a read was refused", lane->connection.answer);
		samples_add(&lane->samples, start_us, 0);
	}
}

static void add_lane(const struct target *target, struct feed *feed)
{
	if (lane_count == LANES_MAX)
		die("too many connections", NULL);
	lanes[lane_count].feed = feed;
	connection_open(&lanes[lane_count].connection, target);
	lane_count++;
}

/* Lets all lanes go at once; when that was. */
static uint64_t start_lanes(void *(*work)(void *))
{
	pthread_barrier_init(&all_ready, NULL, lane_count + 1);
	for (unsigned i = 0; i < lane_count; i++)
		if (pthread_create(&lanes[i].thread, NULL, work, &lanes[i]) != 0)
			die("no thread", NULL);
	pthread_barrier_wait(&all_ready);
	return now_us();
}

static void finish_lanes(uint64_t start_us, uint64_t window)
{
	struct samples all = {0};
	uint64_t again = 0;

	for (unsigned i = 0; i < lane_count; i++) {
		struct samples *samples = &lanes[i].samples;

		pthread_join(lanes[i].thread, NULL);
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
	pthread_mutex_init(&feed->turn, NULL);
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
	start_us = start_lanes(push);
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

static void wait_for_end_of_input(void)
{
	char byte;

	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	atomic_store(&reads.count_max, 0);
}

static void load_get(const struct target *target, unsigned connections, size_t count)
{
	uint64_t start_us;

	atomic_store(&reads.count_max, count == 0 ? SIZE_MAX : count);
	for (unsigned i = 0; i < connections; i++)
		add_lane(target, NULL);
	start_us = start_lanes(get);
	if (count == 0)
		wait_for_end_of_input();
	finish_lanes(start_us, 0);
	for (size_t i = 0; i < reads.request_count; i++)
		free(reads.requests[i]);
	free(reads.requests);
}

int main(int argc, char **argv)
{
	struct target target;

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
