#include "client/letter.h"

#include <string.h>

#include "proto/date.h"
#include "proto/hash.h"
#include "proto/key.h"

#define GROUP_DIGITS 4

/* The groups of the code are apart by their margins, not by spaces: selected and copied, it is one word. */
static const char style[] =
    "@page{size:A4;margin:14mm 20mm}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0;color:#111;background:#fff;font:11pt/1.45 \"Noto Sans CJK SC\",\"Source Han Sans SC\","
    "\"Microsoft YaHei\",\"PingFang SC\",\"WenQuanYi Micro Hei\",sans-serif}\n"
    "@media screen{body{max-width:174mm;margin:12mm auto;padding:0 6mm}}\n"
    "header{border-bottom:2px solid #111;padding-bottom:2.5mm;margin-bottom:4mm}\n"
    "h1{font-size:19pt;line-height:1.3;margin:0}\n"
    "h2{font-size:11.5pt;margin:4mm 0 1mm}\n"
    "p{margin:1mm 0}\n"
    "small,.en{font-size:9pt;color:#444}\n"
    "table{border-collapse:collapse;width:100%}\n"
    "th{text-align:left;font-weight:normal;vertical-align:top}\n"
    "td{vertical-align:top;overflow-wrap:anywhere}\n"
    "code,.code{font-family:\"DejaVu Sans Mono\",\"Noto Sans Mono\",Consolas,Menlo,monospace}\n";

static const char letter_style[] =
    "th{width:46mm;padding:.5mm 0;color:#444}\n"
    "td{padding:.5mm 0}\n"
    ".code{border:1.5px solid #111;margin:2mm .5mm;padding:3.5mm 0;font-size:16pt;line-height:1.6;"
    "letter-spacing:.06em}\n"
    ".code div{white-space:nowrap;text-align:center}\n"
    ".code span+span{margin-left:.9em}\n"
    "ol,ul{margin:1mm 0;padding-left:6mm}\n"
    "li{margin:.6mm 0}\n"
    "pre{margin:1mm 0;padding:2mm 3mm;background:#f2f2f2;font-size:9.5pt;line-height:1.45;white-space:pre-wrap;"
    "overflow-wrap:anywhere;print-color-adjust:exact}\n"
    ".en{border-top:1px solid #999;margin-top:4mm;padding-top:2mm;line-height:1.4}\n";

static const char index_style[] = "@page{size:A4 landscape;margin:14mm}\n"
				  "@media screen{body{max-width:270mm}}\n"
				  "body{font-size:10pt}\n"
				  "th,td{border:1px solid #999;padding:1.5mm 2mm}\n"
				  "th{background:#f2f2f2;white-space:nowrap;print-color-adjust:exact}\n"
				  "td.narrow{white-space:nowrap}\n"
				  "th.wide{width:45mm}\n"
				  "a{color:inherit;text-decoration:none}\n"
				  "thead{display:table-header-group}\n"
				  "tr{break-inside:avoid}\n"
				  ".box{display:inline-block;width:4mm;height:4mm;border:1.5px solid #111}\n";

/* ---- pieces */

/* Everything that means something to HTML, in text and in quoted attributes alike. */
static void add_escaped(struct buf *html, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '&')
			buf_add_text(html, "&amp;");
		else if (*text == '<')
			buf_add_text(html, "&lt;");
		else if (*text == '>')
			buf_add_text(html, "&gt;");
		else if (*text == '"')
			buf_add_text(html, "&quot;");
		else if (*text == '\'')
			buf_add_text(html, "&#39;");
		else
			buf_u8(html, (uint8_t)*text);
	}
}

static void add_element(struct buf *html, const char *begin, const char *text, const char *end)
{
	buf_add_text(html, begin);
	add_escaped(html, text);
	buf_add_text(html, end);
}

static void add_head(struct buf *html, const char *title, const char *own_style)
{
	buf_add_text(html, "<!DOCTYPE html>\n<html lang=\"zh-CN\">\n<head>\n<meta charset=\"utf-8\">\n"
			   "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
			   "'unsafe-inline'\">\n<meta name=\"referrer\" content=\"no-referrer\">\n");
	add_element(html, "<title>", title, "</title>\n<style>\n");
	buf_add_text(html, style);
	buf_add_text(html, own_style);
	buf_add_text(html, "</style>\n</head>\n<body>\n");
}

static void add_row(struct buf *html, const char *label, const char *value)
{
	add_element(html, "<tr><th>", label, "</th>");
	add_element(html, "<td>", value, "</td></tr>\n");
}

