/* Chinese of what is said of the ledger's keys: those that are given, those that are remembered, and what follows them. */
#include "proto/text.h"

/* clang-format off */
static const struct text_row rows[] = {
	{"%s: not the lines that were remembered", "%s：不是所记住的内容"},
	{"ask the ledger's operator which key is right; send nothing before",
	 "请向账本的运维人员确认哪把密钥正确；在此之前不要发送任何内容"},
	{"ask the ledger's operator; if the change is meant, remove the file ledger-… of this address from "
	 "the state folder",
	 "请询问账本的运维人员；如确属有意更换，请从状态目录中删除该地址的文件ledger-…"},
	{"compare the new key with the one that the ledger's operator has given you on paper; where they are the same, say it once: --vkey KEY", "请将新密钥与账本运营方以书面方式提供的密钥核对；一致时，用--vkey 密钥指明一次"},
	{"it says that it continues the one that is remembered, which lost what it had signed: compare its key with the one that the ledger's operator has given you on paper, then remove the file ledger-… of this address from the state folder; what the old ledger signed is checked with --vkey OLD-KEY",
	 "它声明接续所记住的账本，后者丢失了已签名的内容：请将它的公钥与账本运营方书面提供的公钥核对，再从状态目录中删除该地址的ledger-…文件；原账本签过的内容用--vkey 原公钥核验"},
	{"send nothing before you have compared the server's key with the one that the ledger's operator has given you on paper; "
	 "where they are the same, the one that you named was changed: --vkey KEY",
	 "请先将服务器的密钥与账本运营方书面交付的密钥比对，此前不要发送任何内容；若一致，说明所给的密钥已更换，请改用：--vkey 密钥"},
	{"subsidy: first contact with ledger %s; its key is remembered: %s",
	 "subsidy：首次连接账本%s；已记住其密钥：%s"},
	{"subsidy: ledger %s changes its key; the new one is remembered, the old one vouches for it: %s", "subsidy：账本%s更换密钥；已记住经原密钥证明的新密钥：%s"},
	{"the answer does not say which ledger this is", "答复没有说明这是哪个账本"},
	{"the key that is remembered of ledger %s signs no more; it now says %s", "已记住的账本%s的密钥不再签名；账本现称其密钥为%s"},
	{"the ledger says that its key changes, and does not prove it: ask its operator; send nothing before", "账本称其密钥更换，却未能证明：请先向账本运营方核实，此前不要发送任何内容"},
	{"the server's key is %s, not the one that --vkey names", "服务器的密钥是%s，不是--vkey给出的那个"},
	{"this address was ledger %s of %s, and now says it is %s of %s",
	 "该地址原为账本%s（%s），现在却自称%s（%s）"},
	{"this address was ledger %s of %s, and now says it is %s of %s, with another key",
	 "该地址原为账本%s（%s），现在却自称%s（%s），且密钥不同"},
	{"this key had been given up for the next one: ask the ledger's operator why it is back; if that is meant, remove the file "
	 "ledger-… of this address from the state folder",
	 "该密钥先前已更换为下一个密钥：请向账本运营方询问它为何又被启用；若确属有意，请从状态目录中删除该地址的ledger-…文件"},
	{"what it proves does not add that key", "所证明的指令没有增加该密钥"},
	{"what it proves is not an order", "所证明的不是指令"},
};
/* clang-format on */

const struct text_part text_zh_pin = {rows, sizeof(rows) / sizeof(rows[0])};
