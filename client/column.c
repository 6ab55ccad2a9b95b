#include "client/column.h"

#define TRADE (1u << RECORD_TRADE)
#define REFUND (1u << RECORD_REFUND)

static const struct {
	const char *name, *chinese;
	unsigned kinds;
	bool is_required; /* the column, in a file with rows of these kinds */
} columns[COLUMN_COUNT] = {
    [COLUMN_KIND] = {"kind", "记录类型", TRADE | REFUND, false},
    [COLUMN_TRADE_NO] = {"trade_no", "交易编号", TRADE, true},
    [COLUMN_CONTRACT_NO] = {"contract_no", "合同编号", TRADE, true},
    [COLUMN_CONTRACT_HASH] = {"contract_hash", "合同摘要", TRADE, true},
    [COLUMN_CONTRACT_KIND] = {"contract_kind", "合同类型", TRADE, true},
    [COLUMN_PRODUCT_CODE] = {"product_code", "产品编码", TRADE, true},
    [COLUMN_PRODUCT_NAME] = {"product_name", "产品名称", TRADE, true},
    [COLUMN_PRODUCT_KIND] = {"product_kind", "产品类型", TRADE, true},
    [COLUMN_SUPPLIER] = {"supplier", "供方统一社会信用代码", TRADE, true},
    [COLUMN_SUPPLIER_NAME] = {"supplier_name", "供方名称", TRADE, false},
    [COLUMN_BUYER] = {"buyer", "需方统一社会信用代码", TRADE, true},
    [COLUMN_BUYER_NAME] = {"buyer_name", "需方名称", TRADE, false},
    [COLUMN_BROKER] = {"broker", "中介方统一社会信用代码", TRADE, false},
    [COLUMN_AMOUNT] = {"amount", "金额", TRADE | REFUND, true},
    [COLUMN_TAX] = {"tax", "税额", TRADE | REFUND, true},
    [COLUMN_INSTALMENT] = {"instalment", "结算期次", TRADE, false},
    [COLUMN_SIGNED_ON] = {"signed_on", "签订日期", TRADE, true},
    [COLUMN_SETTLED_ON] = {"settled_on", "结算日期", TRADE, true},
    [COLUMN_VOUCHER_NO] = {"voucher_no", "交易凭证编号", TRADE, true},
    [COLUMN_INVOICE_NO] = {"invoice_no", "发票号码", TRADE, false},
    [COLUMN_RELATED_DECLARED] = {"related_declared", "是否关联交易", TRADE, false},
    [COLUMN_OTHER_SUBSIDY] = {"other_subsidy", "是否享受其他补贴", TRADE, false},
    [COLUMN_ADJUST_NO] = {"adjust_no", "退款编号", REFUND, true},
    [COLUMN_ORIGINAL_TRADE_NO] = {"original_trade_no", "原交易编号", REFUND, true},
    [COLUMN_OCCURRED_ON] = {"occurred_on", "退款日期", REFUND, true},
    [COLUMN_REASON_CODE] = {"reason_code", "退款原因代码", REFUND, true},
    [COLUMN_REASON] = {"reason", "退款原因", REFUND, false},
    [COLUMN_RED_INVOICE_NO] = {"red_invoice_no", "红字发票号码", REFUND, false},
};

const char *column_name(enum column column)
{
	return column < COLUMN_COUNT ? columns[column].name : "";
}

const char *column_chinese(enum column column)
{
	return column < COLUMN_COUNT ? columns[column].chinese : "";
}

enum column column_by_name(struct slice name)
{
	for (enum column column = 0; column < COLUMN_COUNT; column++)
		if (slice_equal(name, slice_text(columns[column].name)) ||
		    slice_equal(name, slice_text(columns[column].chinese)))
			return column;
	return COLUMN_COUNT;
}

bool column_is_of(enum column column, enum record_kind kind)
{
	return column < COLUMN_COUNT && (columns[column].kinds & 1u << kind) != 0;
}

bool column_is_required(enum column column)
{
	return column < COLUMN_COUNT && columns[column].is_required;
}
