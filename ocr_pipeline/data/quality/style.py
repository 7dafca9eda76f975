"""The look of the report: one stylesheet, no script, nothing fetched from elsewhere."""

STYLE = """
:root { --ink: #1c2128; --quiet: #667085; --line: #e4e7ec; --soft: #f7f8fa; --bar: #3b6fd8;
  --good: #18794e; --good-soft: #e6f4ec; --warn: #9a5b00; --warn-soft: #fdf2de; --bad: #b42318; --bad-soft: #fdeceb; }
* { box-sizing: border-box; }
body { margin: 0; background: #fff; color: var(--ink);
  font: 14px/1.5 "Noto Sans KR", "Noto Sans CJK KR", "Apple SD Gothic Neo", "Malgun Gothic", system-ui, sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 40px 28px 80px; }
h1 { font-size: 28px; margin: 0; letter-spacing: -.01em; }
h2 { font-size: 20px; margin: 0; }
h2 small { font-weight: 400; color: var(--quiet); margin-left: 10px; font-size: 14px; }
h3 { font-size: 14px; margin: 26px 0 8px; }
h3 small { font-weight: 400; color: var(--quiet); margin-left: 8px; font-size: 13px; }
p.lead { color: var(--quiet); margin: 6px 0 0; max-width: 75ch; }
a { color: inherit; text-decoration-color: var(--line); text-underline-offset: 3px; }
section p.lead { max-width: none; }
section { border-top: 1px solid var(--line); margin-top: 44px; padding-top: 28px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: 7px 10px; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { font-weight: 600; }
thead th { color: var(--quiet); font-size: 12px; font-weight: 500; border-bottom-color: #cfd4dc;
  vertical-align: bottom; }
th:first-child, td:first-child, td.text { text-align: left; }
td.text { white-space: normal; overflow-wrap: anywhere; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(140px, 1fr)); gap: 10px; margin: 26px 0 30px; }
.card { border: 1px solid var(--line); border-radius: 8px; padding: 12px 14px; }
.card b { display: block; font-size: 24px; line-height: 1.25; font-variant-numeric: tabular-nums; }
.card span { color: var(--quiet); font-size: 13px; }
.card.bad { border-color: var(--bad); background: var(--bad-soft); } .card.bad b { color: var(--bad); }
.card.warn { border-color: #e5b86a; background: var(--warn-soft); } .card.warn b { color: var(--warn); }
.tag { display: inline-block; border-radius: 99px; padding: 0 8px; font-size: 12px; background: var(--soft);
  color: var(--quiet); }
.tag.good { background: var(--good-soft); color: var(--good); }
.tag.warn { background: var(--warn-soft); color: var(--warn); }
.tag.bad { background: var(--bad-soft); color: var(--bad); }
.zero { color: #a9b1bd; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(320px, 1fr)); gap: 14px; margin-top: 20px; }
figure { margin: 0; border: 1px solid var(--line); border-radius: 8px; padding: 12px 14px; }
figcaption { display: flex; justify-content: space-between; gap: 10px; font-size: 13px; margin-bottom: 8px; }
figcaption span { color: var(--quiet); text-align: right; }
svg { width: 100%; height: auto; display: block; }
svg rect { fill: var(--bar); }
svg text { font-size: 8.5px; text-anchor: middle; fill: var(--quiet); }
svg text.count { fill: var(--ink); }
table.bars th, table.bars td { border: 0; padding: 2px 6px; font-size: 13px; font-weight: 400; }
table.bars td.bar { width: 55%; }
table.bars i { display: block; height: 9px; border-radius: 2px; background: var(--bar); }
.glyphs { display: flex; flex-wrap: wrap; gap: 5px; }
.glyphs span { border: 1px solid var(--line); border-radius: 5px; padding: 1px 8px; }
.glyphs small { color: var(--quiet); margin-left: 6px; font-variant-numeric: tabular-nums; }
.samples { display: flex; flex-wrap: wrap; gap: 10px; }
.sample { border: 1px solid var(--line); border-radius: 8px; overflow: hidden; max-width: 240px;
  background: var(--soft); display: flex; flex-direction: column; }
.sample .frame { flex: 1; display: flex; align-items: center; justify-content: center; padding: 8px;
  min-height: 56px; }
.sample img { max-width: 100%; display: block; }
.sample div:last-child { background: #fff; border-top: 1px solid var(--line); padding: 5px 10px 6px;
  line-height: 1.35; }
.sample b { font-size: 15px; overflow-wrap: anywhere; }
.sample small { display: block; color: var(--quiet); font-size: 11.5px; overflow-wrap: anywhere; }
.none { color: var(--quiet); margin: 4px 0; }
footer { color: var(--quiet); font-size: 12.5px; margin-top: 48px; border-top: 1px solid var(--line);
  padding-top: 14px; }
@media print { section { break-inside: avoid-page; } }
"""
