/* Chinese of what the client says of statements. */
#include "proto/text.h"

#include <inttypes.h>

/* clang-format off */
static const struct text_row rows[] = {
	{"         WHAT THE LEDGER SIGNED OF THIS ENTERPRISE AT SIZE %" PRIu64 " IS NOT WHAT IT SHOWS NOW",
	 "         账本在条目数为%" PRIu64 "时对该企业签过的声明，与现在出示的内容不符"},
	{"         nothing is kept of it: ask the bureau, and an auditor, about it",
	 "         内容未予保留：请向主管部门和审计询问"},
	{"         only an auditor's replay does", "         只有审计的全账重算才能证明"},
	{"\"%s\" is not a unified social credit code",
	 "“%s”不是统一社会信用代码"},
	{"%s: entry %" PRIu64 " concerned the enterprise as well, and is not in the statement of size %" PRIu64,
	 "%s：条目%" PRIu64 "同样与该企业有关，却不在条目数为%" PRIu64 "的对账证明中"},
	{"%s: is not empty; name a folder that is not there yet",
	 "%s：不是空目录；请指定尚不存在的目录"},
	{"%s: the answer is not of the form that was expected",
	 "%s：应答的格式与预期不符"},
	{"%s: the chain of now does not lead to entry %" PRIu64 ", which is in the statement of size %" PRIu64,
	 "%s：现在的条目链接不到条目%" PRIu64 "，而它在条目数为%" PRIu64 "的对账证明中"},
	{"Fetches every entry that concerned the enterprise up to the newest published checkpoint, each with its\n"
	 "proof; the bureau's acts; the ledger's claim where the chain ends; and how each policy's figure comes about.\n"
	 "Each proof is checked as it arrives, and the whole as by `subsidy verify FOLDER`: where anything fails,\n"
	 "nothing is kept, and the exit code is 6. `subsidy verify FOLDER` does it again at any time, without asking\n"
	 "anybody, and `subsidy receipt check FOLDER` asks whether the ledger still contains it. Make one now and\n"
	 "then, each in a folder of its own. Entries hold amounts and counterparties, so guard the folder.\n"
	 "\n"
	 "  subsidy statement 91370202MA0XTE011C -o statement-2026-11 --token own.token\n"
	 "  subsidy statement 91370202MA0XTE011C -o statement-2026-11 --json\n",
	 "下载截至最新发布的检查点与该企业有关的全部条目，逐条附证明；并含主管部门的各项指令、\n"
	 "账本对条目链终点的声明，以及各项政策测算额的由来。证明随到随验，全部内容再按`subsidy verify`\n"
	 "核验：有一项不成立即全部不留，退出码为6。此后可随时用`subsidy verify 目录`离线重验，无须询问任何人；\n"
	 "`subsidy receipt check 目录`则查询账本是否仍包含这些内容。请定期制作，每次另存一个目录。\n"
	 "条目含金额和交易对方，请妥善保管该目录。\n"
	 "\n"
	 "  subsidy statement 91370202MA0XTE011C -o statement-2026-11 --token own.token\n"
	 "  subsidy statement 91370202MA0XTE011C -o statement-2026-11 --json\n"},
	{"STATEMENT OF AN ENTERPRISE\n"
	 "\n"
	 "An enterprise fetched this folder from a ledger of data-trade subsidies: every entry that concerned it up to\n"
	 "one size of the ledger, each with its proof; the acts of the bureau; and how each policy's figure comes about.\n"
	 "Anybody can check it without asking the ledger's operator:\n"
	 "\n"
	 "  subsidy verify THIS-FOLDER --vkey KEY\n"
	 "\n"
	 "Take the ledger's public key from paper, or from whoever you trust; not from this folder. Entries hold amounts\n"
	 "and counterparties, so guard it. Figures are accruals: no promise of payment.\n"
	 "\n"
	 "  statement.json  which ledger, which enterprise, which size, and what each policy comes to\n"
	 "  checkpoint      signed by the ledger; every proof leads to it\n"
	 "  head            the ledger's signed claim which entry is the newest (absent where it has no key for claims)\n"
	 "  entries/        the entries with their inclusion proofs\n"
	 "  withheld/       entries whose content is another's: the leaf's hash alone (absent where there are none)\n"
	 "  feeds/          each record in its venue's own feed\n"
	 "  orders/         the enterprise's own item of an order, under the officers' note\n"
	 "  acts/           genesis, and the orders on licences, keys, officers, quorums, policies and the like\n"
	 "  policies/       the arithmetic of each policy, step by step\n",
	 "企业对账证明\n"
	 "\n"
	 "本目录由企业从数据交易奖补账本下载，含截至账本某一条目数与该企业有关的全部条目，逐条附包含证明；\n"
	 "主管部门的各项指令；以及各项政策测算额的由来。任何人无须询问账本运营方即可核验：\n"
	 "\n"
	 "  subsidy verify 本目录 --vkey 账本公钥\n"
	 "\n"
	 "账本公钥应取自书面文件或可信的来源，不得取自本目录。条目含金额和交易对方，请妥善保管。\n"
	 "所列金额为测算额，不构成兑付承诺。\n"
	 "\n"
	 "  statement.json  所属账本、企业、账本条目数及各项政策的测算结果\n"
	 "  checkpoint      账本签名的检查点，各项证明均以其为准\n"
	 "  head            账本签名的声明：哪一条是最新条目（未公布链头密钥的账本没有此文件）\n"
	 "  entries/        各条目及其包含证明\n"
	 "  withheld/       内容属于他方的条目，只有叶哈希（没有此类条目时不设此目录）\n"
	 "  feeds/          各记录在数据交易机构自身数据流中的证明\n"
	 "  orders/         指令中涉及该企业的一项，附经办人员签名的指令文本\n"
	 "  acts/           创世条目，以及许可、密钥、经办人员、会签要求、政策等指令\n"
	 "  policies/       各项政策的逐步测算过程\n"},
	{"a page is of another size than its checkpoint",
	 "分页的账本条目数与检查点不一致"},
	{"a row is not of the form of a statement's",
	 "有一行不符合对账证明的格式"},
	{"an enterprise's own proof: every entry that concerned it, to keep and to check offline",
	 "企业自存的证明：与其有关的全部条目，可长期留存、离线核验"},
	{"entry %" PRIu64 " does not come with what belongs to it",
	 "条目%" PRIu64 "未附其应有的证明"},
	{"entry %" PRIu64 " does not lead to entry %" PRIu64 ": the chain has a gap",
	 "条目%" PRIu64 "不指向条目%" PRIu64 "：条目链有缺口"},
	{"entry %" PRIu64 " is in the ledger, and is no entry",
	 "条目%" PRIu64 "在账本中，但其内容不是条目"},
	{"entry %" PRIu64 " is not an act of the bureau as it should be",
	 "条目%" PRIu64 "不是应有的主管部门指令"},
	{"entry %" PRIu64 " is not proven to be in the ledger of size %" PRIu64,
	 "未能证明条目%" PRIu64 "在条目数为%" PRIu64 "的账本中"},
	{"entry %" PRIu64 " is not proven to be of an order that officers signed",
	 "未能证明条目%" PRIu64 "出自经办人员签名的指令"},
	{"entry 0 is not the genesis of ledger %s",
	 "条目0不是账本%s的创世条目"},
	{"is this client older than the ledger?",
	 "本客户端的版本是否早于账本？"},
	{"nothing of it is to be believed: ask the bureau, and an auditor, about it",
	 "其内容均不可采信：请向主管部门并请审计核实"},
	{"order %" PRIu64 ", which holds a trade, is not among the acts",
	 "指令%" PRIu64 "暂缓了一笔交易，却不在各项指令之中"},
	{"say where it goes: -o FOLDER",
	 "请指明存放位置：-o 目录"},
	{"subsidy: %s holds the %" PRIu64 " entries of %s up to size %" PRIu64 ", every one proven",
	 "subsidy：%1$s存有%3$s截至账本条目数%4$" PRIu64 "的%2$" PRIu64 "条条目，均已逐条核验"},
	{"subsidy: %s: whether entry %" PRIu64 " was the last one only the enterprise's own access code can ask: --token FILE",
	 "subsidy：%s：条目%" PRIu64 "是否为最后一条，须用该企业自己的查询授权码查询：--token 文件"},
	{"subsidy: the ledger has announced no key for claims: it does not sign where the chain ends",
	 "subsidy：账本未公布链头密钥：不对条目链的终点签名"},
	{"subsidy: the ledger was restarted between two pages; beginning anew",
	 "subsidy：账本在两页之间重新启动过；从头开始"},
	{"subsidy: withheld entries, which name others: %" PRIu64 ". Before each of them the chain proves nothing,",
	 "subsidy：涉及他方而不予提供的条目：%" PRIu64 "条。各该条目之前的一段，条目链不能证明完整，"},
	{"tell the bureau and the auditors at once, and keep the statement",
	 "请立即告知主管部门和审计，并保存好对账证明"},
	{"the acts are not in their order: entry %" PRIu64 " stands behind %" PRIu64,
	 "指令次序不对：条目%" PRIu64 "排在%" PRIu64 "之后"},
	{"the acts do not begin with genesis",
	 "指令不是从创世条目开始的"},
	{"the answer has no list of %s",
	 "应答中没有%s列表"},
	{"the answer is about another enterprise or another ledger",
	 "应答是关于另一企业或另一账本的"},
	{"the chain ends with entry %" PRIu64 ", which leads on",
	 "条目链止于条目%" PRIu64 "，而该条目仍指向更早的条目"},
	{"the ledger claims that the chain ends with entry %" PRIu64 " at size %" PRIu64 ", and gives one that ends with entry %" PRIu64 " at size %" PRIu64,
	 "账本声明条目链在条目数%2$" PRIu64 "时止于条目%1$" PRIu64 "，给出的却在条目数%4$" PRIu64 "时止于条目%3$" PRIu64},
	{"the pages broke off %d times",
	 "分页中断了%d次"},
	{"the record of entry %" PRIu64 " is not proven to be in its venue's feed",
	 "未能证明条目%" PRIu64 "的记录在数据交易机构的数据流中"},
	{"where it goes; must not exist yet, or be empty",
	 "存放位置；须尚不存在或为空目录"},
};
/* clang-format on */

const struct text_part text_zh_statement = {rows, sizeof(rows) / sizeof(rows[0])};
