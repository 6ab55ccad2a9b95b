#include "client/monitor.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/feeding.h"
#include "client/file.h"
#include "client/hook.h"
#include "client/out.h"
#include "client/prooffile.h"
#include "proto/date.h"

/* How a round went. */
enum course {
	COURSE_GOOD,
	COURSE_AWAY,   /* no valid answer: the next round may have one */
	COURSE_ALARM,  /* the ledger is not what it was */
	COURSE_FAILED, /* something here: the state can't be written */
};

struct monitor {
	const struct monitor_terms *terms;
	struct link *link;
	sigset_t ends; /* signals that end it; blocked */
	bool is_ending;
	uint64_t started_s;
	/* the ledger, once it is known */
	bool has_ledger;
	struct ledger_id ledger;
	struct monitorstate *state;
	struct cosigner cosigner;
	struct feeding *feeding;
	/* this round */
	struct kept_head newest;
	char *evidence_path;
	enum exit_code code; /* of anything but COURSE_GOOD */
	enum err cosigned;   /* what became of our own cosignature */
	/* what was told */
	bool has_told, is_away, is_stale;
	uint64_t told_size;
};

/* ---- time and signals */

static uint64_t now_s(void)
{
	return (uint64_t)time(NULL);
}

static uint64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Waits so long for a signal that ends it. */
static void wait_for_end(struct monitor *monitor, uint64_t wait_ms)
{
	uint64_t until_ms = now_ms() + wait_ms;

	while (!monitor->is_ending) {
		uint64_t at_ms = now_ms(), rest_ms = at_ms < until_ms ? until_ms - at_ms : 0;
		struct timespec rest = {
		    .tv_sec = (time_t)(rest_ms / 1000), .tv_nsec = (long)(rest_ms % 1000) * 1000000};

		if (sigtimedwait(&monitor->ends, NULL, &rest) > 0)
			monitor->is_ending = true;
		else if (rest_ms == 0)
			break;
	}
}

static bool is_ending(void *cookie)
{
	struct monitor *monitor = cookie;

	wait_for_end(monitor, 0);
	return monitor->is_ending;
}

/* ---- telling */

static enum course fail(struct monitor *monitor, enum exit_code code)
{
	monitor->code = code;
	return COURSE_FAILED;
}

static enum course away(struct monitor *monitor, enum exit_code code)
{
	monitor->code = code;
	return COURSE_AWAY;
}

static void time_now(char ret_text[static TIME_TEXT_SIZE])
{
	time_format(now_s() * 1000000, ret_text);
	/* Whole seconds: "2025-01-05T10:11:12". */
	ret_text[strlen("2025-01-05T10:11:12")] = '\0';
}

/* Each new size, once. */
static void tell_head(struct monitor *monitor, unsigned fed_count)
{
	const struct checkpoint *checkpoint = &monitor->newest.checkpoint;
	bool is_cosigned = monitor->terms->signer != NULL && monitor->cosigned == OK;
	char time_text[TIME_TEXT_SIZE];

	if (monitor->has_told && monitor->told_size == checkpoint->size && fed_count == 0)
		return;
	monitor->has_told = true;
	monitor->told_size = checkpoint->size;
	time_now(time_text);
	if (monitor->terms->settings->is_json)
		(void)out_json(json_pack("{s:s, s:s, s:s, s:s, s:I, s:b, s:i}", "time", time_text, "event", "head",
		    "origin", checkpoint->origin, "ledger_id", monitor->ledger.id, "size", (json_int_t)checkpoint->size,
		    "cosigned", is_cosigned, "witnesses", (int)fed_count));
	else
		printf("%s  %12" PRIu64 "  %s%s\n", time_text, checkpoint->size,
		    is_cosigned ? T("consistent, cosigned") : T("consistent"),
		    fed_count > 0 ? T(", cosigned by witnesses") : "");
	out_now();
}

static void tell_event(const struct monitor *monitor, const char *event, const char *alarm)
{
	char time_text[TIME_TEXT_SIZE];

	if (!monitor->terms->settings->is_json)
		return;
	time_now(time_text);
	(void)out_json(json_pack("{s:s, s:s, s:s?, s:s?}", "time", time_text, "event", event, "alarm", alarm,
	    "evidence", alarm != NULL && strcmp(alarm, "stale") != 0 ? monitor->evidence_path : NULL));
	out_now();
}

