/* subsidy order: makes, signs, shows and submits orders, and the genesis note that a ledger begins with. */
#include <stdlib.h>
#include <string.h>

#include "client/bundle.h"
#include "client/client.h"
#include "client/commands.h"
#include "client/genesis_make.h"
#include "client/notefile.h"
#include "client/order_make.h"
#include "client/order_replace.h"
#include "client/order_show.h"
#include "client/order_submit.h"
#include "client/out.h"
#include "client/signers.h"

static enum exit_code sign_run(const struct args *args, struct bundle *bundle)
{
	const char *path = args->words[1], *new_path = args_text(args, "o");
	struct signers signers;
	struct why why = {""};
	enum exit_code code;
	enum err err = OK;

	if (args_count(args, "key") == 0)
		return out_usage("say whose signature: --key FILE");
	code = signers_load(args, &signers);
	for (size_t i = 0; code == EXIT_OK && err == OK && i < signers.count; i++)
		err = bundle_sign(bundle, signers.signers[i], &why);
	signers_done(&signers);
	if (err != OK)
		code = out_fail(err, &why, "nothing was changed");
	if (code == EXIT_OK)
		code = new_path != NULL ? notefile_create(bundle, new_path) : notefile_replace(bundle, path);
	if (code == EXIT_OK)
		out_info("%s: signed", new_path != NULL ? new_path : path);
	return code;
}

/* What `order sign`, `submit`, `show` and `genesis` do not know is refused, never overlooked. */
static bool options_fit(const struct args *args, const char *const *allowed)
{
	for (size_t i = 0; i < args->value_count; i++) {
		const char *name = args->values[i].option->name;
		size_t at = 0;

		while (allowed[at] != NULL && strcmp(allowed[at], name) != 0)
			at++;
		if (allowed[at] == NULL) {
			(void)out_usage("`subsidy order %s` has no option %s", args->words[0], name);
			return false;
		}
	}
	return true;
}

static const struct verb {
	const char *name;
	const char *options[5];
	bool has_note; /* a second word */
} verbs[] = {
    {"sign", {"key", "o", NULL}, true},
    {"submit", {"receipt", NULL}, true},
    {"show", {NULL}, true},
    {"genesis", {"file", "continues", "key", "o", NULL}, false},
};

static enum exit_code verb_run(const struct settings *settings, const struct args *args, const struct verb *verb)
{
	struct bundle bundle;
	enum exit_code code;

	if (!options_fit(args, verb->options))
		return EXIT_USAGE;
	if (verb->has_note != (args->word_count == 2))
		return out_usage_show(cmd_order.name, cmd_order.usage);
	if (!verb->has_note)
		return genesis_make(args);
	bundle_init(&bundle);
	code = notefile_load(args->words[1], &bundle);
	if (code == EXIT_OK && strcmp(verb->name, "sign") == 0)
		code = sign_run(args, &bundle);
	else if (code == EXIT_OK && strcmp(verb->name, "submit") == 0)
		code = order_submit(settings, &bundle, args_text(args, "receipt"));
	else if (code == EXIT_OK)
		code = order_show(settings, &bundle);
	bundle_done(&bundle);
	return code;
}

static enum exit_code type_complain(const char *word)
{
	enum exit_code code;
	struct buf types;

	buf_init(&types, CLIENT_FILE_SIZE_MAX);
	for (int type = ORDER_VENUE_LICENSE; type < ORDER_TYPE_COUNT; type++)
		buf_printf(&types, "%s, ", order_type_name((enum order_type)type));
	code = out_usage("there is no order \"%s\"; there are %sgrant.replace and genesis, and sign, submit and show",
	    word, buf_text(&types));
	buf_done(&types);
	return code;
}

static enum exit_code run(const struct settings *settings, const struct args *args)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(args->words[0], verbs[i].name) == 0)
			return verb_run(settings, args, &verbs[i]);
	if (order_type_by_name(args->words[0]) == 0 && strcmp(args->words[0], ORDER_REPLACE_NAME) != 0)
		return type_complain(args->words[0]);
	if (args->word_count > 1)
		return out_usage("\"%s\" is one word too many", args->words[1]);
	return order_make(settings, args);
}

static const struct option options[] = {
    {"set", "NAME=VALUE", "a value of the order, see above", true},
    {"file", "FILE", "what the order is over: a list (CSV), or a policy or genesis draft (JSON)", false},
    {"continues", "FILE", "of genesis: what is left of which ledger it takes over", false},
    {"key", "FILE", "private key of an officer who signs", true},
    {"o", "NOTE", "where the signed order goes; must not exist yet", false},
    {"submit", NULL, "send it to the ledger at once", false},
    {"receipt", "FILE", "keep the ledger's receipt", false},
    {"token-out", "FILE", "where a grant's access code goes, instead of stdout", false},
    {"tokens-dir", "DIR", "where the access codes of a list of grants go", false},
    {"letters", "DIR", "where a letter for each grant's holder goes, to be printed; and a list of them", false},
    {"contact", "TEXT", "whom those letters say to ask when a code is lost", false},
    {0},
};