void letter_reference(const struct letter *letter, char ret_text[static LETTER_REFERENCE_SIZE])
{
	struct hash hash = hash_sha256(slice_of(letter->token, sizeof(letter->token)));

	hex_format(slice_of(hash.bytes, (LETTER_REFERENCE_SIZE - 1) / 2), ret_text);
}

/* ---- the letter */

static void add_code(struct buf *html, const uint8_t token[static LETTER_TOKEN_SIZE])
{
	char digits[2 * LETTER_TOKEN_SIZE + 1];

	hex_format(slice_of(token, LETTER_TOKEN_SIZE), digits);
	buf_add_text(html, "<div class=\"code\">");
	for (size_t i = 0; i < 2 * LETTER_TOKEN_SIZE; i += GROUP_DIGITS) {
		if (i % (LETTER_TOKEN_SIZE) == 0)
			buf_add_text(html, i == 0 ? "<div>" : "</div><div>");
		buf_add_text(html, "<span>");
		buf_add(html, digits + i, GROUP_DIGITS);
		buf_add_text(html, "</span>");
	}
	buf_add_text(html, "</div></div>\n");
	key_wipe(digits, sizeof(digits));
}

static bool is_venue(const struct letter *letter)
{
	return strncmp(letter->subject, "venue:", strlen("venue:")) == 0;
}

static bool is_oversight(const struct letter *letter)
{
	return strcmp(letter->subject, "bureau") == 0 || strcmp(letter->subject, "auditor") == 0;
}

/* What the holder types. */
static void add_commands(struct buf *html, const struct letter_issue *issue, const struct letter *letter)
{
	add_element(html, "<pre>chmod 600 subsidy.token\nexport SUBSIDY_SERVER=",
	    issue->server != NULL ? issue->server : "https://____________________", "\n");
	buf_add_text(html, "export SUBSIDY_TOKEN=$PWD/subsidy.token\n");
	if (is_oversight(letter)) {
		buf_add_text(html, "subsidy overview\nsubsidy list</pre>\n");
	} else if (is_venue(letter)) {
		add_element(html, "subsidy feed ", letter->subject + strlen("venue:"), "</pre>\n");
	} else {
		add_element(html, "subsidy show ", letter->subject, "\n");
		add_element(html, "subsidy trades ", letter->subject, "\n");
		add_element(html, "subsidy explain ", letter->subject, "</pre>\n");
	}
}

static const char *scope_of(const struct letter *letter)
{
	if (is_oversight(letter))
		return "账本内全部企业与交易机构的数据";
	return is_venue(letter) ? "本机构报送的数据" : "本企业的交易、奖补测算及其依据";
}

static void add_fields(struct buf *html, const struct letter_issue *issue, const struct letter *letter)
{
	char reference[LETTER_REFERENCE_SIZE], date[DATE_TEXT_SIZE];

	letter_reference(letter, reference);
	buf_add_text(html, "<table>\n");
	if (letter->name != NULL)
		add_row(html, "名称 Name", letter->name);
	add_row(html,
	    is_oversight(letter) ? "对象 Subject"
	    : is_venue(letter)   ? "交易机构 Venue"
				 : "统一社会信用代码 Code",
	    is_venue(letter) ? letter->subject + strlen("venue:") : letter->subject);
	add_row(html, "持有人 Holder", letter->holder);
	add_row(html, "可查范围 Scope", scope_of(letter));
	date_format(letter->expires, date);
	add_row(html, "有效期至 Valid through", date);
	date_format(issue->issued_on, date);
	add_row(html, "签发日期 Issued on", date);
	add_row(html, "指令编号 Order", issue->order_id);
	add_row(html, "函件编号 Reference", reference);
	buf_add_text(html, "</table>\n");
}

static void add_advice(struct buf *html, const struct letter_issue *issue)
{
	buf_add_text(html, "<h2>请注意</h2>\n<ul>\n"
			   "<li>查询码只在本函出现一次，账本只存其摘要，任何人都无法再次显示或找回。</li>\n"
			   "<li>凭码只能查询，不能改动。知道此码的人都能查询，请勿转交、拍照或经即时通讯发送。</li>\n"
			   "<li>遗失、泄露或持有人离职，请立即告知");
	add_escaped(html, issue->contact != NULL ? issue->contact : "交给您本函的人");
	buf_add_text(html, "，并报函件编号：旧码作废，换发新码。</li>\n"
			   "<li>查询结果是测算，不是兑付承诺。</li>\n</ul>\n");
}