static void run_hook(const struct monitor *monitor, const char *alarm, const char *evidence_path)
{
	struct hook_alarm given = {
	    .name = alarm, .evidence_path = evidence_path, .origin = monitor->has_ledger ? monitor->ledger.origin : ""};

	if (monitor->terms->hook != NULL)
		(void)hook_run(monitor->terms->hook, &given, MONITOR_HOOK_TIMEOUT_S);
}

/* What was wrong is said, and the evidence written. */
static enum course alarm_raise(struct monitor *monitor, const char *alarm)
{
	tell_event(monitor, "alarm", alarm);
	run_hook(monitor, alarm, monitor->evidence_path);
	monitor->code = EXIT_UNVERIFIED;
	return COURSE_ALARM;
}

/* ---- which ledger */

static enum course state_open(struct monitor *monitor)
{
	struct why why = {""};
	enum err err;

	if (monitor->state != NULL)
		return COURSE_GOOD;
	err = monitorstate_open(monitor->terms->settings->state, monitor->ledger.id, &monitor->state, &why);
	if (err == ERR_LOCKED)
		return fail(monitor, out_fail(err, &why, "one monitor of a ledger has the state folder to itself"));
	return err == OK ? COURSE_GOOD : fail(monitor, out_fail(err, &why, NULL));
}

/* A ledger that is known already is held to what it signed, even where it does not answer yet. */
static enum course recall(struct monitor *monitor)
{
	struct why why = {""};
	enum err err = pin_recall(monitor->terms->settings, LINK_SERVER, &monitor->ledger, &why);

	if (err == ERR_NOT_FOUND)
		return COURSE_GOOD;
	if (err != OK)
		return fail(monitor, out_fail(err, &why, NULL));
	monitor->has_ledger = true;
	return state_open(monitor);
}

/* The address may answer for another one, and its key may have changed by order. */
static enum course identify(struct monitor *monitor, struct slice note)
{
	struct kept_question question = {.evidence_path = monitor->evidence_path};
	struct ledger_id seen, given;
	enum exit_code code = pin_ledger(monitor->link, monitor->terms->settings, LINK_SERVER, &seen);

	if (code == EXIT_OK) {
		monitor->ledger = seen;
		monitor->has_ledger = true;
		return state_open(monitor);
	}
	if (code != EXIT_UNVERIFIED)
		return away(monitor, code);
	if (monitor->has_ledger)
		given = monitor->ledger;
	else if (prooffile_keys(monitor->terms->settings, &given, NULL) != OK)
		return fail(monitor, code);
	question.ledger = &given;
	/* Whether it verifies does not matter: it is what the address says now. */
	if (kept_read_head(note, &given.key, &monitor->newest, NULL) == ERR_MEMORY)
		return fail(monitor, out_fail(ERR_MEMORY, NULL, NULL));
	kept_write_evidence(
	    &question, monitor->state != NULL ? monitorstate_head(monitor->state) : NULL, &monitor->newest, NULL);
	return alarm_raise(monitor, "another_ledger");
}

/* Before the alarm, for its path is part of it. */
static enum err evidence_path_make(struct monitor *monitor)
{
	const char *folder = monitor->terms->evidence_folder;

	free(monitor->evidence_path);
	if (folder == NULL)
		folder = monitor->state != NULL ? monitorstate_folder(monitor->state) : monitor->terms->settings->state;
	if (asprintf(&monitor->evidence_path, "%s/evidence-%" PRIu64 ".json", folder, now_s()) < 0) {
		monitor->evidence_path = NULL;
		return ERR_MEMORY;
	}
	return OK;
}

/* ---- what it signs */

static enum course candidate_get(struct monitor *monitor, struct link_answer *ret_answer)
{
	struct link_request request = {.door = LINK_SERVER,
	    .path = "/v1/candidate",
	    .is_anonymous = true,
	    .timeout_s = MONITOR_REQUEST_TIMEOUT_S,
	    .answer_max = CHECKPOINT_SIZE_MAX};
	enum exit_code code;

