#include "client/guide.h"

#include <stdlib.h>
#include <string.h>

#include "proto/text.h"

/* As everywhere in what is only an example, the enterprises are not real; their codes check. */
static const struct {
	const char *example, *chinese; /* NULL: the same */
	const char *rule;
} guides[COLUMN_COUNT] = {
    [COLUMN_KIND] = {"trade", "交易", "应填“交易”或“退款”；留空即为交易。"},
    [COLUMN_TRADE_NO] = {"T-2025-0001", NULL, "应为1至64个半角字母、数字或符号，不含空格和汉字，交易场所内不得重复。"},
    [COLUMN_CONTRACT_NO] = {"C-2025-0001", "合〔2025〕1号", "不得为空，至多128字节，不得换行。"},
    [COLUMN_CONTRACT_HASH] = {"9d374245f41f172a5f3e52882f5d8f7c1be3a6378a8ce034f2447ca6ae50580a", NULL,
	"应为64位十六进制数字，即合同文件的SHA-256或SM3摘要。"},
    [COLUMN_CONTRACT_KIND] = {"provide", "数据提供", "应填“数据提供”“数据委托处理”“数据融合开发”“数据中介”之一。"},
    [COLUMN_PRODUCT_CODE] = {"P-1", NULL, "不得为空，至多64字节，不得换行。"},
    [COLUMN_PRODUCT_NAME] = {"weather observations", "气象实况数据", "不得为空，至多200字节，不得换行。"},
    [COLUMN_PRODUCT_KIND] = {"dataset", "数据集",
	"应填“数据集”“数据接口”“数据报告”“数据模型”“数据工具”“算力”“其他”之一。"},
    [COLUMN_SUPPLIER] = {"91370202MA0XTE011C", NULL,
	"应为18位统一社会信用代码，校验位须正确；请将该列设为文本后从原件重新录入。"},
    [COLUMN_SUPPLIER_NAME] = {"supplier (example)", "供方（样例）", "至多200字节，不得换行；可以留空。"},
    [COLUMN_BUYER] = {"91370202MA0XTE02X4", NULL,
	"应为18位统一社会信用代码，校验位须正确；请将该列设为文本后从原件重新录入。"},
    [COLUMN_BUYER_NAME] = {"buyer (example)", "需方（样例）", "至多200字节，不得换行；可以留空。"},
    [COLUMN_BROKER] = {"91370202MA0XTE0384", NULL, "应为18位统一社会信用代码，校验位须正确；可以留空。"},
    [COLUMN_AMOUNT] = {"1060.00", NULL,
	"应为含税金额（元），大于零，至多两位小数，至多100000000000.00，不带正负号和“元”“万元”等字样。"},
    [COLUMN_TAX] = {"60.00", NULL, "应为税额（元），小于金额，至多两位小数；没有税额时填0。"},
    [COLUMN_INSTALMENT] = {"1", NULL, "应为1至9999的整数；留空即为1。"},
    [COLUMN_SIGNED_ON] = {"2025-01-05", NULL, "应为1990至2099年间的日期，年份四位在前，不带时间。"},
    [COLUMN_SETTLED_ON] = {"2025-02-06", NULL,
	"应为1990至2099年间的日期，年份四位在前，不带时间；不早于签订日期，不晚于今天。"},
    [COLUMN_VOUCHER_NO] = {"V-2025-0001", NULL, "应为1至64个半角字母、数字或符号，不含空格和汉字。"},
    [COLUMN_INVOICE_NO] = {"26370000000000000915", NULL,
	"应为发票号码，至多8个，以分号隔开；每个20位，或10位、12位代码加8位号码；可以留空。"},
    [COLUMN_RELATED_DECLARED] = {"no", "否", "应填“否”“是”或“未声明”；留空即为未声明。"},
    [COLUMN_OTHER_SUBSIDY] = {"no", "否", "应填“否”“是”或“未声明”；留空即为未声明。"},
    [COLUMN_ADJUST_NO] = {"A-2025-0001", NULL, "应为1至64个半角字母、数字或符号，不含空格和汉字，交易场所内不得重复。"},
    [COLUMN_ORIGINAL_TRADE_NO] = {"T-2025-0001", NULL, "应为所退交易的交易编号。"},
    [COLUMN_OCCURRED_ON] = {"2025-03-07", NULL, "应为1990至2099年间的日期，年份四位在前，不带时间；不晚于今天。"},
    [COLUMN_REASON_CODE] = {"quality", NULL, "应为1至32个半角字母、数字或符号，不含空格和汉字。"},
    [COLUMN_REASON] = {"incomplete data", "数据不完整", "至多500字节，不得换行；可以留空。"},
    [COLUMN_RED_INVOICE_NO] = {"26370000000000000917", NULL,
	"应为一个发票号码：20位，或10位、12位代码加8位号码；可以留空。"},
};

const char *guide_example(enum column column, bool is_chinese)
{
	if (column >= COLUMN_COUNT)
		return "";
	return is_chinese && guides[column].chinese != NULL ? guides[column].chinese : guides[column].example;
}

const char *guide_rule_chinese(enum column column)
{
	return column < COLUMN_COUNT ? guides[column].rule : "";
}

bool guide_is_chinese(void)
{
	static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = getenv(names[i]);

		if (value != NULL && value[0] != '\0')
			return text_language_of_locale(value) == TEXT_CHINESE;
	}
	return false;
}

/* None of the texts needs quotes. A refund leaves the trade's cells empty, and the other way round. */
static void row_write(enum record_kind kind, bool is_chinese, struct buf *csv)
{
	for (enum column column = 0; column < COLUMN_COUNT; column++) {
		const char *text = column_is_of(column, kind) ? guide_example(column, is_chinese) : "";

		if (column == COLUMN_KIND && kind == RECORD_REFUND)
			text = is_chinese ? "退款" : "refund";
		buf_printf(csv, "%s%s", column > 0 ? "," : "", text);
	}
	buf_add_text(csv, "\r\n");
}

void guide_template(bool is_chinese, struct buf *ret_csv)
{
	buf_add_text(ret_csv, "\xef\xbb\xbf");
	for (enum column column = 0; column < COLUMN_COUNT; column++)
		buf_printf(
		    ret_csv, "%s%s", column > 0 ? "," : "", is_chinese ? column_chinese(column) : column_name(column));
	buf_add_text(ret_csv, "\r\n");
	row_write(RECORD_TRADE, is_chinese, ret_csv);
	row_write(RECORD_REFUND, is_chinese, ret_csv);
}