static void add_english(struct buf *html, const struct letter_issue *issue)
{
	buf_add_text(html, "<div class=\"en\" lang=\"en\"><p><b>In English.</b> The box holds your access code to the "
			   "subsidy ledger: 64 digits, blanks do not matter. Write it into a text file that you alone "
			   "can read, name that file in SUBSIDY_TOKEN, and run the commands above. The code reads, it "
			   "changes nothing. It is shown here once and can be shown by nobody again; the ledger keeps "
			   "its hash only. If it is lost or others may know it, tell ");
	add_escaped(html, issue->contact != NULL ? issue->contact : "whoever handed you this letter");
	buf_add_text(html, " at once, with the reference: it is revoked, and you get another. "
			   "An accrual is not a promise of payment.</p></div>\n");
}

static void add_letter(
    struct buf *html, const struct letter_issue *issue, const struct letter *letter, const uint8_t *token)
{
	add_head(html, "查询码函", letter_style);
	buf_add_text(html, "<header><h1>数据交易奖补账本 查询码函</h1>\n");
	add_element(html, "<small>Access code to the subsidy ledger ", issue->origin, "</small></header>\n");
	add_fields(html, issue, letter);
	buf_add_text(html, "<h2>查询码 Access code</h2>\n");
	add_code(html, token);
	buf_add_text(html, "<h2>使用方法</h2>\n<ol>\n"
			   "<li>将 64 位查询码写入文本文件，如 <code>subsidy.token</code>；空格与换行可有可无。</li>\n"
			   "<li>把文件设为只有本人可读，并设定服务器地址与文件位置，然后查询：</li>\n</ol>\n");
	add_commands(html, issue, letter);
	add_advice(html, issue);
	add_english(html, issue);
	buf_add_text(html, "</body>\n</html>\n");
}

enum err letter_format(const struct letter_issue *issue, const struct letter *letter, struct buf *ret_html)
{
	static const uint8_t no_token[LETTER_TOKEN_SIZE];

	/* First without the code: so the buffer has its size, and no freed memory a copy, once the code is in it. */
	add_letter(ret_html, issue, letter, no_token);
	if (ret_html->err == OK) {
		buf_clear(ret_html);
		add_letter(ret_html, issue, letter, letter->token);
	}
	return ret_html->err;
}

/* ---- the list */

void letter_index_begin(const struct letter_issue *issue, size_t letter_count, struct buf *html)
{
	char date[DATE_TEXT_SIZE];

	date_format(issue->issued_on, date);
	add_head(html, "查询码函发放登记", index_style);
	buf_add_text(html, "<header><h1>查询码函发放登记</h1>\n");
	add_element(html, "<small>Access code letters handed over. 账本 Ledger: ", issue->origin, "; ");
	add_element(html, "指令 Order: ", issue->order_id, "; ");
	add_element(html, "签发 Issued: ", date, "; ");
	buf_printf(html, "共 %zu 份 letters. 本表不含查询码。No codes in here.</small></header>\n", letter_count);
	buf_add_text(html, "<table>\n<thead><tr><th>✓</th><th>#</th><th>对象<br>Subject</th><th>名称<br>Name</th>"
			   "<th>持有人<br>Holder</th><th>有效期至<br>Valid through</th><th>函件编号<br>Reference</th>"
			   "<th class=\"wide\">签收、日期<br>Received by, on</th></tr></thead>\n<tbody>\n");
}

void letter_index_add(const struct letter *letter, size_t number, const char *file_name, struct buf *html)
{
	char reference[LETTER_REFERENCE_SIZE], date[DATE_TEXT_SIZE];

	letter_reference(letter, reference);
	date_format(letter->expires, date);
	buf_printf(html, "<tr><td><span class=\"box\"></span></td><td>%zu</td>", number);
	add_element(html, "<td class=\"narrow\"><a href=\"", file_name, "\">");
	add_element(html, "", letter->subject, "</a></td>");
	add_element(html, "<td>", letter->name != NULL ? letter->name : "", "</td>");
	add_element(html, "<td>", letter->holder, "</td>");
	add_element(html, "<td class=\"narrow\">", date, "</td>");
	add_element(html, "<td class=\"narrow\"><code>", reference, "</code></td>");
	buf_add_text(html, "<td></td></tr>\n");
}

void letter_index_end(struct buf *html)
{
	buf_add_text(html, "</tbody>\n</table>\n</body>\n</html>\n");
}