	if (link_ask(monitor->link, &request, ret_answer) == OK)
		return COURSE_GOOD;
	if (ret_answer->err == ERR_NOT_FOUND) {
		/* A copy, or a ledger that knows of no candidates: what it has published. */
		link_answer_done(ret_answer);
		request.path = "/checkpoint";
		if (link_ask(monitor->link, &request, ret_answer) == OK)
			return COURSE_GOOD;
	}
	/* Said once for each time that it is away. */
	code = monitor->is_away ? exit_code_of(ret_answer->err) : out_fail_answer(ret_answer);
	return away(monitor, code);
}

/* A daemon that forgot is shown what it signed: then it stops, rather than sign a second history. */
static void show_held(struct monitor *monitor, const struct kept_head *held)
{
	struct buf note;
	enum err err;

	buf_init(&note, CHECKPOINT_SIZE_MAX);
	if (monitor->terms->signer != NULL) {
		err = cosigner_sign(held, monitor->terms->signer, &note);
	} else {
		buf_add_slice(&note, buf_slice(&held->note));
		err = note.err;
	}
	if (err == OK)
		(void)cosigner_post(&monitor->cosigner, buf_slice(&note));
	buf_done(&note);
}

static enum course history_check(struct monitor *monitor, struct slice note)
{
	struct kept_question question = {
	    .link = monitor->link, .ledger = &monitor->ledger, .evidence_path = monitor->evidence_path};
	const struct kept_head *held = monitorstate_head(monitor->state);
	enum exit_code code = kept_believe(&question, held, note, &monitor->newest);
	bool is_smaller;

	if (code == EXIT_UNVERIFIED) {
		if (held == NULL)
			kept_write_evidence(&question, NULL, &monitor->newest, NULL);
		return alarm_raise(monitor, "bad_signature");
	}
	if (code != EXIT_OK)
		return fail(monitor, code);
	if (held == NULL)
		return COURSE_GOOD;
	is_smaller = monitor->newest.checkpoint.size < held->checkpoint.size;
	code = kept_check(&question, held, &monitor->newest);
	if (code == EXIT_UNVERIFIED && is_smaller)
		show_held(monitor, held);
	if (code == EXIT_UNVERIFIED)
		return alarm_raise(monitor, is_smaller ? "rollback" : "fork");
	return code == EXIT_OK ? COURSE_GOOD : away(monitor, code);
}

static enum course take(struct monitor *monitor)
{
	struct why why = {""};
	enum err err = monitorstate_take(monitor->state, &monitor->newest, now_s(), &why);

	return err == OK ? COURSE_GOOD : fail(monitor, out_fail(err, &why, "nothing was cosigned"));
}

/* What is cosigned is on disk. That the ledger does not take it is said, and does not end the round. */
static void cosign(struct monitor *monitor)
{
	struct buf note;

	monitor->cosigned = OK;
	if (monitor->terms->signer == NULL)
		return;
	buf_init(&note, CHECKPOINT_SIZE_MAX);
	monitor->cosigned = cosigner_sign(&monitor->newest, monitor->terms->signer, &note);
	if (monitor->cosigned == OK)
		monitor->cosigned = cosigner_post(&monitor->cosigner, buf_slice(&note));
	else
		(void)out_fail(monitor->cosigned, NULL, NULL);
	buf_done(&note);
}

static unsigned feed_witnesses(struct monitor *monitor)
{
	struct feeding_round round = {.link = monitor->link,
	    .cosigner = &monitor->cosigner,
	    .state = monitor->state,
	    .head = &monitor->newest,
	    .now_ms = now_ms(),
	    .interval_s = monitor->terms->interval_s,
	    .is_ending = is_ending,
	    .cookie = monitor};

	return monitor->feeding != NULL ? feeding_run(monitor->feeding, &round) : 0;
}

/* ---- rounds */

static enum course look(struct monitor *monitor)
{
	struct link_answer answer;
	enum course course;

	if (evidence_path_make(monitor) != OK)
		return fail(monitor, out_fail(ERR_MEMORY, NULL, NULL));
	course = candidate_get(monitor, &answer);
	if (course == COURSE_GOOD)
		course = identify(monitor, buf_slice(&answer.body));
	if (course == COURSE_GOOD)
		course = history_check(monitor, buf_slice(&answer.body));
	link_answer_done(&answer);
	return course;
}

