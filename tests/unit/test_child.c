/* Work in a child: its answer and its facts come back, and so does the news of its death. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "daemon/child.h"

enum act { ANSWER, REFUSE, DIE, LEAVE };

struct facts {
	enum act act;
	unsigned found;
};

static enum err work(void *cookie, struct why *why)
{
	struct facts *facts = cookie;

	facts->found = 7;
	switch (facts->act) {
	case ANSWER: return OK;
	case REFUSE: return why_set(why, ERR_GUARD, "no: %d", 3);
	case DIE: kill(getpid(), SIGKILL); break;
	case LEAVE: _exit(9);
	}
	return OK;
}

static void brings_back_what_was_found(void **state)
{
	struct facts facts = {.act = ANSWER};
	struct why why = {.text = ""};

	(void)state;
	assert_int_equal(child_run(work, &facts, sizeof(facts), &why), OK);
	assert_int_equal(facts.found, 7);
	facts = (struct facts){.act = REFUSE};
	assert_int_equal(child_run(work, &facts, sizeof(facts), &why), ERR_GUARD);
	assert_string_equal(why.text, "no: 3");
	assert_int_equal(facts.found, 7);
}

static void takes_a_death_for_damage(void **state)
{
	struct facts facts = {.act = DIE};
	struct why why = {.text = ""};

	(void)state;
	assert_int_equal(child_run(work, &facts, sizeof(facts), &why), ERR_DAMAGED);
	assert_non_null(strstr(why.text, "signal 9"));
	facts.act = LEAVE;
	assert_int_equal(child_run(work, &facts, sizeof(facts), &why), ERR_DAMAGED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(brings_back_what_was_found),
	    cmocka_unit_test(takes_a_death_for_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
