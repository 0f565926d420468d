#include "proxy/admin/frame.h"

static const char head[] =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n"
    "<title>%s - scrapegate</title>\n"
    "<style>\n";

static const char style[] =
    ":root{--ink:#1d2430;--soft:#5c6673;--page:#f5f6f8;--card:#fff;"
    "--line:#d9dde3;--up:#1a7f4b;--down:#c4314b;--unknown:#6b7280;"
    "--bad:#fdeef0;--odd:#fdf6e3;--odd-ink:#8a6100}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#e4e7eb;"
    "--soft:#9aa5b1;--page:#14181d;--card:#1d232a;--line:#343c46;"
    "--up:#2f9e68;--down:#e0566d;--unknown:#7d8794;--bad:#33202a;"
    "--odd:#302a18;--odd-ink:#d9a441}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0;background:var(--page);color:var(--ink);"
    "font:15px/1.45 system-ui,sans-serif}\n"
    "header,main{max-width:1120px;margin:0 auto;padding:12px 20px}\n"
    "header{display:flex;gap:20px;align-items:baseline;flex-wrap:wrap}\n"
    "header b{font-size:20px}\n"
    "a{color:inherit}\n"
    ".soft{color:var(--soft)}\n"
    "section{background:var(--card);border:1px solid var(--line);"
    "border-left:5px solid var(--unknown);border-radius:6px;"
    "padding:14px 18px;margin:0 0 16px}\n"
    "section.up{border-left-color:var(--up)}\n"
    "section.down{border-left-color:var(--down)}\n"
    "section.plain{border-left-width:1px;border-left-color:var(--line);"
    "overflow-x:auto}\n"
    "h2{font-size:17px;margin:0 0 8px}\n"
    ".badge{display:inline-block;border-radius:4px;padding:1px 8px;"
    "margin-right:8px;font-size:12px;font-weight:700;color:#fff;"
    "background:var(--unknown)}\n"
    ".badge.up{background:var(--up)}.badge.down{background:var(--down)}\n"
    "dl{display:grid;grid-template-columns:max-content 1fr;"
    "gap:2px 16px;margin:8px 0}\n"
    "dt{color:var(--soft)}\n"
    "dd{margin:0;white-space:pre-wrap;overflow-wrap:anywhere}\n"
    ".facts{display:flex;flex-wrap:wrap;gap:4px 24px}\n"
    ".why{background:var(--bad);border-radius:6px;padding:8px 14px;"
    "margin:10px 0}\n"
    ".note{background:var(--odd);border-radius:6px;padding:8px 14px;"
    "margin:10px 0}\n"
    ".why .words,.note .words{font:14px/1.4 "
    "ui-monospace,monospace;font-weight:600;"
    "overflow-wrap:anywhere}\n"
    ".bar{display:flex;height:12px;border-radius:3px;overflow:hidden;"
    "background:var(--line);margin:10px 0 4px;min-width:90px}\n"
    "td .bar{margin:4px 0}\n"
    ".bar i{min-width:1px}\n"
    ".key{display:flex;flex-wrap:wrap;gap:2px 16px;font-size:13px}\n"
    ".key i{display:inline-block;width:10px;height:10px;"
    "border-radius:2px;margin-right:5px}\n"
    ".p0{background:#8e99a8}.p1{background:#9c6ade}"
    ".p2{background:#3b82c4}.p3{background:#20a39e}"
    ".p4{background:#e8a33d}.p5{background:#5fa55a}"
    ".p6{background:#c86b98}\n"
    "table{border-collapse:collapse;width:100%;font-size:13px}\n"
    "th,td{text-align:left;padding:3px 10px 3px 0;"
    "border-top:1px solid var(--line);vertical-align:top}\n"
    "th{border-top:0;color:var(--soft);font-weight:400}\n"
    "td.n,th.n{text-align:right}\n"
    "td.n,td:first-child{white-space:nowrap}\n"
    "td.ok{color:var(--up)}td.bad{color:var(--down)}"
    "td.odd{color:var(--odd-ink)}\n"
    "td.words{overflow-wrap:anywhere;min-width:180px}\n"
    "</style></head><body>\n";

void
frame_begin(FILE *out, const char *title)
{
	fprintf(out, head, title);
	fputs(style, out);
}

void
frame_end(FILE *out)
{
	fputs("</main></body></html>\n", out);
}