static enum course round_run(struct monitor *monitor)
{
	enum course course = look(monitor);
	unsigned fed_count;

	if (course == COURSE_GOOD)
		course = take(monitor);
	if (course != COURSE_GOOD || is_ending(monitor))
		return course;
	cosign(monitor);
	fed_count = feed_witnesses(monitor);
	tell_head(monitor, fed_count);
	/* What the witnesses hold now, for the next start. */
	return fed_count > 0 ? take(monitor) : COURSE_GOOD;
}

/* No valid answer: for how long? */
static void note_absence(struct monitor *monitor)
{
	uint64_t at_s = now_s(), since_s = monitor->state != NULL ? monitorstate_seen_s(monitor->state) : 0;

	monitor->is_away = true;
	if (since_s == 0)
		since_s = monitor->started_s;
	/* A clock that was set back says nothing. */
	if (monitor->is_stale || at_s < since_s || at_s - since_s < monitor->terms->stale_s)
		return;
	monitor->is_stale = true;
	out_info("subsidy: no valid answer of the ledger for %" PRIu64 " seconds", at_s - since_s);
	tell_event(monitor, "alarm", "stale");
	run_hook(monitor, "stale", "");
}

static void note_presence(struct monitor *monitor)
{
	if (monitor->is_away) {
		out_info("subsidy: the ledger answers again");
		tell_event(monitor, "back", NULL);
	}
	monitor->is_away = monitor->is_stale = false;
}

static enum exit_code rounds_run(struct monitor *monitor)
{
	for (;;) {
		uint64_t start_ms = now_ms(), spent_ms, interval_ms = 1000ULL * monitor->terms->interval_s;
		enum course course = round_run(monitor);

		if (monitor->is_ending)
			return course == COURSE_ALARM ? monitor->code : EXIT_OK;
		switch (course) {
		case COURSE_ALARM:
		case COURSE_FAILED: return monitor->code;
		case COURSE_AWAY: note_absence(monitor); break;
		case COURSE_GOOD: note_presence(monitor); break;
		}
		if (monitor->terms->is_once)
			return course == COURSE_AWAY ? monitor->code : exit_code_of(monitor->cosigned);
		if (ferror(stdout))
			return out_close();
		spent_ms = now_ms() - start_ms;
		wait_for_end(monitor, spent_ms < interval_ms ? interval_ms - spent_ms : 0);
		if (monitor->is_ending)
			return EXIT_OK;
	}
}

static enum course prepare(struct monitor *monitor)
{
	const char *folder = monitor->terms->evidence_folder;
	struct why why = {""};
	enum err err;

	sigemptyset(&monitor->ends);
	sigaddset(&monitor->ends, SIGTERM);
	sigaddset(&monitor->ends, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &monitor->ends, NULL);
	/* Before the first contact there may be no state folder, and the first contact may be an alarm. */
	err = file_make_folder(folder != NULL ? folder : monitor->terms->settings->state, &why);
	if (err == OK && monitor->terms->trust != NULL) {
		monitor->feeding = feeding_new(monitor->terms->trust);
		err = monitor->feeding == NULL ? ERR_MEMORY : OK;
	}
	return err == OK ? recall(monitor) : fail(monitor, out_fail(err, &why, NULL));
}

enum exit_code monitor_run(const struct monitor_terms *terms, struct link *link)
{
	struct monitor *monitor = calloc(1, sizeof(*monitor));
	enum exit_code code;

	if (monitor == NULL)
		return out_fail(ERR_MEMORY, NULL, NULL);
	monitor->terms = terms;
	monitor->link = link;
	monitor->started_s = now_s();
	monitor->cosigner = (struct cosigner){.link = link};
	kept_head_init(&monitor->newest);
	code = prepare(monitor) == COURSE_GOOD ? rounds_run(monitor) : monitor->code;
	free(monitor->evidence_path);
	kept_head_done(&monitor->newest);
	feeding_free(monitor->feeding);
	monitorstate_close(monitor->state);
	free(monitor);
	return code;
}