const struct command cmd_order = {
    .name = "order",
    .usage = "TYPE [--set NAME=VALUE]… [--file FILE] --key FILE… -o NOTE | --submit\n"
	     "       subsidy order sign NOTE --key FILE… [-o NOTE]\n"
	     "       subsidy order submit NOTE [--receipt FILE]\n"
	     "       subsidy order show NOTE\n"
	     "       subsidy order genesis --file FILE [--continues FILE] --key FILE… -o NOTE",
    .summary = "make, sign, show and submit the bureau's orders",
    .help =
	"An order is a note that officers sign; as many different officers as the ledger's quorums ask for. The first\n"
	"makes it, the others look at it (show) and add their signatures (sign), anybody submits it. A list too long\n"
	"for one order becomes a bundle of several in one file, signed and submitted in one act. To submit again is\n"
	"safe: an order that was carried out is only answered again.\n"
	"\n"
	"venue.license        --set venue=ID --set name=NAME --set key=VKEY (a venue's public key; repeatable)\n"
	"venue.suspend        --set venue=ID --set reason=TEXT: it can push nothing until it is resumed\n"
	"venue.resume         --set venue=ID --set reason=TEXT\n"
	"venue.key            --set venue=ID --set add=VKEY… --set revoke=VKEY… --set reason=TEXT, and for a venue\n"
	"                     that lost its history --set new_generation=yes: a new feed, the old one is closed\n"
	"venue.distrust       --set venue=ID --set key=VKEY --set from=INDEX --set reason=TEXT: the key was stolen. "
	"It\n"
	"                     is revoked, and every trade it signed from that ledger index on is put on hold, in\n"
	"                     slices while the ledger goes on. What is examined and found right comes back by\n"
	"                     trade.release --file TRADES.csv, 1000 trades an order. A venue whose only key it was\n"
	"                     pushes nothing until venue.key adds one.\n"
	"enterprise.register  --file FIRMS.csv: code,name,lists (names of lists, separated by ';' or spaces)\n"
	"enterprise.relate    --file RELATIONS.csv: first,second (codes of related enterprises)\n"
	"enterprise.delist    --set code=CODE [--set lists=LISTS] --set reason=TEXT: off these lists, without any off\n"
	"                     all; or --file LIST.csv: code,lists,reason\n"
	"policy.adopt         --file POLICY.json\n"
	"trade.hold           --set venue=ID --set trade_no=NO --set reason=TEXT: does not count until released;\n"
	"trade.release        likewise: counts again\n"
	"trade.void           likewise: never counts again. All three also --file TRADES.csv: venue,trade_no,reason\n"
	"grant.add            --set subject=CODE|bureau|auditor|venue:ID --set holder=NAME [--set expires=DATE]\n"
	"                     or --file GRANTS.csv --tokens-dir DIR: subject,holder,expires,name\n"
	"                     The access code is made here, and printed once or written to --token-out FILE; the\n"
	"                     order has its hash alone. Without a date it is good for a year. --letters DIR makes\n"
	"                     a letter of each code, to be printed for its holder; a column name, --set name=NAME or\n"
	"                     the register says what the enterprise is called.\n"
	"grant.revoke         --set token_hash=HASH --set reason=TEXT, or --file HASHES.csv: token_hash,reason.\n"
	"                     grant.add says the hash; so does `order show` of its order.\n"
	"grant.replace        --set token_hash=HASH [--set reason=TEXT], and the --set of grant.add: revokes a code "
	"that\n"
	"                     was lost and grants another, two orders in one file. `subsidy grants` lists the hashes.\n"
	"officer.add          --set name=NAME --set role=clerk|reviewer|leader|auditor --set key=VKEY (repeatable)\n"
	"officer.remove       --set name=NAME --set reason=TEXT\n"
	"quorum.set           --file QUORUMS.json: {\"default\":[[\"clerk\"],[\"reviewer\",\"leader\"]],…}\n"
	"rules.set            --set rules=N: a later version of the rules, once the daemon knows it\n"
	"log.key              --set add=VKEY… --set retire=VKEY… --set reason=TEXT: the ledger's own keys, for its\n"
	"                     checkpoints and for its claims; the daemon must hold the private half of a new one\n"
	"genesis              --file DRAFT.json: {\"origin\",\"ledger_key\",\"officers\",\"quorums\"}; what comes of "
	"it is\n"
	"                     for `subsidyd init --genesis`, once every officer has signed it.\n"
	"\n"
	"Of a list --set reason=TEXT is the reason of every row that gives none.\n"
	"Of every order: --set id=ID (otherwise made up), --set order_expires=DATE (otherwise in 14 days), and, to "
	"make\n"
	"one without asking the ledger, --set origin=…, --set ledger_id=… and --set size=….\n"
	"\n"
	"  subsidy order venue.license --set venue=qddex --set name=青岛数据交易所 --set key=qddex+1a2b… \\\n"
	"      --key li.key -o license.json\n"
	"  subsidy order show license.json\n"
	"  subsidy order sign license.json --key wang.key\n"
	"  subsidy order submit license.json --receipt license.receipt\n"
	"  subsidy order venue.distrust --set venue=qddex --set key=qddex+1a2b… --set from=48211 \\\n"
	"      --set reason=密钥被盗 --key li.key -o distrust.json\n"
	"  subsidy order grant.add --set subject=91370202MA0XTE011C --set holder=张三 --key li.key \\\n"
	"      --token-out zhangsan.token --submit\n",
    .options = options,
    .word_min = 1,
    .word_max = 2,
    .run = run,
};
