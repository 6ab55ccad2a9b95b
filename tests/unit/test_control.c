/* The control socket: what it takes, from how many, for how long, and what it signs. The test turns the loop itself. */
#include "ledger_full.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <event2/event.h>

#include "daemon/control.h"

#define TURNS_MAX 20000
#define IDLE_MS 200

struct place {
	struct ledger_fixture fixture;
	struct event_base *base;
	struct head_box *head;
	struct log_signers signers;
	struct control *control;
	char copy_path[96];
};

static struct control_settings settings_of(struct place *place)
{
	place->signers = (struct log_signers){.count = 1, .signers = {place->fixture.ledger_signer}};
	return (struct control_settings){.base = place->base,
	    .data = place->fixture.folder,
	    .store = place->fixture.store,
	    .signers = &place->signers,
	    .head = place->head,
	    .copy_limit_ms = 60000,
	    .idle_limit_ms = 60000};
}

static void open_control(struct place *place, uint64_t idle_limit_ms)
{
	struct control_settings settings = settings_of(place);

	settings.idle_limit_ms = idle_limit_ms;
	if (control_open(&settings, &place->control, &place->fixture.why) != OK)
		fail_msg("%s", place->fixture.why.text);
}

/* A full ledger whose head is published one entry late. */
static int setup(void **state)
{
	struct place *place = calloc(1, sizeof(*place));
	struct ledger_fixture *fixture = &place->fixture;
	struct hash root;
	struct head *head = calloc(1, sizeof(*head));

	ledger_setup(fixture);
	ledger_fill(fixture);
	root = frontier_root(&fixture->ledger.head.frontier);
	ledger_sign_head(fixture, fixture->ledger.head.size, &root, head);
	signer_free(ledger_license(fixture, KEY_ED25519, "late"));
	ledger_leave(fixture);
	place->head = head_box_new();
	head_publish(place->head, head);
	free(head);
	place->base = event_base_new();
	snprintf(place->copy_path, sizeof(place->copy_path), "%s.copy", fixture->folder);
	*state = place;
	return 0;
}

static int teardown(void **state)
{
	struct place *place = *state;

	control_close(place->control);
	event_base_free(place->base);
	head_box_free(place->head);
	unlink(place->copy_path);
	ledger_teardown(&place->fixture);
	free(place);
	return 0;
}

static int connect_to(struct place *place)
{
	int fd;

	if (control_connect(place->fixture.folder, &fd, &place->fixture.why) != OK)
		fail_msg("%s", place->fixture.why.text);
	return fd;
}

static void send_message(int fd, const char *text, size_t size, int file_fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr header;
	} part = {.bytes = {0}};
	union {
		const char *in;
		void *out;
	} data = {.in = text};
	struct iovec vector = {.iov_base = data.out, .iov_len = size};
	struct msghdr header = {.msg_iov = &vector, .msg_iovlen = 1};

	if (file_fd >= 0) {
		header.msg_control = part.bytes;
		header.msg_controllen = sizeof(part.bytes);
		part.header.cmsg_level = SOL_SOCKET;
		part.header.cmsg_type = SCM_RIGHTS;
		part.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&part.header), &file_fd, sizeof(file_fd));
	}
	assert_int_equal(sendmsg(fd, &header, MSG_NOSIGNAL), size);
}

/* The answer after turning the loop; "" where the other side hung up. */
static const char *hear(struct place *place, int fd)
{
	static char text[CONTROL_MESSAGE_SIZE_MAX + 1];

	for (unsigned i = 0; i < TURNS_MAX; i++) {
		ssize_t size;

		event_base_loop(place->base, EVLOOP_NONBLOCK);
		size = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);
		if (size >= 0 || errno == ECONNRESET) {
			text[size < 0 ? 0 : size] = '\0';
			return text;
		}
		usleep(1000);
	}
	fail_msg("no answer");
	return NULL;
}

static const char *ask(struct place *place, int fd, const char *text, int file_fd)
{
	send_message(fd, text, strlen(text), file_fd);
	return hear(place, fd);
}

static void assert_begins(const char *text, const char *want)
{
	if (strncmp(text, want, strlen(want)) != 0)
		fail_msg("%s\ninstead of %s", text, want);
}

static int open_copy(struct place *place, int flags)
{
	int fd = open(place->copy_path, flags | O_CREAT, 0600);

	assert_true(fd >= 0);
	return fd;
}

