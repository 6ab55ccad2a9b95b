/* Chinese of what is said of monitors, witnesses and policy files. */
#include "proto/text.h"

#include <inttypes.h>

/* clang-format off */
static const struct text_row rows[] = {
	{"%s is not %u hashes", "%s不是%u个哈希"},
	{"%s: an address must begin with https://, or with http:// and an address of this machine",
	 "%s：地址应以https://开头，或以http://加本机地址开头"},
	{"%s: another monitor of this ledger is running", "%s：该账本的另一个监测进程正在运行"},
	{"%s: at size %" PRIu64 " it has cosigned another root: compare its checkpoint with this one",
	 "%s：在条目数%" PRIu64 "处，它见证签名的是另一个根：请比较它的检查点与本检查点"},
	{"%s: it could not read what was sent", "%s：它无法读取所发送的内容"},
	{"%s: it does not know this ledger", "%s：它不认识这个账本"},
	{"%s: it does not take the ledger's signature", "%s：它不接受账本的签名"},
	{"%s: it does not take the proof from size %" PRIu64 "", "%s：它不接受从条目数%" PRIu64 "开始的证明"},
	{"%s: it has cosigned size %" PRIu64 ", and the ledger offers %" PRIu64 "",
	 "%s：它已为条目数%" PRIu64 "作过见证签名，而账本给出的是%" PRIu64 ""},
	{"%s: it holds another checkpoint than was thought, and does not say of which size",
	 "%s：它持有的检查点与预期不同，但没有说明其条目数"},
	{"%s: it holds size %" PRIu64 "", "%s：它持有的条目数为%" PRIu64 ""},
	{"%s: its cosignature does not verify", "%s：它的见证签名不符"},
	{"%s: not a witness's key", "%s：不是见证方的密钥"},
	{"%s: not what was written there; find out why before you move it away: a monitor without it "
	 "believes the next checkpoint it sees",
	 "%s：不是当初写入的内容；移走之前请先查明原因：没有它，监测会相信看到的下一个检查点"},
	{"%s: the answer has no cosignature by %s", "%s：答复中没有%s的见证签名"},
	{"%s: the answer is not lines of signatures", "%s：答复不是签名行"},
	{", cosigned by witnesses", "，见证方已签名"},
	{"--type is ed25519, sm2 or cosignature; found \"%s\"", "--type应为ed25519、sm2或cosignature；现为“%s”"},
	{"a cosignature of a witness of the policy file does not verify", "规则文件中某见证方的见证签名不符"},
	{"a policy file has the lines of C2SP tlog-policy", "见证规则文件由C2SP tlog-policy的各行组成"},
	{"consistent", "一致"},
	{"consistent, cosigned", "一致，已见证签名"},
	{"make one with `subsidy key new NAME --type cosignature`",
	 "请用`subsidy key new NAME --type cosignature`生成一把"},
	{"nothing was cosigned", "没有作任何见证签名"},
	{"one monitor of a ledger has the state folder to itself", "一个账本在一个状态目录中只能有一个监测进程"},
	{"say which ledger to follow: --server URL", "请说明监测哪个账本：--server URL"},
	{"subsidy: no valid answer of the ledger for %" PRIu64 " seconds",
	 "subsidy：账本已有%" PRIu64 "秒没有有效答复"},
	{"subsidy: the hook could not be run: %s", "subsidy：无法执行告警命令：%s"},
	{"subsidy: the hook did not end within %u seconds and was killed",
	 "subsidy：告警命令在%u秒内没有结束，已被终止"},
	{"subsidy: the hook ended with %d", "subsidy：告警命令的退出码为%d"},
	{"subsidy: the hook was ended by signal %d", "subsidy：告警命令被信号%d终止"},
	{"subsidy: the ledger answers again", "subsidy：账本恢复答复"},
	{"subsidy: the server takes no cosignatures", "subsidy：该服务器不接收见证签名"},
	{"the answer is not a consistency proof", "答复不是一致性证明"},
	{"the cosignatures do not make the quorum \"%s\": there are those of %s",
	 "见证签名没有达到要求“%s”：现有%s的签名"},
	{"the other witnesses are not kept waiting; this one is asked again later",
	 "其他见证方不受影响；稍后再询问该见证方"},
	{"the policy file names other logs, not %s", "见证规则文件列出的是其他日志，不是%s"},
	{"what it proves, the ledger alone has signed for", "它所证明的内容只有账本自己的签名"},
};
/* clang-format on */

const struct text_part text_zh_monitor = {rows, sizeof(rows) / sizeof(rows[0])};
