#pragma once

namespace oddity {

/// The style sheet of the report: system fonts, light and dark by the reader's setting, a print form that fits paper.
/// Text and marks keep a contrast of at least 4.5 : 1 and 3 : 1 against their ground.
inline constexpr const char* report_style = R"css(
:root{color-scheme:light dark;--paper:#f6f7f9;--card:#fff;--ink:#17202b;--muted:#566272;--line:#dde2e9;--rail:#e9edf2;
--good:#2a6fb0;--defect:#c4551b;--bad-bg:#fdf0e8;--ok:#1e7a4c;--ok-bg:#e8f5ee;--warn:#8a5a00;--warn-bg:#fff5dc;--curve:#17202b}
@media(prefers-color-scheme:dark){:root{--paper:#12161b;--card:#1b2128;--ink:#e6eaf0;--muted:#9dabbb;--line:#313a45;--rail:#29313b;
--good:#6cb0ee;--defect:#f2935c;--bad-bg:#38231a;--ok:#6ed3a0;--ok-bg:#15302a;--warn:#f0c766;--warn-bg:#352c14;--curve:#e6eaf0}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main{max-width:1180px;margin:0 auto;padding:28px 22px 60px}
h1{font-size:27px;line-height:1.2;margin:0 0 4px;letter-spacing:-.01em}
h2{font-size:19px;margin:38px 0 10px}
h3{font-size:15px;margin:22px 0 8px}
p{margin:6px 0;max-width:80ch}
.muted{color:var(--muted)}
.small{font-size:13px}
code{font:12.5px/1.4 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
.lead{font-size:17px;max-width:76ch}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:16px 18px}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(200px,1fr));gap:12px;margin:18px 0}
.tile .name{color:var(--muted);font-size:13px}
.tile .value{font-size:30px;font-weight:650;line-height:1.25;font-variant-numeric:tabular-nums}
.tile .value small{font-size:15px;font-weight:500;color:var(--muted)}
.tile .note{font-size:13px;color:var(--muted)}
.tile.escape{border-top:4px solid var(--defect)}.tile.overkill{border-top:4px solid var(--good)}.tile.plain{border-top:4px solid var(--line)}
.note-box{border-radius:10px;padding:12px 16px;margin:14px 0;border:1px solid transparent}
.note-box p{max-width:none}
.note-box.ok{background:var(--ok-bg);border-color:var(--ok)}.note-box.warn{background:var(--warn-bg);border-color:var(--warn)}
.two{display:grid;grid-template-columns:minmax(0,1.75fr) minmax(0,1fr);gap:14px;align-items:stretch}
@media(max-width:820px){.two{grid-template-columns:minmax(0,1fr)}}
figure{margin:0}figcaption{font-size:13px;color:var(--muted);margin-top:6px}
svg{display:block;width:100%;height:auto}
svg text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,Arial,sans-serif;fill:var(--muted)}
svg .label{fill:var(--ink);font-weight:600}
.good{fill:var(--good)}.defect{fill:var(--defect)}.rail{fill:var(--rail)}
.axis{stroke:var(--muted)}.grid{stroke:var(--line)}.chance{stroke:var(--muted);stroke-dasharray:3 4}
.threshold{stroke:var(--ink);stroke-width:1.6;stroke-dasharray:6 4}
.curve{fill:none;stroke:var(--curve);stroke-width:2;stroke-linejoin:round}
.point line{stroke:var(--defect);stroke-width:1.6}.point circle{fill:var(--defect);stroke:var(--card);stroke-width:1.5}
.whisker{stroke:var(--ink);fill:none;stroke-width:1.2}
.bar{min-width:110px;width:100%}
.table{overflow-x:auto;padding:4px 18px}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:7px 10px 7px 0;text-align:left;border-bottom:1px solid var(--line);vertical-align:middle}
tr:last-child td,tr:last-child th{border-bottom:0}
thead th{font-size:13px;color:var(--muted);font-weight:600;vertical-align:bottom}
tbody th{font-weight:600}
td.n,th.n{text-align:right}td.wide{min-width:150px;width:26%}th.n+th,td.n+td.wide{padding-left:14px}
td small{color:var(--muted);display:block;font-size:12px;white-space:nowrap}
.dot{display:inline-block;width:11px;height:11px;border-radius:3px;margin-right:6px;vertical-align:-1px}
.dot.good{background:var(--good)}.dot.defect{background:var(--defect)}
.part{margin:12px 0;padding:14px 16px;break-inside:avoid}
.part header{display:flex;flex-wrap:wrap;gap:4px 14px;align-items:baseline;margin-bottom:9px;font-size:14px}
.part header b{overflow-wrap:anywhere}
.tag{font-size:12px;border-radius:99px;padding:1px 9px;border:1px solid currentColor;white-space:nowrap}
.tag.escape{color:var(--defect)}.tag.overkill{color:var(--good)}.tag.reject{color:var(--ok)}
.views{display:grid;grid-template-columns:repeat(4,minmax(0,1fr));gap:10px}
.views:not(:has(figure:nth-child(4))){grid-template-columns:repeat(3,minmax(0,270px))}
@media(max-width:620px){.views{grid-template-columns:repeat(2,minmax(0,1fr))}}
.view{position:relative;background:var(--rail);border-radius:6px;overflow:hidden}
.view img{display:block;width:100%;height:auto}
.view svg{position:absolute;inset:0;height:100%}
.view svg path{fill:none;stroke:#ff3b3b;stroke-width:2;vector-effect:non-scaling-stroke;stroke-linejoin:round}
.view svg path.under{stroke:#000;stroke-opacity:.55;stroke-width:4}
.views figure.none .view{display:grid;place-items:center;min-height:90px;height:calc(100% - 26px);font-size:13px;color:var(--muted);text-align:center;padding:8px}
.scale{display:flex;align-items:center;gap:10px;font-size:13px;color:var(--muted);margin:8px 0}
.scale svg{width:260px;flex:none}
.scale .mark{stroke:#fff;stroke-width:3}.scale .mark2{stroke:#000;stroke-width:1.2}
dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:5px 18px;margin:8px 0}
dt{color:var(--muted)}dd{margin:0;overflow-wrap:anywhere}
details{margin:12px 0}summary{cursor:pointer;font-weight:600}
@media(max-width:560px){dl{grid-template-columns:minmax(0,1fr);gap:0}dd{margin-bottom:8px}}
@media print{:root{--paper:#fff;--card:#fff;--ink:#000;--muted:#444;--line:#bbb;--rail:#eee;--good:#2a6fb0;--defect:#c4551b;--ok:#1e7a4c;--ok-bg:#fff;--warn:#8a5a00;--warn-bg:#fff;--curve:#000}
body{font-size:11pt}main{max-width:none;padding:0}.card,.note-box{break-inside:avoid}h2,h3{break-after:avoid}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
)css";

}  // namespace oddity
