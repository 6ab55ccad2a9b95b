/* Chinese of the client's help. */
#include "proto/text.h"

/* clang-format off */
static const struct text_row rows[] = {
	{"An order is a note that officers sign; as many different officers as the ledger's quorums ask for. "
	 "The first\n"
	 "makes it, the others look at it (show) and add their signatures (sign), anybody submits it. A list "
	 "too long\n"
	 "for one order becomes a bundle of several in one file, signed and submitted in one act. To submit "
	 "again is\n"
	 "safe: an order that was carried out is only answered again.\n"
	 "\n"
	 "venue.license        --set venue=ID --set name=NAME --set key=VKEY (a venue's public key; "
	 "repeatable)\n"
	 "venue.suspend        --set venue=ID --set reason=TEXT: it can push nothing until it is resumed\n"
	 "venue.resume         --set venue=ID --set reason=TEXT\n"
	 "venue.key            --set venue=ID --set add=VKEY… --set revoke=VKEY… --set reason=TEXT, and for a "
	 "venue\n"
	 "                     that lost its history --set new_generation=yes: a new feed, the old one is "
	 "closed\n"
	 "venue.distrust       --set venue=ID --set key=VKEY --set from=INDEX --set reason=TEXT: the key was stolen. It\n"
	 "                     is revoked, and every trade it signed from that ledger index on is put on hold, in\n"
	 "                     slices while the ledger goes on. What is examined and found right comes back by\n"
	 "                     trade.release --file TRADES.csv, 1000 trades an order. A venue whose only key it was\n"
	 "                     pushes nothing until venue.key adds one.\n"
	 "enterprise.register  --file FIRMS.csv: code,name,lists (names of lists, separated by ';' or "
	 "spaces)\n"
	 "enterprise.relate    --file RELATIONS.csv: first,second (codes of related enterprises)\n"
	 "enterprise.delist    --set code=CODE [--set lists=LISTS] --set reason=TEXT: off these lists, "
	 "without any off\n"
	 "                     all; or --file LIST.csv: code,lists,reason\n"
	 "policy.adopt         --file POLICY.json\n"
	 "trade.hold           --set venue=ID --set trade_no=NO --set reason=TEXT: does not count until "
	 "released;\n"
	 "trade.release        likewise: counts again\n"
	 "trade.void           likewise: never counts again. All three also --file TRADES.csv: "
	 "venue,trade_no,reason\n"
	 "grant.add            --set subject=CODE|bureau|auditor|venue:ID --set holder=NAME [--set "
	 "expires=DATE]\n"
	 "                     or --file GRANTS.csv --tokens-dir DIR: subject,holder,expires,name\n"
	 "                     The access code is made here, and printed once or written to --token-out FILE; "
	 "the\n"
	 "                     order has its hash alone. Without a date it is good for a year. --letters DIR "
	 "makes\n"
	 "                     a letter of each code, to be printed for its holder; a column name, --set "
	 "name=NAME or\n"
	 "                     the register says what the enterprise is called.\n"
	 "grant.revoke         --set token_hash=HASH --set reason=TEXT, or --file HASHES.csv: "
	 "token_hash,reason.\n"
	 "                     grant.add says the hash; so does `order show` of its order.\n"
	 "grant.replace        --set token_hash=HASH [--set reason=TEXT], and the --set of grant.add: revokes "
	 "a code that\n"
	 "                     was lost and grants another, two orders in one file. `subsidy grants` lists "
	 "the hashes.\n"
	 "officer.add          --set name=NAME --set role=clerk|reviewer|leader|auditor --set key=VKEY "
	 "(repeatable)\n"
	 "officer.remove       --set name=NAME --set reason=TEXT\n"
	 "quorum.set           --file QUORUMS.json: {\"default\":[[\"clerk\"],[\"reviewer\",\"leader\"]],…}\n"
	 "rules.set            --set rules=N: a later version of the rules, once the daemon knows it\n"
	 "log.key              --set add=VKEY… --set retire=VKEY… --set reason=TEXT: the ledger's own keys, for its\n"
	 "                     checkpoints and for its claims; the daemon must hold the private half of a new one\n"
	 "genesis              --file DRAFT.json: {\"origin\",\"ledger_key\",\"officers\",\"quorums\"}; what "
	 "comes of it is\n"
	 "                     for `subsidyd init --genesis`, once every officer has signed it.\n"
	 "\n"
	 "Of a list --set reason=TEXT is the reason of every row that gives none.\n"
	 "Of every order: --set id=ID (otherwise made up), --set order_expires=DATE (otherwise in 14 days), "
	 "and, to make\n"
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
	 "指令是经办人员签署的签名文本；须由账本会签要求所定的若干名不同经办人员签署。第一人制作，\n"
	 "其他人查看（show）并加签（sign），任何人都可以提交。名单超出一个指令的容量时，一个文件中\n"
	 "会有多个指令，一次签署和提交。重复提交是安全的：已执行的指令只会再次答复。\n"
	 "\n"
	 "venue.license        --set venue=编号 --set name=名称 --set key=公钥（数据交易机构的公钥；可重复）\n"
	 "venue.suspend        --set venue=编号 --set reason=原因：恢复之前不能报送\n"
	 "venue.resume         --set venue=编号 --set reason=原因\n"
	 "venue.key            --set venue=编号 --set add=公钥… --set revoke=公钥… --set reason=原因；\n"
	 "                     丢失了历史的数据交易机构用--set new_generation=yes：开始新数据流，旧的关闭\n"
	 "venue.distrust       --set venue=编号 --set key=公钥 --set from=条目序号 --set reason=原因：密钥被盗用。\n"
	 "                     该密钥即被撤销，自该条目起由它签署的每笔交易予以暂缓，逐批进行，账本照常运行。\n"
	 "                     经核查无误的用trade.release --file TRADES.csv解除暂缓，每个指令至多1000笔。\n"
	 "                     若是唯一的密钥，在venue.key增加新密钥之前，该机构不能报送。\n"
	 "enterprise.register  --file FIRMS.csv：code,name,lists（名单名称，以“;”或空格隔开）\n"
	 "enterprise.relate    --file RELATIONS.csv：first,second（关联企业的代码）\n"
	 "enterprise.delist    --set code=代码 [--set lists=名单] --set "
	 "reason=原因：移出这些名单，不写则移出全部；\n"
	 "                     或--file LIST.csv：code,lists,reason\n"
	 "policy.adopt         --file POLICY.json\n"
	 "trade.hold           --set venue=编号 --set trade_no=编号 --set reason=原因：解除暂缓之前不计入；\n"
	 "trade.release        同上：重新计入\n"
	 "trade.void           同上：永不再计入。三者都可用--file TRADES.csv：venue,trade_no,reason\n"
	 "grant.add            --set subject=代码|bureau|auditor|venue:编号 --set holder=姓名 [--set "
	 "expires=日期]\n"
	 "                     或--file GRANTS.csv --tokens-dir DIR：subject,holder,expires,name\n"
	 "                     查询授权码在此生成，只显示一次，或写入--token-out FILE；指令中只有其哈希。\n"
	 "                     不写日期则有效一年。--letters DIR为每个授权码生成一封信函，打印后交给持有人；\n"
	 "                     企业名称取自name列、--set name=名称或登记。\n"
	 "grant.revoke         --set token_hash=哈希 --set reason=原因，或--file "
	 "HASHES.csv：token_hash,reason。\n"
	 "                     哈希见grant.add的输出，或对其指令用`order show`。\n"
	 "grant.replace        --set token_hash=哈希 [--set "
	 "reason=原因]，以及grant.add的--set：撤销遗失的授权码\n"
	 "                     并授予新的，一个文件中两个指令。哈希见`subsidy grants`。\n"
	 "officer.add          --set name=姓名 --set role=clerk|reviewer|leader|auditor --set "
	 "key=公钥（可重复）\n"
	 "officer.remove       --set name=姓名 --set reason=原因\n"
	 "quorum.set           --file QUORUMS.json：{\"default\":[[\"clerk\"],[\"reviewer\",\"leader\"]],…}\n"
	 "rules.set            --set rules=N：规则的新版本，须服务程序已支持\n"
	 "log.key              --set add=公钥… --set retire=公钥… --set reason=原因：账本自身的密钥，用于签署\n"
	 "                     检查点和链头声明；服务程序须持有新密钥的私钥\n"
	 "genesis              --file "
	 "DRAFT.json：{\"origin\",\"ledger_key\",\"officers\",\"quorums\"}；全部经办人员签署后\n"
	 "                     用于`subsidyd init --genesis`。\n"
	 "\n"
	 "名单的--set reason=原因，用于没有写原因的每一行。\n"
	 "各类指令都可用：--set id=编号（否则自动生成）、--set order_expires=日期（否则14天后），\n"
	 "以及不向账本查询时的--set origin=…、--set ledger_id=…和--set size=…。\n"
	 "\n"
	 "  subsidy order venue.license --set venue=qddex --set name=青岛数据交易所 --set key=qddex+1a2b… \\\n"
	 "      --key li.key -o license.json\n"
	 "  subsidy order show license.json\n"
	 "  subsidy order sign license.json --key wang.key\n"
	 "  subsidy order submit license.json --receipt license.receipt\n"
	 "  subsidy order venue.distrust --set venue=qddex --set key=qddex+1a2b… --set from=48211 \\\n"
	 "      --set reason=密钥被盗 --key li.key -o distrust.json\n"
	 "  subsidy order grant.add --set subject=91370202MA0XTE011C --set holder=张三 --key li.key \\\n"
	 "      --token-out zhangsan.token --submit\n"},
	{"Asks again and again for the ledger's newest checkpoint, verifies its signature and that it "
	 "extends the one\n"
	 "seen before, and remembers it. No access code is needed. With --key each checkpoint is cosigned, "
	 "once it is\n"
	 "on disk, and the cosignature handed to the ledger; a key belongs to one monitor and one state "
	 "folder.\n"
	 "With --feed-witnesses others are asked for their cosignatures, too: the witnesses with a URL in a "
	 "file of\n"
	 "C2SP tlog-policy. Each new size is told on stdout.\n"
	 "Alarms: rollback (a smaller size than before), fork (another history), bad_signature, "
	 "another_ledger: the\n"
	 "evidence is written, the hook run, and the end is exit code 6. After --stale seconds without a "
	 "valid answer\n"
	 "the alarm is stale: the hook is run, and the monitor goes on. The hook finds SUBSIDY_ALARM,\n"
	 "SUBSIDY_EVIDENCE (a file) and SUBSIDY_ORIGIN in its environment, and has 30 seconds.\n"
	 "\n"
	 "  subsidy monitor --server https://subsidy.example.gov.cn --hook 'mail -s \"$SUBSIDY_ALARM\" ops'\n"
	 "  subsidy monitor --key witness.key --evidence evidence --json\n"
	 "  subsidy monitor --once --stale 3600 --feed-witnesses witnesses.policy\n",
	 "不断询问账本最新的检查点，核验其签名以及它是否延续上次看到的检查点，并记住它。不需要查询授权码。\n"
	 "给出--key时，每个检查点写入磁盘之后作见证签名，并把见证签名交给账本；一把密钥只属于一个监测进程和\n"
	 "一个状态目录。给出--feed-witnesses时，还请其他见证方签名：即C2SP "
	 "tlog-policy文件中带网址的见证方。\n"
	 "每个新的条目数显示在标准输出。\n"
	 "告警：rollback（条目数比以前小）、fork（另一段历史）、bad_signature（签名不符）、another_ledger\n"
	 "（另一个账本）：写出证据，执行告警命令，以退出码6结束。超过--stale秒没有有效答复时告警为stale：\n"
	 "执行告警命令，监测继续。告警命令的环境变量有SUBSIDY_ALARM、SUBSIDY_EVIDENCE（文件）和\n"
	 "SUBSIDY_ORIGIN，限时30秒。\n"
	 "\n"
	 "  subsidy monitor --server https://subsidy.example.gov.cn --hook 'mail -s \"$SUBSIDY_ALARM\" ops'\n"
	 "  subsidy monitor --key witness.key --evidence evidence --json\n"
	 "  subsidy monitor --once --stale 3600 --feed-witnesses witnesses.policy\n"},
	{"CODE is the enterprise's unified social credit code. An enterprise's own access code shows that\n"
	 "enterprise; one of the bureau or of an auditor shows any.\n"
	 "\n"
	 "  subsidy show 91370202MA0XTE011C\n"
	 "  subsidy show 91370202MA0XTE011C --as-of 2026-06-30 --json\n",
	 "CODE是企业的统一社会信用代码。企业自己的查询授权码可查本企业；主管部门或审计人员的可查任何企业。\n"
	 "\n"
	 "  subsidy show 91370202MA0XTE011C\n"
	 "  subsidy show 91370202MA0XTE011C --as-of 2026-06-30 --json\n"},
	{"Every step, from the trades that each rule turns away to the cap, with the figures that lead to the "
	 "next.\n"
	 "\n"
	 "  subsidy explain 91370202MA0XTE011C\n"
	 "  subsidy explain 91370202MA0XTE011C --policy qd-2025-47-5 --as-of 2026-06-30\n",
	 "每一步都列出：从各规则排除的交易直到封顶额，以及得出下一步的数字。\n"
	 "\n"
	 "  subsidy explain 91370202MA0XTE011C\n"
	 "  subsidy explain 91370202MA0XTE011C --policy qd-2025-47-5 --as-of 2026-06-30\n"},
	{"Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 refused by a rule, 5 not allowed,\n"
	 "6 verification failed, 7 unreachable or outcome unknown (safe to repeat), 9 damaged ledger.\n",
	 "退出码：0 完成，1 失败，2 用法错误，3 没有找到，4 被规则拒绝，5 不允许，\n"
	 "6 核验未通过，7 无法连接或结果不明（可以放心重试），9 账本损坏。\n"},
	{"First each receipt by itself, as `subsidy verify` does: signature, hashes, entry. Then the ledger's "
	 "newest\n"
	 "checkpoint is fetched, and the proof that the one in the receipt is part of it. A ledger that was "
	 "set back\n"
	 "or replaced can't give that proof: then it is said, exit code 6, and both checkpoints are written "
	 "to\n"
	 "FILE.evidence.json, for the bureau and the other venues. Do it now and then, and after any repair "
	 "of the\n"
	 "ledger. The key is --vkey, else the one remembered of the server. No access code is needed.\n"
	 "\n"
	 "FOLDER is a statement, as `subsidy statement` writes it: it is checked as by `subsidy verify`, then in the\n"
	 "same way. With the access code of the enterprise the ledger is asked besides for the entries since: they\n"
	 "must lead to the one with which the statement ends. A claim that had left one out is convicted by the two.\n"
	 "\n"
	 "  subsidy receipt check receipts/*.tlog-proof\n"
	 "  subsidy receipt check receipts/*.tlog-proof --vkey \"$(cat ledger.vkey)\" --json\n"
	 "  subsidy receipt check statement-2026-11 --token own.token\n",
	 "先像`subsidy verify`那样单独核验每份回执：签名、哈希、条目。再取得账本的最新检查点，以及\n"
	 "回执中的检查点是其一部分的证明。账本如被回退或替换，就给不出这个证明：这时会指出，退出码6，\n"
	 "并将两个检查点写入FILE.evidence.json，供主管部门和其他数据交易机构使用。请不时执行，账本修复\n"
	 "之后也请执行。密钥为--vkey，否则为记住的服务器密钥。不需要查询授权码。\n"
	 "\n"
	 "FOLDER是`subsidy statement`写出的企业对账证明：先按`subsidy verify`核验，再同样与账本比对。给出该\n"
	 "企业的查询授权码时，还会向账本查询此后的条目：它们必须接到对账证明的最后一条。账本的末条声明如曾\n"
	 "漏掉条目，由两者即可证实。\n"
	 "\n"
	 "  subsidy receipt check receipts/*.tlog-proof\n"
	 "  subsidy receipt check receipts/*.tlog-proof --vkey \"$(cat ledger.vkey)\" --json\n"
	 "  subsidy receipt check statement-2026-11 --token own.token\n"},
	{"For each file: the checkpoint is signed by the key, and its root contains the bytes that the file carries.\n"
	 "KEY is the ledger's public key, for receipts and proofs of entries, or a venue's, for proofs of records in\n"
	 "its feed; without --vkey it is the one remembered of --server. No network is used. `subsidy receipt check`\n"
	 "asks besides whether the ledger still contains what it signed. With --policy the checkpoints' cosignatures\n"
	 "must make the quorum of a file of C2SP tlog-policy, so that not the ledger alone stands for them.\n"
	 "\n"
	 "Of a FOLDER as `subsidy statement` writes it everything is followed from the signatures of venues, officers\n"
	 "and ledger: no entry of the enterprise is missing or added, each says what was signed, and each policy gives\n"
	 "the award that the statement names. What is wrong first is named by its file; the exit code is then 6. The\n"
	 "logs of a --policy file are taken as KEY, too.\n"
	 "\n"
	 "  subsidy verify receipts/*.tlog-proof --vkey \"$(cat ledger.vkey)\"\n"
	 "  subsidy verify receipts/qddex-1-0000000000-0000000002.tlog-proof --json\n"
	 "  subsidy verify proof.tlog-proof --policy witnesses.policy\n"
	 "  subsidy verify statement-2026 --vkey \"$(cat ledger.vkey)\"\n",
	 "对每个文件：检查点由该密钥签名，其根包含文件所带的字节。KEY是账本的公钥（核验回执和条目的证明），\n"
	 "或数据交易机构的公钥（核验其数据流中记录的证明）；没有--vkey则为记住的--server的密钥。\n"
	 "不联网。`subsidy receipt check`还会查询账本是否仍包含它签过的内容。给出--policy时，检查点的\n"
	 "见证签名还须达到C2SP tlog-policy文件的要求，从而不只有账本自己为其作证。\n"
	 "\n"
	 "对`subsidy statement`写出的文件夹，则从交易机构、经办人员和账本的签名逐项核对：企业的条目无遗漏、\n"
	 "无添加，每个条目都是所签的内容，每项政策都得出对账证明所写的测算额。最先发现的问题按文件名指出，\n"
	 "退出码为6。--policy文件中的日志密钥也可作KEY。\n"
	 "\n"
	 "  subsidy verify receipts/*.tlog-proof --vkey \"$(cat ledger.vkey)\"\n"
	 "  subsidy verify receipts/qddex-1-0000000000-0000000002.tlog-proof --json\n"
	 "  subsidy verify proof.tlog-proof --policy witnesses.policy\n"
	 "  subsidy verify statement-2026 --vkey \"$(cat ledger.vkey)\"\n"},
	{"For the end of a month: compare the sums with the venue's own books. For each month, kind and "
	 "disposition\n"
	 "the number of records and their sums, and the totals. Needs an access code of the venue, of the "
	 "bureau\n"
	 "or of an auditor. CSV is UTF-8 with a byte order mark; open it with codes and numbers as text.\n"
	 "\n"
	 "  subsidy feed qddex --month 2026-06\n"
	 "  subsidy feed qddex --month 2026-06 --csv > qddex-2026-06.csv\n"
	 "  subsidy feed qddex --not-counted\n",
	 "月末对账用：将合计与本机构账目核对。按月份、种类和处置结果列出记录数、各项金额及总计。\n"
	 "需要该数据交易机构、主管部门或审计人员的查询授权码。CSV为带字节顺序标记的UTF-8；\n"
	 "打开时请将代码和编号列设为文本。\n"
	 "\n"
	 "  subsidy feed qddex --month 2026-06\n"
	 "  subsidy feed qddex --month 2026-06 --csv > qddex-2026-06.csv\n"
	 "  subsidy feed qddex --not-counted\n"},
	{"In the order in which they were granted. The ledger knows a code's hash only; by it an order "
	 "revokes the\n"
	 "code. Needs an access code of the bureau or of an auditor.\n"
	 "\n"
	 "  subsidy grants --subject 91370202MA0XTE011C\n"
	 "  subsidy grants --csv > grants.csv\n",
	 "按授予的先后排列。账本只有授权码的哈希，撤销指令用它指明授权码。\n"
	 "需要主管部门或审计人员的查询授权码。\n"
	 "\n"
	 "  subsidy grants --subject 91370202MA0XTE011C\n"
	 "  subsidy grants --csv > grants.csv\n"},
	{"Needs an access code of the bureau or of an auditor.\n"
	 "\n"
	 "  subsidy overview\n"
	 "  subsidy overview --json\n",
	 "需要主管部门或审计人员的查询授权码。\n"
	 "\n"
	 "  subsidy overview\n"
	 "  subsidy overview --json\n"},
	{"Needs an access code of the bureau or of an auditor. Enterprises that traded without being on the\n"
	 "register are shown, too.\n"
	 "\n"
	 "  subsidy list --sort award --all\n"
	 "  subsidy list --csv > enterprises.csv\n"
	 "  subsidy list --find 青岛 --as-of 2026-06-30\n",
	 "需要主管部门或审计人员的查询授权码。有交易而没有登记的企业也列出。\n"
	 "\n"
	 "  subsidy list --sort award --all\n"
	 "  subsidy list --csv > enterprises.csv\n"
	 "  subsidy list --find 青岛 --as-of 2026-06-30\n"},
	{"Newest first. A trade that does not count stays in the ledger, and the word in its column is "
	 "explained\n"
	 "below the table.\n"
	 "\n"
	 "  subsidy trades 91370202MA0XTE011C\n"
	 "  subsidy trades 91370202MA0XTE011C --all --json\n",
	 "最新的在前。未计入的交易仍在账本中，表中所列的词在表下说明。\n"
	 "\n"
	 "  subsidy trades 91370202MA0XTE011C\n"
	 "  subsidy trades 91370202MA0XTE011C --all --json\n"},
	{"Reads a file of trades and refunds, complains of every wrong row at once (and then sends nothing), "
	 "signs\n"
	 "what the feed does not have yet, sends it, and keeps the ledger's receipts. Rows that were pushed "
	 "before\n"
	 "are skipped, so pushing a file again is safe; after a lost answer or a crash just repeat the "
	 "command.\n"
	 "A row that repeats a number of the file is pushed too, with a warning: the ledger records it as a\n"
	 "duplicate that does not count. A pushed row that was changed is an error, and nothing is signed.\n"
	 "\n"
	 "CSV files may come as spreadsheets save them: UTF-8, GB18030 (GBK) or \"Unicode text\", separated "
	 "by\n"
	 "commas, semicolons or tabs; row 1 names the columns, in English or Chinese, in any order. Format "
	 "the\n"
	 "columns of codes and numbers as text before anything is entered, or the spreadsheet loses their "
	 "digits.\n"
	 "An amount is 1234.50 or 1,234.50, a day 2025-01-05, 2025/1/5 or 2025年1月5日. What can be read in "
	 "more\n"
	 "than one way is refused, with its row, column, value and rule. FORMAT.md describes every column.\n"
	 "\n"
	 "  subsidy push --template zh -o 2026-11.csv\n"
	 "  subsidy push qddex 2026-11.csv --check\n"
	 "  subsidy push qddex 2026-11.csv --key qddex.key --receipts receipts\n"
	 "\n"
	 "What was pushed is remembered in the state folder. Where that is lost, give the venue's access code "
	 "with\n"
	 "--token FILE: the feed is then fetched from the ledger, and believed only where your key has signed "
	 "it.\n",
	 "读取交易和退款的文件，一次指出所有错误的行（有错则不发送），对数据流尚无的内容签名、发送，\n"
	 "并保存账本的回执。已报送过的行会跳过，因此重复报送同一文件是安全的；没有收到答复或中断后，\n"
	 "重新执行该命令即可。文件中编号重复的行也会报送，并给出提示：账本将其记为重复，不计入。\n"
	 "已报送的行如被改动则是错误，不会签名。\n"
	 "\n"
	 "CSV文件可以是电子表格另存的：UTF-8、GB18030（GBK）或“Unicode文本”，以逗号、分号或制表符分隔；\n"
	 "第1行为列名，中文或英文，次序不限。录入之前请先将代码和编号列设为文本，否则电子表格会丢失位数。\n"
	 "金额写作1234.50或1,234.50，日期写作2025-01-05、2025"
	 "/1/5或2025年1月5日。有不止一种读法的内容会被拒绝，\n"
	 "并指出行、列、内容和规则。各列的说明见FORMAT.md。\n"
	 "\n"
	 "  subsidy push --template zh -o 2026-11.csv\n"
	 "  subsidy push qddex 2026-11.csv --check\n"
	 "  subsidy push qddex 2026-11.csv --key qddex.key --receipts receipts\n"
	 "\n"
	 "报送过的内容记在状态目录中。该目录丢失时，请用--token FILE给出本机构的查询授权码：\n"
	 "从账本取回数据流，只有您的密钥签过的才会采信。\n"},
	{"Settings may also stand in ~/.config/subsidy.conf (\"server = https://…\") or in the environment\n"
	 "(SUBSIDY_SERVER and so on); an option goes before the environment, the environment before the "
	 "file.\n"
	 "\n"
	 "  subsidy push qddex 2026-11.csv --check\n"
	 "  subsidy list --sort award --json --server https://subsidy.example.gov.cn --token bureau.token\n",
	 "设置也可写在~/.config/subsidy.conf（“server = https://…”）或环境变量（SUBSIDY_SERVER等）中；\n"
	 "选项优先于环境变量，环境变量优先于文件。\n"
	 "\n"
	 "  subsidy push qddex 2026-11.csv --check\n"
	 "  subsidy list --sort award --json --server https://subsidy.example.gov.cn --token bureau.token\n"},
	{"The newest version of each. --json shows their whole texts, as the officers signed them.\n"
	 "\n"
	 "  subsidy policies\n"
	 "  subsidy policies --json\n",
	 "各政策的最新版本。--json显示经办人员签署的全文。\n"
	 "\n"
	 "  subsidy policies\n"
	 "  subsidy policies --json\n"},
	{"Writes checkpoint, hash tiles and entries under the paths of C2SP tlog-tiles, so that FOLDER, put behind any\n"
	 "web server, is a mirror that other programs can read; ledger.json, which says whose copy it is; and policy,\n"
	 "in the form of C2SP tlog-policy, which says whose signatures its checkpoint has: the ledger's own or, with\n"
	 "--policy, those that FILE asks for. Nothing is written that the signed checkpoint does not cover. Repeat the\n"
	 "command to bring a copy up to date, or after it was broken off: what is there and right is not fetched\n"
	 "again. If the ledger does not contain any more what it signed at the last time, that is said, with exit code\n"
	 "6 and the evidence in FOLDER. Needs an access code of the bureau or of an auditor; entries are not public,\n"
	 "so guard the folder.\n"
	 "\n"
	 "  subsidy export mirror --token auditor.token\n"
	 "  subsidy export mirror --token auditor.token --policy witnesses.policy\n",
	 "按C2SP tlog-tiles的路径写出检查点、哈希树块和条目，目录放到任何网页服务器上就是其他程序能读取的镜像；\n"
	 "另有ledger.json说明是谁的副本，policy（C2SP tlog-policy格式）说明检查点有谁的签名：账本自己的，用--policy时为FILE\n"
	 "所要求的。签名检查点没有包含的内容都不写出。更新副本或中断之后请重复该命令：已有且正确的不再取回。\n"
	 "账本如不再包含上次签过的内容，会指出，退出码6，证据存于该目录。需要主管部门或审计人员的查询授权码；\n"
	 "条目不公开，请保管好目录。\n"
	 "\n"
	 "  subsidy export mirror --token auditor.token\n"
	 "  subsidy export mirror --token auditor.token --policy witnesses.policy\n"},
	{"`key new` writes a private key, readable by you alone, and prints its public key, which the "
	 "bureau\n"
	 "licenses (a venue's) or which genesis names (an officer's, the ledger's). NAME is the venue's id, "
	 "the\n"
	 "officer's name, or the ledger's origin. Whoever has the file can sign: keep it, and a copy of it, "
	 "safe.\n"
	 "A key of type cosignature is a witness's, whose monitor cosigns what it has checked; its NAME is "
	 "an address\n"
	 "of the witness without https://. `key show` prints the public key of a private one.\n"
	 "\n"
	 "  subsidy key new qddex -o qddex.key\n"
	 "  subsidy key new qddex --type sm2 -o qddex-sm2.key\n"
	 "  subsidy key new witness.qddex.example --type cosignature -o witness.key\n"
	 "  subsidy key show qddex.key\n",
	 "`key new`写出只有您能读取的私钥，并显示其公钥；公钥由主管部门发给许可（数据交易机构），\n"
	 "或写入创世文本（经办人员、账本）。NAME是数据交易机构的编号、经办人员的姓名或账本的日志名。\n"
	 "持有该文件的人就能签名：请妥善保管文件及其副本。cosignature类型的密钥属于见证方，其监测进程\n"
	 "对核验过的检查点作见证签名；此时NAME是见证方的网址（不含https://）。`key "
	 "show`显示私钥对应的公钥。\n"
	 "\n"
	 "  subsidy key new qddex -o qddex.key\n"
	 "  subsidy key new qddex --type sm2 -o qddex-sm2.key\n"
	 "  subsidy key new witness.qddex.example --type cosignature -o witness.key\n"
	 "  subsidy key show qddex.key\n"},
	{"a value of the order, see above", "指令的内容，见上"},
	{"a venue's feed as the ledger holds it, month by month; what does not count",
	 "账本所存的数据流，按月统计；哪些没有计入"},
	{"alarm after so long without a valid answer (300)", "这么久没有有效答复即告警（300）"},
	{"all enterprises, and what each has accrued", "全部企业及其测算额"},
	{"an enterprise's trades and refunds, and why some do not count",
	 "企业的交易和退款，以及为何有的没有计入"},
	{"as CSV for a spreadsheet", "输出CSV，供电子表格使用"},
	{"as the ledger stood at this size, or at the end of this day", "账本为该条目数时，或该日结束时的情况"},
	{"between two rounds (10)", "两轮之间的秒数（10）"},
	{"bureau, auditor, venue:ID or an enterprise's code; otherwise all",
	 "bureau、auditor、venue:编号或企业的统一社会信用代码；否则为全部"},
	{"certificate and key shown to the feed address (PEM)", "向报送地址出示的证书及其密钥（PEM）"},
	{"certificates of the authority that vouches for both (PEM)", "为两者作保的证书机构的证书（PEM）"},
	{"check receipts and statements, and that the ledger still contains what it signed in them",
	 "核验回执和企业对账证明，并核验账本仍包含其中签过的内容"},
	{"check receipts, proofs and statements, without asking anybody", "核验回执、证明和企业对账证明，不向任何人查询"},
	{"code (the default), award or volume, the largest first",
	 "code（默认）、award或volume，后两者从大到小"},
	{"copy the whole ledger into static files, and verify it while doing so",
	 "将整个账本复制为静态文件，同时核验"},
	{"cosign with this witness's key", "用该见证方密钥作见证签名"},
	{"ed25519 (the default), sm2, or cosignature: a witness's",
	 "ed25519（默认）、sm2，或cosignature：见证方的密钥"},
	{"every page", "全部各页"},
	{"every page as CSV for a spreadsheet", "全部各页，输出CSV，供电子表格使用"},
	{"follow a ledger: alarm where it contradicts itself, cosign where it does not",
	 "监测账本：自相矛盾时告警，一致时作见证签名"},
	{"give each checkpoint to the witnesses of this policy file", "把每个检查点交给该见证规则文件中的见证方"},
	{"how an enterprise's award comes about, step by step", "逐步说明企业的测算额如何得出"},
	{"keep the ledger's receipt", "保存账本的回执"},
	{"make a signing key; show its public half", "制作签名密钥；显示其公钥"},
	{"make, sign, show and submit the bureau's orders", "制作、签署、查看和提交主管部门的指令"},
	{"of genesis: what is left of which ledger it takes over", "用于genesis：接续哪个账本、保留了哪些条目"},
	{"one round, then end: for a timer", "只执行一轮即结束：用于定时任务"},
	{"only enterprises on this list", "只列该名单上的企业"},
	{"only look at the file: no key, no network", "只检查文件：不用密钥，不联网"},
	{"only those with this in code or name", "只列代码或名称中含此文字的企业"},
	{"print JSON for programs", "输出JSON，供程序使用"},
	{"private key of an officer who signs", "签名的经办人员的私钥"},
	{"push trades and refunds to the ledger", "向账本报送交易和退款"},
	{"rows of one push, 1 to 65536; by default 10000, or fewer where no certificate is shown",
	 "每次报送的行数，1至65536；默认10000，不出示证书时更少"},
	{"run by /bin/sh at an alarm", "告警时由/bin/sh执行"},
	{"send it to the ledger at once", "立即提交给账本"},
	{"the address that takes pushes; without it the server's", "接收报送的地址；没有则用server的"},
	{"the checkpoint is cosigned as this policy file asks; the copy holds the file", "检查点的见证签名须达到该规则文件的要求；副本存有该文件"},
	{"the checkpoints are cosigned as this policy file asks", "检查点的见证签名须达到该规则文件的要求"},
	{"the file that holds the access code", "存放查询授权码的文件"},
	{"the ledger's public address, https://…", "账本的公开地址，https://…"},
	{"the ledger's public key; without it the first one seen is remembered",
	 "账本的公钥；没有则记住首次见到的"},
	{"the policies in force", "生效的政策"},
	{"the records that do not count, and why", "未计入的记录及其原因"},
	{"the venue's private key", "数据交易机构的私钥"},
	{"the whole ledger: venues, sums, policies, what is worth a look",
	 "整个账本：数据交易机构、合计、政策、值得留意之处"},
	{"this month only (of the tables; --json is never cut)", "只看该月（指表格；--json从不截取）"},
	{"this text", "本说明"},
	{"to whom access codes were granted, and which were revoked", "查询授权码授予了谁，哪些已撤销"},
	{"what an enterprise has accrued, policy by policy, and its months",
	 "企业的测算额，逐个政策，以及各月情况"},
	{"what the client remembers; by default ~/.local/state/subsidy",
	 "客户端记住的内容；默认~/.local/state/subsidy"},
	{"what the order is over: a list (CSV), or a policy or genesis draft (JSON)",
	 "指令的对象：名单（CSV），或政策、创世文本草稿（JSON）"},
	{"where a grant's access code goes, instead of stdout", "查询授权码写到哪里，而不显示在屏幕上"},
	{"where a letter for each grant's holder goes, to be printed; and a list of them",
	 "每位持有人的信函写到哪个目录，供打印；另附清单"},
	{"where evidence is written (the state folder)", "证据写入的目录（默认为状态目录）"},
	{"where receipts go; by default into the state folder", "回执存到哪里；默认为状态目录"},
	{"where the access codes of a list of grants go", "一批授权的查询授权码写到哪个目录"},
	{"where the private key goes; must not exist yet", "私钥写到哪里；该文件不得已存在"},
	{"where the signed order goes; must not exist yet", "签好的指令写到哪里；该文件不得已存在"},
	{"where the template goes; by default standard output", "样例文件写到哪里；默认为标准输出"},
	{"which policy; otherwise the first by name", "哪一个政策；否则为按名称的第一个"},
	{"which version this is", "显示版本号"},
	{"whom those letters say to ask when a code is lost", "信函中写明授权码遗失时向谁询问"},
	{"whose figures are shown; otherwise the first by name", "显示哪一政策的数字；否则为按名称的第一个"},
	{"write an empty file's head and two example rows, in Chinese or in English",
	 "写一个空白文件的表头和两行样例，中文或英文"},
};
/* clang-format on */

const struct text_part text_zh_help = {rows, sizeof(rows) / sizeof(rows[0])};
