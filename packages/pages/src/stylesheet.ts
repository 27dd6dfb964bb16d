import { createHash } from 'node:crypto';

/**
 * The one style sheet of all pages: a notice of paper on a board. Colours are pairs for light and dark, text has a
 * contrast of 4.5 or more and every line around a control 3 or more; no meaning rests on colour alone.
 */
export const stylesheet = `
:root {
  color-scheme: light dark;
  --board: #e4dfd5; --paper: #fffdf9; --ink: #211e1a; --soft: #5b5347; --line: #d9d1c3; --edge: #857a69;
  --brand: #7b1e2e; --brand-strong: #611322; --on-brand: #fff; --link: #7b1e2e;
  --note: #f6efdf; --warn: #fbeedb; --warn-edge: #9a5b00; --field: #fff; --was: #fbe3df; --was-mark: #f3b9b0; --now: #e2f0df; --now-mark: #b3d8ab;
  --good-edge: #3f7a35; --shadow: 0 1px 2px #0002, 0 12px 32px #0002;
}
@media (prefers-color-scheme: dark) {
  :root {
    --board: #141210; --paper: #211e1b; --ink: #f0eae0; --soft: #b9afa0; --line: #3a352e; --edge: #948976;
    --brand: #e3b074; --brand-strong: #f0c592; --on-brand: #211305; --link: #ebbd86;
    --note: #2b2722; --warn: #372a17; --warn-edge: #d99a3d; --field: #191613; --was: #3a2320; --was-mark: #7a2f27; --now: #20301e; --now-mark: #2f5c28;
    --good-edge: #7fb872; --shadow: 0 1px 2px #0006, 0 12px 32px #0006;
  }
}
*, ::before, ::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0; min-height: 100vh; padding: 2.25rem 1rem 2rem; background: var(--board); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  overflow-wrap: anywhere;
}
.frame { max-width: 33rem; margin: 0 auto; }
.frame.wide { max-width: 46rem; }
.brand { display: flex; align-items: center; gap: .6rem; margin: 0 0 1rem; padding: 0 .25rem; }
.brand b { font: 600 1.05rem/1 ui-serif, Georgia, "Times New Roman", serif; letter-spacing: .01em; }
.brand i { width: 1.1rem; height: 1.3rem; border: 2px solid var(--brand); border-radius: 2px; position: relative; }
.brand i::before {
  content: ""; position: absolute; left: 50%; top: -.42rem; width: .5rem; height: .5rem; margin-left: -.25rem;
  border-radius: 50%; background: var(--brand);
}
.brand i::after {
  content: ""; position: absolute; left: .17rem; right: .17rem; top: .33rem; height: .4rem;
  border: solid var(--brand); border-width: 2px 0;
}
main {
  background: var(--paper); border: 1px solid var(--line); border-top: 3px solid var(--brand); border-radius: 3px;
  box-shadow: var(--shadow); padding: 1.75rem 2rem 2rem;
}
main > :last-child { margin-bottom: 0; }
h1 { margin: 0 0 .5rem; font: 600 1.6rem/1.22 ui-serif, Georgia, "Times New Roman", serif; text-wrap: balance; }
h2 { margin: 0; font: 600 1.1rem/1.3 ui-serif, Georgia, "Times New Roman", serif; }
p { margin: 0 0 1rem; }
.soft { color: var(--soft); }
.after { margin: 1rem 0 0; }
small { font-size: .875rem; line-height: 1.45; color: var(--soft); display: block; }
a { color: var(--link); text-underline-offset: .15em; }
:focus-visible { outline: 3px solid var(--brand); outline-offset: 2px; border-radius: 3px; }
code { font: .9em/1.4 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
dl { margin: 1.25rem 0; border-top: 1px solid var(--line); }
dl > div { display: grid; grid-template-columns: 8.5rem 1fr; gap: .15rem 1rem; padding: .7rem 0; border-bottom: 1px solid var(--line); }
dt { color: var(--soft); }
dd { margin: 0; min-width: 0; }
dd form { display: inline; }
.place { font-size: 1.2rem; font-weight: 650; line-height: 1.3; }
.notice { margin: 1rem 0; padding: .75rem 1rem; background: var(--note); border-left: 4px solid var(--edge); border-radius: 2px; }
.notice.warn { background: var(--warn); border-color: var(--warn-edge); }
.notice > :last-child { margin-bottom: 0; }
fieldset { margin: 1.25rem 0 0; padding: 0; border: 0; min-width: 0; }
legend { padding: 0; margin-bottom: .25rem; font: 600 1.1rem/1.3 ui-serif, Georgia, "Times New Roman", serif; }
.choice { display: grid; grid-template-columns: 1.5rem 1fr; gap: 0 .65rem; padding: .65rem 0; border-bottom: 1px solid var(--line); cursor: pointer; }
.choice input { width: 1.25rem; height: 1.25rem; margin: .15rem 0 0; accent-color: var(--brand); }
.choice b { font-weight: 600; }
.choice:has(input:not(:checked)) ~ .choice > span { text-decoration: line-through; }
.field { margin: 0 0 1rem; }
.field label { display: block; margin-bottom: .3rem; font-weight: 600; }
.field > input, .field textarea, .field select {
  width: 100%; min-height: 2.75rem; padding: .5rem .75rem; font: inherit; color: inherit; background: var(--field);
  border: 1px solid var(--edge); border-radius: 3px;
}
.field input.code { font: 600 1.5rem/1.2 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; letter-spacing: .12em; text-transform: uppercase; }
.field [aria-invalid=true] { border-width: 2px; border-color: var(--warn-edge); }
.field textarea { display: block; resize: vertical; font: .875rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
.field small { margin-bottom: .35rem; }
.field .problem { margin: 0 0 .35rem; padding-left: .6rem; border-left: 4px solid var(--warn-edge); font-weight: 600; }
.masked { -webkit-text-security: disc; }
.field .reveal { display: block; width: fit-content; margin: .3rem 0; font-size: .875rem; font-weight: 400; color: var(--soft); cursor: pointer; }
.field .reveal[hidden] { display: none; }
.field .reveal input { width: 1.1rem; height: 1.1rem; margin: 0; vertical-align: -.2em; accent-color: var(--brand); }
.reveal:has(:checked) + .masked { -webkit-text-security: none; }
.buttons { display: flex; flex-wrap: wrap; gap: .75rem; margin-top: 1.5rem; }
.buttons > * { flex: 1 1 9rem; }
.button {
  display: block; width: 100%; min-height: 2.85rem; padding: .6rem 1.25rem; font: inherit; font-weight: 600; line-height: 1.35; text-align: center;
  text-decoration: none; cursor: pointer; color: var(--ink); background: transparent; border: 1px solid var(--edge); border-radius: 3px;
}
.button:hover { border-color: var(--ink); }
.button.main { color: var(--on-brand); background: var(--brand); border-color: var(--brand); }
.button.main:hover { background: var(--brand-strong); border-color: var(--brand-strong); }
.link { padding: 0; font: inherit; color: var(--link); background: none; border: 0; text-decoration: underline; text-underline-offset: .15em; cursor: pointer; }
.or { display: flex; align-items: center; gap: .75rem; margin: 1.25rem 0; color: var(--soft); }
.or::before, .or::after { content: ""; flex: 1; border-top: 1px solid var(--line); }
.stack > * + * { margin-top: .75rem; }
.usercode { margin: 1rem 0; font: 650 1.9rem/1.2 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; letter-spacing: .1em; text-align: center; }
.grants { list-style: none; margin: 1.25rem 0 0; padding: 0; }
.grants > li { padding: 1.1rem 0 1.25rem; border-top: 1px solid var(--line); }
.grants > li:last-child { padding-bottom: 0; }
.grants dl { margin: .5rem 0 .9rem; border: 0; }
.grants dl > div { padding: .15rem 0; border: 0; }
.bar { display: flex; flex-wrap: wrap; gap: .25rem 1rem; justify-content: space-between; margin: 0; }
.narrow { width: auto; }
section { margin: 1.75rem 0 0; }
h3 { margin: 0; font: 600 1.05rem/1.35 ui-serif, Georgia, "Times New Roman", serif; }
h1:focus { outline: 0; }
.crumb { margin: 0 0 .35rem; font-size: .875rem; }
.tag { display: inline-block; padding: .05rem .45rem; font: 600 .8125rem/1.45 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; border: 1px solid var(--edge); border-radius: 3px; }
.tag.replace, .tag.delete, .tag.execute, .tag.denied { background: var(--warn); border-color: var(--warn-edge); }
.tag.approved, .tag.used { border-color: var(--good-edge); }
.about { max-height: 9rem; overflow: auto; white-space: pre-wrap; margin-top: .25rem; }
blockquote { margin: 0; padding: .1rem 0 .1rem .8rem; border-left: 3px solid var(--edge); white-space: pre-wrap; }
blockquote + small { margin-top: .3rem; }
.notice.good { background: var(--now); border-color: var(--good-edge); }
.standing p { margin-bottom: .25rem; }
.values { list-style: none; margin: .75rem 0 0; padding: 0; }
.values > li { padding: .6rem 0 .75rem; border-top: 1px solid var(--line); }
.path { display: flex; flex-wrap: wrap; align-items: baseline; gap: .25rem .6rem; margin: 0 0 .3rem; max-height: 8rem; overflow: auto; }
.path code { font-weight: 600; }
.path .tag { font-weight: 400; }
.sides { display: grid; grid-template-columns: 1fr; gap: .5rem; }
.side { min-width: 0; }
.side > b { display: block; font-size: .8125rem; font-weight: 600; color: var(--soft); }
.value {
  margin: 0; padding: .45rem .7rem; font: .875rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace;
  white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: isolate; background: var(--note); border-left: 4px solid var(--edge); border-radius: 2px;
}
.value.long { max-height: 22rem; overflow: auto; }
.was .value { background: var(--was); border-color: var(--warn-edge); }
.now .value { background: var(--now); border-color: var(--good-edge); }
del { background: var(--was-mark); border-radius: 2px; text-decoration-thickness: 1px; }
ins { background: var(--now-mark); border-radius: 2px; text-decoration-thickness: 1px; text-underline-offset: .15em; }
.esc { font: 600 .8125em/1 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-style: normal; padding: 0 .2em; border: 1px dashed currentColor; border-radius: 3px; unicode-bidi: isolate; }
.rest { margin: .75rem 0 0; }
summary { padding: .35rem 0; color: var(--link); cursor: pointer; text-decoration: underline; text-underline-offset: .15em; }
.decide { margin: 1.75rem 0 0; padding: 1.25rem 0 0; border-top: 3px double var(--line); }
.decide .buttons { margin-top: 1rem; }
.requests > li { padding: .9rem 0 1rem; }
.requests p { margin: .2rem 0 0; }
.requests { margin-top: .6rem; }
section > .soft, .summary { margin: .3rem 0 .5rem; }
footer { margin: 1rem .25rem 0; font-size: .875rem; color: var(--soft); }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media (min-width: 44rem) {
  .sides:has(.was):has(.now) { grid-template-columns: 1fr 1fr; }
  .plain > li { display: grid; grid-template-columns: 8.5rem 1fr; gap: 0 1rem; align-items: baseline; padding: .4rem 0; }
  .plain .path { margin: 0; max-height: 12rem; }
}
@media (max-width: 30rem) {
  body { padding: 1rem .5rem 1.5rem; }
  main { padding: 1.25rem 1.1rem 1.4rem; }
  h1 { font-size: 1.4rem; }
  dl > div { grid-template-columns: 1fr; padding: .55rem 0; }
  .grants dl > div { grid-template-columns: 6.5rem 1fr; }
  dt { font-size: .875rem; }
}
@media (forced-colors: active) { .brand i, .brand i::before { forced-color-adjust: none; } }
`.replace(/\n\s*/g, '');

/** The `style-src` that lets this style sheet in and nothing else. */
export const stylesheetSource = `'sha256-${createHash('sha256').update(stylesheet).digest('base64')}'`;
