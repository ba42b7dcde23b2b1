/** The page's only style sheet; colors follow the reader's system. */
export const STYLE = `
:root{color-scheme:light dark;--page:#f6f7f9;--card:#fff;--ink:#1b2330;--soft:#5d6879;--rule:#e3e7ee;--accent:#3563d9;--band:#dcecdf;
--pass:#1a7f45;--pass-bg:#e2f4e8;--fail:#c2273d;--fail-bg:#fdeaec;--warn:#9a6200;--warn-bg:#fdf1d8;--bar:#9db4ea;--shadow:0 1px 2px #1b233014,0 4px 16px #1b23300d}
@media(prefers-color-scheme:dark){:root{--page:#0f141b;--card:#171e28;--ink:#e4e9f1;--soft:#93a0b4;--rule:#28313f;--accent:#86a8ff;--band:#1b3527;
--pass:#5fd38d;--pass-bg:#153323;--fail:#ff8292;--fail-bg:#3d1a21;--warn:#f0bd5b;--warn-bg:#38290d;--bar:#44609f;--shadow:0 1px 2px #0006}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",sans-serif}
main{max-width:1180px;margin:0 auto;padding:40px 24px 64px}
code,.mono{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;font-size:.92em}
header{display:flex;flex-wrap:wrap;gap:16px 24px;align-items:center;justify-content:space-between;margin-bottom:24px}
h1{font-size:26px;line-height:1.2;margin:0;letter-spacing:-.01em}
h2{font-size:17px;margin:40px 0 12px}
.sub{color:var(--soft);margin:4px 0 0}
.verdict{font-weight:650;font-size:16px;padding:10px 18px;border-radius:999px;white-space:nowrap}
.PASS{color:var(--pass);background:var(--pass-bg)}.FAIL,.ERROR{color:var(--fail);background:var(--fail-bg)}.WARN{color:var(--warn);background:var(--warn-bg)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(130px,1fr));gap:12px}
.tile,.rules{background:var(--card);border:1px solid var(--rule);border-radius:14px;box-shadow:var(--shadow)}
.tile{padding:14px 18px}.tile b{display:block;font-size:26px;line-height:1.2;font-weight:650;font-variant-numeric:tabular-nums}.tile span{color:var(--soft)}
.tile.bad b{color:var(--fail)}.tile.look b{color:var(--warn)}
.rules{overflow:hidden}
.rule{display:grid;grid-template-columns:76px minmax(0,1fr) 230px 230px;gap:20px;padding:18px 20px;border-top:1px solid var(--rule);align-items:start}
.rule:first-child{border-top:0}
.chip{display:inline-block;font-size:12px;font-weight:650;letter-spacing:.03em;padding:2px 9px;border-radius:999px;text-align:center;min-width:56px}
.text{overflow-wrap:anywhere;font-weight:550}
.meta{color:var(--soft);font-size:13px;margin-top:4px;overflow-wrap:anywhere}
.message{margin-top:6px;color:var(--fail);overflow-wrap:anywhere}.warn .message{color:var(--warn)}
.number{font-weight:600;font-variant-numeric:tabular-nums}
.caption{display:flex;justify-content:space-between;gap:8px;font-size:12px;color:var(--soft);margin-bottom:4px;overflow-wrap:anywhere}
figure{margin:0}figure+figure{margin-top:14px}
svg{display:block;width:100%;height:56px;overflow:visible}
.band{fill:var(--band)}.line{fill:none;stroke:var(--accent);stroke-width:1.6;vector-effect:non-scaling-stroke;stroke-linejoin:round}
.dot{fill:var(--accent)}.out{fill:var(--fail)}.bar{fill:var(--bar)}.bar.out{fill:var(--fail)}
.ends{display:flex;justify-content:space-between;font-size:11px;color:var(--soft);margin-top:2px;border-top:1px solid var(--rule);padding-top:2px}
.values{list-style:none;margin:0;padding:0;font-size:12px}
.values li{position:relative;display:flex;justify-content:space-between;gap:8px;padding:1px 6px;margin-bottom:2px}
.fill{position:absolute;inset:0 auto 0 0;background:var(--bar);opacity:.45;border-radius:4px}
.value{position:relative;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}.share{position:relative;font-variant-numeric:tabular-nums}
p.plain{margin:0;font-size:12px;color:var(--soft)}
details{margin-top:10px}summary{cursor:pointer;color:var(--accent);font-size:13px}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:13px;margin-top:8px;width:100%}
th,td{text-align:left;padding:4px 12px 4px 0;border-bottom:1px solid var(--rule);white-space:nowrap;max-width:260px;overflow:hidden;text-overflow:ellipsis}
th{color:var(--soft);font-weight:500}.null{color:var(--soft);font-style:italic}
footer{color:var(--soft);font-size:13px;margin-top:32px}
@media(max-width:900px){.rule{grid-template-columns:minmax(0,1fr);gap:12px}figure{max-width:300px}}
@media print{.rules,.tile{box-shadow:none}.rule{break-inside:avoid}}
`.trim()
