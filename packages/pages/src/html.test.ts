import { expect, test } from 'vitest';
import { html } from './html.js';

test('values are escaped in text and in attributes', () => {
  const value = `<script>"'\`&`;

  const page = html`<p title="${value}">${value}</p>`;

  const escaped = '&lt;script&gt;&quot;&#39;&#96;&amp;';
  expect(page.toString()).toBe(`<p title="${escaped}">${escaped}</p>`);
});

test('markup made by the same tag is not escaped again', () => {
  const items = ['<a>', 'b'].map(item => html`<li>${item}</li>`);

  expect(html`<ul>${items}</ul>`.toString()).toBe('<ul><li>&lt;a&gt;</li><li>b</li></ul>');
});

test('nothing is written for what is absent, and zero is written', () => {
  expect(html`[${undefined}${null}${false}${''}${0}]`.toString()).toBe('[0]');
});

test('an object that claims to be markup is escaped like any other value', () => {
  const forged = { toString: () => '<script>' };

  expect(html`${forged as unknown as string}`.toString()).toBe('&lt;script&gt;');
});

test('entities in values stay text', () => {
  expect(html`${'&lt;b&gt;'}`.toString()).toBe('&amp;lt;b&amp;gt;');
});