static void signs_what_is_published(void **state)
{
	struct place *place = *state;
	struct head head;
	char text[96];
	const char *answer;
	int fd;

	open_control(place, 60000);
	fd = connect_to(place);
	head_get(place->head, &head);
	for (uint64_t size = 1; size <= head.size; size++) {
		struct checkpoint checkpoint;
		struct note note;
		uint64_t signed_by;

		snprintf(text, sizeof(text), "subsidyd.control/v1 checkpoint %llu\n", (unsigned long long)size);
		answer = ask(place, fd, text, -1);
		assert_begins(answer, "checkpoint\n");
		answer += strlen("checkpoint\n");
		assert_int_equal(note_parse(slice_text(answer), &note, &place->fixture.why), OK);
		assert_int_equal(note_verify(&note, signer_key(place->fixture.ledger_signer), 1, &signed_by), OK);
		assert_int_equal(checkpoint_parse(note.text, &checkpoint, &place->fixture.why), OK);
		assert_int_equal(checkpoint.size, size);
		if (size == head.size)
			assert_true(hash_equal(&checkpoint.root, &head.root));
	}
	/* The entry behind it is committed, but nobody may hear of it yet. */
	snprintf(text, sizeof(text), "subsidyd.control/v1 checkpoint %llu\n", (unsigned long long)head.size + 1);
	assert_begins(ask(place, fd, text, -1), "refused overloaded\n");
	assert_begins(ask(place, fd, "subsidyd.control/v1 checkpoint 0\n", -1), "refused invalid\n");
	close(fd);
}

static void takes_no_other_words(void **state)
{
	static const char *const rows[] = {"subsidyd.control/v1 ", "subsidyd.control/v2 copy", "copy",
	    "subsidyd.control/v1 copy now", "subsidyd.control/v1 checkpoint", "subsidyd.control/v1 checkpoint ",
	    "subsidyd.control/v1 checkpoint 1x", "subsidyd.control/v1 checkpoint -1",
	    "subsidyd.control/v1 checkpoint 99999999999999999999"};
	struct place *place = *state;
	int fd;

	open_control(place, 60000);
	fd = connect_to(place);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_begins(ask(place, fd, rows[i], -1), "refused malformed\n");
	close(fd);
}

static void copies_to_an_empty_file_alone(void **state)
{
	static const char copy[] = "subsidyd.control/v1 copy\n";
	struct place *place = *state;
	struct stat stat;
	int fd, file, ends[2];

	open_control(place, 60000);
	fd = connect_to(place);
	assert_begins(ask(place, fd, copy, -1), "refused invalid\n");
	file = open_copy(place, O_RDONLY);
	assert_begins(ask(place, fd, copy, file), "refused invalid\n");
	close(file);
	assert_int_equal(pipe(ends), 0);
	assert_begins(ask(place, fd, copy, ends[1]), "refused invalid\n");
	close(ends[0]);
	close(ends[1]);
	file = open_copy(place, O_WRONLY);
	send_message(fd, copy, strlen(copy), file);
	assert_begins(hear(place, fd), "copied ");
	assert_int_equal(fstat(file, &stat), 0);
	assert_true(stat.st_size > 0);
	/* Now it is not empty any more. */
	assert_begins(ask(place, fd, copy, file), "refused invalid\n");
	close(file);
	close(fd);
}

static void makes_one_copy_at_a_time(void **state)
{
	static const char copy[] = "subsidyd.control/v1 copy\n";
	struct place *place = *state;
	const char *answer;
	char path[112];
	int first, second, file, other_file;

	open_control(place, 60000);
	first = connect_to(place);
	second = connect_to(place);
	file = open_copy(place, O_WRONLY);
	snprintf(path, sizeof(path), "%s.other", place->copy_path);
	other_file = open(path, O_WRONLY | O_CREAT, 0600);
	send_message(first, copy, strlen(copy), file);
	send_message(second, copy, strlen(copy), other_file);
	/* Both lie in their sockets: the loop reads them in one turn, before it hears of an end. One of them is told. */
	answer = hear(place, second);
	if (strncmp(answer, "copied ", 7) == 0) {
		assert_begins(hear(place, first), "refused overloaded\nanother backup");
	} else {
		assert_begins(answer, "refused overloaded\nanother backup");
		assert_begins(hear(place, first), "copied ");
	}
	close(other_file);
	unlink(path);
	close(file);
	close(first);
	close(second);
}

static void bounds_its_peers(void **state)
{
	struct place *place = *state;
	int fds[CONTROL_CONNECTIONS_MAX + 1];

	open_control(place, 60000);
	for (size_t i = 0; i <= CONTROL_CONNECTIONS_MAX; i++) {
		fds[i] = connect_to(place);
		event_base_loop(place->base, EVLOOP_NONBLOCK);
	}
	for (size_t i = 0; i < CONTROL_CONNECTIONS_MAX; i++)
		assert_begins(ask(place, fds[i], "subsidyd.control/v1 checkpoint 1", -1), "checkpoint\n");
	assert_string_equal(hear(place, fds[CONTROL_CONNECTIONS_MAX]), "");
	close(fds[CONTROL_CONNECTIONS_MAX]);
	/* One leaves, and there is a place. */
	close(fds[0]);
	event_base_loop(place->base, EVLOOP_NONBLOCK);
	fds[0] = connect_to(place);
	assert_begins(ask(place, fds[0], "subsidyd.control/v1 checkpoint 1", -1), "checkpoint\n");
	for (size_t i = 0; i < CONTROL_CONNECTIONS_MAX; i++)
		close(fds[i]);
}

