import { describe, expect, test } from 'vitest';
import { stylesheet } from './stylesheet.js';

const [light = '', dark = ''] = stylesheet.match(/:root \{[^}]*\}/g) ?? [];

describe.each([
  ['light', light],
  ['dark', dark],
])('the %s colours', (_name, rule) => {
  const colours = new Map([...rule.matchAll(/--([\w-]+): (#[0-9a-f]+);/g)].map(match => [match[1], match[2] ?? '']));
  const contrast = (one: string, other: string) => contrastOf(colours.get(one) ?? '', colours.get(other) ?? '');

  test.each([
    ['ink', 'paper'],
    ['ink', 'board'],
    ['ink', 'note'],
    ['ink', 'warn'],
    ['ink', 'field'],
    ['ink', 'was'],
    ['ink', 'was-mark'],
    ['ink', 'now'],
    ['ink', 'now-mark'],
    ['soft', 'paper'],
    ['soft', 'note'],
    ['soft', 'warn'],
    ['soft', 'now'],
    ['soft', 'board'],
    ['link', 'paper'],
    ['on-brand', 'brand'],
    ['on-brand', 'brand-strong'],
  ])('give text a contrast of 4.5 (%s on %s)', (text, background) => {
    expect(contrast(text, background)).toBeGreaterThanOrEqual(4.5);
  });

  test.each([
    ['edge', 'paper'],
    ['edge', 'field'],
    ['brand', 'paper'],
    ['warn-edge', 'warn'],
    ['warn-edge', 'paper'],
    ['warn-edge', 'was'],
    ['good-edge', 'now'],
    ['good-edge', 'paper'],
  ])('give lines around controls a contrast of 3 (%s on %s)', (line, background) => {
    expect(contrast(line, background)).toBeGreaterThanOrEqual(3);
  });
});

/** WCAG 2.2, "contrast ratio". */
function contrastOf(one: string, other: string): number {
  const [darker = 0, lighter = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (lighter + 0.05) / (darker + 0.05);
}

function luminance(colour: string): number {
  const digits = colour.length === 4 ? [...colour.slice(1)].map(digit => digit + digit) : colour.slice(1).match(/../g);
  const [red = 0, green = 0, blue = 0] = (digits ?? []).map(pair => {
    const value = Number.parseInt(pair, 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