/* Modes keep others out, and can be changed: then it is the peer's own user that counts. */
static void answers_root_and_its_own_user_alone(void **state)
{
	struct place *place = *state;
	char path[96];
	int fd;

	if (geteuid() != 0)
		skip();
	open_control(place, 60000);
	snprintf(path, sizeof(path), "%s/control", place->fixture.folder);
	assert_int_equal(chmod(place->fixture.folder, 0755), 0);
	assert_int_equal(chmod(path, 0666), 0);
	assert_int_equal(seteuid(65534), 0);
	fd = connect_to(place);
	assert_int_equal(seteuid(0), 0);
	assert_string_equal(hear(place, fd), "");
	close(fd);
	fd = connect_to(place);
	assert_begins(ask(place, fd, "subsidyd.control/v1 checkpoint 1", -1), "checkpoint\n");
	close(fd);
}

static void bounds_its_messages(void **state)
{
	static char text[CONTROL_MESSAGE_SIZE_MAX + 1];
	struct place *place = *state;
	int fd;

	open_control(place, 60000);
	memset(text, 'x', sizeof(text));
	for (size_t size = CONTROL_MESSAGE_SIZE_MAX - 1; size <= CONTROL_MESSAGE_SIZE_MAX + 1; size++) {
		fd = connect_to(place);
		send_message(fd, text, size, -1);
		if (size <= CONTROL_MESSAGE_SIZE_MAX)
			assert_begins(hear(place, fd), "refused malformed\n");
		else
			assert_string_equal(hear(place, fd), "");
		close(fd);
	}
}

static void leaves_the_silent(void **state)
{
	struct place *place = *state;
	int fd;

	open_control(place, IDLE_MS);
	fd = connect_to(place);
	/* Whoever asks is heard anew. */
	for (unsigned i = 0; i < 4; i++) {
		usleep(IDLE_MS * 1000 / 2);
		assert_begins(ask(place, fd, "subsidyd.control/v1 checkpoint 1", -1), "checkpoint\n");
	}
	assert_string_equal(hear(place, fd), "");
	close(fd);
}

static void has_a_socket_of_its_own(void **state)
{
	struct place *place = *state;
	struct control_settings settings = settings_of(place);
	struct control *killed;
	char folder[200], path[96];
	struct stat stat;
	int fd;

	assert_int_equal(control_connect(place->fixture.folder, &fd, &place->fixture.why), ERR_NOT_FOUND);
	open_control(place, 60000);
	snprintf(path, sizeof(path), "%s/control", place->fixture.folder);
	assert_int_equal(lstat(path, &stat), 0);
	assert_true(S_ISSOCK(stat.st_mode));
	assert_int_equal(stat.st_mode & 07777, 0600);
	/* One that a killed daemon has left is taken over; anything else is not. */
	killed = place->control;
	open_control(place, 60000);
	control_close(place->control);
	place->control = NULL;
	control_close(killed);
	assert_int_equal(lstat(path, &stat), -1);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(control_open(&settings, &place->control, &place->fixture.why), ERR_IO);
	assert_int_equal(lstat(path, &stat), 0);
	assert_true(S_ISREG(stat.st_mode));
	close(fd);
	unlink(path);
	/* "/control" and the NUL take nine of 108 bytes. */
	for (size_t size = 98; size <= 100; size++) {
		struct sockaddr_un address;

		memset(folder, 'x', size);
		folder[size] = '\0';
		assert_int_equal(control_address(folder, &address, &place->fixture.why), size <= 99 ? OK : ERR_CONFIG);
	}
	assert_non_null(strstr(place->fixture.why.text, "99 bytes"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(signs_what_is_published, setup, teardown),
	    cmocka_unit_test_setup_teardown(takes_no_other_words, setup, teardown),
	    cmocka_unit_test_setup_teardown(copies_to_an_empty_file_alone, setup, teardown),
	    cmocka_unit_test_setup_teardown(makes_one_copy_at_a_time, setup, teardown),
	    cmocka_unit_test_setup_teardown(bounds_its_peers, setup, teardown),
	    cmocka_unit_test_setup_teardown(answers_root_and_its_own_user_alone, setup, teardown),
	    cmocka_unit_test_setup_teardown(bounds_its_messages, setup, teardown),
	    cmocka_unit_test_setup_teardown(leaves_the_silent, setup, teardown),
	    cmocka_unit_test_setup_teardown(has_a_socket_of_its_own, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
